#include "latency/phone/core_choice.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace frostnas::latency {
namespace {

constexpr int kMaxIndex = 1024;
constexpr size_t kMaxCores = 256;

absl::Status NotAList(absl::string_view list) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", list.substr(0, 64), "\" is not a list of cores like 0-3,7"));
}

// Of the fastest to the slowest cluster.
std::vector<int64_t> Clusters(absl::Span<const int64_t> core_max_khz) {
  std::set<int64_t, std::greater<>> khz(core_max_khz.begin(),
                                        core_max_khz.end());
  khz.erase(0);
  return std::vector<int64_t>(khz.begin(), khz.end());
}

std::vector<int> CoresAt(absl::Span<const int64_t> core_max_khz, int64_t khz) {
  std::vector<int> cores;
  for (size_t i = 0; i < core_max_khz.size(); ++i) {
    if (core_max_khz[i] == khz) cores.push_back(static_cast<int>(i));
  }
  return cores;
}

}  // namespace

absl::StatusOr<std::vector<int>> ParseCoreList(absl::string_view list) {
  std::set<int> cores;
  for (absl::string_view range :
       absl::StrSplit(absl::StripAsciiWhitespace(list), ',')) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    int first = 0, last = 0;
    if (!absl::SimpleAtoi(ends.first, &first)) return NotAList(list);
    last = first;
    if (ends.first.size() < range.size() &&
        !absl::SimpleAtoi(ends.second, &last)) {
      return NotAList(list);
    }
    if (first < 0 || last < first || last >= kMaxIndex) return NotAList(list);
    for (int core = first; core <= last; ++core) cores.insert(core);
  }
  if (cores.size() > kMaxCores) return NotAList(list);
  return std::vector<int>(cores.begin(), cores.end());
}

absl::StatusOr<std::vector<int>> ChooseCores(
    absl::string_view wish, absl::Span<const int64_t> core_max_khz) {
  if (wish == "all") return std::vector<int>();
  if (wish == "big" || wish == "middle" || wish == "little") {
    const std::vector<int64_t> clusters = Clusters(core_max_khz);
    if (clusters.empty()) return std::vector<int>();
    size_t index = 0;
    if (wish == "little") index = clusters.size() - 1;
    if (wish == "middle" && clusters.size() > 2) index = 1;
    return CoresAt(core_max_khz, clusters[index]);
  }
  absl::StatusOr<std::vector<int>> cores = ParseCoreList(wish);
  if (!cores.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--cores: \"", wish.substr(0, 64),
                     "\" is not big, middle, little, all or a list of cores "
                     "like 4,6-7"));
  }
  const int count = static_cast<int>(core_max_khz.size());
  if (!cores->empty() && cores->back() >= count) {
    return absl::InvalidArgumentError(
        absl::StrCat("--cores: core ", cores->back(), ": the device has ",
                     count, ", from 0"));
  }
  return cores;
}

}  // namespace frostnas::latency
