#include "latency/measure/measure.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
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

// How many samples long the reference runs, and how many follow it: all results
// hang on it.
constexpr int kReferenceSamples = 2;
// Calls that bring a copy's memory back after other work.
constexpr int kRewarmCalls = 3;
// Least samples of a round, for a median.
constexpr int kLeastSamples = 3;
// Of max_time, what the rounds that are needed may take; the rest is for those
// that are measured again.
constexpr double kShareOfTime = 0.67;

// One copy of a piece of work with the number of calls that make up a sample.
struct Copy {
  const Work* work;
  int calls = 1;
  double ns = 0;  // of a call, roughly
};
using Piece = std::vector<Copy>;

// Valid samples of a piece at full speed, by copy.
using PieceSamples = std::vector<std::vector<double>>;

struct Round {
  std::vector<PieceSamples> samples_ns;  // by piece
  // Median of the reference over its full speed; 0: no valid run.
  double slowdown = 0;
  bool stolen = false;
  bool starved = false;
  bool shared = false;  // the core, with other threads
};

class Rounds {
 public:
  Rounds(absl::Span<const WorkCopies> works, const Reference& reference,
         const MeasureOptions& options, Machine& machine)
      : full_speed_ns_(reference.full_speed_ns),
        options_(options),
        machine_(machine),
        samples_(options.samples_per_round) {
    for (const Work& work : reference.copies) reference_.push_back({&work});
    for (const WorkCopies& copies : works) {
      CHECK(!copies.empty()) << "a work without a copy";
      Piece& piece = pieces_.emplace_back();
      for (const Work& work : copies) piece.push_back({&work});
    }
  }

  void WarmUp() {
    double reference_ns = 0;
    for (Copy& copy : reference_) {
      WarmUp(copy);
      copy.calls = CallsFor(kReferenceSamples * options_.sample, copy.ns);
      reference_ns = std::max(reference_ns, (1 + copy.calls) * copy.ns);
    }
    double sample_ns = 0;  // one of each copy, with its part of a reference
    double rewarm_ns = 0;
    for (Piece& piece : pieces_) {
      for (Copy& copy : piece) {
        WarmUp(copy);
        sample_ns +=
            copy.calls * copy.ns + (reference_ns + copy.ns) / kReferenceSamples;
        rewarm_ns += kRewarmCalls * copy.ns;
      }
    }
    const double round_ns = kShareOfTime *
                            absl::ToDoubleNanoseconds(options_.max_time) /
                            options_.rounds;
    const int least = std::min(kLeastSamples, options_.samples_per_round);
    samples_ = static_cast<int>(std::clamp<double>(
        (round_ns - rewarm_ns) / sample_ns, least, options_.samples_per_round));
  }

  Round Run() {
    Round round;
    for (const Piece& piece : pieces_) {
      round.samples_ns.emplace_back(piece.size());
    }
    std::vector<double> slowdowns;
    const absl::Duration stolen = machine_.Stolen();
    const absl::Duration used = machine_.Used();
    const int64_t start_ns = machine_.NowNs();
    for (size_t p = 0; p < pieces_.size(); ++p) {
      for (size_t c = 0; c < pieces_[p].size(); ++c) {
        round.samples_ns[p][c] = Sample(pieces_[p][c], slowdowns);
      }
    }
    round.stolen = machine_.Stolen() > stolen;
    const absl::Duration passed =
        absl::Nanoseconds(machine_.NowNs() - start_ns);
    round.shared = machine_.Used() - used < kOwnShare * passed;
    for (const PieceSamples& piece : round.samples_ns) {
      for (const auto& samples : piece) {
        round.starved |= 2 * static_cast<int>(samples.size()) < samples_;
      }
    }
    if (!slowdowns.empty()) round.slowdown = Median(std::move(slowdowns));
    return round;
  }

 private:
  double TimeNs(const Copy& copy) {
    const int64_t start_ns = machine_.NowNs();
    for (int call = 0; call < copy.calls; ++call) (*copy.work)();
    // A clock may be too coarse to see the work.
    const int64_t spent_ns = std::max<int64_t>(1, machine_.NowNs() - start_ns);
    return static_cast<double>(spent_ns) / copy.calls;
  }

  // Nothing where the thread was preempted.
  std::optional<double> SampleNs(const Copy& copy) {
    const int64_t preemptions = machine_.Preemptions();
    const double ns = TimeNs(copy);
    if (machine_.Preemptions() != preemptions) return std::nullopt;
    return ns;
  }

  // Of the reference's next copy, over its full speed. Memory is cold after
  // other work, the more so the larger that was, and a time is that of a warm
  // run, the reference's at full speed too: so one goes before.
  std::optional<double> Slowdown() {
    const Copy& copy = reference_[next_reference_++ % reference_.size()];
    (*copy.work)();
    const std::optional<double> ns = SampleNs(copy);
    if (!ns) return std::nullopt;
    return *ns / full_speed_ns_;
  }

  // A round's valid samples of `copy`, at full speed. Only the reference runs
  // between them, which is small: what would take turns with its other copies
  // would find less of its memory in the caches the more there are.
  std::vector<double> Sample(const Copy& copy, std::vector<double>& slowdowns) {
    std::vector<double> samples_ns;
    for (int call = 0; call < kRewarmCalls; ++call) (*copy.work)();
    for (int taken = 0; taken < samples_;) {
      const std::optional<double> slowdown = Slowdown();
      if (slowdown) slowdowns.push_back(*slowdown);
      (*copy.work)();
      for (int i = 0; i < kReferenceSamples && taken < samples_; ++i, ++taken) {
        const std::optional<double> ns = SampleNs(copy);
        if (ns && slowdown) samples_ns.push_back(*ns / *slowdown);
      }
    }
    return samples_ns;
  }

  // Doubles the calls until a run is as long as a sample, then runs on until
  // two runs agree.
  void WarmUp(Copy& copy) {
    const double sample_ns = absl::ToDoubleNanoseconds(options_.sample);
    const int64_t start_ns = machine_.NowNs();
    const auto spent = [&] {
      return absl::Nanoseconds(machine_.NowNs() - start_ns);
    };
    copy.ns = TimeNs(copy);
    bool settled = false;
    while ((!settled || spent() < options_.warm_up) &&
           spent() < kWarmUpLimit * options_.warm_up) {
      if (copy.ns * copy.calls < sample_ns) copy.calls *= 2;
      const double ns = TimeNs(copy);
      settled = std::abs(ns - copy.ns) <= kSettled * std::min(ns, copy.ns);
      copy.ns = ns;
    }
    copy.calls = CallsFor(options_.sample, copy.ns);
  }

  // Of `ns` each, to last as long as `duration` together.
  static int CallsFor(absl::Duration duration, double ns) {
    const double calls = std::ceil(absl::ToDoubleNanoseconds(duration) / ns);
    return static_cast<int>(std::clamp(calls, 1.0, 1e6));
  }

  std::vector<Copy> reference_;
  size_t next_reference_ = 0;
  std::vector<Piece> pieces_;
  const double full_speed_ns_;
  const MeasureOptions& options_;
  Machine& machine_;
  int samples_;
};

bool IsDisturbed(const Round& round, const MeasureOptions& options) {
  return round.starved || round.stolen || round.shared ||
         round.slowdown > 1 + options.max_drift;
}

bool IsWhole(const Round& round) {
  return std::all_of(round.samples_ns.begin(), round.samples_ns.end(),
                     [](const PieceSamples& piece) {
                       return std::none_of(
                           piece.begin(), piece.end(),
                           [](const auto& samples) { return samples.empty(); });
                     });
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

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / values.size();
}

WorkTiming Summarize(const std::vector<Round>& rounds,
                     const std::vector<size_t>& chosen, size_t piece) {
  WorkTiming timing;
  std::vector<double> means;  // by round
  std::vector<std::vector<double>> medians(
      rounds.front().samples_ns[piece].size());  // by copy and round
  std::vector<double> all;
  for (size_t i : chosen) {
    std::vector<double> of_copies;
    for (size_t c = 0; c < medians.size(); ++c) {
      const std::vector<double>& samples = rounds[i].samples_ns[piece][c];
      of_copies.push_back(Median(samples));
      medians[c].push_back(of_copies.back());
      all.insert(all.end(), samples.begin(), samples.end());
    }
    means.push_back(Mean(of_copies));
  }
  for (double ns : all) timing.samples_ns.push_back(std::llround(ns));
  const Interval interval = MedianInterval(means, kConfidence);
  timing.ci_low_ns = interval.low;
  timing.ci_high_ns = interval.high;
  timing.median_ns = Median(std::move(means));
  timing.p90_ns = Quantile(std::move(all), 0.9);
  std::vector<double> of_copies;
  for (const auto& values : medians) of_copies.push_back(Median(values));
  const auto [low, high] =
      std::minmax_element(of_copies.begin(), of_copies.end());
  timing.placement = *high / *low - 1;
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

absl::StatusOr<double> SpeedOfCopyNs(const Work& copy, absl::Duration duration,
                                     Machine& machine, const StopToken& stop) {
  const int64_t start_ns = machine.NowNs();
  std::vector<double> runs_ns;
  int64_t last_ns = start_ns;
  while (runs_ns.empty() || absl::Nanoseconds(last_ns - start_ns) < duration) {
    RETURN_IF_ERROR(stop.Check());
    copy();
    const int64_t now_ns = machine.NowNs();
    runs_ns.push_back(std::max<double>(1, now_ns - last_ns));
    last_ns = now_ns;
  }
  return Quantile(std::move(runs_ns), kFullSpeedQuantile);
}

}  // namespace

absl::StatusOr<MeasureResult> Measure(absl::Span<const WorkCopies> works,
                                      const Reference& reference,
                                      const MeasureOptions& options,
                                      Machine& machine, const StopToken& stop) {
  CHECK(!works.empty()) << "no work to measure";
  CHECK(!reference.copies.empty() && reference.full_speed_ns > 0)
      << "make the reference and estimate its speed first";
  CHECK(options.samples_per_round >= 1 && options.rounds >= 1);
  CHECK_GE(options.max_rounds, options.rounds);
  Rounds runner(works, reference, options, machine);
  runner.WarmUp();
  std::vector<Round> rounds;
  std::vector<size_t> undisturbed;
  const int64_t start_ns = machine.NowNs();
  const auto another = [&] {
    const int count = static_cast<int>(rounds.size());
    return count < options.rounds ||
           (count < options.max_rounds &&
            absl::Nanoseconds(machine.NowNs() - start_ns) <= options.max_time);
  };
  while (another()) {
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

absl::StatusOr<double> EstimateFullSpeedNs(const WorkCopies& reference,
                                           absl::Duration duration,
                                           Machine& machine,
                                           const StopToken& stop) {
  std::vector<double> speeds_ns;
  for (const Work& copy : reference) {
    ASSIGN_OR_RETURN(
        speeds_ns.emplace_back(),
        SpeedOfCopyNs(copy, duration / reference.size(), machine, stop));
  }
  return Mean(speeds_ns);
}

}  // namespace frostnas::latency
