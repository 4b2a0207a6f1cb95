// The networks of the INT8 works.
#ifndef FROSTNAS_TESTS_BENCH_WORKS_INT8_WORKS_H_
#define FROSTNAS_TESTS_BENCH_WORKS_INT8_WORKS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::bench {

// The package that an INT8 work runs, random weights in the real architecture.
// NOT_FOUND: `work` is no INT8 work.
absl::StatusOr<v1::Package> PackageOf(absl::string_view work);

}  // namespace frostnas::bench

#endif  // FROSTNAS_TESTS_BENCH_WORKS_INT8_WORKS_H_
