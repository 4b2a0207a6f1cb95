#include "quant/programs/quantize_report.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace frostnas::quant {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr double kHalf = 0.5;

QuantizeRun ARun() {
  return {.model = "d/float.fnfp",
          .dataset = "cifar10",
          .test_images = 100,
          .calibration_images = 32,
          .search_images = 50,
          .weights = "per_tensor",
          .seed = 3};
}

MethodReport AReport() {
  MethodReport report;
  report.method = "cle+mse";
  report.float_top1 = 0.75;
  report.fake_quant_top1 = 0.74;
  report.int8_top1 = 0.735;
  report.int8_runtime = "reference";
  report.cost = {.weights_kb = 2, .biases_kb = 0.25, .activations_kb = 1.75};
  report.eight_bit_cost = {
      .weights_kb = 4, .biases_kb = 0.5, .activations_kb = 3.5};
  report.saving = {.memory = kHalf, .multiplications = 0.25};
  report.notes = {"Something to know."};
  report.seconds = 12;
  report.layers = {{.name = "stem",
                    .kind = "conv",
                    .bits = {.weights = 5, .bias = 6, .activation = 7},
                    .weights = 27,
                    .outputs = 64,
                    .least_weight_scale = 0.125f,
                    .largest_weight_scale = 0.25f,
                    .output = {.scale = kHalf, .zero_point = 3, .qmax = 127},
                    .output_sqnr_db = 31.5,
                    .weight_sqnr_db = 29.25,
                    .outlier_ratio = 4},
                   {.name = "pool", .kind = "max_pool", .outputs = 16}};
  return report;
}

TEST(QuantizeReportTest, JsonHasEveryNumber) {
  const json report = json::parse(ReportJson(ARun(), AReport()));
  EXPECT_EQ(report["model"], "d/float.fnfp");
  EXPECT_EQ(report["method"], "cle+mse");
  EXPECT_EQ(report["weights"], "per_tensor");
  EXPECT_EQ(report["seed"], 3);
  EXPECT_EQ(report["float_top1"], 0.75);
  EXPECT_EQ(report["fake_quant_top1"], 0.74);
  EXPECT_EQ(report["int8_top1"], 0.735);
  EXPECT_EQ(report["memory_saving"], kHalf);
  EXPECT_EQ(report["memory_kb"], 4);
  EXPECT_EQ(report["multiplication_saving"], 0.25);
  EXPECT_EQ(report["notes"][0], "Something to know.");
  const json& stem = report["layers"][0];
  EXPECT_EQ(stem["name"], "stem");
  EXPECT_EQ(stem["weight_bits"], 5);
  EXPECT_EQ(stem["bias_bits"], 6);
  EXPECT_EQ(stem["activation_bits"], 7);
  EXPECT_EQ(stem["weight_scale"]["largest"], 0.25);
  EXPECT_EQ(stem["output"]["zero_point"], 3);
  EXPECT_EQ(stem["output"]["high"], 127);
  EXPECT_EQ(stem["sqnr_db"], 31.5);
  EXPECT_EQ(stem["weight_sqnr_db"], 29.25);
  EXPECT_FALSE(report["layers"][1].contains("weight_bits"));
}

TEST(QuantizeReportTest, TextHasWhatAReaderLooksFor) {
  const std::string text = ReportText(ARun(), AReport());
  for (const char* part :
       {"# cle+mse", "| float | 75.00 |", "| INT8, reference | 73.50 |",
        "| together | 4.00 | 8.00 |", "50.00 % of memory, 25.00 %",
        "Something to know.",
        "| stem | conv | 5 | 6 | 0.125 | 0.25 | 4.0 | 29.2 | 7 | 0.5 | 3 | "
        "31.5 |",
        "| pool | max_pool | - | - | - | - | - | - |"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(QuantizeReportTest, ComparisonKeepsWhatFailed) {
  ComparedMethod failed;
  failed.report.method = "lsq";
  failed.status = absl::FailedPreconditionError("the loss is not finite");
  const ComparedMethod compared[] = {{AReport(), absl::OkStatus()}, failed};
  const json file = json::parse(CompareJson(ARun(), compared));
  EXPECT_EQ(file["methods"][0]["int8_top1"], 0.735);
  EXPECT_EQ(file["methods"][1]["error"], "the loss is not finite");
  EXPECT_FALSE(file["methods"][1].contains("int8_top1"));
  EXPECT_EQ(CompareTable(compared),
            "method        float %  fake-q %  INT8 %  loss  memory %  mults %  "
            "    s\n"
            "cle+mse         75.00     74.00   73.50  1.50     50.00    25.00  "
            "   12\n"
            "lsq           the loss is not finite\n");
}

}  // namespace
}  // namespace frostnas::quant
