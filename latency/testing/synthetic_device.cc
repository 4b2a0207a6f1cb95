#include "latency/testing/synthetic_device.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "arch/digest.h"
#include "arch/op_key.h"
#include "base/check.h"
#include "base/random.h"
#include "base/status_macros.h"

namespace frostnas::latency {
namespace {

struct Size {
  double macs = 0, weight_bytes = 0, activation_bytes = 0;
};

Size SizeOf(const v1::OpKey& op) {
  const arch::Layer layer = *arch::LayerOf(op);
  const double pixels = static_cast<double>(layer.out.size) * layer.out.size;
  Size size;
  size.activation_bytes =
      pixels * layer.out.channels +
      static_cast<double>(layer.in.size) * layer.in.size * layer.in.channels;
  if (!layer.has_weights()) return size;
  size.weight_bytes = layer.kernel * layer.kernel * layer.out.channels;
  if (layer.kind != arch::LayerKind::kDepthwise) {
    size.weight_bytes *= layer.in.channels;
  }
  size.macs = pixels * size.weight_bytes;
  return size;
}

bool IsDepthwise(const v1::OpKey& op) { return op.kind() == "depthwise"; }

// The same factor for the same text.
double Noise(const std::string& text, double sd) {
  return std::exp(sd * Random(1).Split(text).Normal());
}

v1::Block FrostBlock(int channels, int kernel, int stride, int expansion,
                     int reduction) {
  v1::Block block;
  v1::FrostBlock& frost = *block.mutable_frost();
  frost.set_out_channels(channels);
  frost.set_kernel(kernel);
  frost.set_stride(stride);
  frost.set_expansion(expansion);
  frost.set_reduction(reduction);
  return block;
}

}  // namespace

SyntheticDevice::SyntheticDevice(SyntheticCosts costs)
    : costs_(std::move(costs)) {
  device_.set_id("host");
  device_.set_fingerprint(costs_.name);
  device_.set_model(costs_.name);
  device_.set_runtime("arithmetic 1");
  device_.set_measured(true);
  set_full_speed_ns(1000);
}

void SyntheticDevice::KeepFullSpeeds(const MeasureRequest& request) {
  for (const auto& [size, ns] : request.full_speeds.ns()) {
    (*full_speeds_.mutable_ns())[size] = ns;
  }
}

double SyntheticDevice::AloneNs(const v1::OpKey& op) const {
  const Size size = SizeOf(op);
  const double rate =
      IsDepthwise(op) ? costs_.depthwise_ns_per_mac : costs_.ns_per_mac;
  return costs_.call_ns + rate * size.macs +
         costs_.ns_per_weight_byte * size.weight_bytes;
}

double SyntheticDevice::OpNs(const v1::OpKey& op) const {
  return AloneNs(op) * Noise(arch::OpKeyText(op), costs_.op_noise);
}

double SyntheticDevice::NetworkNs(const arch::Graph& graph) const {
  double ns = costs_.network_ns;
  for (const arch::Layer& layer : graph.layers) {
    const auto op = arch::OpKeyOf(layer);
    if (!op) continue;
    const double slow = IsDepthwise(*op) ? costs_.depthwise_slow : costs_.slow;
    ns += slow * AloneNs(*op) - costs_.saved_call_ns +
          costs_.ns_per_activation_byte * SizeOf(*op).activation_bytes;
  }
  return ns * Noise(arch::GraphDigest(graph), costs_.network_noise);
}

absl::StatusOr<v1::Measurement> SyntheticDevice::Measure(
    const v1::Package& package, const MeasureRequest& request,
    const StopToken& stop) {
  RETURN_IF_ERROR(stop.Check());
  RETURN_IF_ERROR(before_());
  KeepFullSpeeds(request);
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandArchitecture(package.architecture()));
  const double ns = disturbance_ * NetworkNs(graph);
  ++networks_;
  v1::Measurement measurement;
  measurement.set_device_id(device_.id());
  measurement.set_median_ns(std::llround(ns));
  measurement.set_p90_ns(std::llround(ns));
  measurement.set_ci_low_ns(std::llround(ns * (1 - costs_.network_noise)));
  measurement.set_ci_high_ns(std::llround(ns * (1 + costs_.network_noise)));
  measurement.set_samples(100);
  measurement.set_threads(request.threads);
  measurement.set_batch(request.batch);
  return measurement;
}

absl::Status SyntheticDevice::ProfileOps(absl::Span<const v1::OpKey> ops,
                                         const MeasureRequest& request,
                                         const OpCallback& done,
                                         const StopToken& stop) {
  KeepFullSpeeds(request);
  for (const v1::OpKey& op : ops) {
    RETURN_IF_ERROR(stop.Check());
    RETURN_IF_ERROR(before_());
    ++ops_;
    v1::OpLatency entry;
    *entry.mutable_op() = op;
    entry.set_median_ns(std::llround(OpNs(op)));
    entry.set_error_ns(std::llround(2 * costs_.op_noise * OpNs(op)));
    entry.set_samples(100);
    RETURN_IF_ERROR(done(entry));
  }
  return absl::OkStatus();
}

arch::SearchSpace SyntheticSpace() {
  v1::Space spec;
  spec.set_name("synthetic");
  spec.set_width(1);
  spec.set_input_size(16);
  spec.set_input_channels(3);
  spec.set_num_classes(10);
  spec.set_width_rule(v1::WIDTH_RULE_FROST);
  v1::Slot& stem = *spec.add_slots();
  stem.set_name("stem");
  stem.set_role(v1::SLOT_ROLE_STEM);
  v1::ConvBlock& conv = *stem.add_candidates()->mutable_block()->mutable_conv();
  conv.set_out_channels(16);
  conv.set_kernel(3);
  conv.set_stride(1);
  conv.set_activation(v1::ACTIVATION_RELU);
  int index = 0;
  for (const auto& [channels, stride] :
       std::vector<std::pair<int, int>>{{16, 1},
                                        {24, 2},
                                        {24, 1},
                                        {24, 1},
                                        {40, 2},
                                        {40, 1},
                                        {40, 1},
                                        {64, 2}}) {
    v1::Slot& slot = *spec.add_slots();
    slot.set_name(absl::StrCat("b", ++index));
    slot.set_role(v1::SLOT_ROLE_BODY);
    for (int code = 0; code < 8; ++code) {
      *slot.add_candidates()->mutable_block() =
          FrostBlock(channels, code & 1 ? 5 : 3, stride, code & 2 ? 6 : 3,
                     code & 4 ? 4 : 2);
    }
    if (stride == 1) slot.add_candidates()->set_skip(true);
  }
  v1::Slot& top = *spec.add_slots();
  top.set_name("top");
  top.set_role(v1::SLOT_ROLE_HEAD);
  top.add_candidates()->mutable_block()->mutable_classifier()->set_pool(
      v1::GLOBAL_POOL_AVERAGE);
  auto space = arch::SearchSpace::Create(spec);
  CHECK_OK(space);
  return *std::move(space);
}

}  // namespace frostnas::latency
