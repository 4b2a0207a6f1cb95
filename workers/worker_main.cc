// worker: leases tasks from a controller and runs them. See --help.

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/program.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "workers/device_flags.h"
#include "workers/runners.h"
#include "workers/worker_group.h"

ABSL_FLAG(std::string, controller, "127.0.0.1:50051",
          "HOST:PORT of the controller.");
ABSL_FLAG(std::vector<std::string>, roles,
          (std::vector<std::string>{"accuracy", "latency"}),
          "What this worker does: accuracy (train and evaluate), latency "
          "(measure networks and operators). A comma list.");
ABSL_FLAG(std::vector<std::string>, device, {"host"},
          "Devices this worker measures. Repeatable, or a comma list; ignored "
          "without the role latency.");
ABSL_FLAG(std::string, worker_id, "",
          "1..64 of [A-Za-z0-9._-], unique among the controller's workers. "
          "Default: host name and process id.");
ABSL_FLAG(std::string, data_dir, "",
          "Folder of the data set here, where it differs from the study's.");
ABSL_FLAG(bool, insecure, false,
          "Plaintext to a controller that is not on a loopback address.");
ABSL_FLAG(std::string, tls_cert, "", "PEM file: this worker's certificate.");
ABSL_FLAG(std::string, tls_key, "", "PEM file: this worker's private key.");
ABSL_FLAG(std::string, tls_ca, "",
          "PEM file: the authority that signed the controller's certificate.");

namespace frostnas::workers {
namespace {

std::string DefaultWorkerId() {
  char host[64] = {};
  gethostname(host, sizeof(host) - 1);
  // The name may hold no more than 64 characters.
  return absl::StrCat(std::string(host).substr(0, 48), "-", getpid());
}

absl::StatusOr<std::vector<v1::TaskKind>> RolesFromFlags() {
  std::vector<v1::TaskKind> roles;
  for (const std::string& role : absl::GetFlag(FLAGS_roles)) {
    if (role == "accuracy") {
      roles.push_back(v1::TASK_KIND_ACCURACY);
    } else if (role == "latency") {
      roles.push_back(v1::TASK_KIND_LATENCY);
      roles.push_back(v1::TASK_KIND_PROFILE_OPS);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--roles: \"", role, "\" is not accuracy or latency"));
    }
  }
  return roles;
}

std::string PathFlag(const std::string& path) {
  return path.empty() ? path : ResolveUserPath(path);
}

absl::Status Run() {
  RunnerOptions runner_options;
  ASSIGN_OR_RETURN(runner_options.roles, RolesFromFlags());
  runner_options.data_dir = PathFlag(absl::GetFlag(FLAGS_data_dir));
  for (const v1::TaskKind role : runner_options.roles) {
    if (role == v1::TASK_KIND_LATENCY) {
      runner_options.devices = absl::GetFlag(FLAGS_device);
    }
  }
  ASSIGN_OR_RETURN(runner_options.device_options, DeviceOptionsFromFlags());
  const StopToken stop = StopOnSignals();
  ASSIGN_OR_RETURN(std::vector<RunnerSet> sets,
                   MakeRunners(runner_options, stop));
  const LeaseClientOptions client = {
      .controller = absl::GetFlag(FLAGS_controller),
      .insecure = absl::GetFlag(FLAGS_insecure),
      .tls_cert = PathFlag(absl::GetFlag(FLAGS_tls_cert)),
      .tls_key = PathFlag(absl::GetFlag(FLAGS_tls_key)),
      .tls_ca = PathFlag(absl::GetFlag(FLAGS_tls_ca))};
  std::string worker_id = absl::GetFlag(FLAGS_worker_id);
  if (worker_id.empty()) worker_id = DefaultWorkerId();
  ASSIGN_OR_RETURN(
      auto group,
      WorkerGroup::Create(client, worker_id, std::move(sets), RealClock()));
  LOG(INFO) << "worker " << worker_id << " for " << client.controller;
  return group->Run(stop);
}

int Main(int argc, char** argv) {
  EnsureEnvironment(argv, ComputeEnvironment());
  const ProgramInfo info{
      .name = "worker",
      .usage =
          "worker [flags]\n\nLeases tasks from a controller and runs "
          "them, until it is stopped.\n",
      .flag_files = {"workers/worker_main", "workers/device_flags"},
      .repeatable = {"device", "roles"}};
  const std::vector<std::string> rest = ParseProgram(argc, argv, info);
  if (!rest.empty()) {
    return ExitCode(info,
                    absl::InvalidArgumentError(absl::StrCat(
                        "unexpected argument \"", rest[0], "\"; see --help")));
  }
  return ExitCode(info, Run());
}

}  // namespace
}  // namespace frostnas::workers

int main(int argc, char** argv) { return frostnas::workers::Main(argc, argv); }
