#include "search/supernet/mixture.h"

#include <cmath>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "search/supernet/testing/tiny_search.h"

namespace frostnas::search {
namespace {

class MixtureTest : public ::testing::Test {
 protected:
  MixtureTest()
      : one_thread_(1),
        supernet_(Supernet::Create(TinySpace(), {.seed = 3}).value()),
        run_(*supernet_) {
    Random random(9);
    images_.Resize({8, 8, 8, 3});
    for (float& value : images_.span()) {
      value = static_cast<float>(random.Normal());
    }
    diff_.Resize({8, 1, 1, 4});
    for (float& value : diff_.span()) {
      value = static_cast<float>(random.Normal());
    }
  }

  // <logits, diff>.
  double Loss(const std::vector<SlotMixture>& mixtures) {
    const nn::Tensor& logits = run_.Forward(mixtures, images_);
    double sum = 0;
    for (int64_t i = 0; i < logits.elements(); ++i) {
      sum += static_cast<double>(logits.data()[i]) * diff_.data()[i];
    }
    return sum;
  }

  // Tiny layers gain nothing from more.
  nn::ScopedComputeThreads one_thread_;
  std::unique_ptr<Supernet> supernet_;
  MixtureRun run_;
  nn::Tensor images_, diff_;
};

const std::vector<SlotMixture> kMixtures = {{{0}, {1.0}, -1},
                                            {{0, 3, 5}, {0.5, 0.3, 0.2}, -1},
                                            {{1, 2}, {0.6, 0.4}, -1},
                                            {{0, 4}, {0.7, 0.3}, -1},
                                            {{0}, {1.0}, -1}};

TEST_F(MixtureTest, WeightGradientsAreDerivatives) {
  Loss(kMixtures);
  nn::Tensor used = diff_.Clone();
  const auto gradients = run_.Backward(kMixtures, used);
  for (size_t s = 1; s < 4; ++s) {
    for (size_t i = 0; i < kMixtures[s].weights.size(); ++i) {
      // Small, since the slots behind have kinks.
      constexpr double kStep = 1e-3;
      auto up = kMixtures, down = kMixtures;
      up[s].weights[i] += kStep;
      down[s].weights[i] -= kStep;
      const double expected = (Loss(up) - Loss(down)) / (2 * kStep);
      EXPECT_NEAR(gradients[s].weights[i], expected,
                  0.03 * std::abs(expected) + 0.02)
          << "slot " << s << " weight " << i;
    }
  }
}

TEST_F(MixtureTest, AOneHotMixtureIsThePath) {
  const Path path = {0, 3, 1, 4, 0};
  std::vector<SlotMixture> mixtures;
  for (int k : path) mixtures.push_back({{k}, {1.0}, -1});
  const nn::Tensor mixed = run_.Forward(mixtures, images_).Clone();
  const nn::Tensor& plain = supernet_->Forward(path, images_, nn::Mode::kTrain);
  ASSERT_EQ(mixed.elements(), plain.elements());
  for (int64_t i = 0; i < plain.elements(); ++i) {
    EXPECT_EQ(mixed.data()[i], plain.data()[i]);
  }
}

TEST_F(MixtureTest, AProbedCandidateGetsTheGradientOfItsGate) {
  std::vector<SlotMixture> mixtures = {{{0}, {1.0}, -1},
                                       {{2}, {1.0}, 5},
                                       {{0}, {1.0}, -1},
                                       {{4}, {1.0}, 1},
                                       {{0}, {1.0}, -1}};
  const double loss = Loss(mixtures);
  nn::Tensor used = diff_.Clone();
  const auto gradients = run_.Backward(mixtures, used);
  for (size_t s : {1, 3}) {
    // The probed one enters with a small weight beside the open gate.
    constexpr double kStep = 1e-3;
    const auto with = [&](double weight) {
      auto mixed = mixtures;
      mixed[s] = {
          {mixtures[s].candidates[0], mixtures[s].probed}, {1.0, weight}, -1};
      return Loss(mixed);
    };
    const double expected = (with(kStep) - with(-kStep)) / (2 * kStep);
    EXPECT_NEAR(gradients[s].probed, expected, 0.03 * std::abs(expected) + 0.02)
        << "slot " << s;
  }
  EXPECT_EQ(Loss(mixtures), loss);
}

TEST_F(MixtureTest, LeavesSharedGradientsAlone) {
  Loss(kMixtures);
  run_.Backward(kMixtures, diff_);
  for (const nn::Parameter* parameter : supernet_->parameters()) {
    for (float gradient : parameter->grad) ASSERT_EQ(gradient, 0);
  }
}

}  // namespace
}  // namespace frostnas::search
