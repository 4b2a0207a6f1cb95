// Expected latency of ProxylessNAS's published space under its published
// Pixel-1 lookup table, against numbers computed from both independently.
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "latency/expected_latency.h"

namespace frostnas::latency {
namespace {

using LookupTable = std::map<std::string, double>;

// Reads "KEY:" lines and the "  mean: VALUE" line under each.
LookupTable ReadMeans(const std::string& path) {
  LookupTable means;
  std::ifstream file(path);
  std::string line;
  std::string key;
  while (std::getline(file, line)) {
    absl::string_view text = line;
    double value = 0;
    if (absl::ConsumePrefix(&text, "  mean: ")) {
      if (absl::SimpleAtod(text, &value)) means[key] = value;
    } else if (!line.empty() && line[0] != ' ') {
      key = std::string(absl::StripSuffix(text, ":"));
    }
  }
  return means;
}

struct Cell {
  int in_size;
  int in_channels;
  int stride;
  int out_channels;
};

std::string Key(const Cell& cell, int expand, int kernel) {
  const int out_size = cell.in_size / cell.stride;
  const bool shortcut =
      cell.stride == 1 && cell.in_channels == cell.out_channels;
  return absl::StrFormat(
      "expanded_conv-input:%dx%dx%d-output:%dx%dx%d-expand:%d-kernel:%d-"
      "stride:%d-idskip:%d",
      cell.in_size, cell.in_size, cell.in_channels, out_size, out_size,
      cell.out_channels, expand, kernel, cell.stride, shortcut);
}

// The 21 searched cells, each with k3 e3, k5 e3, k7 e3, k3 e6, k5 e6, k7 e6
// and, where the shape allows, Zero at no cost.
SlotValues Cells(const LookupTable& table) {
  constexpr std::array<std::array<int, 3>, 6> kStages = {
      {{24, 4, 2},
       {40, 4, 2},
       {80, 4, 2},
       {96, 4, 1},
       {192, 4, 2},
       {320, 1, 1}}};  // width, cells, stride
  SlotValues slots;
  Cell cell = {112, 16, 0, 0};
  for (const auto& [width, cells, stride] : kStages) {
    for (int i = 0; i < cells; ++i) {
      cell.stride = i == 0 ? stride : 1;
      cell.out_channels = width;
      std::vector<double>& slot = slots.emplace_back();
      for (int expand : {3, 6}) {
        for (int kernel : {3, 5, 7}) {
          slot.push_back(table.at(Key(cell, expand, kernel)));
        }
      }
      if (cell.stride == 1 && cell.in_channels == width) slot.push_back(0);
      cell = {cell.in_size / cell.stride, width, 0, 0};
    }
  }
  return slots;
}

double Fixed(const LookupTable& table) {
  return table.at("Conv-input:224x224x3-output:112x112x32") +
         table.at("Conv_1-input:7x7x320-output:7x7x1280") +
         table.at("Logits-input:7x7x1280-output:1000") +
         table.at(Key({112, 32, 1, 16}, 1, 3));
}

class ProxylessGoldenTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("FROSTNAS_SHARED_DATA");
    ASSERT_NE(data, nullptr) << "set FROSTNAS_SHARED_DATA to the data folder "
                                "(--test_env=FROSTNAS_SHARED_DATA=DIR)";
    const std::string path =
        absl::StrCat(data, "/latency/proxyless_pixel1_blocks.yaml");
    const LookupTable table = ReadMeans(path);
    ASSERT_EQ(table.size(), 72u) << path;
    auto latency = ExpectedLatency::Create(Cells(table), Fixed(table));
    ASSERT_TRUE(latency.ok()) << latency.status();
    latency_ = std::make_unique<ExpectedLatency>(*std::move(latency));
  }

  int slots() const { return latency_->candidates_ns().size(); }

  // In the table's milliseconds.
  std::unique_ptr<ExpectedLatency> latency_;
};

TEST_F(ProxylessGoldenTest, UniformDistribution) {
  SlotValues alpha;
  SlotValues p;
  for (const auto& slot : latency_->candidates_ns()) {
    alpha.emplace_back(slot.size(), 0.0);
    p.push_back(Softmax(alpha.back()));
  }
  EXPECT_NEAR(latency_->Value(p), 113.988, 5e-4);
}

TEST_F(ProxylessGoldenTest, CheapestAndDearestNetwork) {
  EXPECT_NEAR(latency_->MinNs(), 29.609, 5e-4);
  EXPECT_NEAR(latency_->MaxNs(), 191.030, 5e-4);
}

TEST_F(ProxylessGoldenTest, OneCandidateEverywhere) {
  EXPECT_NEAR(latency_->Point(std::vector<int>(slots(), 0)), 76.048, 5e-4);
  EXPECT_NEAR(latency_->Point(std::vector<int>(slots(), 3)), 136.466, 5e-4);
  EXPECT_NEAR(latency_->Point(std::vector<int>(slots(), 5)), 191.030, 5e-4);
}

}  // namespace
}  // namespace frostnas::latency
