// The controller's own flags, beside those of a study (study_flags.h).
#ifndef FROSTNAS_SEARCH_MAIN_CONTROLLER_FLAGS_H_
#define FROSTNAS_SEARCH_MAIN_CONTROLLER_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "search/server/server.h"

namespace frostnas::search {

struct ControllerOptions {
  std::string db;             // absolute path
  std::string out;            // absolute path
  std::string latency_table;  // absolute path; empty: none
  std::string onnx_runtime;   // a path; empty: wherever it is found
  bool resume = false;
  bool serve = false;
  ServerOptions server;
};

// INVALID_ARGUMENT: flags that do not go together, naming them.
absl::StatusOr<ControllerOptions> ControllerOptionsFromFlags();

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_CONTROLLER_FLAGS_H_
