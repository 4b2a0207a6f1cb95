#include "latency/reference_network.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace frostnas::latency {
namespace {

constexpr int kLargeFrom = 64;
constexpr int kLargest = 1024;

// Channels and stride of the blocks. Behind a large input a few channels are as
// much memory as many behind a small one.
struct Body {
  int stem = 0;
  std::vector<std::pair<int, int>> blocks;
};

Body BodyOf(int size) {
  if (size < kLargeFrom) {
    return {16,
            {{24, 1}, {24, 1}, {48, 2}, {48, 1}, {96, 2}, {96, 1}, {160, 2}}};
  }
  return {8, {{8, 2}, {8, 1}, {16, 2}, {16, 1}, {32, 2}, {32, 1}, {64, 2}}};
}

}  // namespace

int ReferenceSizeFor(int input_size) {
  return input_size < kLargeFrom ? kSmallReference : input_size;
}

v1::Architecture ReferenceArchitecture(int size) {
  CHECK_EQ(size, ReferenceSizeFor(size));
  v1::Architecture architecture;
  architecture.set_name("latency_reference");
  architecture.set_input_size(size);
  architecture.set_input_channels(3);
  architecture.set_num_classes(10);
  const auto add = [&](const std::string& name) {
    v1::Block* block = architecture.add_blocks();
    block->set_name(name);
    return block;
  };
  const Body body = BodyOf(size);
  v1::ConvBlock* stem = add("stem")->mutable_conv();
  stem->set_out_channels(body.stem);
  stem->set_kernel(3);
  stem->set_stride(2);
  stem->set_activation(v1::ACTIVATION_RELU);
  int index = 0;
  for (const auto& [channels, stride] : body.blocks) {
    v1::FrostBlock* block = add(absl::StrCat("b", ++index))->mutable_frost();
    block->set_out_channels(channels);
    block->set_kernel(index % 2 == 0 ? 5 : 3);
    block->set_stride(stride);
    block->set_expansion(4);
    block->set_reduction(4);
  }
  add("top")->mutable_classifier()->set_pool(v1::GLOBAL_POOL_AVERAGE);
  return architecture;
}

absl::Status CheckReferenceSize(int size) {
  if (size == ReferenceSizeFor(size) && size <= kLargest) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("reference_size ", size, " is neither ", kSmallReference,
                   " nor in ", kLargeFrom, "..", kLargest));
}

}  // namespace frostnas::latency
