#include "quant/methods/learned/distillation.h"

#include <cmath>
#include <cstdint>

#include "base/check.h"

namespace frostnas::quant {
namespace {

constexpr double kSmoothing = 1e-5;

}  // namespace

double LogitRmse(const nn::Tensor& logits, const nn::Tensor& teacher,
                 nn::Tensor& diff_logits) {
  CHECK(logits.shape() == teacher.shape() && !logits.empty());
  diff_logits.Resize(logits.shape());
  const int64_t count = logits.elements();
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float difference = logits.data()[i] - teacher.data()[i];
    squares += double{difference} * difference;
    diff_logits.data()[i] = difference;
  }
  const double loss =
      std::sqrt(squares / static_cast<double>(count) + kSmoothing);
  const float scale =
      static_cast<float>(1 / (static_cast<double>(count) * loss));
  for (float& value : diff_logits.span()) value *= scale;
  return loss;
}

}  // namespace frostnas::quant
