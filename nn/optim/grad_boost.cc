#include "nn/optim/grad_boost.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "nn/optim/kernels.h"
#include "nn/optim/optimizer.h"

namespace frostnas::nn {
namespace {

// The finalizer of splitmix64: every input bit reaches every output bit.
uint64_t Mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class CounterNoise : public NoiseSource {
 public:
  explicit CounterNoise(uint64_t seed) : seed_(seed) {}

  void Fill(const NoiseKey& key, uint64_t offset,
            absl::Span<float> noise) const override {
    constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;
    uint64_t mixed = Mix(seed_ + kGolden);
    mixed = Mix(mixed ^ (key.parameter + 1) * kGolden);
    mixed = Mix(mixed ^ key.step * kGolden);
    const NoiseCounter counter = {
        .start = static_cast<uint32_t>(mixed) + static_cast<uint32_t>(offset),
        .key = static_cast<uint32_t>(mixed >> 32),
        .toss_coin = key.toss_coin};
    FillLaplaceMagnitude(counter, noise);
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<NoiseSource> NoiseSource::Create(uint64_t seed) {
  return std::make_unique<CounterNoise>(seed);
}

BoostConstants BoostConstantsFor(const GradBoostOptions& options, double beta,
                                 int64_t step, int64_t boosted) {
  const auto bias = [beta](int64_t t) {
    return 1 - std::pow(beta, static_cast<double>(t));
  };
  BoostConstants constants;
  constants.beta = static_cast<float>(beta);
  if (options.mode == GradBoostMode::kRepoExact) {
    constants.store_scale = static_cast<float>(1 / bias(step));
  } else {
    constants.fresh_low = step == 1;
    constants.compare_scale =
        step == 1 ? 0.0f : static_cast<float>(1 / bias(step - 1));
    constants.range_scale = static_cast<float>(1 / bias(step));
  }
  const double left =
      std::pow(1 - options.noise_decay, static_cast<double>(boosted));
  constants.range_scale *= static_cast<float>(left);
  constants.clip = static_cast<float>(options.clip_by);
  return constants;
}

}  // namespace frostnas::nn
