#include "tests/phone/builtins.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/sha256.h"
#include "tests/phone/builtin_call.h"
#include "tests/phone/program_builtins.h"

namespace frostnas::phone {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 30;

// Calls `use` with each file, or with standard input where none is named.
template <typename Use>
int ForEachFile(const BuiltinCall& call, const Args& files, Use use) {
  int code = 0;
  const bool standard = files.empty();
  for (const std::string& name : standard ? Args{""} : files) {
    const std::string path = standard ? call.stdin_file : call.HostPath(name);
    struct stat info;
    if (stat(path.c_str(), &info) != 0) {
      code = ComplainErrno(call, name, errno);
    } else if (S_ISDIR(info.st_mode)) {
      code = ComplainErrno(call, name, EISDIR);
    } else if (const auto bytes = ReadFile(path, kMaxFileBytes); bytes.ok()) {
      use(name, *bytes);
    } else {
      code = ComplainErrno(call, name, EIO);
    }
  }
  return code;
}

int Cat(const BuiltinCall& call) {
  return ForEachFile(
      call, Parse(call.args).operands,
      [&](const std::string&, const std::string& bytes) { call.out(bytes); });
}

int Echo(const BuiltinCall& call) {
  const bool no_newline = call.args.size() > 1 && call.args[1] == "-n";
  std::string line;
  for (size_t i = no_newline ? 2 : 1; i < call.args.size(); ++i) {
    absl::StrAppend(&line, line.empty() ? "" : " ", call.args[i]);
  }
  call.out(no_newline ? line : line + "\n");
  return 0;
}

int GetProp(const BuiltinCall& call) {
  const auto properties = call.device.Properties();
  if (call.args.size() > 1) {
    const auto found = properties.find(call.args[1]);
    const std::string otherwise = call.args.size() > 2 ? call.args[2] : "";
    call.out((found == properties.end() ? otherwise : found->second) + "\n");
    return 0;
  }
  for (const auto& [name, value] : properties) {
    call.out(absl::StrCat("[", name, "]: [", value, "]\n"));
  }
  return 0;
}

int Ls(const BuiltinCall& call) {
  Parsed parsed = Parse(call.args);
  if (parsed.operands.empty()) parsed.operands.push_back(".");
  int code = 0;
  for (const std::string& name : parsed.operands) {
    const std::string path = call.HostPath(name);
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) {
      code = ComplainErrno(call, name, errno);
    } else if (!S_ISDIR(info.st_mode) || parsed.Has('d')) {
      call.out(name + "\n");
    } else if (const auto names = ListDir(path); names.ok()) {
      for (const std::string& each : *names) {
        if (parsed.Has('a') || each[0] != '.') call.out(each + "\n");
      }
    }
  }
  return code;
}

int MkDir(const BuiltinCall& call) {
  const Parsed parsed = Parse(call.args);
  int code = 0;
  for (const std::string& name : parsed.operands) {
    const std::string path = call.HostPath(name);
    if (parsed.Has('p')) {
      if (!MakeDirs(path).ok()) code = ComplainErrno(call, name, ENOTDIR);
    } else if (mkdir(path.c_str(), 0775) != 0) {
      code = ComplainErrno(call, name, errno);
    }
  }
  return code;
}

int Rm(const BuiltinCall& call) {
  const Parsed parsed = Parse(call.args);
  int code = 0;
  for (const std::string& name : parsed.operands) {
    const std::string path = call.HostPath(name);
    if (path == call.device.root() + "/") {
      code = Complain(call, "not removing /");
    } else if (parsed.Has('r') || parsed.Has('R')) {
      if (!RemoveTree(path).ok()) code = ComplainErrno(call, name, EIO);
    } else if (unlink(path.c_str()) != 0 &&
               !(errno == ENOENT && parsed.Has('f'))) {
      code = ComplainErrno(call, name, errno);
    }
  }
  return code;
}

// Octal, or +x and its like for all.
int ChMod(const BuiltinCall& call) {
  if (call.args.size() < 3) return Complain(call, "needs a mode and a file");
  const std::string& mode = call.args[1];
  int code = 0;
  for (size_t i = 2; i < call.args.size(); ++i) {
    const std::string path = call.HostPath(call.args[i]);
    struct stat info;
    if (stat(path.c_str(), &info) != 0) {
      code = ComplainErrno(call, call.args[i], errno);
      continue;
    }
    mode_t bits = 0;
    if (absl::EndsWith(mode, "+x")) {
      bits = (info.st_mode & 0777) | 0111;
    } else {
      char* end = nullptr;
      bits = static_cast<mode_t>(strtoul(mode.c_str(), &end, 8));
      if (*end != '\0') return Complain(call, "bad mode '" + mode + "'");
    }
    if (chmod(path.c_str(), bits & 0777) != 0) {
      code = ComplainErrno(call, call.args[i], errno);
    }
  }
  return code;
}

int Sha256Sum(const BuiltinCall& call) {
  return ForEachFile(call, Parse(call.args).operands,
                     [&](const std::string& name, const std::string& bytes) {
                       call.out(absl::StrCat(Sha256Hex(bytes), "  ",
                                             name.empty() ? "-" : name, "\n"));
                     });
}

// Always as -An -v -tu1: decimal bytes, sixteen a line.
int Od(const BuiltinCall& call) {
  return ForEachFile(
      call, Parse(call.args).operands,
      [&](const std::string&, const std::string& bytes) {
        std::string text;
        for (size_t i = 0; i < bytes.size(); ++i) {
          const bool ends = i % 16 == 15 || i + 1 == bytes.size();
          absl::StrAppendFormat(&text, " %3d%s", static_cast<uint8_t>(bytes[i]),
                                ends ? "\n" : "");
        }
        call.out(text);
      });
}

int Df(const BuiltinCall& call) {
  const Parsed parsed = Parse(call.args);
  const Condition condition = call.device.condition();
  const int64_t total = condition.storage_bytes / 1024;
  const int64_t free = condition.free_bytes / 1024;
  call.out("Filesystem     1K-blocks      Used Available Use% Mounted on\n");
  call.out(absl::StrFormat(
      "/dev/block/dm-1 %d %d %d %d%% %s\n", total, total - free, free,
      total > 0 ? (total - free) * 100 / total : 0, "/data"));
  return 0;
}

// -s, ! and comparisons of text and numbers besides the files' tests.
int Test(const BuiltinCall& call) {
  Args args(call.args.begin() + 1, call.args.end());
  if (call.args[0] == "[") {
    if (args.empty() || args.back() != "]") return Complain(call, "missing ]");
    args.pop_back();
  }
  const bool negated = !args.empty() && args[0] == "!";
  if (negated) args.erase(args.begin());
  bool holds = false;
  if (args.size() == 1) {
    holds = !args[0].empty();
  } else if (args.size() == 2) {
    struct stat info = {};
    const bool exists = stat(call.HostPath(args[1]).c_str(), &info) == 0;
    if (args[0] == "-e") holds = exists;
    if (args[0] == "-f") holds = exists && S_ISREG(info.st_mode);
    if (args[0] == "-d") holds = exists && S_ISDIR(info.st_mode);
    if (args[0] == "-x") holds = exists && (info.st_mode & 0111) != 0;
    if (args[0] == "-r" || args[0] == "-w") holds = exists;
    if (args[0] == "-s") holds = exists && info.st_size > 0;
    if (args[0] == "-n") holds = !args[1].empty();
    if (args[0] == "-z") holds = args[1].empty();
  } else if (args.size() == 3) {
    int64_t a = 0, b = 0;
    const bool numbers =
        absl::SimpleAtoi(args[0], &a) && absl::SimpleAtoi(args[2], &b);
    if (args[1] == "=" || args[1] == "==") holds = args[0] == args[2];
    if (args[1] == "!=") holds = args[0] != args[2];
    if (args[1] == "-eq") holds = numbers && a == b;
    if (args[1] == "-lt") holds = numbers && a < b;
    if (args[1] == "-gt") holds = numbers && a > b;
  }
  return holds == negated ? 1 : 0;
}

int Uname(const BuiltinCall& call) {
  const Parsed parsed = Parse(call.args);
  const std::string machine = parsed.Has('m') ? "aarch64" : "";
  const std::string release = parsed.Has('r') ? "5.10.0-frost" : "";
  std::string line = parsed.options.empty() || parsed.Has('s') ? "Linux" : "";
  if (parsed.Has('a')) line = "Linux localhost 5.10.0-frost aarch64";
  for (const std::string& part : {release, machine}) {
    if (!part.empty()) absl::StrAppend(&line, line.empty() ? "" : " ", part);
  }
  call.out(line + "\n");
  return 0;
}

// %s size, %a octal mode, %n name, %Y time.
int Stat(const BuiltinCall& call) {
  if (call.args.size() < 4 || call.args[1] != "-c") {
    return Complain(call, "usage: stat -c FORMAT FILE...");
  }
  int code = 0;
  for (size_t i = 3; i < call.args.size(); ++i) {
    struct stat info;
    if (stat(call.HostPath(call.args[i]).c_str(), &info) != 0) {
      code = ComplainErrno(call, call.args[i], errno);
      continue;
    }
    std::string line = call.args[2];
    const std::pair<const char*, std::string> values[] = {
        {"%s", absl::StrCat(info.st_size)},
        {"%a", absl::StrFormat("%o", info.st_mode & 07777)},
        {"%Y", absl::StrCat(info.st_mtime)},
        {"%n", call.args[i]}};
    for (const auto& [name, value] : values) {
      const size_t at = line.find(name);
      if (at != std::string::npos) line.replace(at, 2, value);
    }
    call.out(line + "\n");
  }
  return code;
}

int Sleep(const BuiltinCall& call) {
  double seconds = 0;
  if (call.args.size() != 2 || !absl::SimpleAtod(call.args[1], &seconds)) {
    return Complain(call, "needs a number of seconds");
  }
  return call.closed.WaitFor(absl::Seconds(seconds)) ? 128 + SIGHUP : 0;
}

int True(const BuiltinCall&) { return 0; }
int False(const BuiltinCall&) { return 1; }

int Wc(const BuiltinCall& call) {
  const Parsed parsed = Parse(call.args);
  return ForEachFile(
      call, parsed.operands,
      [&](const std::string& name, const std::string& bytes) {
        std::string line;
        if (parsed.Has('l')) {
          line = absl::StrCat(std::count(bytes.begin(), bytes.end(), '\n'));
        }
        if (parsed.Has('c')) {
          absl::StrAppend(&line, line.empty() ? "" : " ", bytes.size());
        }
        call.out(absl::StrCat(line, name.empty() ? "" : " ", name, "\n"));
      });
}

// -c BYTES or -n LINES.
int Head(const BuiltinCall& call) {
  int64_t count = 10;
  bool lines = true;
  Args files;
  for (size_t i = 1; i < call.args.size(); ++i) {
    const std::string& arg = call.args[i];
    if ((arg == "-c" || arg == "-n") && i + 1 < call.args.size()) {
      lines = arg == "-n";
      if (!absl::SimpleAtoi(call.args[++i], &count) || count < 0) {
        return Complain(call, "bad number");
      }
    } else {
      files.push_back(arg);
    }
  }
  return ForEachFile(
      call, files, [&](const std::string&, const std::string& bytes) {
        size_t end = lines ? 0 : static_cast<size_t>(count);
        for (int64_t i = 0; lines && i < count && end < bytes.size(); ++i) {
          const size_t newline = bytes.find('\n', end);
          end = newline == std::string::npos ? bytes.size() : newline + 1;
        }
        call.out(absl::string_view(bytes).substr(0, end));
      });
}

// mv and cp of one file to a file or into a folder.
int MoveOrCopy(const BuiltinCall& call, bool move) {
  const Args operands = Parse(call.args).operands;
  if (operands.size() != 2) return Complain(call, "needs two names");
  const std::string from = call.HostPath(operands[0]);
  std::string to = call.HostPath(operands[1]);
  struct stat info;
  if (stat(to.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    to = JoinPath(to, from.substr(from.rfind('/') + 1));
  }
  if (move) {
    if (rename(from.c_str(), to.c_str()) == 0) return 0;
    return ComplainErrno(call, operands[0], errno);
  }
  if (stat(from.c_str(), &info) != 0) {
    return ComplainErrno(call, operands[0], errno);
  }
  const auto bytes = ReadFile(from, kMaxFileBytes);
  if (!bytes.ok()) return ComplainErrno(call, operands[0], EISDIR);
  if (!WriteFileAtomic(to, *bytes).ok() ||
      chmod(to.c_str(), info.st_mode & 0777) != 0) {
    return ComplainErrno(call, operands[1], EIO);
  }
  return 0;
}

int Move(const BuiltinCall& call) { return MoveOrCopy(call, true); }
int Copy(const BuiltinCall& call) { return MoveOrCopy(call, false); }

int Touch(const BuiltinCall& call) {
  int code = 0;
  for (const std::string& name : Parse(call.args).operands) {
    const int file =
        open(call.HostPath(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
      code = ComplainErrno(call, name, errno);
      continue;
    }
    futimens(file, nullptr);
    close(file);
  }
  return code;
}

int Sync(const BuiltinCall&) { return 0; }

int WorkingDirectory(const BuiltinCall& call) {
  call.out(call.directory + "\n");
  return 0;
}

int RebootBuiltin(const BuiltinCall& call) {
  call.device.Reboot();
  return 0;
}

}  // namespace

const std::map<std::string, Builtin>& Builtins() {
  static const auto& builtins = *new std::map<std::string, Builtin>{
      {"[", Test},
      {"cat", Cat},
      {"chmod", ChMod},
      {"cp", Copy},
      {"df", Df},
      {"echo", Echo},
      {"false", False},
      {"getprop", GetProp},
      {"head", Head},
      {"kill", Kill},
      {"ls", Ls},
      {"mkdir", MkDir},
      {"mv", Move},
      {"od", Od},
      {"pgrep", PGrep},
      {"pkill", PKill},
      {"pwd", WorkingDirectory},
      {"reboot", RebootBuiltin},
      {"rm", Rm},
      {"sha256sum", Sha256Sum},
      {"sleep", Sleep},
      {"stat", Stat},
      {"sync", Sync},
      {"test", Test},
      {"touch", Touch},
      {"true", True},
      {":", True},
      {"uname", Uname},
      {"wc", Wc},
  };
  return builtins;
}

}  // namespace frostnas::phone
