// What predictions for a space on a device are worth, by networks held out.
//
// Errors: of the space and of the predictor. Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_PREDICT_CALIBRATION_REPORT_H_
#define FROSTNAS_LATENCY_PREDICT_CALIBRATION_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "arch/space.h"
#include "latency/latency_table.h"
#include "latency/predict/prediction_quality.h"
#include "latency/predict/profile_space.h"

namespace frostnas::latency {

// A held-out network.
struct ReportedNetwork {
  JudgedNetwork judged;
  std::string arch_sha256;
  v1::Choice choice;
};

struct CalibrationReport {
  std::string space;
  int input_size = 0;
  double width = 0;
  v1::Device device;
  int threads = 1;
  int batch = 1;
  int ops_measured = 0;
  int ops_inferred = 0;
  // Mean of the measured ops' errors over their times.
  double mean_op_error = 0;
  int networks = 0;  // of the space, fitted on
  // See Predictor.
  std::optional<double> left_out_mape;
  // Unset without held-out networks.
  std::optional<PredictionQuality> held_out;
  // The held-out ones, worst first.
  std::vector<ReportedNetwork> worst_first;
};

absl::StatusOr<CalibrationReport> MakeCalibrationReport(
    const arch::SearchSpace& space, const LatencyTable& table);

// docs/latency.md has the fields. The five worst networks with the choices of
// all slots; `summary`, where given, as what it took.
std::string ReportJson(const CalibrationReport& report,
                       const arch::SearchSpace& space,
                       const std::optional<ProfileSummary>& summary);

// A few lines for people.
std::string ReportText(const CalibrationReport& report,
                       const std::optional<ProfileSummary>& summary);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_CALIBRATION_REPORT_H_
