// The works of each kind, for works.cc to collect.
#ifndef FROSTNAS_TESTS_BENCH_WORKS_CATALOGUE_H_
#define FROSTNAS_TESTS_BENCH_WORKS_CATALOGUE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/works/work.h"

namespace frostnas::bench {

struct WorkEntry {
  std::string name;
  std::function<std::unique_ptr<Work>()> create;
};

std::vector<WorkEntry> TrainingWorks();
std::vector<WorkEntry> SupernetWorks();
std::vector<WorkEntry> Int8Works();

}  // namespace frostnas::bench

#endif  // FROSTNAS_TESTS_BENCH_WORKS_CATALOGUE_H_
