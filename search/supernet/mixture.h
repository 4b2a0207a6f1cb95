// Forward and backward of a supernet in which slots run several candidates.
//
// out_s = sum over k of weight[s][k] * candidate k of slot s (out_{s-1}).
// Backward gives, besides gradients by the slots' outputs, the gradient by
// every weight: <candidate's output, gradient of the slot's output>. A weight
// of a `probed` candidate is taken as 0 in the output: it is evaluated for its
// gradient only.
//
// Tensors are kept between uses, so a steady step allocates nothing.
// Thread-compatible.
#ifndef FROSTNAS_SEARCH_SUPERNET_MIXTURE_H_
#define FROSTNAS_SEARCH_SUPERNET_MIXTURE_H_

#include <vector>

#include "nn/tensor.h"
#include "search/supernet/supernet.h"

namespace frostnas::search {

// What one slot runs.
struct SlotMixture {
  // Different candidates, at least one.
  std::vector<int> candidates;
  // As many; a single candidate with weight 1 is passed on unchanged.
  std::vector<double> weights;
  // Another candidate to evaluate, or -1.
  int probed = -1;
};

// Gradients by the weights of one slot's mixture, and by the probed one's.
struct MixtureGradient {
  std::vector<double> weights;
  double probed = 0;
};

class MixtureRun {
 public:
  explicit MixtureRun(Supernet& supernet) : supernet_(supernet) {}

  // One mixture a slot. The result is valid until the next Forward.
  const nn::Tensor& Forward(const std::vector<SlotMixture>& mixtures,
                            const nn::Tensor& images);
  // After Forward of the same mixtures. Leaves shared gradients alone,
  // overwrites diff_logits.
  std::vector<MixtureGradient> Backward(
      const std::vector<SlotMixture>& mixtures, nn::Tensor& diff_logits);

 private:
  // Outputs of one slot's last Forward, owned by the candidates.
  struct SlotRun {
    std::vector<const nn::Tensor*> outputs;
    const nn::Tensor* probed = nullptr;
    nn::Tensor mixed;
    nn::Tensor diff_src;
  };

  const nn::Tensor& ForwardSlot(int s, const SlotMixture& mixture,
                                const nn::Tensor& src);
  nn::Tensor& BackwardSlot(int s, const SlotMixture& mixture, nn::Tensor& diff);

  Supernet& supernet_;
  std::vector<SlotRun> runs_;
  nn::Tensor diff_dst_;
  nn::Tensor scaled_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_MIXTURE_H_
