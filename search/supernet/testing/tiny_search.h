// A space, images and latencies small enough to train in a test.
#ifndef FROSTNAS_SEARCH_SUPERNET_TESTING_TINY_SEARCH_H_
#define FROSTNAS_SEARCH_SUPERNET_TESTING_TINY_SEARCH_H_

#include <memory>

#include "arch/space.h"
#include "latency/expected_latency.h"
#include "nn/data/dataset.h"

namespace frostnas::search {

// Stem, three searched frost slots (the last two can skip) and a classifier,
// 8 x 8 pixels, 4 classes. Candidates: kernel {3, 5} x expansion {2, 4}, the
// first slot reduction {2, 4} besides.
arch::SearchSpace TinySpace();

// Per class a colour with noise: learnable in a few epochs.
std::unique_ptr<const nn::Dataset> TinyDataset();

// A millisecond a slot plus what grows with the candidate's MACs; skip is 0.
latency::ExpectedLatency TinyLatency(const arch::SearchSpace& space);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_TESTING_TINY_SEARCH_H_
