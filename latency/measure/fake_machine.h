// A machine whose time passes only when scripted work says so.
#ifndef FROSTNAS_LATENCY_MEASURE_FAKE_MACHINE_H_
#define FROSTNAS_LATENCY_MEASURE_FAKE_MACHINE_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "base/stop.h"
#include "latency/measure/machine.h"

namespace frostnas::latency {

class FakeMachine final : public Machine {
 public:
  int64_t NowNs() override { return now_ns_; }
  absl::Duration Used() override { return absl::Nanoseconds(now_ns_) - away_; }
  int64_t Preemptions() override { return preemptions_; }
  absl::Duration Stolen() override { return stolen_; }
  void Pause(absl::Duration duration, const StopToken&) override {
    now_ns_ += absl::ToInt64Nanoseconds(duration);
    ++pauses_;
  }

  // Work of `ns` on the quiet machine; takes longer in slow phases.
  void Spend(double ns) {
    now_ns_ += static_cast<int64_t>(ns * slowdown_(now_ns_));
  }
  void Preempt(absl::Duration away) {
    now_ns_ += absl::ToInt64Nanoseconds(away);
    away_ += away;
    ++preemptions_;
  }
  void Steal(absl::Duration time) { stolen_ += time; }

  // Factor on Spend as a function of the time in nanoseconds.
  void set_slowdown(std::function<double(int64_t)> slowdown) {
    slowdown_ = std::move(slowdown);
  }
  int pauses() const { return pauses_; }

 private:
  int64_t now_ns_ = 0;
  int64_t preemptions_ = 0;
  int pauses_ = 0;
  absl::Duration away_;
  absl::Duration stolen_;
  std::function<double(int64_t)> slowdown_ = [](int64_t) { return 1.0; };
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_FAKE_MACHINE_H_
