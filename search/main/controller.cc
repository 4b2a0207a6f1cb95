// controller: runs a study in this process, or serves studies. See --help.

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/program.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "db/folder_blob_store.h"
#include "db/sqlite_store.h"
#include "search/engine/engine.h"
#include "search/main/controller_flags.h"
#include "search/main/embedded_worker.h"
#include "search/main/onnx_checking.h"
#include "search/main/phase_progress.h"
#include "search/main/study_flags.h"
#include "search/main/table_file.h"
#include "search/report/outputs.h"
#include "search/report/study_report.h"
#include "search/report/terminal_table.h"
#include "search/server/server.h"
#include "search/supernet/supernet_search.h"
#include "workers/device_flags.h"

namespace frostnas::search {
namespace {

constexpr char kUsage[] =
    "controller [flags]\n"
    "\n"
    "Searches INT8 networks for a device and writes the Pareto front of\n"
    "measured accuracy and latency to --out. With --serve: serves studies\n"
    "submitted by frostctl to workers.\n";

constexpr absl::Duration kServeWait = absl::Seconds(1);

// What a controller keeps.
struct Storage {
  std::unique_ptr<db::Store> store;
  std::unique_ptr<db::BlobStore> blobs;
};

absl::StatusOr<Storage> OpenStorage(const ControllerOptions& options) {
  RETURN_IF_ERROR(MakeDirs(options.out));
  Storage storage;
  ASSIGN_OR_RETURN(storage.store,
                   db::OpenSqliteStore(options.db, &RealClock()));
  ASSIGN_OR_RETURN(
      storage.blobs,
      db::OpenFolderBlobStore({.folder = absl::StrCat(options.db, ".blobs")},
                              &RealClock()));
  return storage;
}

// The newest study that has neither succeeded nor been cancelled; the newest of
// all when it succeeded, so that its outputs can be written again.
absl::StatusOr<v1::Study> StudyToResume(db::Store& store,
                                        const std::string& db) {
  ASSIGN_OR_RETURN(const db::Page<v1::Study> page,
                   store.ListStudies({.size = 100}));
  for (const v1::Study& study : page.items) {
    if (study.state() != v1::STUDY_STATE_CANCELLED) return study;
  }
  return absl::NotFoundError(
      absl::StrCat("--resume: ", db, " holds no study to go on with"));
}

absl::StatusOr<v1::Study> NewStudy(db::Store& store,
                                   const v1::StudySpec& spec) {
  const std::string request =
      absl::StrCat("controller-", absl::ToUnixNanos(RealClock().Now()));
  return store.CreateStudy(request, spec);
}

absl::Status Finish(const ControllerOptions& options, const OnnxChecking& onnx,
                    Storage& storage, const std::string& study_id,
                    const std::string& out) {
  ASSIGN_OR_RETURN(const StudyReport report,
                   LoadStudyReport(*storage.store, study_id));
  RETURN_IF_ERROR(WriteOutputs(report, *storage.blobs,
                               onnx.CheckerOf(report.study.spec()), out));
  RETURN_IF_ERROR(ExportTable(options.latency_table, *storage.store, report));
  std::fputs(FrontTable(report).c_str(), stdout);
  absl::PrintF("\n%s\n%s\n", JoinPath(out, "pareto.json"),
               JoinPath(out, "report.html"));
  std::fflush(stdout);
  return absl::OkStatus();
}

absl::Status RunOneStudy(const ControllerOptions& options,
                         const OnnxChecking& onnx, const StopToken& stop) {
  // Flags are checked before anything is written.
  ASSIGN_OR_RETURN(const latency::DeviceOptions devices,
                   workers::DeviceOptionsFromFlags());
  v1::StudySpec spec;
  if (!options.resume) {
    ASSIGN_OR_RETURN(spec, StudySpecFromFlags());
  }
  ASSIGN_OR_RETURN(Storage storage, OpenStorage(options));
  ASSIGN_OR_RETURN(const v1::Study study,
                   options.resume ? StudyToResume(*storage.store, options.db)
                                  : NewStudy(*storage.store, spec));
  RETURN_IF_ERROR(ImportTable(options.latency_table, *storage.store));
  ASSIGN_OR_RETURN(auto server,
                   Server::Start(options.server, storage.store.get(),
                                 storage.blobs.get(), &RealClock()));
  StopSource study_stop(stop);
  ASSIGN_OR_RETURN(auto worker,
                   EmbeddedWorker::Start(server->address(), study.spec(),
                                         devices, &study_stop));
  LOG(INFO) << "study " << study.id() << " in " << options.db;
  PhaseProgress progress(RealClock(), StderrOutput());
  const absl::Status status = RunStudy(
      study.id(), *storage.store, *storage.blobs,
      {.make_search = MakeSupernetSearch,
       .on_progress = [&](const StudyProgress& p) { progress.Show(p); }},
      study_stop.token());
  progress.Finish();
  const absl::Status worker_ended = worker->Stop();
  server->Shutdown();
  if (!stop.StopRequested()) RETURN_IF_ERROR(worker_ended);
  if (absl::IsCancelled(status)) {
    return absl::CancelledError(
        absl::StrCat(status.message(), "; go on with: --resume --db ",
                     options.db, " --out ", options.out));
  }
  RETURN_IF_ERROR(status);
  return Finish(options, onnx, storage, study.id(), options.out);
}

// The study to work on next: one that was interrupted, else the oldest queued.
absl::StatusOr<std::optional<v1::Study>> NextStudy(db::Store& store) {
  std::optional<v1::Study> next;
  db::PageRequest request{.size = 1000};
  do {
    ASSIGN_OR_RETURN(const db::Page<v1::Study> page,
                     store.ListStudies(request));
    for (const v1::Study& study : page.items) {
      if (study.state() == v1::STUDY_STATE_RUNNING) return study;
      if (study.state() == v1::STUDY_STATE_QUEUED) next = study;
    }
    request.token = page.next_token;
  } while (!request.token.empty());
  return next;
}

absl::Status Serve(const ControllerOptions& options, const OnnxChecking& onnx,
                   const StopToken& stop) {
  ASSIGN_OR_RETURN(Storage storage, OpenStorage(options));
  RETURN_IF_ERROR(ImportTable(options.latency_table, *storage.store));
  ASSIGN_OR_RETURN(auto server,
                   Server::Start(options.server, storage.store.get(),
                                 storage.blobs.get(), &RealClock()));
  absl::PrintF("serving on %s\n", server->address());
  std::fflush(stdout);
  while (!stop.StopRequested()) {
    ASSIGN_OR_RETURN(const std::optional<v1::Study> study,
                     NextStudy(*storage.store));
    if (!study.has_value()) {
      stop.WaitFor(kServeWait);
      continue;
    }
    LOG(INFO) << "study " << study->id() << " begins";
    absl::Status status = RunStudy(study->id(), *storage.store, *storage.blobs,
                                   {.make_search = MakeSupernetSearch,
                                    .on_progress = [](const StudyProgress&) {}},
                                   stop);
    if (status.ok()) {
      status = Finish(options, onnx, storage, study->id(),
                      JoinPath(options.out, study->id()));
    }
    LOG(INFO) << "study " << study->id() << ": " << status.ToString();
  }
  server->Shutdown();
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  EnsureEnvironment(argv, ComputeEnvironment());
  const ProgramInfo info{
      .name = "controller",
      .usage = kUsage,
      .flag_files = {"search/main/", "workers/device_flags", "nn/data/flags/"},
      .repeatable = RepeatableStudyFlags()};
  const std::vector<std::string> rest = ParseProgram(argc, argv, info);
  if (!rest.empty()) {
    return ExitCode(info,
                    absl::InvalidArgumentError(absl::StrCat(
                        "unexpected argument \"", rest[0], "\"; see --help")));
  }
  const StopToken stop = StopOnSignals();
  const auto options = ControllerOptionsFromFlags();
  if (!options.ok()) return ExitCode(info, options.status());
  const auto onnx = OnnxChecking::Create(options->onnx_runtime, stop);
  if (!onnx.ok()) return ExitCode(info, onnx.status());
  return ExitCode(info, options->serve ? Serve(*options, *onnx, stop)
                                       : RunOneStudy(*options, *onnx, stop));
}

}  // namespace
}  // namespace frostnas::search

int main(int argc, char** argv) { return frostnas::search::Main(argc, argv); }
