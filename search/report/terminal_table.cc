#include "search/report/terminal_table.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "search/trial_latency.h"

namespace frostnas::search {
namespace {

std::string Percent(double fraction) {
  return fraction < 0 ? "-" : absl::StrFormat("%.2f", fraction * 100);
}

// Of a device's column.
int WidthOf(const std::string& device) {
  constexpr size_t kLeast = 12;
  return static_cast<int>(std::max(kLeast, device.size() + 3));
}

std::string Header(const StudyReport& report) {
  std::string line = absl::StrFormat("%6s %6s  %9s %9s %9s", "trial", "epochs",
                                     "INT8 %", "fake-q %", "float %");
  for (const std::string& device : report.study.spec().devices()) {
    absl::StrAppendFormat(&line, "  %*s %9s", WidthOf(device),
                          absl::StrCat(device, " ms"), "p90");
  }
  absl::StrAppendFormat(&line, "  %9s %9s  %s\n", "kparams", "MMACs", "origin");
  return line;
}

std::string Row(const StudyReport& report, const v1::Trial& trial) {
  std::string line = absl::StrFormat(
      "%6s %6d  %9s %9s %9s",
      absl::StrCat(trial.id(), trial.on_front() ? "*" : " "),
      trial.trained_epochs(), Percent(trial.int8_top1()),
      Percent(trial.fake_quant_top1()), Percent(trial.float_top1()));
  for (const std::string& device : report.study.spec().devices()) {
    const v1::Measurement* latency = LatencyOn(trial, device);
    if (latency == nullptr) {
      absl::StrAppendFormat(&line, "  %*s %9s", WidthOf(device), "-", "-");
      continue;
    }
    absl::StrAppendFormat(&line, "  %*.3f %9.3f", WidthOf(device),
                          latency->median_ns() * 1e-6,
                          latency->p90_ns() * 1e-6);
  }
  absl::StrAppendFormat(&line, "  %9.1f %9.2f  %s\n", trial.params() * 1e-3,
                        trial.macs() * 1e-6, trial.origin());
  return line;
}

}  // namespace

std::string FrontTable(const StudyReport& report) {
  std::string table = Header(report);
  for (const v1::Trial* trial : FrontByLatency(report)) {
    table += Row(report, *trial);
  }
  return table;
}

std::string TrialsTable(const StudyReport& report) {
  std::string table = Header(report);
  for (const v1::Trial& trial : report.trials) table += Row(report, trial);
  return table;
}

}  // namespace frostnas::search
