// Losses over logits (n, 1, 1, classes): mean over the batch and its gradient.
//
// Thread-compatible; no state.
#ifndef FROSTNAS_NN_LOSS_H_
#define FROSTNAS_NN_LOSS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "nn/tensor.h"

namespace frostnas::nn {

struct LossResult {
  double loss = 0;  // mean over the batch
  int correct = 0;  // images whose largest logit is the label
};

// Softmax cross-entropy against (1 - smoothing) * one-hot + smoothing / classes
// (Szegedy et al. 2016, section 7). labels.size() is the batch, each label in
// [0, classes); 0 <= smoothing < 1. diff_logits is resized and ASSIGNED; null:
// not wanted.
LossResult SoftmaxCrossEntropy(const Tensor& logits,
                               absl::Span<const int32_t> labels,
                               float smoothing, Tensor* diff_logits);

// Mean cross-entropy against a teacher's probabilities (n, 1, 1, classes),
// each row summing to 1 (Hinton et al. 2015, temperature 1). diff_logits as
// above.
double DistillationLoss(const Tensor& logits, const Tensor& teacher,
                        Tensor* diff_logits);

// Row-wise softmax; `probabilities` is resized and ASSIGNED, may be logits.
void Softmax(const Tensor& logits, Tensor& probabilities);

// Images whose largest logit (the first of equals) is the label.
int CountCorrect(const Tensor& logits, absl::Span<const int32_t> labels);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_LOSS_H_
