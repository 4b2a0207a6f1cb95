#include "base/program.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace frostnas {
namespace {

// The flag's name and whether a value is attached; empty for what is no flag.
struct FlagArgument {
  std::string name;
  bool has_value = false;
  std::string value;
};

FlagArgument SplitFlag(absl::string_view argument) {
  FlagArgument flag;
  if (!absl::ConsumePrefix(&argument, "--") &&
      !absl::ConsumePrefix(&argument, "-")) {
    return flag;
  }
  const std::vector<std::string> parts =
      absl::StrSplit(argument, absl::MaxSplits('=', 1));
  flag.name = parts[0];
  flag.has_value = parts.size() == 2;
  if (flag.has_value) flag.value = parts[1];
  return flag;
}

}  // namespace

void EnsureEnvironment(
    char** argv,
    const std::vector<std::pair<std::string, std::string>>& variables) {
  bool changed = false;
  for (const auto& [name, value] : variables) {
    if (std::getenv(name.c_str()) != nullptr) continue;
    changed |= setenv(name.c_str(), value.c_str(), /*overwrite=*/0) == 0;
  }
  if (changed) execv("/proc/self/exe", argv);
}

const std::vector<std::pair<std::string, std::string>>& ComputeEnvironment() {
  static const auto* const kVariables =
      new std::vector<std::pair<std::string, std::string>>{
          {"GOMP_SPINCOUNT", "3000"}};
  return *kVariables;
}

std::vector<std::string> MergeRepeatedFlags(
    const std::vector<std::string>& arguments,
    const std::vector<std::string>& repeatable) {
  std::vector<std::string> merged;
  std::map<std::string, size_t> first;  // flag to its place in `merged`
  size_t i = 0;
  for (; i < arguments.size() && arguments[i] != "--"; ++i) {
    FlagArgument flag = SplitFlag(arguments[i]);
    const bool known =
        std::count(repeatable.begin(), repeatable.end(), flag.name) > 0;
    if (!known || (!flag.has_value && i + 1 == arguments.size())) {
      merged.push_back(arguments[i]);
      continue;
    }
    if (!flag.has_value) flag.value = arguments[++i];
    const auto [at, is_first] = first.emplace(flag.name, merged.size());
    if (is_first) {
      merged.push_back(absl::StrCat("--", flag.name, "=", flag.value));
    } else {
      absl::StrAppend(&merged[at->second], ",", flag.value);
    }
  }
  merged.insert(merged.end(), arguments.begin() + i, arguments.end());
  return merged;
}

std::vector<std::string> ParseProgram(int argc, char** argv,
                                      const ProgramInfo& info) {
  absl::SetProgramUsageMessage(info.usage);
  absl::FlagsUsageConfig config;
  const auto ours = [files = info.flag_files](absl::string_view file) {
    return std::any_of(
        files.begin(), files.end(),
        [&](const std::string& part) { return absl::StrContains(file, part); });
  };
  config.contains_helpshort_flags = ours;
  config.contains_help_flags = ours;
  config.contains_helppackage_flags = ours;
  absl::SetFlagsUsageConfig(config);

  std::vector<std::string> merged = MergeRepeatedFlags(
      std::vector<std::string>(argv, argv + argc), info.repeatable);
  std::vector<char*> pointers;
  for (std::string& argument : merged) pointers.push_back(argument.data());
  const std::vector<char*> rest = absl::ParseCommandLine(
      static_cast<int>(pointers.size()), pointers.data());
  return std::vector<std::string>(rest.begin() + 1, rest.end());
}

int ExitCode(const ProgramInfo& info, const absl::Status& status) {
  if (status.ok()) return 0;
  std::fputs(absl::StrCat(info.name, ": ", status.message(), "\n").c_str(),
             stderr);
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return 130;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
      return 2;
    default:
      return 1;
  }
}

}  // namespace frostnas
