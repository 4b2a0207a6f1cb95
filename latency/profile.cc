#include "latency/profile.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "arch/op_key.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace frostnas::latency {
namespace {

constexpr double kMaxMacs = 1 << 28;
constexpr double kMaxValues = 1 << 26;

double Values(const arch::FeatureShape& shape) {
  return static_cast<double>(shape.size) * shape.size * shape.channels;
}

absl::Status CheckSize(const arch::Layer& layer) {
  const double values = Values(layer.in) + Values(layer.out);
  double macs = Values(layer.out);
  if (layer.kind == arch::LayerKind::kConv ||
      layer.kind == arch::LayerKind::kLinear) {
    macs *= layer.in.channels;
  }
  macs *= layer.kernel * layer.kernel;
  if (macs <= kMaxMacs && values <= kMaxValues) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(macs, " multiply-adds on ", values,
                   " values are more than an op may have"));
}

// The 1x1 convolution whose output is the first input of `concat`.
arch::Layer Squeeze(const arch::Layer& concat) {
  arch::Layer layer;
  layer.name = "squeeze";
  layer.kind = arch::LayerKind::kConv;
  layer.inputs = {arch::kGraphInput};
  layer.in = {.size = concat.in.size,
              .channels = concat.out.channels - concat.in.channels};
  layer.out = concat.in;
  layer.batch_norm = true;
  layer.activation = v1::ACTIVATION_RELU;
  return layer;
}

absl::Status Named(const v1::OpKey& op, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(
      status.code(), absl::StrCat(arch::OpKeyText(op), ": ", status.message()));
}

// Where an op's timings are among those of its group.
struct Slot {
  int with = 0;
  std::optional<int> without;
};

v1::OpLatency Entry(const v1::OpKey& op, const Slot& slot,
                    const MeasureResult& result) {
  const auto half_width = [](const WorkTiming& timing) {
    return (timing.ci_high_ns - timing.ci_low_ns) / 2;
  };
  const WorkTiming& with = result.works.at(slot.with);
  double median_ns = with.median_ns;
  double error_ns = half_width(with);
  if (slot.without) {
    const WorkTiming& without = result.works.at(*slot.without);
    median_ns -= without.median_ns;
    error_ns += half_width(without);
  }
  v1::OpLatency entry;
  *entry.mutable_op() = op;
  // A difference within its error may come out at nothing.
  entry.set_median_ns(std::max<int64_t>(1, std::llround(median_ns)));
  entry.set_error_ns(std::llround(error_ns));
  entry.set_samples(static_cast<int>(with.samples_ns.size()));
  return entry;
}

absl::Status ProfileGroup(absl::Span<const v1::OpKey> ops,
                          const MakeWork& make_work,
                          const MeasureWorks& measure, const OpCallback& done) {
  std::vector<WorkCopies> works;
  std::vector<Slot> slots;
  for (const v1::OpKey& op : ops) {
    const absl::StatusOr<OpNetworks> networks = NetworksOf(op);
    RETURN_IF_ERROR(Named(op, networks.status()));
    Slot& slot = slots.emplace_back();
    slot.with = static_cast<int>(works.size());
    absl::StatusOr<WorkCopies> work = make_work(networks->with);
    RETURN_IF_ERROR(Named(op, work.status()));
    works.push_back(*std::move(work));
    if (networks->without.layers.empty()) continue;
    slot.without = static_cast<int>(works.size());
    work = make_work(networks->without);
    RETURN_IF_ERROR(Named(op, work.status()));
    works.push_back(*std::move(work));
  }
  ASSIGN_OR_RETURN(const MeasureResult result, measure(works));
  for (size_t i = 0; i < ops.size(); ++i) {
    RETURN_IF_ERROR(done(Entry(ops[i], slots[i], result)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpNetworks> NetworksOf(const v1::OpKey& op) {
  ASSIGN_OR_RETURN(arch::Layer layer, arch::LayerOf(op));
  RETURN_IF_ERROR(CheckSize(layer));
  OpNetworks networks;
  if (layer.kind == arch::LayerKind::kConcat) {
    const arch::Layer squeeze = Squeeze(layer);
    RETURN_IF_ERROR(CheckSize(squeeze));
    networks.without.input = squeeze.in;
    networks.without.num_classes = squeeze.out.channels;
    networks.without.layers = {squeeze};
    networks.with.layers = {squeeze};
    layer.inputs = {0, arch::kGraphInput};
    networks.with.input = squeeze.in;
  } else {
    networks.with.input = layer.in;
  }
  networks.with.num_classes = layer.out.channels;
  networks.with.layers.push_back(std::move(layer));
  return networks;
}

absl::Status ProfileOps(absl::Span<const v1::OpKey> ops, int group,
                        const MakeWork& make_work, const MeasureWorks& measure,
                        const OpCallback& done) {
  CHECK_GE(group, 1);
  for (size_t begin = 0; begin < ops.size(); begin += group) {
    RETURN_IF_ERROR(
        ProfileGroup(ops.subspan(begin, group), make_work, measure, done));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::latency
