#include "latency/reference_network.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace frostnas::latency {

v1::Architecture ReferenceArchitecture() {
  v1::Architecture architecture;
  architecture.set_name("latency_reference");
  architecture.set_input_size(32);
  architecture.set_input_channels(3);
  architecture.set_num_classes(10);
  const auto add = [&](const std::string& name) {
    v1::Block* block = architecture.add_blocks();
    block->set_name(name);
    return block;
  };
  v1::ConvBlock* stem = add("stem")->mutable_conv();
  stem->set_out_channels(16);
  stem->set_kernel(3);
  stem->set_stride(2);
  stem->set_activation(v1::ACTIVATION_RELU);
  int index = 0;
  for (const auto& [channels, stride] : std::vector<std::pair<int, int>>{
           {24, 1}, {24, 1}, {48, 2}, {48, 1}, {96, 2}, {96, 1}, {160, 2}}) {
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

}  // namespace frostnas::latency
