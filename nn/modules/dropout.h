// Inverted dropout: in training each value is 0 with `probability`, else
// divided by 1 - probability; the identity otherwise.
//
// What is dropped depends on the seed and on how many training passes came
// before; that number is part of state(), so training resumes bit for bit.
// Gradients: diff_src is ASSIGNED.
#ifndef FROSTNAS_NN_MODULES_DROPOUT_H_
#define FROSTNAS_NN_MODULES_DROPOUT_H_

#include <string>
#include <vector>

#include "base/random.h"
#include "nn/modules/module.h"

namespace frostnas::nn {

class Dropout : public Module {
 public:
  // 0 <= probability < 1.
  Dropout(const std::string& name, float probability, const Random& random);

  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;
  std::vector<StateBuffer*> state() override { return {&step_}; }

 private:
  const float probability_;
  const Random random_;
  StateBuffer step_;          // training passes done; exact below 2^24
  std::vector<float> scale_;  // of each value in the last training pass
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_DROPOUT_H_
