#include "latency/measure/sustained.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "latency/statistics.h"

namespace frostnas::latency {
namespace {

constexpr int kTenths = 10;
constexpr int kMaxSamplesAPart = 10000;

double MedianOf(absl::Span<const std::vector<double>> parts) {
  std::vector<double> all;
  for (const std::vector<double>& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return Median(std::move(all));
}

// Time of `calls` calls, a call.
double TimeNs(const Work& work, int64_t calls, Machine& machine) {
  const int64_t start_ns = machine.NowNs();
  for (int64_t call = 0; call < calls; ++call) work();
  const int64_t spent_ns = std::max<int64_t>(1, machine.NowNs() - start_ns);
  return static_cast<double>(spent_ns) / static_cast<double>(calls);
}

}  // namespace

absl::StatusOr<Sustained> Sustain(const Work& work,
                                  const SustainOptions& options,
                                  Machine& machine, const StopToken& stop) {
  CHECK(options.duration > absl::ZeroDuration());
  CHECK(options.parts >= kTenths && options.parts % kTenths == 0);
  const double part_ns =
      absl::ToDoubleNanoseconds(options.duration) / options.parts;
  const double sample_ns =
      std::max(absl::ToDoubleNanoseconds(options.sample),
               part_ns / static_cast<double>(kMaxSamplesAPart));
  std::vector<std::vector<double>> parts(options.parts);
  const int64_t start_ns = machine.NowNs();
  const auto part_now = [&] {
    return static_cast<int>(static_cast<double>(machine.NowNs() - start_ns) /
                            part_ns);
  };
  int64_t calls = 1;
  for (int first = 0; first < options.parts;) {
    RETURN_IF_ERROR(stop.Check());
    const double ns = TimeNs(work, calls, machine);
    calls = std::max<int64_t>(1, std::llround(std::ceil(sample_ns / ns)));
    const int last = std::min(part_now(), options.parts - 1);
    for (int part = first; part <= last; ++part) parts[part].push_back(ns);
    first = part_now();
  }
  Sustained sustained;
  for (const auto& part : parts) sustained.course_ns.push_back(Median(part));
  const int tenth = options.parts / kTenths;
  const auto all = absl::MakeConstSpan(parts);
  sustained.cold_ns = MedianOf(all.first(tenth));
  sustained.hot_ns = MedianOf(all.last(tenth));
  return sustained;
}

}  // namespace frostnas::latency
