#include "search/testing/tiny_study.h"

#include "arch/op_key.h"
#include "arch/space.h"
#include "base/check.h"
#include "google/protobuf/text_format.h"

namespace frostnas::search {
namespace {

constexpr char kSpace[] = R"pb(
  name: "tiny"
  width: 1
  input_size: 8
  input_channels: 3
  num_classes: 10
  width_rule: WIDTH_RULE_FROST
  slots {
    name: "stem"
    role: SLOT_ROLE_STEM
    candidates {
      block {
        conv { out_channels: 8 kernel: 3 stride: 1 activation: ACTIVATION_RELU }
      }
    }
  }
  slots {
    name: "classifier"
    role: SLOT_ROLE_HEAD
    candidates { block { classifier { pool: GLOBAL_POOL_AVERAGE } } }
  }
)pb";

v1::Slot BodySlot(const std::string& name, int out_channels, int stride) {
  v1::Slot slot;
  slot.set_name(name);
  slot.set_role(v1::SLOT_ROLE_BODY);
  for (const int kernel : {3, 5}) {
    for (const int expansion : {3, 6}) {
      v1::FrostBlock& block =
          *slot.add_candidates()->mutable_block()->mutable_frost();
      block.set_out_channels(out_channels);
      block.set_kernel(kernel);
      block.set_stride(stride);
      block.set_expansion(expansion);
      block.set_reduction(4);
    }
  }
  if (stride == 1) slot.add_candidates()->set_skip(true);
  return slot;
}

}  // namespace

v1::Space TinySpace() {
  v1::Space space;
  CHECK(google::protobuf::TextFormat::ParseFromString(kSpace, &space));
  const v1::Slot classifier = space.slots(1);
  space.mutable_slots()->RemoveLast();
  *space.add_slots() = BodySlot("s1b1", 8, 1);
  *space.add_slots() = BodySlot("s2b1", 16, 2);
  *space.add_slots() = BodySlot("s2b2", 16, 1);
  *space.add_slots() = classifier;
  return space;
}

v1::StudySpec TinySpec(const std::vector<std::string>& devices) {
  v1::StudySpec spec;
  *spec.mutable_space() = TinySpace();
  spec.mutable_dataset()->set_kind(v1::DATASET_KIND_SYNTHETIC);
  spec.mutable_dataset()->set_seed(1);
  spec.mutable_dataset()->set_train_images(60);
  spec.mutable_dataset()->set_test_images(20);
  for (const std::string& device : devices) spec.add_devices(device);
  spec.set_strategy(v1::STRATEGY_RANDOM);
  v1::Budget& budget = *spec.mutable_budget();
  budget.set_preset("custom");
  budget.set_float_epochs(2);
  budget.set_search_epochs(2);
  budget.set_trials(4);
  budget.set_trial_epochs(1);
  budget.set_final_epochs(2);
  budget.set_batch(16);
  budget.set_calibration_networks(3);
  spec.set_seed(1);
  spec.set_threads(1);
  return spec;
}

v1::Device TinyDevice(const std::string& id) {
  v1::Device device;
  device.set_id(id);
  device.set_fingerprint(std::string(64, 'f'));
  device.set_model("a processor");
  device.set_isa("plain");
  device.set_cores(2);
  device.set_runtime("arithmetic 1");
  device.set_measured(true);
  return device;
}

int64_t TinyOpNs(const v1::OpKey& op) {
  const int64_t pixels = int64_t{op.in_size()} * op.in_size();
  const int64_t taps = int64_t{op.kernel()} * op.kernel();
  const int64_t depth = op.kind() == "depthwise" ? 1 : op.in_channels();
  return 1000 + pixels * taps * depth * op.out_channels();
}

latency::LatencyTable TinyTable() {
  const auto space = arch::SearchSpace::Create(TinySpace());
  CHECK(space.ok());
  latency::LatencyTable table(TinyDevice("host"), /*threads=*/1, /*batch=*/1);
  for (const v1::OpKey& key : arch::DistinctOps(*space)) {
    v1::OpLatency op;
    *op.mutable_op() = key;
    op.set_median_ns(TinyOpNs(key));
    op.set_samples(10);
    CHECK(table.Add(op).ok());
  }
  return table;
}

}  // namespace frostnas::search
