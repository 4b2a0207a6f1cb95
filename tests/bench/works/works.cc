#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/works/catalogue.h"
#include "tests/bench/works/work.h"

namespace frostnas::bench {
namespace {

const std::vector<WorkEntry>& AllWorks() {
  static const auto* const all = [] {
    auto* works = new std::vector<WorkEntry>();
    for (const auto& kind : {TrainingWorks(), SupernetWorks(), Int8Works()}) {
      works->insert(works->end(), kind.begin(), kind.end());
    }
    return works;
  }();
  return *all;
}

}  // namespace

std::vector<std::string> WorkNames() {
  std::vector<std::string> names;
  for (const WorkEntry& entry : AllWorks()) names.push_back(entry.name);
  return names;
}

absl::StatusOr<std::unique_ptr<Work>> CreateWork(absl::string_view name) {
  for (const WorkEntry& entry : AllWorks()) {
    if (entry.name == name) return entry.create();
  }
  return absl::NotFoundError(absl::StrCat("there is no work \"", name, "\""));
}

}  // namespace frostnas::bench
