// Flags of a controller run that takes seconds and repeats exactly: a tiny
// space, rendered images, one thread, latency looked up in a table.
#ifndef FROSTNAS_TESTS_E2E_SMALL_RUN_H_
#define FROSTNAS_TESTS_E2E_SMALL_RUN_H_

#include <string>
#include <vector>

namespace frostnas {

inline constexpr char kController[] = "search/main/controller";
inline constexpr char kFrostctl[] = "search/main/frostctl";

// A new empty folder of the test.
std::string NewFolder(const std::string& name);

// "table:FILE" of a table of every operator that SmallRun can need.
std::string SmallTable();

// The controller with all flags of the run, writing to `out`.
std::vector<std::string> SmallRun(const std::string& out);

}  // namespace frostnas

#endif  // FROSTNAS_TESTS_E2E_SMALL_RUN_H_
