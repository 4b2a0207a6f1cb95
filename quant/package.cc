#include "quant/package.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "quant/quantized_graph.h"
#include "quant/wire_budget.h"

namespace frostnas::quant {
namespace {

constexpr uint32_t kFormatVersion = 1;
constexpr absl::string_view kPackageMagic = "FNPKG01\n";
constexpr absl::string_view kFloatMagic = "FNFLT01\n";
constexpr size_t kDigestBytes = 32;
constexpr size_t kMaxFileBytes = size_t{512} << 20;
// Far above what 256 blocks and 100000 class names need.
constexpr int64_t kMaxObjects = 200000;
constexpr int kMaxTensorRank = 4;
constexpr size_t kMaxNameBytes = 256;

std::string Digest(absl::string_view payload) {
  return absl::HexStringToBytes(Sha256Hex(payload));
}

template <typename Message>
std::string Wrap(absl::string_view magic, Message message) {
  message.set_format_version(kFormatVersion);
  const std::string payload = message.SerializeAsString();
  return absl::StrCat(magic, Digest(payload), payload);
}

// The payload of a file with this magic, its digest verified.
absl::StatusOr<absl::string_view> Unwrap(absl::string_view magic,
                                         absl::string_view what,
                                         absl::string_view bytes) {
  if (bytes.size() > kMaxFileBytes) {
    return absl::DataLossError(absl::StrCat(what, " has ", bytes.size(),
                                            " bytes; the limit is 512 MiB"));
  }
  if (bytes.substr(0, magic.size()) != magic) {
    return absl::DataLossError(absl::StrCat("not a ", what,
                                            ": it does not start with \"",
                                            absl::CEscape(magic), "\""));
  }
  if (bytes.size() < magic.size() + kDigestBytes) {
    return absl::DataLossError(absl::StrCat(what, " is truncated"));
  }
  const absl::string_view payload = bytes.substr(magic.size() + kDigestBytes);
  if (bytes.substr(magic.size(), kDigestBytes) != Digest(payload)) {
    return absl::DataLossError(
        absl::StrCat(what, " is damaged or truncated: its SHA-256 differs"));
  }
  return payload;
}

template <typename Message>
absl::StatusOr<Message> Parse(absl::string_view magic, absl::string_view what,
                              absl::string_view bytes) {
  ASSIGN_OR_RETURN(const absl::string_view payload, Unwrap(magic, what, bytes));
  if (!CheckWireBudget(Message::descriptor(), payload, kMaxObjects).ok()) {
    return absl::DataLossError(
        absl::StrCat(what, " does not hold a message of its kind"));
  }
  Message message;
  if (!message.ParseFromArray(payload.data(),
                              static_cast<int>(payload.size()))) {
    return absl::DataLossError(
        absl::StrCat(what, " does not hold a message of its kind"));
  }
  if (message.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        what, " has format version ", message.format_version(),
        "; this build reads up to ", kFormatVersion, ", use a newer one"));
  }
  return message;
}

absl::Status CheckVersion(uint32_t version) {
  if (version == kFormatVersion) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "format_version is ", version, "; it must be ", kFormatVersion));
}

absl::Status CheckInput(const v1::InputTransform& input, int channels) {
  if (input.mean_size() != channels || input.stddev_size() != channels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "input.mean and input.stddev have ", input.mean_size(), " and ",
        input.stddev_size(), " values; the input has ", channels, " channels"));
  }
  for (int c = 0; c < channels; ++c) {
    if (!std::isfinite(input.mean(c)) || !std::isnormal(input.stddev(c)) ||
        input.stddev(c) < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("input.mean[", c, "] or input.stddev[", c,
                       "] is not finite and positive"));
    }
  }
  return absl::OkStatus();
}

absl::Status TensorError(const v1::NamedTensor& tensor,
                         absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("tensor \"", tensor.name(), "\": ", what));
}

absl::Status CheckTensor(const v1::NamedTensor& tensor) {
  if (tensor.name().empty() || tensor.name().size() > kMaxNameBytes) {
    return TensorError(tensor, "a name has 1..256 characters");
  }
  if (tensor.shape_size() == 0 || tensor.shape_size() > kMaxTensorRank) {
    return TensorError(tensor, "shape must have 1..4 dimensions");
  }
  int64_t elements = 1;
  const int64_t stored = static_cast<int64_t>(tensor.data().size() / 4);
  for (int32_t dimension : tensor.shape()) {
    // Against `stored` before multiplying: never overflows.
    if (dimension <= 0 || elements > stored / dimension) {
      return TensorError(tensor, "shape does not fit its data");
    }
    elements *= dimension;
  }
  if (elements * 4 != static_cast<int64_t>(tensor.data().size())) {
    return TensorError(tensor, "shape does not fit its data");
  }
  for (int64_t i = 0; i < elements; ++i) {
    float value;
    std::memcpy(&value, tensor.data().data() + i * 4, 4);
    if (!std::isfinite(value)) {
      return TensorError(tensor, absl::StrCat("value ", i, " is not finite"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFloatNetwork(const v1::FloatNetwork& network) {
  RETURN_IF_ERROR(CheckVersion(network.format_version()));
  if (network.has_architecture()) {
    RETURN_IF_ERROR(arch::ExpandArchitecture(network.architecture()).status());
  }
  std::set<absl::string_view> names;
  for (const v1::NamedTensor& tensor : network.tensors()) {
    RETURN_IF_ERROR(CheckTensor(tensor));
    if (!names.insert(tensor.name()).second) {
      return TensorError(tensor, "appears twice");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Package> MakePackage(QuantizedGraph quantized,
                                        const v1::Architecture& architecture,
                                        const v1::DatasetInfo& dataset) {
  v1::Package package;
  package.set_format_version(kFormatVersion);
  *package.mutable_architecture() = architecture;
  *package.mutable_input()->mutable_mean() = dataset.mean();
  *package.mutable_input()->mutable_stddev() = dataset.stddev();
  *package.mutable_input()->mutable_grid() = quantized.input;
  for (v1::PackageLayer& layer : quantized.layers) {
    *package.add_layers() = std::move(layer);
  }
  *package.mutable_dataset() = dataset;
  package.set_fake_quant_top1(-1);
  RETURN_IF_ERROR(ValidatePackage(package).status());
  return package;
}

std::string SerializePackage(const v1::Package& package) {
  return Wrap(kPackageMagic, package);
}

absl::StatusOr<v1::Package> ParsePackage(absl::string_view bytes) {
  ASSIGN_OR_RETURN(v1::Package package,
                   Parse<v1::Package>(kPackageMagic, "package", bytes));
  RETURN_IF_ERROR(ValidatePackage(package).status());
  return package;
}

std::string SerializeFloatNetwork(const v1::FloatNetwork& network) {
  return Wrap(kFloatMagic, network);
}

absl::StatusOr<v1::FloatNetwork> ParseFloatNetwork(absl::string_view bytes) {
  ASSIGN_OR_RETURN(
      v1::FloatNetwork network,
      Parse<v1::FloatNetwork>(kFloatMagic, "float network", bytes));
  RETURN_IF_ERROR(CheckFloatNetwork(network));
  return network;
}

absl::StatusOr<QuantizedGraph> QuantizedGraphOf(const v1::Package& package) {
  RETURN_IF_ERROR(CheckVersion(package.format_version()));
  QuantizedGraph quantized;
  ASSIGN_OR_RETURN(quantized.graph,
                   arch::ExpandArchitecture(package.architecture()));
  RETURN_IF_ERROR(CheckInput(package.input(), quantized.graph.input.channels));
  quantized.layers.assign(package.layers().begin(), package.layers().end());
  quantized.input = package.input().grid();
  RETURN_IF_ERROR(ValidateQuantizedGraph(quantized));
  if (!(package.fake_quant_top1() <= 1)) {
    return absl::InvalidArgumentError("fake_quant_top1 is above 1");
  }
  return quantized;
}

absl::StatusOr<arch::Graph> ValidatePackage(const v1::Package& package) {
  ASSIGN_OR_RETURN(QuantizedGraph quantized, QuantizedGraphOf(package));
  return std::move(quantized.graph);
}

}  // namespace frostnas::quant
