// The phone runner: executes and measures INT8 packages with XNNPACK and
// answers in JSON lines (docs/runner.md).
#include <signal.h>
#include <unistd.h>

#include <string>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "base/file.h"
#include "base/program.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "latency/runner/line_writer.h"
#include "latency/runner/runner.h"
#include "proto/frostnas/v1/runner.pb.h"

ABSL_FLAG(std::string, request, "",
          "file with a frostnas.v1.RunnerRequest in binary form; files that it "
          "names are relative to the current directory");

namespace frostnas::latency {
namespace {

absl::Status Answer(LineWriter& lines, v1::RunnerEnd& end,
                    const StopToken& stop) {
  v1::RunnerLine line;
  ASSIGN_OR_RETURN(*line.mutable_hello(), MakeHello());
  RETURN_IF_ERROR(lines.Write(line));
  if (absl::GetFlag(FLAGS_request).empty()) {
    return absl::InvalidArgumentError("--request FILE is missing");
  }
  ASSIGN_OR_RETURN(const v1::RunnerRequest request,
                   ReadRequest(ResolveUserPath(absl::GetFlag(FLAGS_request))));
  return RunRequest(request, lines, end, stop);
}

const ProgramInfo kProgram = {
    .name = "runner",
    .usage =
        "runner --request FILE\n\nExecutes or measures INT8 networks on "
        "this machine and prints JSON\nlines, the first a hello and the "
        "last an end. Exit code 0 when the end's\ncode is 0.\n",
    .flag_files = {"latency/runner/"},
    .repeatable = {}};

int Main(int argc, char** argv) {
  ParseProgram(argc, argv, kProgram);
  // Without a reader the next write fails, and ends the work.
  signal(SIGPIPE, SIG_IGN);
  const StopToken stop = StopOnSignals();
  LineWriter lines(STDOUT_FILENO);
  v1::RunnerLine line;
  v1::RunnerEnd& end = *line.mutable_end();
  const absl::Status status = Answer(lines, end, stop);
  end.set_code(static_cast<int>(status.code()));
  end.set_message(std::string(status.message()));
  return lines.Write(line).ok() && status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace frostnas::latency

int main(int argc, char** argv) { return frostnas::latency::Main(argc, argv); }
