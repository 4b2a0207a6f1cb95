#include "latency/runner/own_file.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace frostnas::latency {

std::string FileMappedAt(absl::string_view maps, uintptr_t address) {
  // "55e0-55f0 r-xp 00001000 08:01 1234   /path of the file"
  for (absl::string_view line : absl::StrSplit(maps, '\n')) {
    const std::pair<absl::string_view, absl::string_view> range =
        absl::StrSplit(line.substr(0, line.find(' ')), '-');
    uint64_t begin = 0, end = 0;
    if (!absl::SimpleHexAtoi(range.first, &begin) ||
        !absl::SimpleHexAtoi(range.second, &end) || address < begin ||
        address >= end) {
      continue;
    }
    const size_t path = line.find('/');
    if (path == absl::string_view::npos) return "";
    return std::string(line.substr(path));
  }
  return "";
}

std::string OwnFile() {
  std::ifstream file("/proc/self/maps");
  const std::string maps(std::istreambuf_iterator<char>(file), {});
  const std::string mapped =
      FileMappedAt(maps, reinterpret_cast<uintptr_t>(&OwnFile));
  return mapped.empty() ? "/proc/self/exe" : mapped;
}

}  // namespace frostnas::latency
