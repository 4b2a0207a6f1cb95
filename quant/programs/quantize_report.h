// What quantize writes: reports of methods for programs and for people.
//
// Pure functions; any thread.
#ifndef FROSTNAS_QUANT_PROGRAMS_QUANTIZE_REPORT_H_
#define FROSTNAS_QUANT_PROGRAMS_QUANTIZE_REPORT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "quant/methods/measured_method.h"

namespace frostnas::quant {

// What all methods of a run have in common.
struct QuantizeRun {
  std::string model;    // path, as given
  std::string dataset;  // name
  int test_images = 0;
  int calibration_images = 0;
  int search_images = 0;
  std::string weights;  // "per_channel" or "per_tensor"
  uint64_t seed = 0;
};

// One method of a comparison.
struct ComparedMethod {
  MethodReport report;  // only `method` when it failed
  absl::Status status;
};

// report.json: fractions 0..1, memory in units of 8 * 1024 bits, noise in dB.
std::string ReportJson(const QuantizeRun& run, const MethodReport& report);
// report.md.
std::string ReportText(const QuantizeRun& run, const MethodReport& report);

// compare.json, and the table that is printed.
std::string CompareJson(const QuantizeRun& run,
                        absl::Span<const ComparedMethod> methods);
std::string CompareTable(absl::Span<const ComparedMethod> methods);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_PROGRAMS_QUANTIZE_REPORT_H_
