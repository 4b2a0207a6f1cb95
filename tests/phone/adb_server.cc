#include "tests/phone/adb_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/subprocess.h"

extern char** environ;

namespace frostnas::phone {
namespace {

constexpr absl::Duration kStartTime = absl::Seconds(30);
// Neither the server nor a device gives a sign when it is ready.
constexpr absl::Duration kLook = absl::Milliseconds(10);

absl::StatusOr<std::string> FindAdb() {
  const char* path = getenv("PATH");
  for (const absl::string_view folder :
       absl::StrSplit(path == nullptr ? "" : path, ':', absl::SkipEmpty())) {
    const std::string file = JoinPath(folder, "adb");
    if (access(file.c_str(), X_OK) == 0) return file;
  }
  return absl::NotFoundError("no adb in PATH");
}

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One that nobody has now.
int FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(bind(probe, generic, size) == 0);
  CHECK(getsockname(probe, generic, &size) == 0);
  close(probe);
  return ntohs(address.sin_port);
}

bool Answers(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool connected =
      connect(probe, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0;
  close(probe);
  return connected;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& each : strings) {
    pointers.push_back(const_cast<char*>(each.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// In the foreground, so that it is this process' child.
absl::StatusOr<pid_t> StartServer(const std::string& adb,
                                  const std::vector<std::string>& changes,
                                  const std::string& log) {
  std::vector<std::string> variables = changes;
  for (char** each = environ; *each != nullptr; ++each) {
    variables.emplace_back(*each);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const std::vector<std::string> argv = {adb, "nodaemon", "server"};
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, adb.c_str(), &actions, nullptr, Pointers(argv).data(),
                  Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(adb, ": ", strerror(error)));
  }
  return pid;
}

}  // namespace

AdbServer::AdbServer(TempDir home, int port)
    : home_(std::move(home)),
      port_(port),
      environment_({
          absl::StrCat("ANDROID_ADB_SERVER_PORT=", port),
          "HOME=" + home_.path(),
          // Where adb keeps its log.
          "TMPDIR=" + home_.path(),
          // No look for emulators on this machine.
          "ADB_LOCAL_TRANSPORT_MAX_PORT=5553",
      }) {}

absl::StatusOr<std::unique_ptr<AdbServer>> AdbServer::Start() {
  ASSIGN_OR_RETURN(const std::string adb, FindAdb());
  ASSIGN_OR_RETURN(TempDir home, TempDir::Create());
  std::unique_ptr<AdbServer> server(new AdbServer(std::move(home), FreePort()));
  const std::string log = JoinPath(server->home_.path(), "server.log");
  ASSIGN_OR_RETURN(server->pid_, StartServer(adb, server->environment_, log));
  const absl::Time deadline = absl::Now() + kStartTime;
  while (!Answers(server->port_)) {
    if (waitpid(server->pid_, nullptr, WNOHANG) != 0 ||
        absl::Now() > deadline) {
      return absl::UnavailableError(absl::StrCat(
          "adb's server did not start: ", ReadFile(log, 1 << 20).value_or("")));
    }
    absl::SleepFor(kLook);
  }
  return server;
}

AdbServer::~AdbServer() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void AdbServer::ExportToEnvironment() const {
  for (const std::string& variable : environment_) {
    const size_t equals = variable.find('=');
    CHECK(setenv(variable.substr(0, equals).c_str(),
                 variable.c_str() + equals + 1, 1) == 0);
  }
}

AdbResult AdbServer::Run(const std::vector<std::string>& arguments,
                         absl::Duration timeout, const StopToken& stop) const {
  std::vector<std::string> argv = {"adb"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const absl::Time start = absl::Now();
  absl::StatusOr<SubprocessResult> run = RunSubprocess(
      argv, {.deadline = timeout, .stop = stop, .environment = environment_});
  AdbResult result;
  result.took = absl::Now() - start;
  if (run.ok()) {
    result.exit_code = run->exit_code;
    result.stdout_text = std::move(run->stdout_text);
    result.stderr_text = std::move(run->stderr_text);
  } else {
    result.timed_out = absl::IsDeadlineExceeded(run.status());
    result.stderr_text = std::string(run.status().message());
  }
  return result;
}

AdbResult AdbServer::Shell(const std::string& serial,
                           const std::string& command,
                           absl::Duration timeout) const {
  return Run({"-s", serial, "shell", command}, timeout);
}

absl::Status AdbServer::Connect(const std::string& serial,
                                absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  AdbResult connected;
  do {
    const absl::Duration left = deadline - absl::Now();
    connected = Run({"connect", serial}, left);
    const AdbResult state = Run({"-s", serial, "get-state"}, left);
    if (absl::StripAsciiWhitespace(state.stdout_text) == "device") {
      return absl::OkStatus();
    }
    Run({"disconnect", serial}, left);
    absl::SleepFor(kLook);
  } while (absl::Now() < deadline);
  return absl::UnavailableError(absl::StrCat("adb connect ", serial, ": ",
                                             connected.stdout_text,
                                             connected.stderr_text));
}

}  // namespace frostnas::phone
