#include "latency/phone/phone_bundle.h"

#include <string>

#include "base/embedded_file.h"
#include "latency/runner/runner_arm64_files.h"

namespace frostnas::latency {

RunnerBundle PhoneBundle() {
  RunnerBundle bundle;
  for (const EmbeddedFile& file : RunnerArm64Files()) {
    bundle.files.push_back({std::string(file.name), file.text});
  }
  // Its loader and libraries are found in the folder it is started in.
  bundle.launch = {"./runner"};
  return bundle;
}

}  // namespace frostnas::latency
