#include "search/supernet/testing/tiny_search.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "arch/cost.h"
#include "base/random.h"

namespace frostnas::search {
namespace {

constexpr int kClasses = 4;
constexpr int kPixels = 8;

void AddStem(v1::Space& space) {
  v1::Slot& slot = *space.add_slots();
  slot.set_name("stem");
  slot.set_role(v1::SLOT_ROLE_STEM);
  v1::ConvBlock& conv = *slot.add_candidates()->mutable_block()->mutable_conv();
  conv.set_out_channels(16);
  conv.set_kernel(3);
  conv.set_stride(1);
  conv.set_activation(v1::ACTIVATION_RELU);
}

void AddFrostSlot(v1::Space& space, int index) {
  v1::Slot& slot = *space.add_slots();
  slot.set_name(absl::StrCat("s", index));
  slot.set_role(v1::SLOT_ROLE_BODY);
  for (int reduction : {2, 4}) {
    if (index > 0 && reduction == 4) continue;
    for (int kernel : {3, 5}) {
      for (int expansion : {2, 4}) {
        v1::FrostBlock& frost =
            *slot.add_candidates()->mutable_block()->mutable_frost();
        frost.set_out_channels(32);
        frost.set_kernel(kernel);
        frost.set_stride(index == 1 ? 2 : 1);
        frost.set_expansion(expansion);
        frost.set_reduction(reduction);
      }
    }
  }
  if (index == 2) slot.add_candidates()->set_skip(true);
}

void AddClassifier(v1::Space& space) {
  v1::Slot& slot = *space.add_slots();
  slot.set_name("head");
  slot.set_role(v1::SLOT_ROLE_HEAD);
  v1::ClassifierBlock& classifier =
      *slot.add_candidates()->mutable_block()->mutable_classifier();
  classifier.set_pool(v1::GLOBAL_POOL_AVERAGE);
  classifier.set_dropout(0.2f);
}

nn::ImageSet Colours(int count, Random random) {
  nn::ImageSet images;
  images.size = kPixels;
  images.channels = 3;
  for (int i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.UniformInt(kClasses));
    images.labels.push_back(label);
    for (int p = 0; p < kPixels * kPixels; ++p) {
      for (int c = 0; c < 3; ++c) {
        const double mean = label == c ? 160 : label == 3 ? 110 : 90;
        const double value = mean + 30 * random.Normal();
        images.pixels.push_back(
            static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
      }
    }
  }
  return images;
}

}  // namespace

arch::SearchSpace TinySpace() {
  v1::Space space;
  space.set_name("tiny");
  space.set_width(1);
  space.set_input_size(kPixels);
  space.set_input_channels(3);
  space.set_num_classes(kClasses);
  space.set_width_rule(v1::WIDTH_RULE_FROST);
  AddStem(space);
  for (int index = 0; index < 3; ++index) AddFrostSlot(space, index);
  AddClassifier(space);
  return arch::SearchSpace::Create(space).value();
}

std::unique_ptr<const nn::Dataset> TinyDataset() {
  auto dataset = std::make_unique<nn::Dataset>();
  const Random random(11);
  dataset->train = Colours(128, random.Split("train"));
  dataset->arch = Colours(32, random.Split("arch"));
  dataset->val = Colours(64, random.Split("val"));
  dataset->test = Colours(64, random.Split("test"));
  v1::DatasetInfo& info = dataset->info;
  info.set_name("colours");
  info.set_classes(kClasses);
  info.set_train(128);
  info.set_arch(32);
  info.set_val(64);
  info.set_test(64);
  info.set_sha256("colours");
  info.set_image_size(kPixels);
  info.set_channels(3);
  for (int c = 0; c < 3; ++c) {
    info.add_mean(0.42f);
    info.add_stddev(0.17f);
  }
  return dataset;
}

latency::ExpectedLatency TinyLatency(const arch::SearchSpace& space) {
  latency::SlotValues ns;
  for (const arch::SearchSlot& slot : space.slots()) {
    std::vector<double>& row = ns.emplace_back();
    for (const arch::SlotCandidate& candidate : slot.candidates) {
      row.push_back(candidate.skip
                        ? 0
                        : 1e6 + 2.0 * arch::GraphCost(candidate.graph).macs);
    }
  }
  return latency::ExpectedLatency::Create(ns, 0).value();
}

}  // namespace frostnas::search
