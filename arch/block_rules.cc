#include "arch/block_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

constexpr int kMaxChannels = 4096;
constexpr float kMaxDropout = 0.9f;

// Says where a value stands: block "s1b1": frost.kernel.
class FieldChecker {
 public:
  FieldChecker(absl::string_view block, absl::string_view kind)
      : where_(absl::StrCat("block \"", block, "\": ", kind, ".")) {}

  absl::Status Between(absl::string_view field, int value, int low,
                       int high) const {
    if (value >= low && value <= high) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        where_, field, " is ", value, "; it must be ", low, "..", high));
  }

  absl::Status OddBetween(absl::string_view field, int value, int low,
                          int high) const {
    RETURN_IF_ERROR(Between(field, value, low, high));
    if (value % 2 == 1) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(where_, field, " is ", value, "; it must be odd"));
  }

  absl::Status Known(v1::Activation value) const {
    if (v1::Activation_IsValid(value) && value != v1::ACTIVATION_UNSPECIFIED) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat(where_,
                     "activation is missing or unknown; set ACTIVATION_NONE, "
                     "ACTIVATION_RELU or ACTIVATION_RELU6"));
  }

  absl::Status Fails(absl::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat(where_, why));
  }

 private:
  const std::string where_;
};

absl::Status Check(const v1::ConvBlock& conv, const FieldChecker& field) {
  RETURN_IF_ERROR(
      field.Between("out_channels", conv.out_channels(), 1, kMaxChannels));
  RETURN_IF_ERROR(field.OddBetween("kernel", conv.kernel(), 1, 7));
  RETURN_IF_ERROR(field.Between("stride", conv.stride(), 1, 2));
  RETURN_IF_ERROR(field.Known(conv.activation()));
  if (conv.norm_after_activation() &&
      conv.activation() == v1::ACTIVATION_NONE) {
    return field.Fails(
        "norm_after_activation is set without an activation; set one or "
        "clear it");
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::FrostBlock& frost, const FieldChecker& field) {
  RETURN_IF_ERROR(
      field.Between("out_channels", frost.out_channels(), 1, kMaxChannels));
  RETURN_IF_ERROR(field.OddBetween("kernel", frost.kernel(), 3, 5));
  RETURN_IF_ERROR(field.Between("stride", frost.stride(), 1, 2));
  RETURN_IF_ERROR(field.Between("expansion", frost.expansion(), 1, 8));
  return field.Between("reduction", frost.reduction(), 1, 16);
}

absl::Status Check(const v1::InvertedResidualBlock& residual,
                   const FieldChecker& field) {
  RETURN_IF_ERROR(
      field.Between("out_channels", residual.out_channels(), 1, kMaxChannels));
  RETURN_IF_ERROR(field.OddBetween("kernel", residual.kernel(), 3, 7));
  RETURN_IF_ERROR(field.Between("stride", residual.stride(), 1, 2));
  RETURN_IF_ERROR(field.Between("expansion", residual.expansion(), 1, 8));
  return field.Known(residual.activation());
}

absl::Status Check(const v1::SeparableBlock& separable,
                   const FieldChecker& field) {
  RETURN_IF_ERROR(
      field.Between("out_channels", separable.out_channels(), 1, kMaxChannels));
  RETURN_IF_ERROR(field.OddBetween("kernel", separable.kernel(), 3, 7));
  RETURN_IF_ERROR(field.Between("stride", separable.stride(), 1, 2));
  return field.Known(separable.activation());
}

absl::Status Check(const v1::PoolBlock& pool, const FieldChecker& field) {
  RETURN_IF_ERROR(field.Between("kernel", pool.kernel(), 2, 3));
  return field.Between("stride", pool.stride(), 1, 3);
}

absl::Status Check(const v1::ClassifierBlock& classifier,
                   const FieldChecker& field) {
  if (classifier.pool() != v1::GLOBAL_POOL_AVERAGE &&
      classifier.pool() != v1::GLOBAL_POOL_MAX) {
    return field.Fails(
        "pool is missing or unknown; set GLOBAL_POOL_AVERAGE or "
        "GLOBAL_POOL_MAX");
  }
  // Written so that a NaN fails.
  if (!(classifier.dropout() >= 0 && classifier.dropout() <= kMaxDropout)) {
    return field.Fails(absl::StrCat("dropout is ", classifier.dropout(),
                                    "; it must be 0..", kMaxDropout));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsBlockName(absl::string_view name) {
  constexpr size_t kMaxLength = 32;
  return !name.empty() && name.size() <= kMaxLength &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

absl::Status CheckBlockFields(const v1::Block& block) {
  switch (block.kind_case()) {
    case v1::Block::kConv:
      return Check(block.conv(), FieldChecker(block.name(), "conv"));
    case v1::Block::kFrost:
      return Check(block.frost(), FieldChecker(block.name(), "frost"));
    case v1::Block::kInvertedResidual:
      return Check(block.inverted_residual(),
                   FieldChecker(block.name(), "inverted_residual"));
    case v1::Block::kSeparable:
      return Check(block.separable(), FieldChecker(block.name(), "separable"));
    case v1::Block::kPool:
      return Check(block.pool(), FieldChecker(block.name(), "pool"));
    case v1::Block::kClassifier:
      return Check(block.classifier(),
                   FieldChecker(block.name(), "classifier"));
    case v1::Block::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("block \"", block.name(),
                   "\": kind is missing; set conv, frost, inverted_residual, "
                   "separable, pool or classifier"));
}

}  // namespace frostnas::arch
