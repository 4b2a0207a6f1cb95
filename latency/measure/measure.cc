#include "latency/measure/measure.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "latency/measure/machine.h"
#include "latency/statistics.h"

namespace frostnas::latency {
namespace {

constexpr double kConfidence = 0.95;
// Two runs within this of each other: the work has warmed up.
constexpr double kSettled = 0.1;
constexpr int kWarmUpLimit = 10;
constexpr double kFullSpeedQuantile = 0.05;
// Of a round's time that the thread must have had its core: what others do
// there in between leaves caches and clocks otherwise, though samples that they
// interrupt are void.
constexpr double kOwnShare = 0.9;

// A piece of work with the number of calls that make up one sample.
struct Piece {
  const Work* work;
  int calls = 1;
};

struct Round {
  // Valid samples of each piece at full speed.
  std::vector<std::vector<double>> samples_ns;
  // Median of the reference over its full speed; 0: no valid run.
  double slowdown = 0;
  bool stolen = false;
  bool starved = false;
  bool shared = false;  // the core, with other threads
};

class Rounds {
 public:
  Rounds(absl::Span<const Work> works, const Reference& reference,
         const MeasureOptions& options, Machine& machine)
      : reference_(reference), options_(options), machine_(machine) {
    for (const Work& work : works) pieces_.push_back({&work});
  }

  void WarmUp() {
    Piece reference = {&reference_.run};
    WarmUp(reference);
    for (Piece& piece : pieces_) WarmUp(piece);
  }

  Round Run() {
    Round round;
    round.samples_ns.resize(pieces_.size());
    std::vector<double> slowdowns;
    const absl::Duration stolen = machine_.Stolen();
    const absl::Duration used = machine_.Used();
    const int64_t start_ns = machine_.NowNs();
    for (int i = 0; i < options_.samples_per_round; ++i) {
      RunCycle(round, slowdowns);
    }
    round.stolen = machine_.Stolen() > stolen;
    const absl::Duration passed =
        absl::Nanoseconds(machine_.NowNs() - start_ns);
    round.shared = machine_.Used() - used < kOwnShare * passed;
    for (const auto& samples : round.samples_ns) {
      const int valid = static_cast<int>(samples.size());
      round.starved |= 2 * valid < options_.samples_per_round;
    }
    if (!slowdowns.empty()) round.slowdown = Median(std::move(slowdowns));
    return round;
  }

 private:
  double TimeNs(const Piece& piece) {
    const int64_t start_ns = machine_.NowNs();
    for (int call = 0; call < piece.calls; ++call) (*piece.work)();
    // A clock may be too coarse to see the work.
    const int64_t spent_ns = std::max<int64_t>(1, machine_.NowNs() - start_ns);
    return static_cast<double>(spent_ns) / piece.calls;
  }

  // Nothing where the thread was preempted. Memory is cold after other work,
  // the more so the larger that was, and a time is that of a warm run, the
  // reference's at full speed too: so one goes before.
  std::optional<double> SampleNs(const Piece& piece) {
    (*piece.work)();
    const int64_t preemptions = machine_.Preemptions();
    const double ns = TimeNs(piece);
    if (machine_.Preemptions() != preemptions) return std::nullopt;
    return ns;
  }

  void RunCycle(Round& round, std::vector<double>& slowdowns) {
    const std::optional<double> reference_ns = SampleNs({&reference_.run});
    const double slowdown = reference_ns.value_or(0) / reference_.full_speed_ns;
    if (reference_ns) slowdowns.push_back(slowdown);
    for (size_t p = 0; p < pieces_.size(); ++p) {
      const std::optional<double> ns = SampleNs(pieces_[p]);
      if (ns && reference_ns) round.samples_ns[p].push_back(*ns / slowdown);
    }
  }

  // Doubles the calls until a run is as long as a sample, then runs on until
  // two runs agree.
  void WarmUp(Piece& piece) {
    const double sample_ns = absl::ToDoubleNanoseconds(options_.sample);
    const int64_t start_ns = machine_.NowNs();
    const auto spent = [&] {
      return absl::Nanoseconds(machine_.NowNs() - start_ns);
    };
    double last_ns = TimeNs(piece);
    bool settled = false;
    while ((!settled || spent() < options_.warm_up) &&
           spent() < kWarmUpLimit * options_.warm_up) {
      if (last_ns * piece.calls < sample_ns) piece.calls *= 2;
      const double ns = TimeNs(piece);
      settled = std::abs(ns - last_ns) <= kSettled * std::min(ns, last_ns);
      last_ns = ns;
    }
    const double calls = std::ceil(sample_ns / last_ns);
    piece.calls = static_cast<int>(std::clamp(calls, 1.0, 1e6));
  }

  std::vector<Piece> pieces_;
  const Reference& reference_;
  const MeasureOptions& options_;
  Machine& machine_;
};

bool IsDisturbed(const Round& round, const MeasureOptions& options) {
  return round.starved || round.stolen || round.shared ||
         round.slowdown > 1 + options.max_drift;
}

bool IsWhole(const Round& round) {
  return std::none_of(round.samples_ns.begin(), round.samples_ns.end(),
                      [](const auto& samples) { return samples.empty(); });
}

// Indices of the rounds behind a noisy result, in order of time: the
// undisturbed ones, filled up to options.rounds with the least slowed of those
// that have a sample of every piece.
std::vector<size_t> LeastDisturbed(const std::vector<Round>& rounds,
                                   const MeasureOptions& options) {
  std::vector<size_t> chosen;
  std::vector<size_t> disturbed;
  for (size_t i = 0; i < rounds.size(); ++i) {
    if (!IsWhole(rounds[i])) continue;
    (IsDisturbed(rounds[i], options) ? disturbed : chosen).push_back(i);
  }
  const size_t wanted = options.rounds;
  if (chosen.size() < wanted) {
    std::stable_sort(disturbed.begin(), disturbed.end(),
                     [&](size_t a, size_t b) {
                       return rounds[a].slowdown < rounds[b].slowdown;
                     });
    disturbed.resize(std::min(wanted - chosen.size(), disturbed.size()));
    chosen.insert(chosen.end(), disturbed.begin(), disturbed.end());
    std::sort(chosen.begin(), chosen.end());
  }
  return chosen;
}

WorkTiming Summarize(const std::vector<Round>& rounds,
                     const std::vector<size_t>& chosen, size_t piece) {
  WorkTiming timing;
  std::vector<double> medians;
  std::vector<double> all;
  for (size_t i : chosen) {
    const std::vector<double>& samples = rounds[i].samples_ns[piece];
    medians.push_back(Median(samples));
    all.insert(all.end(), samples.begin(), samples.end());
  }
  for (double ns : all) timing.samples_ns.push_back(std::llround(ns));
  const Interval interval = MedianInterval(medians, kConfidence);
  timing.ci_low_ns = interval.low;
  timing.ci_high_ns = interval.high;
  timing.median_ns = Median(std::move(medians));
  timing.p90_ns = Quantile(std::move(all), 0.9);
  return timing;
}

// See MeasureResult::slope.
double SlopeOf(const std::vector<Round>& rounds) {
  std::vector<double> slowdowns;
  for (const Round& round : rounds) {
    if (round.slowdown > 0) slowdowns.push_back(round.slowdown);
  }
  if (slowdowns.size() < 2) return 0;
  const size_t third = (slowdowns.size() + 2) / 3;
  return Median({slowdowns.end() - third, slowdowns.end()}) /
             Median({slowdowns.begin(), slowdowns.begin() + third}) -
         1;
}

MeasureResult Summarize(const std::vector<Round>& rounds,
                        const std::vector<size_t>& chosen) {
  MeasureResult result;
  const size_t works = rounds.front().samples_ns.size();
  for (size_t piece = 0; piece < works; ++piece) {
    result.works.push_back(Summarize(rounds, chosen, piece));
  }
  std::vector<double> slowdowns;
  for (size_t i : chosen) slowdowns.push_back(rounds[i].slowdown);
  const auto [low, high] =
      std::minmax_element(slowdowns.begin(), slowdowns.end());
  result.drift = *high / *low - 1;
  result.slowdown = Median(slowdowns);
  result.slope = SlopeOf(rounds);
  result.rejected_rounds = static_cast<int>(rounds.size() - chosen.size());
  return result;
}

bool Agrees(const MeasureResult& result, double max_spread) {
  return std::all_of(result.works.begin(), result.works.end(),
                     [&](const WorkTiming& work) {
                       return work.ci_high_ns - work.ci_low_ns <=
                              2 * max_spread * work.median_ns;
                     });
}

}  // namespace

absl::StatusOr<MeasureResult> Measure(absl::Span<const Work> works,
                                      const Reference& reference,
                                      const MeasureOptions& options,
                                      Machine& machine, const StopToken& stop) {
  CHECK(!works.empty()) << "no work to measure";
  CHECK(reference.full_speed_ns > 0) << "estimate the reference's speed first";
  CHECK(options.samples_per_round >= 1 && options.rounds >= 1);
  CHECK_GE(options.max_rounds, options.rounds);
  Rounds runner(works, reference, options, machine);
  runner.WarmUp();
  std::vector<Round> rounds;
  std::vector<size_t> undisturbed;
  const int64_t start_ns = machine.NowNs();
  const auto in_time = [&] {
    return absl::Nanoseconds(machine.NowNs() - start_ns) <= options.max_time;
  };
  while (static_cast<int>(rounds.size()) < options.max_rounds && in_time()) {
    RETURN_IF_ERROR(stop.Check());
    rounds.push_back(runner.Run());
    if (IsDisturbed(rounds.back(), options)) {
      machine.Pause(options.pause, stop);
      continue;
    }
    undisturbed.push_back(rounds.size() - 1);
    if (static_cast<int>(undisturbed.size()) < options.rounds) continue;
    MeasureResult result = Summarize(rounds, undisturbed);
    if (Agrees(result, options.max_spread)) return result;
  }
  const std::vector<size_t> chosen = LeastDisturbed(rounds, options);
  if (chosen.empty()) {
    return absl::UnavailableError(
        "the measuring thread was preempted in every sample; stop other work "
        "on this machine and measure again");
  }
  MeasureResult result = Summarize(rounds, chosen);
  result.noisy = true;
  return result;
}

absl::StatusOr<double> EstimateFullSpeedNs(const Work& reference,
                                           absl::Duration duration,
                                           Machine& machine,
                                           const StopToken& stop) {
  const int64_t start_ns = machine.NowNs();
  std::vector<double> runs_ns;
  int64_t last_ns = start_ns;
  while (runs_ns.empty() || absl::Nanoseconds(last_ns - start_ns) < duration) {
    RETURN_IF_ERROR(stop.Check());
    reference();
    const int64_t now_ns = machine.NowNs();
    runs_ns.push_back(std::max<double>(1, now_ns - last_ns));
    last_ns = now_ns;
  }
  return Quantile(std::move(runs_ns), kFullSpeedQuantile);
}

}  // namespace frostnas::latency
