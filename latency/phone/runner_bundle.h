// The files that make up the runner on a phone, and how it is started.
#ifndef FROSTNAS_LATENCY_PHONE_RUNNER_BUNDLE_H_
#define FROSTNAS_LATENCY_PHONE_RUNNER_BUNDLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace frostnas::latency {

struct RunnerFile {
  std::string name;  // without a folder
  absl::string_view bytes;
};

struct RunnerBundle {
  std::vector<RunnerFile> files;
  // What comes before the runner's own arguments, said in the files' folder:
  // {"./ld-linux-aarch64.so.1", "--library-path", ".", "./runner"}.
  std::vector<std::string> launch;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_RUNNER_BUNDLE_H_
