#include "latency/measure/measure.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

// A piece of work with the number of calls that make up one sample.
struct Piece {
  const Work* work;
  int calls = 1;
};

struct Round {
  // Valid samples of each piece; the reference is the last piece.
  std::vector<std::vector<double>> samples_ns;
  double reference_ns = 0;
  bool stolen = false;
  bool starved = false;
};

class Rounds {
 public:
  Rounds(std::vector<Piece> pieces, const MeasureOptions& options,
         Machine& machine)
      : pieces_(std::move(pieces)), options_(options), machine_(machine) {}

  void WarmUp() {
    for (Piece& piece : pieces_) WarmUp(piece);
  }

  Round Run() {
    Round round;
    round.samples_ns.resize(pieces_.size());
    const absl::Duration stolen = machine_.Stolen();
    for (int i = 0; i < options_.samples_per_round; ++i) {
      for (size_t p = 0; p < pieces_.size(); ++p) {
        TakeSample(pieces_[p], round.samples_ns[p]);
      }
    }
    round.stolen = machine_.Stolen() > stolen;
    for (const auto& samples : round.samples_ns) {
      round.starved |= 2 * samples.size() < options_.samples_per_round;
    }
    if (!round.samples_ns.back().empty()) {
      round.reference_ns = Median(round.samples_ns.back());
    }
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

  void TakeSample(const Piece& piece, std::vector<double>& samples_ns) {
    const int64_t preemptions = machine_.Preemptions();
    const double ns = TimeNs(piece);
    if (machine_.Preemptions() == preemptions) samples_ns.push_back(ns);
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
  const MeasureOptions& options_;
  Machine& machine_;
};

bool IsDisturbed(const Round& round, double best_ns, double max_drift) {
  return round.starved || round.stolen ||
         round.reference_ns > (1 + max_drift) * best_ns;
}

// Indices of the rounds that count, in order of time: the undisturbed ones;
// with `fill`, at least `wanted` by taking the least disturbed as well. Rounds
// without a sample of some piece never count.
std::vector<size_t> Select(const std::vector<Round>& rounds, double best_ns,
                           const MeasureOptions& options, bool fill) {
  std::vector<size_t> chosen;
  std::vector<size_t> disturbed;
  for (size_t i = 0; i < rounds.size(); ++i) {
    const auto& samples = rounds[i].samples_ns;
    const bool whole =
        std::none_of(samples.begin(), samples.end(),
                     [](const auto& piece) { return piece.empty(); });
    if (!whole) continue;
    const bool bad = IsDisturbed(rounds[i], best_ns, options.max_drift);
    (bad ? disturbed : chosen).push_back(i);
  }
  const size_t wanted = options.rounds;
  if (fill && chosen.size() < wanted) {
    std::stable_sort(disturbed.begin(), disturbed.end(),
                     [&](size_t a, size_t b) {
                       return rounds[a].reference_ns < rounds[b].reference_ns;
                     });
    const size_t more = std::min(wanted - chosen.size(), disturbed.size());
    chosen.insert(chosen.end(), disturbed.begin(), disturbed.begin() + more);
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

MeasureResult Summarize(const std::vector<Round>& rounds,
                        const std::vector<size_t>& chosen) {
  MeasureResult result;
  const size_t works = rounds.front().samples_ns.size() - 1;
  for (size_t piece = 0; piece < works; ++piece) {
    result.works.push_back(Summarize(rounds, chosen, piece));
  }
  std::vector<double> reference;
  for (size_t i : chosen) reference.push_back(rounds[i].reference_ns);
  const auto [low, high] =
      std::minmax_element(reference.begin(), reference.end());
  result.drift = *high / *low - 1;
  result.reference_ns = Median(reference);
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

void CheckArguments(const MeasureInput& input, const MeasureOptions& options) {
  CHECK(!input.works.empty()) << "no work to measure";
  CHECK(options.samples_per_round >= 1 && options.rounds >= 1);
  CHECK_GE(options.max_rounds, options.rounds);
}

}  // namespace

absl::StatusOr<MeasureResult> Measure(const MeasureInput& input,
                                      const MeasureOptions& options,
                                      Machine& machine,
                                      ReferenceBaseline& baseline,
                                      const StopToken& stop) {
  CheckArguments(input, options);
  std::vector<Piece> pieces;
  for (const Work& work : input.works) pieces.push_back({&work});
  pieces.push_back({&input.reference});
  Rounds runner(std::move(pieces), options, machine);
  runner.WarmUp();

  std::vector<Round> rounds;
  while (static_cast<int>(rounds.size()) < options.max_rounds) {
    RETURN_IF_ERROR(stop.Check());
    rounds.push_back(runner.Run());
    const Round& round = rounds.back();
    if (!round.starved &&
        (baseline.best_ns == 0 || round.reference_ns < baseline.best_ns)) {
      baseline.best_ns = round.reference_ns;
    }
    if (IsDisturbed(round, baseline.best_ns, options.max_drift)) {
      machine.Pause(options.pause, stop);
      continue;
    }
    const auto chosen = Select(rounds, baseline.best_ns, options, false);
    if (static_cast<int>(chosen.size()) < options.rounds) continue;
    MeasureResult result = Summarize(rounds, chosen);
    if (Agrees(result, options.max_spread)) return result;
  }
  const auto chosen = Select(rounds, baseline.best_ns, options, true);
  if (chosen.empty()) {
    return absl::UnavailableError(
        "the measuring thread was preempted in every sample; stop other work "
        "on this machine and measure again");
  }
  MeasureResult result = Summarize(rounds, chosen);
  result.noisy = true;
  return result;
}

}  // namespace frostnas::latency
