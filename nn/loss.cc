#include "nn/loss.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace frostnas::nn {
namespace {

using Row = absl::Span<const float>;

Row LogitsOf(const Tensor& logits, int64_t image) {
  const size_t classes = static_cast<size_t>(logits.shape().c);
  return logits.span().subspan(image * classes, classes);
}

// log(sum(exp(row))), without overflow.
double LogSumExp(Row row) {
  const double largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (float logit : row) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

// Cross-entropy of one row against target(class); its gradient times `scale`
// goes to `diff` unless that is null.
template <typename Target>
double RowLoss(Row logits, const Target& target, float scale, float* diff) {
  const double log_sum = LogSumExp(logits);
  double loss = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    const double log_probability = logits[c] - log_sum;
    loss -= target(c) * log_probability;
    if (diff == nullptr) continue;
    diff[c] = scale * static_cast<float>(std::exp(log_probability) - target(c));
  }
  return loss;
}

// Mean of RowLoss; target_of(image) gives the row's target(class).
template <typename TargetOf>
double MeanLoss(const Tensor& logits, const TargetOf& target_of,
                Tensor* diff_logits) {
  if (diff_logits != nullptr) diff_logits->Resize(logits.shape());
  const int n = logits.shape().n;
  const float scale = 1.0f / static_cast<float>(n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    float* diff = diff_logits == nullptr
                      ? nullptr
                      : diff_logits->data() + i * logits.shape().c;
    sum += RowLoss(LogitsOf(logits, i), target_of(i), scale, diff);
  }
  return sum / n;
}

}  // namespace

LossResult SoftmaxCrossEntropy(const Tensor& logits,
                               absl::Span<const int32_t> labels,
                               float smoothing, Tensor* diff_logits) {
  CHECK_EQ(labels.size(), logits.shape().n);
  const int classes = logits.shape().c;
  const float other = smoothing / classes;
  const float label = other + (1 - smoothing);
  const auto target_of = [&](int64_t image) {
    return [&, right = static_cast<size_t>(labels[image])](size_t c) {
      return c == right ? label : other;
    };
  };
  return {.loss = MeanLoss(logits, target_of, diff_logits),
          .correct = CountCorrect(logits, labels)};
}

double DistillationLoss(const Tensor& logits, const Tensor& teacher,
                        Tensor* diff_logits) {
  CHECK(teacher.shape() == logits.shape());
  return MeanLoss(
      logits,
      [&](int64_t image) {
        return [row = LogitsOf(teacher, image)](size_t c) { return row[c]; };
      },
      diff_logits);
}

void Softmax(const Tensor& logits, Tensor& probabilities) {
  probabilities.Resize(logits.shape());
  const int classes = logits.shape().c;
  for (int64_t i = 0; i < logits.shape().n; ++i) {
    const Row row = LogitsOf(logits, i);
    const double log_sum = LogSumExp(row);
    float* out = probabilities.data() + i * classes;
    for (int c = 0; c < classes; ++c) {
      out[c] = static_cast<float>(std::exp(row[c] - log_sum));
    }
  }
}

int CountCorrect(const Tensor& logits, absl::Span<const int32_t> labels) {
  int correct = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const Row row = LogitsOf(logits, static_cast<int64_t>(i));
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    correct += best == labels[i];
  }
  return correct;
}

}  // namespace frostnas::nn
