#include "arch/width.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

// int() in the rules truncates, as the published code does.
int FrostChannels(int channels, double width, v1::SlotRole role) {
  switch (role) {
    case v1::SLOT_ROLE_HEAD:
      return channels;
    case v1::SLOT_ROLE_STEM:
      return RoundChannels(static_cast<int>(channels * std::min(1.0, width)));
    default:
      return RoundChannels(static_cast<int>(channels * width));
  }
}

int MobileNetV2Channels(int channels, double width, v1::SlotRole role) {
  const double factor =
      role == v1::SLOT_ROLE_HEAD ? std::max(1.0, width) : width;
  return RoundChannels(channels * factor);
}

absl::StatusOr<int> ScaledChannels(int channels, const v1::Space& space,
                                   v1::SlotRole role) {
  switch (space.width_rule()) {
    case v1::WIDTH_RULE_FROST:
      return FrostChannels(channels, space.width(), role);
    case v1::WIDTH_RULE_MOBILENET_V2:
      return MobileNetV2Channels(channels, space.width(), role);
    case v1::WIDTH_RULE_MOBILENET_V1:
      return static_cast<int>(channels * space.width());
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "space \"", space.name(), "\": width_rule is missing or unknown"));
  }
}

}  // namespace

absl::StatusOr<v1::Block> ScaleBlock(v1::Block block, const v1::Space& space,
                                     v1::SlotRole role) {
  if (role == v1::SLOT_ROLE_UNSPECIFIED || !v1::SlotRole_IsValid(role)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "block \"", block.name(), "\": its slot's role is missing or unknown"));
  }
  const auto scale = [&](auto& shape) -> absl::Status {
    ASSIGN_OR_RETURN(const int channels,
                     ScaledChannels(shape.out_channels(), space, role));
    shape.set_out_channels(channels);
    return absl::OkStatus();
  };
  if (block.has_conv()) {
    RETURN_IF_ERROR(scale(*block.mutable_conv()));
  } else if (block.has_frost()) {
    RETURN_IF_ERROR(scale(*block.mutable_frost()));
  } else if (block.has_inverted_residual()) {
    RETURN_IF_ERROR(scale(*block.mutable_inverted_residual()));
  } else if (block.has_separable()) {
    RETURN_IF_ERROR(scale(*block.mutable_separable()));
  }
  return block;
}

}  // namespace frostnas::arch
