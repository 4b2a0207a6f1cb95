#include "search/supernet/mixture.h"

#include <array>

#include "base/check.h"

namespace frostnas::search {
namespace {

// Sum of products in double, in a fixed order.
double Dot(const nn::Tensor& a, const nn::Tensor& b) {
  CHECK_EQ(a.elements(), b.elements());
  constexpr int kLanes = 8;
  std::array<double, kLanes> sums = {};
  const float* x = a.data();
  const float* y = b.data();
  const int64_t whole = a.elements() / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      sums[lane] += static_cast<double>(x[i + lane]) * y[i + lane];
    }
  }
  double sum = 0;
  for (double lane : sums) sum += lane;
  for (int64_t i = whole; i < a.elements(); ++i) {
    sum += static_cast<double>(x[i]) * y[i];
  }
  return sum;
}

// dst = weight * src, or dst += weight * src.
void AddScaled(const nn::Tensor& src, double weight, bool assign,
               nn::Tensor& dst) {
  if (assign) dst.Resize(src.shape());
  const float scale = static_cast<float>(weight);
  const float* from = src.data();
  float* to = dst.data();
  const int64_t elements = src.elements();
  if (assign) {
    for (int64_t i = 0; i < elements; ++i) to[i] = scale * from[i];
  } else {
    for (int64_t i = 0; i < elements; ++i) to[i] += scale * from[i];
  }
}

bool IsPlain(const SlotMixture& mixture) {
  return mixture.candidates.size() == 1 && mixture.weights[0] == 1;
}

}  // namespace

const nn::Tensor& MixtureRun::Forward(const std::vector<SlotMixture>& mixtures,
                                      const nn::Tensor& images) {
  CHECK_EQ(mixtures.size(), supernet_.num_slots());
  runs_.resize(mixtures.size());
  const nn::Tensor* x = &images;
  for (size_t s = 0; s < mixtures.size(); ++s) {
    x = &ForwardSlot(static_cast<int>(s), mixtures[s], *x);
  }
  return *x;
}

const nn::Tensor& MixtureRun::ForwardSlot(int s, const SlotMixture& mixture,
                                          const nn::Tensor& src) {
  Slot& slot = supernet_.slot(s);
  SlotRun& run = runs_[s];
  run.outputs.clear();
  run.probed = nullptr;
  if (mixture.probed >= 0) {
    slot.GatherWeights(mixture.probed);
    run.probed = &slot.Forward(mixture.probed, src, nn::Mode::kProbe);
  }
  for (int k : mixture.candidates) {
    slot.GatherWeights(k);
    run.outputs.push_back(&slot.Forward(k, src, nn::Mode::kTrain));
  }
  if (IsPlain(mixture)) return *run.outputs[0];
  for (size_t i = 0; i < mixture.candidates.size(); ++i) {
    AddScaled(*run.outputs[i], mixture.weights[i], i == 0, run.mixed);
  }
  return run.mixed;
}

std::vector<MixtureGradient> MixtureRun::Backward(
    const std::vector<SlotMixture>& mixtures, nn::Tensor& diff_logits) {
  std::vector<MixtureGradient> gradients(mixtures.size());
  nn::Tensor* diff = &diff_logits;
  for (int s = static_cast<int>(mixtures.size()) - 1; s >= 0; --s) {
    const SlotRun& run = runs_[s];
    for (const nn::Tensor* output : run.outputs) {
      gradients[s].weights.push_back(Dot(*output, *diff));
    }
    if (run.probed != nullptr) gradients[s].probed = Dot(*run.probed, *diff);
    diff = &BackwardSlot(s, mixtures[s], *diff);
  }
  return gradients;
}

nn::Tensor& MixtureRun::BackwardSlot(int s, const SlotMixture& mixture,
                                     nn::Tensor& diff) {
  Slot& slot = supernet_.slot(s);
  const bool need_diff_src = s > 0;
  if (IsPlain(mixture)) {
    return slot.Backward(mixture.candidates[0], diff, need_diff_src);
  }
  SlotRun& run = runs_[s];
  // The first candidate's pass may use up its memory.
  AddScaled(diff, 1, true, diff_dst_);
  for (size_t i = 0; i < mixture.candidates.size(); ++i) {
    AddScaled(diff_dst_, mixture.weights[i], true, scaled_);
    const nn::Tensor& diff_src =
        slot.Backward(mixture.candidates[i], scaled_, need_diff_src);
    if (need_diff_src) AddScaled(diff_src, 1, i == 0, run.diff_src);
  }
  return run.diff_src;
}

}  // namespace frostnas::search
