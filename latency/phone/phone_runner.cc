#include "latency/phone/phone_runner.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_macros.h"

namespace frostnas::latency {
namespace {

constexpr int kPushes = 2;
// Matches the runner's request, and not the line that says so.
constexpr char kRunnerPattern[] = "/data/local/tmp/[f]rostnas/job";

std::string JobFolder() { return absl::StrCat(kPhoneFolder, "/job"); }

std::string BundleFolder(const RunnerBundle& bundle) {
  std::string digests;
  for (const RunnerFile& file : bundle.files) {
    absl::StrAppend(&digests, file.name, " ", Sha256Hex(file.bytes), "\n");
  }
  return absl::StrCat(kPhoneFolder, "/runner-",
                      Sha256Hex(digests).substr(0, 16));
}

}  // namespace

PhoneRunner::PhoneRunner(const Adb& adb, std::string serial,
                         RunnerBundle bundle)
    : adb_(adb),
      serial_(std::move(serial)),
      bundle_(std::move(bundle)),
      folder_(BundleFolder(bundle_)) {}

absl::StatusOr<bool> PhoneRunner::Holds(const std::string& path,
                                        const std::string& sha256,
                                        const StopToken& stop) const {
  const auto line = adb_.Shell(serial_, {"sha256sum", path}, {.stop = stop});
  // ABORTED: there is no such file.
  if (absl::IsAborted(line.status())) return false;
  RETURN_IF_ERROR(line.status());
  return absl::StartsWith(*line, sha256);
}

absl::Status PhoneRunner::Place(absl::string_view bytes,
                                const std::string& path,
                                const StopToken& stop) const {
  ASSIGN_OR_RETURN(const TempDir folder, TempDir::Create());
  const std::string local = absl::StrCat(folder.path(), "/file");
  RETURN_IF_ERROR(WriteFileAtomic(local, bytes));
  const std::string sha256 = Sha256Hex(bytes);
  for (int push = 0; push < kPushes; ++push) {
    RETURN_IF_ERROR(adb_.Push(serial_, local, path, stop));
    ASSIGN_OR_RETURN(const bool holds, Holds(path, sha256, stop));
    if (holds) return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("phone ", serial_, ": ", path,
                                             " arrived with other bytes ",
                                             kPushes, " times"));
}

absl::Status PhoneRunner::Install(const StopToken& stop) const {
  RETURN_IF_ERROR(
      adb_.Shell(serial_, {"mkdir", "-p", folder_}, {.stop = stop}).status());
  for (const RunnerFile& file : bundle_.files) {
    const std::string path = absl::StrCat(folder_, "/", file.name);
    ASSIGN_OR_RETURN(const bool holds,
                     Holds(path, Sha256Hex(file.bytes), stop));
    if (holds) continue;
    RETURN_IF_ERROR(Place(file.bytes, path, stop));
    RETURN_IF_ERROR(
        adb_.Shell(serial_, {"chmod", "755", path}, {.stop = stop}).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PhoneRunner::Bring(const std::string& name,
                                               absl::string_view bytes,
                                               const StopToken& stop) const {
  RETURN_IF_ERROR(
      adb_.Shell(serial_, {"mkdir", "-p", JobFolder()}, {.stop = stop})
          .status());
  const std::string path = absl::StrCat(JobFolder(), "/", name);
  RETURN_IF_ERROR(Place(bytes, path, stop));
  return path;
}

absl::StatusOr<RunnerAnswer> PhoneRunner::Ask(const v1::RunnerRequest& request,
                                              absl::Duration deadline,
                                              const StopToken& stop) const {
  ASSIGN_OR_RETURN(const std::string path,
                   Bring("request", request.SerializeAsString(), stop));
  std::vector<std::string> argv = bundle_.launch;
  argv.insert(argv.end(), {"--request", path});
  RunnerAnswer answer;
  const auto output = adb_.Shell(
      serial_, argv,
      {.deadline = deadline,
       .stop = stop,
       .folder = folder_,
       .on_output = [&](absl::string_view piece) { answer.Add(piece); }});
  // ABORTED: the runner ended with an error, which its last line explains.
  if (!output.ok() && !absl::IsAborted(output.status())) {
    return output.status();
  }
  const absl::Status ended = answer.Check();
  if (ended.ok()) return answer;
  if (answer.end().code() == 0 && !output.ok()) return output.status();
  const std::string text =
      absl::StrCat("phone ", serial_, ": ", ended.message());
  const bool own = answer.end().code() != 0 && !absl::IsInvalidArgument(ended);
  return absl::Status(own ? absl::StatusCode::kAborted : ended.code(), text);
}

absl::Status PhoneRunner::CleanUp(const StopToken& stop) const {
  const auto killed =
      adb_.Shell(serial_, {"pkill", "-f", kRunnerPattern}, {.stop = stop});
  // ABORTED: there was nothing to kill.
  if (!killed.ok() && !absl::IsAborted(killed.status())) return killed.status();
  return adb_.Shell(serial_, {"rm", "-rf", JobFolder()}, {.stop = stop})
      .status();
}

}  // namespace frostnas::latency
