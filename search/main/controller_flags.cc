#include "search/main/controller_flags.h"

#include "absl/flags/flag.h"
#include "base/file.h"

ABSL_FLAG(std::string, db, "",
          "SQLite file of studies and results; its blobs are in FILE.blobs. "
          "Default: frostnas.db in --out.");
ABSL_FLAG(std::string, out, "frostnas_out",
          "Folder for pareto.json, report.html and models. With --serve each "
          "study has a folder of its id in it.");
ABSL_FLAG(std::string, latency_table, "",
          "Latency table (textproto) to use and to extend instead of profiling "
          "anew. Made when it does not exist.");
ABSL_FLAG(std::string, onnx_runtime, "",
          "The libonnxruntime.so that re-executes the ONNX files on up to 1000 "
          "test images. Default: $FROSTNAS_ONNX_RUNTIME, then the system's; "
          "without one the files are written unchecked.");
ABSL_FLAG(bool, resume, false,
          "Go on with the newest study of --db that has not succeeded; the "
          "study's other flags are taken from the database.");
ABSL_FLAG(bool, serve, false,
          "Serve studies submitted by frostctl to workers until stopped.");
ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "HOST:PORT to serve on with --serve. Other than loopback needs "
          "--tls_* or --insecure.");
ABSL_FLAG(bool, insecure, false,
          "Serve plaintext on an address that is not loopback.");
ABSL_FLAG(std::string, tls_cert, "", "PEM file: the server's certificate.");
ABSL_FLAG(std::string, tls_key, "", "PEM file: the server's private key.");
ABSL_FLAG(std::string, tls_ca, "",
          "PEM file: the authority that signed the clients' certificates.");

namespace frostnas::search {
namespace {

std::string PathFlag(const std::string& value) {
  return value.empty() ? value : ResolveUserPath(value);
}

}  // namespace

absl::StatusOr<ControllerOptions> ControllerOptionsFromFlags() {
  ControllerOptions options;
  options.out = PathFlag(absl::GetFlag(FLAGS_out));
  if (options.out.empty()) {
    return absl::InvalidArgumentError("--out: must name a folder");
  }
  options.db = PathFlag(absl::GetFlag(FLAGS_db));
  if (options.db.empty()) options.db = JoinPath(options.out, "frostnas.db");
  options.latency_table = PathFlag(absl::GetFlag(FLAGS_latency_table));
  options.onnx_runtime = PathFlag(absl::GetFlag(FLAGS_onnx_runtime));
  options.resume = absl::GetFlag(FLAGS_resume);
  options.serve = absl::GetFlag(FLAGS_serve);
  if (options.serve && options.resume) {
    return absl::InvalidArgumentError(
        "--resume: not needed with --serve, which resumes every unfinished "
        "study of --db");
  }
  options.server = {
      .listen = options.serve ? absl::GetFlag(FLAGS_listen) : "127.0.0.1:0",
      .insecure = absl::GetFlag(FLAGS_insecure),
      .tls_cert = PathFlag(absl::GetFlag(FLAGS_tls_cert)),
      .tls_key = PathFlag(absl::GetFlag(FLAGS_tls_key)),
      .tls_ca = PathFlag(absl::GetFlag(FLAGS_tls_ca))};
  return options;
}

}  // namespace frostnas::search
