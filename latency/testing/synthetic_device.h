// A device whose times are arithmetic, for tests of what is made of them.
//
// An op alone takes   call + rate[kind] * multiply-adds + per byte * weights;
// in a network        slow[kind] times that, less saved_call, plus a byte cost
//                     of its activations;
// a network           network_ns + its ops.
// Noise is a fixed share of each op and network, so that equal questions get
// equal answers. Test-only.
#ifndef FROSTNAS_LATENCY_TESTING_SYNTHETIC_DEVICE_H_
#define FROSTNAS_LATENCY_TESTING_SYNTHETIC_DEVICE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "arch/graph.h"
#include "arch/space.h"
#include "latency/device.h"
#include "latency/reference_network.h"

namespace frostnas::latency {

struct SyntheticCosts {
  std::string name = "synthetic";
  double call_ns = 400;
  double saved_call_ns = 150;
  double ns_per_mac = 0.01;
  double depthwise_ns_per_mac = 0.04;
  double ns_per_weight_byte = 0.05;
  double ns_per_activation_byte = 0.01;
  // In a network, over alone.
  double slow = 1.05;
  double depthwise_slow = 1.2;
  double network_ns = 3000;
  // Standard deviations, shares.
  double op_noise = 0.005;
  double network_noise = 0.005;
};

class SyntheticDevice final : public LatencyDevice {
 public:
  explicit SyntheticDevice(SyntheticCosts costs);

  const v1::Device& Describe() const override { return device_; }
  absl::StatusOr<v1::Measurement> Measure(const v1::Package& package,
                                          const MeasureRequest& request,
                                          const StopToken& stop) override;
  absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                          const MeasureRequest& request, const OpCallback& done,
                          const StopToken& stop) override;

  v1::FullSpeeds FullSpeeds(int) const override { return full_speeds_; }

  double NetworkNs(const arch::Graph& graph) const;
  double OpNs(const v1::OpKey& op) const;

  // Ops and networks measured so far.
  int ops() const { return ops_; }
  int networks() const { return networks_; }
  // Called before each op and network; an error is the device's answer.
  void set_before(std::function<absl::Status()> before) {
    before_ = std::move(before);
  }
  // The next measurements of networks take this many times as long.
  void set_disturbance(double factor) { disturbance_ = factor; }
  // What it would estimate; a request's holds from then on.
  void set_full_speed_ns(double ns) {
    (*full_speeds_.mutable_ns())[kSmallReference] = ns;
  }

 private:
  void KeepFullSpeeds(const MeasureRequest& request);
  double AloneNs(const v1::OpKey& op) const;

  const SyntheticCosts costs_;
  v1::Device device_;
  std::function<absl::Status()> before_ = [] { return absl::OkStatus(); };
  double disturbance_ = 1;
  v1::FullSpeeds full_speeds_;
  int ops_ = 0;
  int networks_ = 0;
};

// Eight slots of frost blocks with nine candidates or eight, at 16 pixels.
arch::SearchSpace SyntheticSpace();

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_TESTING_SYNTHETIC_DEVICE_H_
