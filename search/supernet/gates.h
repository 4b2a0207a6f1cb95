// Arithmetic of architecture distributions: one slot, a few candidates.
//
// alpha are a slot's logits, p = softmax(alpha) its distribution, g the gates
// that multiply the candidates' outputs. ProxylessNAS (arXiv 1812.00332) opens
// one gate at a time, Gumbel-softmax (SNAS 1812.09926, FBNet 1812.03443) all of
// them a little.
//
// softmax itself is latency::Softmax, which expected latency uses too. The same
// state of a Random gives the same samples. Empty or non-finite logits, indices
// out of range and temperatures that are not positive are bugs of the caller.
// Thread-safe: no state.
#ifndef FROSTNAS_SEARCH_SUPERNET_GATES_H_
#define FROSTNAS_SEARCH_SUPERNET_GATES_H_

#include <vector>

#include "absl/types/span.h"
#include "base/random.h"

namespace frostnas::search {

// dL/dalpha_i = p_i (dL/dg_i - sum_j p_j dL/dg_j): the gates' gradient through
// g ~ p, taken as if g were p (ProxylessNAS eq. 4). Sums to 0.
std::vector<double> GateGradient(absl::Span<const double> p,
                                 absl::Span<const double> diff_gate);

// One index, with the probabilities p.
int SampleIndex(absl::Span<const double> p, Random& random);

// Two gates of which one is open. p sums to 1 over the pair.
struct GatePair {
  int active = 0;
  int other = 0;
  double p_active = 0;
  double p_other = 0;
};

// Two different candidates drawn without replacement with probabilities
// softmax(alpha), one of them made active with the pair's own softmax. Needs at
// least two candidates.
GatePair SampleGatePair(absl::Span<const double> alpha, Random& random);

// GateGradient over the pair: element 0 for `active`, 1 for `other`.
std::vector<double> PairGradient(const GatePair& pair, double diff_active,
                                 double diff_other);

// After an update of alpha[pair]: shifts both so that the sum of their
// exponentials is what it was with old_active and old_other, and so all other
// candidates keep their probabilities.
void RescalePair(const GatePair& pair, double old_active, double old_other,
                 absl::Span<double> alpha);

// A Gumbel-softmax sample: weights softmax((alpha + Gumbel noise) /
// temperature) over the `indices` of the largest perturbed logits, renormalised
// among them. With as many indices as candidates it is the plain sample; fewer
// are the best of it, drawn without replacement (Gumbel-top-k).
struct GumbelSample {
  std::vector<int> indices;     // by falling weight
  std::vector<double> weights;  // sum to 1
};
GumbelSample SampleGumbel(absl::Span<const double> alpha, double temperature,
                          int count, Random& random);

// dL/dalpha of the sample: weights_k (dL/dw_k - sum_j w_j dL/dw_j) /
// temperature at indices[k], 0 elsewhere. `candidates`: size of alpha.
std::vector<double> GumbelGradient(const GumbelSample& sample,
                                   double temperature,
                                   absl::Span<const double> diff_weight,
                                   int candidates);

// -sum p ln p, nats.
double Entropy(absl::Span<const double> p);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_GATES_H_
