// Distance of a quantized network's logits from its float network's, for
// training without labels (Goncharenko et al., arXiv 1812.07872, equation 17).
//
//   loss = sqrt(mean over batch and classes of (z - teacher)^2 + 1e-5)
//
// The constant, the authors' code's, keeps the gradient finite where both are
// equal. (That code takes the root of each difference and sums over classes,
// which is a smoothed sum of magnitudes; the paper's root mean square is used
// here.)
//
// Pure function; any thread.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_DISTILLATION_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_DISTILLATION_H_

#include "nn/tensor.h"

namespace frostnas::quant {

// Of one shape, not empty. `diff_logits` is resized and ASSIGNED.
double LogitRmse(const nn::Tensor& logits, const nn::Tensor& teacher,
                 nn::Tensor& diff_logits);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_DISTILLATION_H_
