// Where a small block's weights lie inside a larger one of the same kind.
//
// The candidates of a slot differ in kernel, expansion and squeeze, so each is
// a part of the largest: kernel 3 is the centre of kernel 5, expansion 3 the
// first channels of expansion 6, a narrow squeeze the first rows of a wide one.
// Which input columns a convolution reads follows from where its input channels
// lie: behind a concat the squeezed channels come first and those of the
// block's input after the LARGEST squeeze (Once-for-All, arXiv 1908.09791,
// shares weights like this; the concat rule is ours).
//
// Thread-safe: no state.
#ifndef FROSTNAS_SEARCH_SUPERNET_WEIGHT_MAP_H_
#define FROSTNAS_SEARCH_SUPERNET_WEIGHT_MAP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "nn/parameter.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::search {

// The place of one layer of the small graph in the layer of the same name of
// the large graph.
struct LayerMap {
  std::string name;
  // Large layer's input (output) channel for each of the small layer's.
  std::vector<int> in_channels;
  std::vector<int> out_channels;
  // Large layer's kernel position, row by row, for each of the small layer's.
  std::vector<int> taps;
};

// One entry a layer of `small` that has weights, in order.
// FAILED_PRECONDITION: `small` is not a part of `large`, naming the layer.
absl::StatusOr<std::vector<LayerMap>> MapLayers(const arch::Graph& small,
                                                const arch::Graph& large);

// Element (o, m, i) of a small parameter is element
// outer[o] * outer_stride + middle[m] * middle_stride + inner[i] of the large.
struct ElementMap {
  std::vector<int> outer, middle, inner;
  int outer_stride = 0;
  int middle_stride = 0;
};

// The map of parameter `small` of the layer that `layer` places, into its
// counterpart `large` (both "LAYER.weight", "LAYER.bias", ...).
// FAILED_PRECONDITION: the shapes do not fit the map.
absl::StatusOr<ElementMap> MapElements(const LayerMap& layer,
                                       const nn::Parameter& small,
                                       const nn::Parameter& large);

// small = the mapped elements of large. The maps' shapes must fit (CHECK).
void GatherElements(const ElementMap& map, absl::Span<const float> large,
                    absl::Span<float> small);

// The mapped elements of large += small: the adjoint of GatherElements.
void ScatterAddElements(const ElementMap& map, absl::Span<const float> small,
                        absl::Span<float> large);

// A block of which every one of `blocks` is a part, as far as their fields
// tell. FAILED_PRECONDITION: they differ in more than kernel, expansion and
// reduction, or some expand and some do not.
absl::StatusOr<v1::Block> LargestBlock(absl::Span<const v1::Block> blocks);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_WEIGHT_MAP_H_
