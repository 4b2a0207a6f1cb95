#include "latency/table_device.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "latency/predict/predictor.h"
#include "quant/package.h"

namespace frostnas::latency {
namespace {

class TableDevice final : public LatencyDevice {
 public:
  TableDevice(std::string id, LatencyTable table)
      : table_(std::move(table)), device_(table_.device()) {
    device_.set_id(std::move(id));
    device_.set_fingerprint(Sha256Hex(table_.Serialize()));
    device_.set_measured(false);
  }

  const v1::Device& Describe() const override { return device_; }

  absl::StatusOr<v1::Measurement> Measure(const v1::Package& package,
                                          const MeasureRequest& request,
                                          const StopToken& stop) override {
    RETURN_IF_ERROR(stop.Check());
    RETURN_IF_ERROR(CheckFits(request));
    ASSIGN_OR_RETURN(const arch::Graph graph, quant::ValidatePackage(package));
    ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Create(table_));
    ASSIGN_OR_RETURN(const Prediction prediction, predictor.Predict(graph));
    const int64_t ns = std::llround(prediction.ns);
    v1::Measurement measurement;
    measurement.set_device_id(device_.id());
    measurement.set_device_fingerprint(device_.fingerprint());
    measurement.set_median_ns(ns);
    measurement.set_p90_ns(ns);
    measurement.set_ci_low_ns(std::llround(prediction.low_ns));
    measurement.set_ci_high_ns(std::llround(prediction.high_ns));
    measurement.set_predicted_ns(ns);
    measurement.set_threads(request.threads);
    measurement.set_batch(request.batch);
    measurement.set_core(-1);
    measurement.set_verdict(v1::MEASUREMENT_VERDICT_LOOKED_UP);
    return measurement;
  }

  absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                          const MeasureRequest& request, const OpCallback& done,
                          const StopToken& stop) override {
    RETURN_IF_ERROR(CheckFits(request));
    for (const v1::OpKey& op : ops) {
      RETURN_IF_ERROR(stop.Check());
      const v1::OpLatency* entry = table_.Find(op);
      if (entry == nullptr) {
        return absl::NotFoundError(
            absl::StrCat(device_.id(), " lacks ", arch::OpKeyText(op),
                         "; profile the space on that device again"));
      }
      RETURN_IF_ERROR(done(*entry));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckFits(const MeasureRequest& request) const {
    RETURN_IF_ERROR(CheckRequest(request));
    if (request.threads == table_.threads() &&
        request.batch == table_.batch()) {
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(
        absl::StrCat(device_.id(), " holds latencies for ", table_.threads(),
                     " threads, batch ", table_.batch(), ", not for ",
                     request.threads, " threads, batch ", request.batch));
  }

  const LatencyTable table_;
  v1::Device device_;
};

}  // namespace

std::unique_ptr<LatencyDevice> CreateTableDevice(std::string id,
                                                 LatencyTable table) {
  return std::make_unique<TableDevice>(std::move(id), std::move(table));
}

}  // namespace frostnas::latency
