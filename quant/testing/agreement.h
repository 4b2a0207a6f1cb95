// Compares two executors of one network, layer by layer (design.md 5), and the
// networks that tell them apart.
#ifndef FROSTNAS_QUANT_TESTING_AGREEMENT_H_
#define FROSTNAS_QUANT_TESTING_AGREEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/frostnas/v1/architecture.pb.h"
#include "quant/executor.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

struct Agreement {
  int64_t values = 0;
  int64_t different = 0;
  int largest_step = 0;
  // The first layer that differs, its kernel and values; empty: none does.
  std::string first_difference;
};

// Random stored input of `batch` images, values 0..255.
std::vector<uint8_t> RandomInput(const QuantizedGraph& quantized, int batch,
                                 uint64_t seed);

// Gives every layer that may have bounds some of each kind: one or none for all
// channels, or one a channel, which leave most values unclamped. Layers that
// normalise after their activation keep theirs.
void AddRandomBounds(uint64_t seed, QuantizedGraph& quantized);

// Random numbers for every layer of `architecture`, which is valid.
QuantizedGraph Quantize(const v1::Architecture& architecture, uint64_t seed);

// A random network, for seed 0 one with norms after activations, with random
// bounds.
QuantizedGraph BoundedNetwork(uint64_t seed);

// Every kind of layer with all weights at their ends: with inputs at theirs
// there are sums that 16 bits cannot hold.
QuantizedGraph ExtremeNetwork();

// Every kind of layer with multipliers that are powers of two, which make ties
// frequent.
QuantizedGraph NetworkOfTies();

// Every layer's output of the last run of both. Both keep layer outputs.
Agreement CompareLayers(const QuantizedGraph& quantized, Executor& expected,
                        Executor& actual);

// Runs `batch` images through the integer reference and through `actual`, which
// keeps layer outputs; expects that no value differs.
void ExpectSameBits(const QuantizedGraph& quantized,
                    const std::vector<uint8_t>& input, int batch,
                    Executor& actual);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_TESTING_AGREEMENT_H_
