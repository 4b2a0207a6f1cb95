#include "search/supernet/weight_map.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace frostnas::search {
namespace {

using arch::Graph;
using arch::Layer;
using arch::LayerKind;

std::vector<int> FirstChannels(int count) {
  std::vector<int> channels(count);
  std::iota(channels.begin(), channels.end(), 0);
  return channels;
}

absl::Status Unfit(const Layer& layer, absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("layer ", layer.name, " cannot share weights: ", why));
}

class Mapper {
 public:
  Mapper(const Graph& small, const Graph& large)
      : small_(small), large_(large), out_(small.layers.size()) {}

  absl::StatusOr<std::vector<LayerMap>> Map() {
    if (!(small_.input == large_.input)) {
      return absl::FailedPreconditionError("inputs differ in shape");
    }
    std::vector<LayerMap> maps;
    for (size_t i = 0; i < small_.layers.size(); ++i) {
      ASSIGN_OR_RETURN(LayerMap map, MapLayer(static_cast<int>(i)));
      if (small_.layers[i].has_weights()) maps.push_back(std::move(map));
    }
    return maps;
  }

 private:
  absl::StatusOr<LayerMap> MapLayer(int index) {
    const Layer& layer = small_.layers[index];
    ASSIGN_OR_RETURN(const int place, Counterpart(layer));
    const Layer& other = large_.layers[place];
    LayerMap map;
    map.name = layer.name;
    const std::vector<int> sources = layer.kind == LayerKind::kConcat
                                         ? std::vector<int>{place}
                                         : other.inputs;
    for (size_t j = 0; j < layer.inputs.size(); ++j) {
      const int source = sources[std::min(j, sources.size() - 1)];
      const auto channels = Express(layer.inputs[j], source);
      if (!channels) return Unfit(layer, "its inputs come from elsewhere");
      if (j == 0 || layer.kind == LayerKind::kConcat) {
        map.in_channels.insert(map.in_channels.end(), channels->begin(),
                               channels->end());
      }
    }
    const bool mixes =
        layer.kind == LayerKind::kConv || layer.kind == LayerKind::kLinear;
    map.out_channels =
        mixes ? FirstChannels(layer.out.channels) : map.in_channels;
    const int offset = (other.kernel - layer.kernel) / 2;
    for (int y = 0; y < layer.kernel; ++y) {
      for (int x = 0; x < layer.kernel; ++x) {
        map.taps.push_back((y + offset) * other.kernel + x + offset);
      }
    }
    out_[index] = map.out_channels;
    return map;
  }

  // The layer of the large graph with the same name that this one may be a
  // part of.
  absl::StatusOr<int> Counterpart(const Layer& layer) const {
    const auto found = std::find_if(
        large_.layers.begin(), large_.layers.end(),
        [&](const Layer& other) { return other.name == layer.name; });
    if (found == large_.layers.end()) {
      return Unfit(layer, "the largest block lacks it");
    }
    const bool same_function =
        found->kind == layer.kind && found->stride == layer.stride &&
        found->activation == layer.activation &&
        found->batch_norm == layer.batch_norm &&
        found->norm_after_activation == layer.norm_after_activation;
    if (!same_function) return Unfit(layer, "it computes something else");
    if (found->kernel < layer.kernel ||
        found->out.channels < layer.out.channels) {
      return Unfit(layer, "it is larger than in the largest block");
    }
    return static_cast<int>(found - large_.layers.begin());
  }

  // Channels of the output of large layer `source` that hold what small layer
  // `producer` puts out.
  std::optional<std::vector<int>> Express(int producer, int source) const {
    if (producer == arch::kGraphInput && source == arch::kGraphInput) {
      return FirstChannels(small_.input.channels);
    }
    if (source == arch::kGraphInput) return std::nullopt;
    const Layer& from = large_.layers[source];
    if (producer != arch::kGraphInput &&
        small_.layers[producer].name == from.name && !out_[producer].empty()) {
      return out_[producer];
    }
    if (from.kind != LayerKind::kConcat) return std::nullopt;
    int offset = 0;
    for (int input : from.inputs) {
      if (auto channels = Express(producer, input)) {
        for (int& channel : *channels) channel += offset;
        return channels;
      }
      offset += input == arch::kGraphInput ? large_.input.channels
                                           : large_.layers[input].out.channels;
    }
    return std::nullopt;
  }

  const Graph& small_;
  const Graph& large_;
  // Per layer of the small graph: its output's channels in its counterpart's.
  std::vector<std::vector<int>> out_;
};

// Fields in which the blocks of a slot may differ and still share weights, set
// to one value.
v1::Block WithoutElasticFields(v1::Block block) {
  switch (block.kind_case()) {
    case v1::Block::kFrost:
      block.mutable_frost()->set_kernel(0);
      block.mutable_frost()->set_reduction(0);
      if (block.frost().expansion() > 1)
        block.mutable_frost()->set_expansion(2);
      break;
    case v1::Block::kInvertedResidual:
      block.mutable_inverted_residual()->set_kernel(0);
      if (block.inverted_residual().expansion() > 1) {
        block.mutable_inverted_residual()->set_expansion(2);
      }
      break;
    case v1::Block::kSeparable:
      block.mutable_separable()->set_kernel(0);
      break;
    case v1::Block::kConv:
      block.mutable_conv()->set_kernel(0);
      break;
    default:
      break;
  }
  return block;
}

template <typename Kind>
void TakeLargerKernel(const Kind& from, Kind* into) {
  into->set_kernel(std::max(into->kernel(), from.kernel()));
}

template <typename Kind>
void TakeLargerExpansion(const Kind& from, Kind* into) {
  into->set_expansion(std::max(into->expansion(), from.expansion()));
}

void TakeLarger(const v1::Block& from, v1::Block& into) {
  switch (into.kind_case()) {
    case v1::Block::kFrost:
      TakeLargerKernel(from.frost(), into.mutable_frost());
      TakeLargerExpansion(from.frost(), into.mutable_frost());
      into.mutable_frost()->set_reduction(
          std::min(into.frost().reduction(), from.frost().reduction()));
      break;
    case v1::Block::kInvertedResidual:
      TakeLargerKernel(from.inverted_residual(),
                       into.mutable_inverted_residual());
      TakeLargerExpansion(from.inverted_residual(),
                          into.mutable_inverted_residual());
      break;
    case v1::Block::kSeparable:
      TakeLargerKernel(from.separable(), into.mutable_separable());
      break;
    case v1::Block::kConv:
      TakeLargerKernel(from.conv(), into.mutable_conv());
      break;
    default:
      break;
  }
}

int64_t Product(const std::vector<int>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1},
                         std::multiplies<>());
}

bool Within(const std::vector<int>& indices, int64_t limit) {
  return std::all_of(indices.begin(), indices.end(),
                     [&](int index) { return index >= 0 && index < limit; });
}

// Elements that lie together in the large parameter.
struct Run {
  int first;
  int count;
};
using Runs = absl::InlinedVector<Run, 4>;

// Of the map's innermost dimension; `elements` is the small parameter's size.
Runs RunsOf(const ElementMap& map, size_t elements) {
  CHECK_EQ(elements, map.outer.size() * map.middle.size() * map.inner.size());
  Runs runs;
  for (int i : map.inner) {
    if (!runs.empty() && runs.back().first + runs.back().count == i) {
      ++runs.back().count;
    } else {
      runs.push_back({i, 1});
    }
  }
  return runs;
}

// to += from, in groups that the compiler makes vectors of.
void AddRun(int count, const float* __restrict from, float* __restrict to) {
  constexpr int kTogether = 16;
  int i = 0;
  for (; i + kTogether <= count; i += kTogether) {
    for (int k = 0; k < kTogether; ++k) to[i + k] += from[i + k];
  }
  for (; i < count; ++i) to[i] += from[i];
}

}  // namespace

absl::StatusOr<std::vector<LayerMap>> MapLayers(const Graph& small,
                                                const Graph& large) {
  return Mapper(small, large).Map();
}

absl::StatusOr<ElementMap> MapElements(const LayerMap& layer,
                                       const nn::Parameter& small,
                                       const nn::Parameter& large) {
  ElementMap map;
  map.outer = {0};
  map.middle = {0};
  int outer = 1, middle = 1;
  const int inner = large.shape.back();
  if (small.role == nn::ParameterRole::kWeight) {
    outer = large.shape.front();
    middle = static_cast<int>(Product(large.shape) / outer / inner);
    map.outer = layer.out_channels;
    map.middle = layer.taps;
    map.inner = layer.in_channels;
  } else if (small.role == nn::ParameterRole::kDepthwiseWeight) {
    middle = static_cast<int>(Product(large.shape) / inner);
    map.middle = layer.taps;
    map.inner = layer.out_channels;
  } else {
    map.inner = layer.out_channels;
  }
  map.middle_stride = inner;
  map.outer_stride = middle * inner;
  const size_t elements =
      map.outer.size() * map.middle.size() * map.inner.size();
  if (elements != small.value.size() || !Within(map.outer, outer) ||
      !Within(map.middle, middle) || !Within(map.inner, inner)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "parameter ", small.name, " does not fit into the largest block's"));
  }
  return map;
}

void GatherElements(const ElementMap& map, absl::Span<const float> large,
                    absl::Span<float> small) {
  const Runs runs = RunsOf(map, small.size());
  float* to = small.data();
  for (int o : map.outer) {
    for (int m : map.middle) {
      const float* from =
          large.data() + o * map.outer_stride + m * map.middle_stride;
      for (const Run& run : runs) {
        std::memcpy(to, from + run.first, run.count * sizeof(float));
        to += run.count;
      }
    }
  }
}

void ScatterAddElements(const ElementMap& map, absl::Span<const float> small,
                        absl::Span<float> large) {
  const Runs runs = RunsOf(map, small.size());
  const float* from = small.data();
  for (int o : map.outer) {
    for (int m : map.middle) {
      float* to = large.data() + o * map.outer_stride + m * map.middle_stride;
      for (const Run& run : runs) {
        AddRun(run.count, from, to + run.first);
        from += run.count;
      }
    }
  }
}

absl::StatusOr<v1::Block> LargestBlock(absl::Span<const v1::Block> blocks) {
  CHECK(!blocks.empty());
  v1::Block largest = blocks.front();
  const std::string common = WithoutElasticFields(largest).SerializeAsString();
  for (const v1::Block& block : blocks) {
    if (WithoutElasticFields(block).SerializeAsString() != common) {
      return absl::FailedPreconditionError(
          absl::StrCat("candidates of slot ", block.name(),
                       " differ in more than kernel, expansion and reduction"));
    }
    TakeLarger(block, largest);
  }
  return largest;
}

}  // namespace frostnas::search
