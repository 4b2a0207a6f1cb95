#include "deploy/onnx_runtime_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "deploy/onnx_runtime.h"

namespace frostnas::deploy {
namespace {

// The oldest version taken, and no newer functions are used: version 1.N has
// the functions of API version N. 1.14 dies on processors with AMX.
constexpr uint32_t kApiVersion = 15;

// What to open, in order.
std::vector<std::string> Candidates(const std::string& file) {
  if (!file.empty()) return {file};
  const char* named = std::getenv(kOnnxRuntimeVariable);
  if (named != nullptr && *named != '\0') return {named};
  return {"libonnxruntime.so.1", "libonnxruntime.so"};
}

// The first of `names` that can be opened; never closed, for its threads and
// thread-local objects outlive every session.
absl::StatusOr<void*> OpenFirst(const std::vector<std::string>& names) {
  std::vector<std::string> faults;
  for (const std::string& name : names) {
    // Without a slash the loader would not look in the current folder.
    const bool here = !absl::StrContains(name, '/') && FileExists(name);
    void* const handle =
        dlopen(here ? absl::StrCat("./", name).c_str() : name.c_str(),
               RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) return handle;
    const char* fault = dlerror();
    faults.push_back(fault == nullptr ? name : fault);
  }
  return absl::NotFoundError(
      absl::StrCat("no ONNX Runtime: ", absl::StrJoin(faults, "; "),
                   ". Give --onnx_runtime FILE or set ", kOnnxRuntimeVariable,
                   " to a libonnxruntime.so"));
}

// Whether `version` is "1.N" with N at least kApiVersion, or later than 1.
bool IsRecent(const std::string& version) {
  const std::vector<std::string> parts = absl::StrSplit(version, '.');
  uint32_t major = 0, minor = 0;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &major) ||
      !absl::SimpleAtoi(parts[1], &minor)) {
    return false;
  }
  return major > 1 || (major == 1 && minor >= kApiVersion);
}

}  // namespace

absl::StatusOr<OnnxLibrary> OpenOnnxLibrary(const std::string& file) {
  const std::vector<std::string> names = Candidates(file);
  ASSIGN_OR_RETURN(void* const handle, OpenFirst(names));
  const auto get_base = reinterpret_cast<const OrtApiBase*(ORT_API_CALL*)()>(
      dlsym(handle, "OrtGetApiBase"));
  const OrtApiBase* const base = get_base == nullptr ? nullptr : get_base();
  if (base == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(absl::StrJoin(names, " or "),
                     " is no ONNX Runtime: it has no OrtGetApiBase"));
  }
  OnnxLibrary library;
  library.version = base->GetVersionString();
  if (IsRecent(library.version)) library.api = base->GetApi(kApiVersion);
  if (library.api != nullptr) return library;
  return absl::FailedPreconditionError(absl::StrCat(
      "ONNX Runtime ", library.version, " of ", absl::StrJoin(names, " or "),
      " is not 1.", kApiVersion, " or later"));
}

}  // namespace frostnas::deploy
