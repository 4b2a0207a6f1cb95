// frostctl: a user's client of a controller. See --help.

#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "arch/describe.h"
#include "base/program.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "search/main/profile_command.h"
#include "search/main/study_flags.h"
#include "search/report/event_line.h"
#include "search/report/terminal_table.h"
#include "search/server/study_client.h"

ABSL_FLAG(std::string, controller, "127.0.0.1:50051",
          "HOST:PORT of the controller.");
ABSL_FLAG(bool, json, false, "describe: JSON instead of a table.");
ABSL_FLAG(int, classes, 0,
          "describe, profile: number of classes. 0: 1000 for presets, the "
          "file's or space's own.");
ABSL_FLAG(bool, wait, false,
          "submit: watch the study until it ends; exit 0 when it succeeded.");

namespace frostnas::search {
namespace {

constexpr char kUsage[] =
    "frostctl COMMAND [ARGUMENT] [flags]\n"
    "\n"
    "  submit             queue the study that the flags describe\n"
    "  watch STUDY        print what happens until the study ends\n"
    "  list               studies, newest first\n"
    "  trials STUDY       all trials of a study\n"
    "  pareto STUDY       the trials on its front\n"
    "  cancel STUDY       stop a study; measured trials stay\n"
    "  workers            workers heard of in the last hour\n"
    "  describe PRESET|FILE   parameters, MACs and layers of a network; needs\n"
    "                     no controller (--width, --input_size, --classes,\n"
    "                     --json)\n"
    "  profile            measure what predicts a space's latencies on a\n"
    "                     device; needs no controller (--table, --device,\n"
    "                     --space, --width, --input_size, --classes,\n"
    "                     --threads, --batch,\n"
    "                     --effort, --calibration_networks, --holdout,\n"
    "                     --start_from, --target_mape, --report)\n";

// Arguments of one command, without the command itself.
using Arguments = std::vector<std::string>;

absl::StatusOr<std::string> OneArgument(const Arguments& arguments,
                                        const std::string& what) {
  if (arguments.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected one ", what, ", got ", arguments.size(), "; see --help"));
  }
  return arguments[0];
}

absl::StatusOr<std::unique_ptr<StudyClient>> Client() {
  return StudyClient::Create(absl::GetFlag(FLAGS_controller));
}

// A state of a newer controller has no name here.
std::string StateName(v1::StudyState state) {
  const std::string& name = v1::StudyState_Name(state);
  return name.empty() ? "UNKNOWN" : name.substr(sizeof("STUDY_STATE_") - 1);
}

absl::Status WatchStudy(StudyClient& client, const std::string& study_id) {
  RETURN_IF_ERROR(client.Watch(study_id, 0, StopOnSignals(),
                               [](const v1::StudyEvent& event) {
                                 std::puts(EventLine(event).c_str());
                                 std::fflush(stdout);
                               }));
  ASSIGN_OR_RETURN(const v1::Study study, client.Get(study_id));
  if (study.state() == v1::STUDY_STATE_SUCCEEDED) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("study ", study_id, " ended as ",
                                         StateName(study.state()), ": ",
                                         study.error()));
}

absl::Status Submit(const Arguments& arguments) {
  if (!arguments.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("submit takes flags only, not \"", arguments[0], "\""));
  }
  ASSIGN_OR_RETURN(const v1::StudySpec spec, StudySpecFromFlags());
  ASSIGN_OR_RETURN(auto client, Client());
  absl::BitGen random;
  const std::string request_id =
      absl::StrFormat("frostctl-%016x", absl::Uniform<uint64_t>(random));
  ASSIGN_OR_RETURN(const v1::Study study, client->Submit(request_id, spec));
  std::puts(study.id().c_str());
  std::fflush(stdout);
  if (!absl::GetFlag(FLAGS_wait)) return absl::OkStatus();
  return WatchStudy(*client, study.id());
}

absl::Status Watch(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string study, OneArgument(arguments, "study id"));
  ASSIGN_OR_RETURN(auto client, Client());
  return WatchStudy(*client, study);
}

absl::Status List(const Arguments&) {
  ASSIGN_OR_RETURN(auto client, Client());
  ASSIGN_OR_RETURN(const std::vector<v1::Study> studies, client->List());
  absl::PrintF("%-12s %-10s %-10s %8s  %-16s %s\n", "study", "state", "phase",
               "progress", "space", "data set");
  for (const v1::Study& study : studies) {
    absl::PrintF("%-12s %-10s %-10s %7.0f%%  %-16s %s\n", study.id(),
                 StateName(study.state()), study.phase(),
                 study.progress() * 100, study.spec().space().name(),
                 study.dataset().name());
  }
  return absl::OkStatus();
}

// The report that the tables print, without what they do not need.
absl::StatusOr<StudyReport> Report(StudyClient& client,
                                   const std::string& study_id) {
  StudyReport report;
  ASSIGN_OR_RETURN(report.study, client.Get(study_id));
  ASSIGN_OR_RETURN(report.trials, client.Trials(study_id));
  return report;
}

absl::Status PrintTable(const Arguments& arguments,
                        std::string (*table)(const StudyReport&)) {
  ASSIGN_OR_RETURN(const std::string study, OneArgument(arguments, "study id"));
  ASSIGN_OR_RETURN(auto client, Client());
  ASSIGN_OR_RETURN(const StudyReport report, Report(*client, study));
  std::fputs(table(report).c_str(), stdout);
  return absl::OkStatus();
}

absl::Status Cancel(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string id, OneArgument(arguments, "study id"));
  ASSIGN_OR_RETURN(auto client, Client());
  ASSIGN_OR_RETURN(const v1::Study study, client->Cancel(id));
  absl::PrintF("%s %s\n", study.id(), StateName(study.state()));
  return absl::OkStatus();
}

absl::Status Workers(const Arguments&) {
  ASSIGN_OR_RETURN(auto client, Client());
  ASSIGN_OR_RETURN(const std::vector<v1::WorkerStatus> workers,
                   client->Workers());
  for (const v1::WorkerStatus& worker : workers) {
    std::string line = absl::StrFormat(
        "%-24s heard %s", worker.worker_id(),
        absl::FormatTime(absl::FromUnixNanos(worker.last_heard_at_ns())));
    for (const std::string& device : worker.devices()) {
      absl::StrAppend(&line, " ", device);
    }
    for (const std::string& task : worker.task_ids()) {
      absl::StrAppend(&line, " [", task, "]");
    }
    std::puts(line.c_str());
  }
  return absl::OkStatus();
}

// --width, --input_size and --classes as given.
arch::SpaceOverrides OverridesFromFlags() {
  arch::SpaceOverrides overrides = ShapeOverridesFromFlags();
  if (const int classes = absl::GetFlag(FLAGS_classes); classes != 0) {
    overrides.num_classes = classes;
  }
  return overrides;
}

absl::Status Profile(const Arguments& arguments) {
  if (!arguments.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("profile takes flags only, not \"", arguments[0], "\""));
  }
  return ProfileFromFlags(OverridesFromFlags());
}

absl::Status Describe(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string name,
                   OneArgument(arguments, "preset or file"));
  const arch::SpaceOverrides overrides = OverridesFromFlags();
  ASSIGN_OR_RETURN(const arch::Description description,
                   arch::Describe(name, overrides));
  const std::string text = absl::GetFlag(FLAGS_json)
                               ? arch::DescriptionJson(description) + "\n"
                               : arch::DescriptionText(description);
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

absl::Status Run(const std::vector<std::string>& arguments) {
  static const std::map<std::string, std::function<absl::Status(
                                         const Arguments&)>>* const kCommands =
      new std::map<std::string, std::function<absl::Status(const Arguments&)>>{
          {"submit", Submit},
          {"watch", Watch},
          {"list", List},
          {"cancel", Cancel},
          {"workers", Workers},
          {"describe", Describe},
          {"profile", Profile},
          {"trials",
           [](const Arguments& a) { return PrintTable(a, TrialsTable); }},
          {"pareto",
           [](const Arguments& a) { return PrintTable(a, FrontTable); }},
      };
  if (arguments.empty()) {
    return absl::InvalidArgumentError("no command given; see --help");
  }
  const auto command = kCommands->find(arguments[0]);
  if (command == kCommands->end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown command \"", arguments[0], "\"; see --help"));
  }
  return command->second({arguments.begin() + 1, arguments.end()});
}

int Main(int argc, char** argv) {
  EnsureEnvironment(argv, ComputeEnvironment());
  const ProgramInfo info{
      .name = "frostctl",
      .usage = kUsage,
      .flag_files = {"search/main/", "workers/device_flags", "nn/data/flags/"},
      .repeatable = RepeatableStudyFlags()};
  return ExitCode(info, Run(ParseProgram(argc, argv, info)));
}

}  // namespace
}  // namespace frostnas::search

int main(int argc, char** argv) { return frostnas::search::Main(argc, argv); }
