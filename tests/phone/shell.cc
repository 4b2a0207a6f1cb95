#include "tests/phone/shell.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/file.h"

namespace frostnas::phone {
namespace {

constexpr int kMaxDepth = 8;
constexpr int64_t kMaxScriptBytes = 1 << 20;

// The folders whose paths programs are given as the host's. Not /dev: the
// host's devices serve.
constexpr absl::string_view kPhoneFolders[] = {"/data", "/sdcard", "/sys",
                                               "/proc", "/system"};

bool IsPhonePath(absl::string_view path) {
  return std::any_of(std::begin(kPhoneFolders), std::end(kPhoneFolders),
                     [path](absl::string_view folder) {
                       return path == folder ||
                              absl::StartsWith(path, absl::StrCat(folder, "/"));
                     });
}

// A file that output goes to, with the room that is left for it.
struct OutputFile {
  OutputFile(int file, int64_t room) : file(file), room(room) {}
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() { close(file); }

  const int file;
  int64_t room;
};

std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::StrContains("*?[]\\", absl::string_view(&c, 1))) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

Shell::Shell(Device& device, ShellStreams streams)
    : device_(device), streams_(std::move(streams)) {}

int Shell::Run(absl::string_view text) {
  const absl::StatusOr<ShellScript> script = ParseShell(text);
  if (!script.ok()) {
    Complain(std::string(script.status().message()));
    return 2;
  }
  return RunScript(*script);
}

bool Shell::Complain(const std::string& what) const {
  return streams_.err(absl::StrCat("/system/bin/sh: ", what, "\n"));
}

int Shell::RunScript(const ShellScript& script) {
  const bool alone = script.size() == 1 && depth_ == 0;
  for (const SimpleCommand& command : script) {
    if (exited_ || streams_.closed.StopRequested()) break;
    using After = SimpleCommand::After;
    if (command.after == After::kSuccess && status_ != 0) continue;
    if (command.after == After::kFailure && status_ == 0) continue;
    status_ = RunCommand(command, alone);
  }
  return status_;
}

int Shell::RunCommand(const SimpleCommand& command, bool alone) {
  const std::optional<Redirected> streams = Redirect(command);
  if (!streams) return 1;
  std::vector<std::string> words = ExpandAll(command.words);
  std::vector<std::string> environment;
  for (const auto& [name, value] : command.assignments) {
    if (words.empty()) {
      variables_[name] = Expand(value);
    } else {
      environment.push_back(
          absl::StrCat(name, "=", MapArgument(Expand(value))));
    }
  }
  if (words.empty()) return 0;
  return RunWords(std::move(words), std::move(environment), alone, *streams);
}

int Shell::RunWords(std::vector<std::string> words,
                    std::vector<std::string> environment, bool alone,
                    const Redirected& streams) {
  if (words[0] == "exec" && words.size() > 1) {
    words.erase(words.begin());
    const int code = RunWords(std::move(words), std::move(environment),
                              /*alone=*/true, streams);
    exited_ = true;
    return code;
  }
  if (words[0] == "exit") {
    int code = status_;
    if (words.size() > 1 && !absl::SimpleAtoi(words[1], &code)) code = 1;
    exited_ = true;
    return code & 0xff;
  }
  if (words[0] == "cd") return ChangeDirectory(words);
  if (words[0] == "sh" || words[0] == "/system/bin/sh") {
    return RunSh(words, streams);
  }
  absl::string_view name = words[0];
  absl::ConsumePrefix(&name, "/system/bin/");
  const auto builtin = Builtins().find(std::string(name));
  if (builtin != Builtins().end()) {
    return builtin->second({device_, directory_, words, streams.out,
                            streams.err, streams.stdin_file, streams_.closed});
  }
  return RunFile(std::move(words), std::move(environment), alone, streams);
}

int Shell::ChangeDirectory(const std::vector<std::string>& words) {
  const std::string to =
      NormalPath(directory_, words.size() > 1 ? words[1] : "/");
  struct stat info;
  if (stat(device_.HostPath(to).c_str(), &info) != 0 ||
      !S_ISDIR(info.st_mode)) {
    Complain(absl::StrCat("cd: ", to, ": No such file or directory"));
    return 2;
  }
  directory_ = to;
  return 0;
}

// `sh -c TEXT` and `sh FILE`.
int Shell::RunSh(const std::vector<std::string>& words,
                 const Redirected& streams) {
  if (words.size() < 2) return 0;
  if (depth_ >= kMaxDepth) {
    Complain("too deep");
    return 2;
  }
  std::string text;
  if (words[1] == "-c" && words.size() > 2) {
    text = words[2];
  } else {
    absl::StatusOr<std::string> read =
        ReadFile(HostPath(words[1]), kMaxScriptBytes);
    if (!read.ok()) {
      Complain(words[1] + ": No such file or directory");
      return 127;
    }
    text = *std::move(read);
  }
  Shell inner(device_,
              {streams.out, streams.err, streams_.closed, streams_.terminal});
  inner.directory_ = directory_;
  inner.depth_ = depth_ + 1;
  return inner.Run(text);
}

int Shell::RunFile(std::vector<std::string> words,
                   std::vector<std::string> environment, bool alone,
                   const Redirected& streams) {
  const std::string command = absl::StrJoin(words, " ");
  const bool has_slash = absl::StrContains(words[0], "/");
  const std::string path =
      HostPath(has_slash ? words[0] : "/system/bin/" + words[0]);
  const FileKind kind = FileKindOf(path);
  switch (kind) {
    case FileKind::kMissing:
      Complain(words[0] + ": inaccessible or not found");
      return 127;
    case FileKind::kNotExecutable:
      Complain(words[0] + ": can't execute: Permission denied");
      return 126;
    case FileKind::kScript:
      return RunSh({"sh", words[0]}, streams);
    case FileKind::kArm64:
    case FileKind::kHost:
      break;
  }
  Program program;
  for (const std::string& word : words) {
    program.argv.push_back(MapArgument(word));
  }
  program.argv[0] = path;
  program.directory = HostPath(".");
  program.root = device_.root();
  program.environment = std::move(environment);
  program.environment.push_back("PATH=/system/bin");
  program.environment.push_back("TMPDIR=" +
                                device_.HostPath("/data/local/tmp"));
  program.stdin_file = streams.stdin_file;
  program.command = command;
  program.on_stdout = streams.out;
  program.on_stderr = streams.err;
  program.closed = streams_.closed;
  program.hang_up =
      streams_.terminal || alone ? HangUp::kSignal : HangUp::kIgnore;
  if (const auto fault =
          device_.faults().Take(FaultKind::kKillProgram, command)) {
    program.kill_after = fault->delay;
  }
  device_.faults().ProgramStarts(command);
  return device_.programs().Run(program);
}

std::optional<Shell::Redirected> Shell::Redirect(const SimpleCommand& command) {
  Redirected streams = {streams_.out, streams_.err, "/dev/null"};
  for (const Redirection& each : command.redirections) {
    ShellOutput& from = each.from == 1 ? streams.out : streams.err;
    if (each.kind == Redirection::Kind::kDuplicate) {
      from = each.to == 1 ? streams.out : streams.err;
      continue;
    }
    const std::string path = Expand(each.target);
    if (each.kind == Redirection::Kind::kRead) {
      streams.stdin_file = HostPath(path);
      if (access(streams.stdin_file.c_str(), R_OK) == 0) continue;
      Complain(absl::StrCat("can't open ", path, ": ", strerror(errno)));
      return std::nullopt;
    }
    from = OpenOutput(path, each.kind == Redirection::Kind::kAppend);
    if (from == nullptr) return std::nullopt;
  }
  return streams;
}

ShellOutput Shell::OpenOutput(const std::string& path, bool append) {
  const std::string host_path = HostPath(path);
  if (host_path == "/dev/null") return [](absl::string_view) { return true; };
  const int64_t room = device_.condition().free_bytes;
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  int file = -1;
  errno = ENOSPC;
  if (room > 0) {
    file = open(host_path.c_str(), flags | (append ? O_APPEND : O_TRUNC), 0644);
  }
  if (file < 0) {
    Complain(absl::StrCat("can't create ", path, ": ", strerror(errno)));
    return nullptr;
  }
  auto shared = std::make_shared<OutputFile>(file, room);
  return [shared](absl::string_view bytes) {
    shared->room -= static_cast<int64_t>(bytes.size());
    return shared->room >= 0 &&
           write(shared->file, bytes.data(), bytes.size()) ==
               static_cast<ssize_t>(bytes.size());
  };
}

std::string Shell::HostPath(absl::string_view path) const {
  if (path == "/dev/null") return "/dev/null";
  return device_.HostPath(NormalPath(directory_, path));
}

std::string Shell::MapArgument(absl::string_view argument) const {
  // Of "--name=value", the value.
  std::string prefix;
  const size_t equals = argument.find('=');
  if (absl::StartsWith(argument, "-") && equals != absl::string_view::npos) {
    prefix = std::string(argument.substr(0, equals + 1));
    argument.remove_prefix(equals + 1);
  }
  std::vector<std::string> parts = absl::StrSplit(argument, ':');
  for (std::string& part : parts) {
    if (IsPhonePath(part)) part = device_.HostPath(part);
  }
  return prefix + absl::StrJoin(parts, ":");
}

std::string Shell::Expand(const Word& word) const {
  std::string text;
  for (const WordPart& part : word) {
    if (!part.variable) {
      text += part.text;
    } else if (part.text == "?") {
      absl::StrAppend(&text, status_);
    } else if (const auto found = variables_.find(part.text);
               found != variables_.end()) {
      text += found->second;
    }
  }
  return text;
}

std::vector<std::string> Shell::ExpandAll(
    const std::vector<Word>& words) const {
  std::vector<std::string> expanded;
  for (const Word& word : words) {
    const std::string text = Expand(word);
    std::string pattern;
    bool is_pattern = false, is_quoted = false;
    for (const WordPart& part : word) {
      const bool plain = part.quoted || part.variable;
      is_quoted |= part.quoted;
      is_pattern |= !plain && part.text.find_first_of("*?[") != part.text.npos;
      pattern += plain ? Escaped(Expand({part})) : part.text;
    }
    if (!is_pattern) {
      // An unquoted variable without a value is no word.
      if (!text.empty() || is_quoted) expanded.push_back(text);
      continue;
    }
    const bool relative = !absl::StartsWith(text, "/");
    glob_t found = {};
    const std::string host_pattern =
        Escaped(device_.root()) + NormalPath(Escaped(directory_), pattern);
    if (glob(host_pattern.c_str(), 0, nullptr, &found) != 0) {
      expanded.push_back(text);
    }
    const size_t drop = relative
                            ? HostPath(".").size() + (directory_ == "/" ? 0 : 1)
                            : device_.root().size();
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      expanded.push_back(std::string(found.gl_pathv[i]).substr(drop));
    }
    globfree(&found);
  }
  return expanded;
}

}  // namespace frostnas::phone
