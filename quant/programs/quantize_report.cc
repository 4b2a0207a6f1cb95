#include "quant/programs/quantize_report.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace frostnas::quant {
namespace {

using nlohmann::json;

constexpr size_t kLeastNameColumns = 12;

json RunJson(const QuantizeRun& run) {
  return {{"model", run.model},
          {"dataset", run.dataset},
          {"test_images", run.test_images},
          {"calibration_images", run.calibration_images},
          {"search_images", run.search_images},
          {"weights", run.weights},
          {"seed", run.seed}};
}

json ResultJson(const MethodReport& report) {
  return {{"method", report.method},
          {"float_top1", report.float_top1},
          {"fake_quant_top1", report.fake_quant_top1},
          {"int8_top1", report.int8_top1},
          {"int8_runtime", report.int8_runtime},
          {"memory_saving", report.saving.memory},
          {"multiplication_saving", report.saving.multiplications},
          {"memory_kb", report.cost.memory_kb()},
          {"seconds", report.seconds}};
}

json LayerJson(const LayerReport& layer) {
  json entry = {{"name", layer.name},
                {"kind", layer.kind},
                {"outputs", layer.outputs},
                {"activation_bits", layer.bits.activation},
                {"sqnr_db", layer.output_sqnr_db},
                {"output",
                 {{"scale", layer.output.scale},
                  {"zero_point", layer.output.zero_point},
                  {"low", layer.output.qmin},
                  {"high", layer.output.qmax}}}};
  if (layer.weights > 0) {
    entry["weights"] = layer.weights;
    entry["weight_bits"] = layer.bits.weights;
    entry["bias_bits"] = layer.bits.bias;
    entry["weight_sqnr_db"] = layer.weight_sqnr_db;
    entry["weight_outlier_ratio"] = layer.outlier_ratio;
    entry["weight_scale"] = {{"least", layer.least_weight_scale},
                             {"largest", layer.largest_weight_scale}};
  }
  return entry;
}

double Percent(double share) { return 100 * share; }

std::string CostText(const MethodReport& report) {
  const NetworkCost& cost = report.cost;
  return absl::StrFormat(
      "| memory, KB | these bits | 8 bits everywhere |\n|---|---|---|\n"
      "| weights | %.2f | %.2f |\n| biases | %.2f | %.2f |\n"
      "| layer outputs | %.2f | %.2f |\n| together | %.2f | %.2f |\n\n"
      "Saved against 8 bits everywhere: %.2f %% of memory, %.2f %% of the "
      "multiplication cost.\n",
      cost.weights_kb, report.eight_bit_cost.weights_kb, cost.biases_kb,
      report.eight_bit_cost.biases_kb, cost.activations_kb,
      report.eight_bit_cost.activations_kb, cost.memory_kb(),
      report.eight_bit_cost.memory_kb(), Percent(report.saving.memory),
      Percent(report.saving.multiplications));
}

constexpr char kLayerHead[] =
    "\n| layer | kind | weight bits | bias bits | least scale | largest scale "
    "| largest / median | weight SQNR, dB | output bits | output scale | zero "
    "point "
    "| output SQNR, dB |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";

std::string LayerText(const LayerReport& layer) {
  std::string weights = "- | - | - | - | - | -";
  if (layer.weights > 0) {
    weights = absl::StrFormat(
        "%d | %d | %.3g | %.3g | %.1f | %.1f", layer.bits.weights,
        layer.bits.bias, layer.least_weight_scale, layer.largest_weight_scale,
        layer.outlier_ratio, layer.weight_sqnr_db);
  }
  return absl::StrFormat("| %s | %s | %s | %d | %.4g | %d | %.1f |\n",
                         layer.name, layer.kind, weights, layer.bits.activation,
                         layer.output.scale, layer.output.zero_point,
                         layer.output_sqnr_db);
}

size_t NameColumns(absl::Span<const ComparedMethod> methods) {
  size_t columns = kLeastNameColumns;
  for (const ComparedMethod& method : methods) {
    columns = std::max(columns, method.report.method.size());
  }
  return columns;
}

}  // namespace

std::string ReportJson(const QuantizeRun& run, const MethodReport& report) {
  json file = RunJson(run);
  file.update(ResultJson(report));
  file["notes"] = report.notes;
  file["layers"] = json::array();
  for (const LayerReport& layer : report.layers) {
    file["layers"].push_back(LayerJson(layer));
  }
  return file.dump(2) + "\n";
}

std::string ReportText(const QuantizeRun& run, const MethodReport& report) {
  std::string text = absl::StrFormat(
      "# %s\n\n%s on %s, weights %s, %d calibration and %d search images, "
      "seed %d, %.1f s.\n\n"
      "| top-1 of %d test images | %% |\n|---|---|\n| float | %.2f |\n"
      "| fake quantized | %.2f |\n| INT8, %s | %.2f |\n\n",
      report.method, run.model, run.dataset, run.weights,
      run.calibration_images, run.search_images, run.seed, report.seconds,
      run.test_images, Percent(report.float_top1),
      Percent(report.fake_quant_top1), report.int8_runtime,
      Percent(report.int8_top1));
  absl::StrAppend(&text, CostText(report));
  for (const std::string& note : report.notes) {
    absl::StrAppend(&text, "\n", note, "\n");
  }
  absl::StrAppend(&text, kLayerHead);
  for (const LayerReport& layer : report.layers) {
    absl::StrAppend(&text, LayerText(layer));
  }
  return text;
}

std::string CompareJson(const QuantizeRun& run,
                        absl::Span<const ComparedMethod> methods) {
  json file = RunJson(run);
  file["methods"] = json::array();
  for (const ComparedMethod& method : methods) {
    if (method.status.ok()) {
      file["methods"].push_back(ResultJson(method.report));
    } else {
      file["methods"].push_back(
          {{"method", method.report.method},
           {"error", std::string(method.status.message())}});
    }
  }
  return file.dump(2) + "\n";
}

std::string CompareTable(absl::Span<const ComparedMethod> methods) {
  const int columns = static_cast<int>(NameColumns(methods));
  std::string table = absl::StrFormat(
      "%-*s  float %%  fake-q %%  INT8 %%  loss  memory %%  mults %%      s\n",
      columns, "method");
  for (const ComparedMethod& method : methods) {
    const MethodReport& report = method.report;
    if (!method.status.ok()) {
      absl::StrAppend(&table,
                      absl::StrFormat("%-*s  %s\n", columns, report.method,
                                      method.status.message()));
      continue;
    }
    absl::StrAppend(
        &table, absl::StrFormat(
                    "%-*s  %7.2f  %8.2f  %6.2f  %4.2f  %8.2f  %7.2f  "
                    "%5.0f\n",
                    columns, report.method, Percent(report.float_top1),
                    Percent(report.fake_quant_top1), Percent(report.int8_top1),
                    Percent(report.float_top1 - report.int8_top1),
                    Percent(report.saving.memory),
                    Percent(report.saving.multiplications), report.seconds));
  }
  return table;
}

}  // namespace frostnas::quant
