#include "quant/methods/fixed_point/allocation_rounding.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/random.h"
#include "base/status_macros.h"
#include "nn/network.h"
#include "quant/grid.h"
#include "quant/layer_params.h"
#include "quant/methods/network/patches.h"

namespace frostnas::quant {
namespace {

// Of each image: neighbours say much the same.
constexpr int kPositions = 16;
constexpr double kDamping = 0.01;

// Sums over patches.
class Moments {
 public:
  explicit Moments(const arch::Layer& layer)
      : geometry_(GeometryOf(layer)),
        elements_(static_cast<int>(PatchElements(geometry_))),
        sums_(elements_, 0.0),
        products_(static_cast<size_t>(elements_) * elements_, 0.0) {}

  void Add(const nn::Tensor& src, Random& random) {
    std::vector<float> patch(elements_);
    const int positions =
        std::min(kPositions, geometry_.out_size * geometry_.out_size);
    for (int image = 0; image < src.shape().n; ++image) {
      for (int p = 0; p < positions; ++p) {
        const auto any = [&] {
          return static_cast<int>(random.UniformInt(geometry_.out_size));
        };
        const int row = any();
        CopyPatch(geometry_, src, {image, row, any()}, absl::MakeSpan(patch));
        AddPatch(patch);
      }
    }
  }

  InputStatistics Finish() const {
    InputStatistics statistics;
    std::vector<double> covariance(products_.size());
    for (double sum : sums_) statistics.mean.push_back(sum / count_);
    for (int i = 0; i < elements_; ++i) {
      for (int j = i; j < elements_; ++j) {
        const size_t at = static_cast<size_t>(i) * elements_ + j;
        covariance[at] =
            products_[at] / count_ - statistics.mean[i] * statistics.mean[j];
      }
    }
    statistics.feedback = FeedbackOf(std::move(covariance), elements_);
    return statistics;
  }

 private:
  void AddPatch(const std::vector<float>& patch) {
    ++count_;
    for (int i = 0; i < elements_; ++i) {
      const double value = patch[i];
      if (value == 0) continue;
      sums_[i] += value;
      double* row = products_.data() + static_cast<size_t>(i) * elements_;
      for (int j = i; j < elements_; ++j) row[j] += value * patch[j];
    }
  }

  const ConvGeometry geometry_;
  const int elements_;
  std::vector<double> sums_;
  std::vector<double> products_;  // upper half
  int64_t count_ = 0;
};

// matrix = R R^T for the R that is returned; of both the upper half counts.
void FactorUpper(std::vector<double>& matrix, int n) {
  const auto at = [&](int i, int j) -> double& {
    return matrix[static_cast<size_t>(i) * n + j];
  };
  for (int j = n - 1; j >= 0; --j) {
    double diagonal = at(j, j);
    for (int k = j + 1; k < n; ++k) diagonal -= at(j, k) * at(j, k);
    at(j, j) = std::sqrt(diagonal);
    for (int i = 0; i < j; ++i) {
      double sum = at(i, j);
      for (int k = j + 1; k < n; ++k) sum -= at(i, k) * at(j, k);
      at(i, j) = sum / at(j, j);
    }
  }
}

}  // namespace

std::vector<float> FeedbackOf(std::vector<double> covariance, int elements) {
  const int n = elements;
  const auto at = [n](int i, int j) { return static_cast<size_t>(i) * n + j; };
  double trace = 0;
  for (int i = 0; i < n; ++i) trace += covariance[at(i, i)];
  // A layer that always sees the same has nothing to take back.
  const double damping = trace > 0 ? kDamping * trace / n : 1.0;
  for (int i = 0; i < n; ++i) covariance[at(i, i)] += damping;
  FactorUpper(covariance, n);
  const std::vector<double>& r = covariance;
  // Rows of U = R^-1 over their diagonal: U R = I gives, for k > j,
  // U_jk = -(sum over j <= i < k of U_ji R_ik) / R_kk.
  std::vector<float> feedback(r.size(), 0.0f);
  std::vector<double> row(n);
  for (int j = 0; j < n; ++j) {
    std::fill(row.begin(), row.end(), 0.0);
    row[j] = 1;
    // What is left of U R, column by column.
    std::vector<double> rest(n, 0.0);
    for (int k = j; k < n; ++k) {
      if (k > j) row[k] = -rest[k] / r[at(k, k)];
      for (int c = k + 1; c < n; ++c) rest[c] += row[k] * r[at(k, c)];
      feedback[at(j, k)] = static_cast<float>(row[k]);
    }
  }
  return feedback;
}

std::vector<int8_t> RoundWithFeedback(std::vector<float> weights, int largest,
                                      absl::Span<const float> feedback) {
  const size_t n = weights.size();
  std::vector<int8_t> rounded(n);
  for (size_t j = 0; j < n; ++j) {
    const int q = std::clamp(RoundHalfEven(weights[j]), -largest, largest);
    rounded[j] = static_cast<int8_t>(q);
    const float error = weights[j] - static_cast<float>(q);
    const float* row = feedback.data() + j * n;
    for (size_t k = j + 1; k < n; ++k) weights[k] -= error * row[k];
  }
  return rounded;
}

absl::StatusOr<std::vector<InputStatistics>> ObserveInputs(
    const FoldedNetwork& folded, const CalibrationImages& images,
    const StopToken& stop) {
  ASSIGN_OR_RETURN(const auto network, FloatNetworkOf(folded));
  const std::vector<arch::Layer>& layers = folded.graph.layers;
  const auto dense = [&](size_t i) {
    return layers[i].has_weights() &&
           layers[i].kind != arch::LayerKind::kDepthwise;
  };
  std::vector<Moments> moments;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (dense(i)) moments.emplace_back(layers[i]);
  }
  Random random(1);
  RETURN_IF_ERROR(ForEachBatch(images, stop, [&](const nn::Tensor& batch) {
    network->Forward(batch, nn::Mode::kEval);
    size_t next = 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      if (!dense(i)) continue;
      moments[next++].Add(LayerInput(*network, layers[i], batch), random);
    }
  }));
  std::vector<InputStatistics> statistics(layers.size());
  size_t next = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    RETURN_IF_ERROR(stop.Check());
    if (dense(i)) statistics[i] = moments[next++].Finish();
  }
  return statistics;
}

}  // namespace frostnas::quant
