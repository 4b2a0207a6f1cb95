#include "search/main/program.h"

#include <cstdio>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "search/main/study_flags.h"

namespace frostnas::search {
namespace {

bool OfThesePrograms(absl::string_view file) {
  return absl::StrContains(file, "search/main/");
}

}  // namespace

std::vector<std::string> ParseProgramFlags(int argc, char** argv,
                                           absl::string_view usage) {
  absl::SetProgramUsageMessage(usage);
  absl::FlagsUsageConfig config;
  config.contains_helpshort_flags = OfThesePrograms;
  config.contains_help_flags = OfThesePrograms;
  config.contains_helppackage_flags = OfThesePrograms;
  absl::SetFlagsUsageConfig(config);

  std::vector<std::string> merged =
      MergeRepeatedFlags(std::vector<std::string>(argv, argv + argc));
  std::vector<char*> pointers;
  for (std::string& argument : merged) pointers.push_back(argument.data());
  const std::vector<char*> rest = absl::ParseCommandLine(
      static_cast<int>(pointers.size()), pointers.data());
  return std::vector<std::string>(rest.begin() + 1, rest.end());
}

int ExitCode(absl::string_view program, const absl::Status& status) {
  if (status.ok()) return 0;
  std::fputs(absl::StrCat(program, ": ", status.message(), "\n").c_str(),
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

}  // namespace frostnas::search
