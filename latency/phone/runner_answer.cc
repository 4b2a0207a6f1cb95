#include "latency/phone/runner_answer.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/util/json_util.h"

namespace frostnas::latency {
namespace {

constexpr uint32_t kFormatVersion = 1;
// Longer lines are not the runner's.
constexpr size_t kMaxLine = 8 << 20;

absl::StatusCode CodeOf(int code) {
  const bool known = code > 0 && code <= 16;
  return known ? static_cast<absl::StatusCode>(code)
               : absl::StatusCode::kUnknown;
}

}  // namespace

void RunnerAnswer::Add(absl::string_view piece) {
  while (!piece.empty()) {
    const size_t newline = piece.find('\n');
    absl::StrAppend(&rest_, piece.substr(0, newline));
    if (newline == absl::string_view::npos) break;
    AddLine(rest_);
    rest_.clear();
    piece.remove_prefix(newline + 1);
  }
  if (rest_.size() > kMaxLine) rest_.clear();
}

void RunnerAnswer::AddLine(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (!absl::StartsWith(line, "{") || ended_) return;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  v1::RunnerLine parsed;
  if (!google::protobuf::util::JsonStringToMessage(std::string(line), &parsed,
                                                   options)
           .ok()) {
    return;
  }
  switch (parsed.line_case()) {
    case v1::RunnerLine::kHello:
      hello_ = std::move(*parsed.mutable_hello());
      break;
    case v1::RunnerLine::kTiming:
      timing_ = std::move(*parsed.mutable_timing());
      break;
    case v1::RunnerLine::kOp:
      ops_.push_back(std::move(*parsed.mutable_op()));
      break;
    case v1::RunnerLine::kSustained:
      sustained_ = std::move(*parsed.mutable_sustained());
      break;
    case v1::RunnerLine::kEnd:
      end_ = std::move(*parsed.mutable_end());
      ended_ = true;
      break;
    case v1::RunnerLine::LINE_NOT_SET:
      break;
  }
}

absl::Status RunnerAnswer::Check() const {
  if (!ended_) {
    return absl::UnavailableError("the runner's output was cut short");
  }
  if (end_.code() != 0) {
    return absl::Status(CodeOf(end_.code()),
                        absl::StrCat("runner: ", end_.message()));
  }
  if (hello_.format_version() == kFormatVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the runner speaks format ", hello_.format_version(),
                   ", this build ", kFormatVersion));
}

}  // namespace frostnas::latency
