// One step of the architecture parameters: evaluate some candidates of every
// slot on a batch of the architecture split and move the logits.
//
// With gates m_k, a slot's output is sum_k m_k out_k, so dL/dm_k is the inner
// product of out_k with the output's gradient.
//
// Binarized (ProxylessNAS, two-path): a pair of candidates a slot; one runs in
// the path, the other's output is only probed. The paper leaves a slot out when
// its open gate is Zero, since Zero passes no signal. Our skip is the identity,
// through which the gradient does flow, so no slot is left out.
//
// Gumbel: a soft mixture over the best `gumbel_candidates` of a Gumbel sample.
// All of them run forward and backward.
//
// Latency enters by its exact expectation: for a pair under the pair's own
// softmax, as the paper has it; for a mixture under the whole softmax, which
// has the same mean as the sample's and no noise.
//
// Shared weights and their gradients are not changed; activation ranges move.
#ifndef FROSTNAS_SEARCH_SUPERNET_ARCHITECTURE_STEP_H_
#define FROSTNAS_SEARCH_SUPERNET_ARCHITECTURE_STEP_H_

#include <vector>

#include "base/random.h"
#include "nn/data/loader.h"
#include "search/supernet/architecture_parameters.h"
#include "search/supernet/supernet.h"

namespace frostnas::search {

enum class GateKind { kBinarized, kGumbel };

struct ArchitectureStepOptions {
  GateKind gates = GateKind::kBinarized;
  // Ten times and more what published searches of a hundred epochs use: a pair
  // moves every fourth step or so, some fifty times in a short search.
  double learning_rate = 0.03;
  // Gumbel only: temperature, and how many candidates a slot runs (0: all).
  double temperature = 1;
  int gumbel_candidates = 0;
};

// What a step works on; all must outlive it.
struct ArchitectureSearch {
  Supernet& supernet;
  ArchitectureParameters& parameters;
  LatencyPressure& pressure;
};

// Moves the logits by one step and the multiplier after it. Returns the cross
// entropy of the batch.
double RunArchitectureStep(const ArchitectureSearch& search,
                           const nn::Batch& batch,
                           const ArchitectureStepOptions& options,
                           Random random);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_ARCHITECTURE_STEP_H_
