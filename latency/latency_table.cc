#include "latency/latency_table.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "arch/digest.h"
#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/check.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {
namespace {

using ::google::protobuf::TextFormat;

constexpr uint32_t kFormatVersion = 1;
constexpr int64_t kMaxFileBytes = int64_t{16} << 20;
constexpr int kMaxOps = 100'000;
// A fit takes the cube of this.
constexpr int kMaxNetworks = 1000;
// LatencyTable, OpLatency, OpKey and a little more.
constexpr int kMaxNesting = 8;
// A day: nothing that is a latency takes longer.
constexpr int64_t kMaxNs = int64_t{86'400} * 1'000'000'000;
constexpr char kHeader[] =
    "# frostnas latency table: INT8 operator latencies of one device, a\n"
    "# frostnas.v1.LatencyTable. Times are nanoseconds. Made by profiling a\n"
    "# space on the device; `--latency_table FILE` uses and extends it.\n";

// Keeps the first error's place.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ =
        absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::Status CheckOp(const v1::OpLatency& op) {
  RETURN_IF_ERROR(arch::LayerOf(op.op()).status());
  const std::string name = arch::OpKeyText(op.op());
  if (op.median_ns() < 1 || op.median_ns() > kMaxNs) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": median_ns ", op.median_ns(), " is not in 1..", kMaxNs));
  }
  if (op.error_ns() < 0 || op.error_ns() > kMaxNs) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": error_ns ", op.error_ns(), " is not in 0..", kMaxNs));
  }
  if (op.samples() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": samples ", op.samples(), " is negative"));
  }
  return absl::OkStatus();
}

absl::Status CheckHead(const v1::LatencyTable& proto) {
  if (proto.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "format_version ", proto.format_version(),
        " is newer than this build reads (", kFormatVersion, "); update it"));
  }
  if (proto.format_version() != kFormatVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("format_version is ", proto.format_version(),
                     ", not 1: not a latency table"));
  }
  if (proto.threads() < 1 || proto.threads() > 1024) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads ", proto.threads(), " is not in 1..1024"));
  }
  if (proto.batch() < 1 || proto.batch() > 65536) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch ", proto.batch(), " is not in 1..65536"));
  }
  // Not a number is refused as well.
  for (const auto& [size, ns] : proto.full_speeds().ns()) {
    if (ns > 0 && ns <= kMaxNs) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("full_speeds of the reference of ", size, " pixels: ", ns,
                     " is not in 0..", kMaxNs));
  }
  if (proto.ops_size() > kMaxOps) {
    return absl::InvalidArgumentError(
        absl::StrCat("ops has ", proto.ops_size(), " entries, over ", kMaxOps));
  }
  return absl::OkStatus();
}

absl::Status From(absl::string_view source, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(source, ": ", status.message()));
}

absl::Status CheckNetwork(const v1::NetworkLatency& network, int num_ops) {
  const auto invalid = [&](auto... what) {
    return absl::InvalidArgumentError(absl::StrCat(
        "calibration.measured ", network.arch_sha256(), ": ", what...));
  };
  if (!IsSha256Hex(network.arch_sha256())) return invalid("not a SHA-256");
  if (network.median_ns() < 1 || network.median_ns() > kMaxNs) {
    return invalid("median_ns ", network.median_ns(), " is not in 1..", kMaxNs);
  }
  if (network.error_ns() < 0 || network.error_ns() > kMaxNs) {
    return invalid("error_ns ", network.error_ns(), " is not in 0..", kMaxNs);
  }
  if (network.ops().empty()) return invalid("no ops");
  for (const int op : network.ops()) {
    if (op < 0 || op >= num_ops) {
      return invalid("op ", op, " is not in 0..", num_ops - 1);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCalibration(const v1::Calibration& calibration) {
  if (!std::isfinite(calibration.slope()) || calibration.slope() <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "calibration.slope ", calibration.slope(), " is not over 0"));
  }
  if (!std::isfinite(calibration.intercept_ns())) {
    return absl::InvalidArgumentError("calibration.intercept_ns is not finite");
  }
  if (calibration.measured_size() > kMaxNetworks) {
    return absl::InvalidArgumentError(
        absl::StrCat("calibration.measured has ", calibration.measured_size(),
                     " networks, over ", kMaxNetworks));
  }
  for (const v1::OpKey& op : calibration.ops()) {
    RETURN_IF_ERROR(arch::LayerOf(op).status());
  }
  absl::flat_hash_set<absl::string_view> digests;
  for (const v1::NetworkLatency& network : calibration.measured()) {
    RETURN_IF_ERROR(CheckNetwork(network, calibration.ops_size()));
    if (digests.insert(network.arch_sha256()).second) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "calibration.measured ", network.arch_sha256(), " is there twice"));
  }
  return absl::OkStatus();
}

v1::Calibration Uncalibrated() {
  v1::Calibration calibration;
  calibration.set_slope(1);
  return calibration;
}

}  // namespace

LatencyTable::LatencyTable(v1::Device device, int threads, int batch)
    : device_(std::move(device)),
      threads_(threads),
      batch_(batch),
      calibration_(Uncalibrated()) {}

absl::StatusOr<LatencyTable> LatencyTable::FromProto(
    const v1::LatencyTable& proto, absl::string_view source) {
  RETURN_IF_ERROR(From(source, CheckHead(proto)));
  LatencyTable table(proto.device(), proto.threads(), proto.batch());
  table.full_speeds_ = proto.full_speeds();
  for (const v1::OpLatency& op : proto.ops()) {
    const int before = table.num_ops();
    RETURN_IF_ERROR(From(source, table.Add(op)));
    if (table.num_ops() == before) {
      return absl::InvalidArgumentError(absl::StrCat(
          source, ": ", arch::OpKeyText(op.op()), " is there twice"));
    }
  }
  if (proto.has_calibration()) {
    RETURN_IF_ERROR(From(source, table.set_calibration(proto.calibration())));
  }
  return table;
}

absl::StatusOr<LatencyTable> LatencyTable::Parse(absl::string_view text,
                                                 absl::string_view source) {
  if (static_cast<int64_t>(text.size()) > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": over ", kMaxFileBytes, " bytes"));
  }
  FirstError error;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(kMaxNesting);
  v1::LatencyTable proto;
  if (!parser.ParseFromString(std::string(text), &proto)) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": not a latency table: ", error.text()));
  }
  return FromProto(proto, source);
}

absl::StatusOr<LatencyTable> LatencyTable::Load(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFileBytes));
  return Parse(text, path);
}

v1::LatencyTable LatencyTable::ToProto() const {
  v1::LatencyTable proto;
  proto.set_format_version(kFormatVersion);
  *proto.mutable_device() = device_;
  proto.set_threads(threads_);
  proto.set_batch(batch_);
  for (const auto& [name, op] : ops_) *proto.add_ops() = op;
  *proto.mutable_calibration() = calibration_;
  *proto.mutable_full_speeds() = full_speeds_;
  return proto;
}

std::string LatencyTable::Serialize() const {
  std::string text;
  CHECK(TextFormat::PrintToString(ToProto(), &text));
  return absl::StrCat(kHeader, text);
}

absl::Status LatencyTable::Save(const std::string& path) const {
  return WriteFileAtomic(path, Serialize());
}

absl::Status LatencyTable::Add(const v1::OpLatency& op) {
  RETURN_IF_ERROR(CheckOp(op));
  ops_[arch::OpKeyText(op.op())] = op;
  return absl::OkStatus();
}

absl::Status LatencyTable::Merge(const LatencyTable& other) {
  if (device_.fingerprint() != other.device_.fingerprint()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "latency tables of different devices: ", device_.model(), " (",
        device_.fingerprint(), ") and ", other.device_.model(), " (",
        other.device_.fingerprint(), "); profile this device anew"));
  }
  if (threads_ != other.threads_ || batch_ != other.batch_) {
    return absl::FailedPreconditionError(absl::StrCat(
        "latency tables of ", threads_, " threads, batch ", batch_, " and ",
        other.threads_, " threads, batch ", other.batch_, " do not mix"));
  }
  KeepFullSpeeds(other.full_speeds_);
  for (const auto& [name, op] : other.ops_) ops_[name] = op;
  if (other.calibration_.networks() > 0) calibration_ = other.calibration_;
  return absl::OkStatus();
}

void LatencyTable::KeepFullSpeeds(const v1::FullSpeeds& speeds) {
  full_speeds_.mutable_ns()->insert(speeds.ns().begin(), speeds.ns().end());
}

const v1::OpLatency* LatencyTable::Find(const v1::OpKey& op) const {
  const auto found = ops_.find(arch::OpKeyText(op));
  return found == ops_.end() ? nullptr : &found->second;
}

std::vector<v1::OpKey> LatencyTable::Missing(
    absl::Span<const v1::OpKey> ops) const {
  std::vector<v1::OpKey> missing;
  std::copy_if(ops.begin(), ops.end(), std::back_inserter(missing),
               [this](const v1::OpKey& op) { return Find(op) == nullptr; });
  return missing;
}

absl::StatusOr<const v1::OpLatency*> LatencyTable::Get(
    const v1::OpKey& op) const {
  if (const v1::OpLatency* entry = Find(op)) return entry;
  return absl::NotFoundError(absl::StrCat(
      "the latency table of ", device_.id(), " lacks ", arch::OpKeyText(op),
      "; profile the space on the device to add it"));
}

absl::Status LatencyTable::AddNetwork(const MeasuredNetwork& network) {
  v1::Calibration calibration = calibration_;
  absl::flat_hash_map<std::string, int> indices;
  for (const v1::OpKey& op : calibration.ops()) {
    indices.emplace(arch::OpKeyText(op), static_cast<int>(indices.size()));
  }
  v1::NetworkLatency entry;
  entry.set_arch_sha256(arch::GraphDigest(network.graph));
  for (const arch::Layer& layer : network.graph.layers) {
    const std::optional<v1::OpKey> op = arch::OpKeyOf(layer);
    if (!op) continue;
    const auto [found, added] =
        indices.emplace(arch::OpKeyText(*op), calibration.ops_size());
    if (added) *calibration.add_ops() = *op;
    entry.add_ops(found->second);
  }
  entry.set_median_ns(network.median_ns);
  entry.set_error_ns(network.error_ns);
  entry.set_samples(network.samples);
  entry.set_held_out(network.held_out);
  *entry.mutable_candidate() = network.choice.candidate();
  auto& measured = *calibration.mutable_measured();
  const auto same = std::find_if(
      measured.begin(), measured.end(), [&](const v1::NetworkLatency& other) {
        return other.arch_sha256() == entry.arch_sha256();
      });
  *(same == measured.end() ? measured.Add() : &*same) = std::move(entry);
  // A line of an older build has no place beside measured networks.
  calibration.set_slope(1);
  calibration.clear_intercept_ns();
  calibration.set_networks(static_cast<int>(
      std::count_if(measured.begin(), measured.end(),
                    [](const auto& each) { return !each.held_out(); })));
  return set_calibration(calibration);
}

const v1::NetworkLatency* LatencyTable::FindNetwork(
    absl::string_view arch_sha256) const {
  for (const v1::NetworkLatency& network : calibration_.measured()) {
    if (network.arch_sha256() == arch_sha256) return &network;
  }
  return nullptr;
}

absl::Status LatencyTable::set_calibration(const v1::Calibration& calibration) {
  RETURN_IF_ERROR(CheckCalibration(calibration));
  calibration_ = calibration;
  return absl::OkStatus();
}

}  // namespace frostnas::latency
