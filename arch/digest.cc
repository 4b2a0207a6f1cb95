#include "arch/digest.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/sha256.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

// Enum values stand as numbers: those of a proto never change their meaning.
std::string CanonicalLayer(const Layer& layer) {
  return absl::StrFormat(
      "%s in=%s out=%dx%d kernel=%d stride=%d norm=%d after=%d activation=%d "
      "pool=%d dropout=%.9g\n",
      LayerKindName(layer.kind), absl::StrJoin(layer.inputs, ","),
      layer.out.size, layer.out.channels, layer.kernel, layer.stride,
      layer.batch_norm, layer.norm_after_activation,
      static_cast<int>(layer.activation), static_cast<int>(layer.pool),
      layer.dropout);
}

}  // namespace

std::string CanonicalForm(const Graph& graph) {
  std::string form =
      absl::StrCat("frostnas-network-1\ninput=", graph.input.size, "x",
                   graph.input.channels, "\n");
  for (const Layer& layer : graph.layers) {
    absl::StrAppend(&form, CanonicalLayer(layer));
  }
  return form;
}

std::string GraphDigest(const Graph& graph) {
  return Sha256Hex(CanonicalForm(graph));
}

absl::StatusOr<std::string> ArchitectureDigest(
    const v1::Architecture& architecture) {
  ASSIGN_OR_RETURN(const Graph graph, ExpandArchitecture(architecture));
  return GraphDigest(graph);
}

}  // namespace frostnas::arch
