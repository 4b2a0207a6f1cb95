#include "latency/runner/line_writer.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/file.h"
#include "google/protobuf/util/json_util.h"

namespace frostnas::latency {

absl::Status LineWriter::Write(const v1::RunnerLine& line) {
  google::protobuf::util::JsonPrintOptions options;
  // For readers by eye: a code of 0 is said.
  options.always_print_primitive_fields = true;
  std::string text;
  CHECK(google::protobuf::util::MessageToJsonString(line, &text, options).ok());
  text += '\n';
  absl::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = write(descriptor_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(written);
    } else if (errno != EINTR) {
      return absl::UnavailableError(
          FileError(errno, "write to", "standard output").message());
    }
  }
  return absl::OkStatus();
}

}  // namespace frostnas::latency
