#include "arch/describe.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "arch/digest.h"
#include "arch/presets.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

// Keeps the order in which the contract lists the fields.
using Json = nlohmann::ordered_json;

Json ShapeJson(FeatureShape shape) {
  return Json::array({shape.size, shape.size, shape.channels});
}

Json LayerJson(const Layer& layer) {
  const Cost cost = LayerCost(layer);
  return {{"name", layer.name},         {"kind", LayerKindName(layer.kind)},
          {"in", ShapeJson(layer.in)},  {"out", ShapeJson(layer.out)},
          {"kernel", layer.kernel},     {"stride", layer.stride},
          {"params", cost.params},      {"macs", cost.macs},
          {"bytes", cost.package_bytes}};
}

std::string ShapeText(FeatureShape shape) {
  return absl::StrCat(shape.size, "x", shape.size, "x", shape.channels);
}

}  // namespace

absl::StatusOr<Description> Describe(absl::string_view preset_or_file,
                                     const SpaceOverrides& overrides) {
  ASSIGN_OR_RETURN(v1::Architecture architecture,
                   LoadArchitecture(preset_or_file, overrides));
  return Describe(std::move(architecture));
}

absl::StatusOr<Description> Describe(v1::Architecture architecture) {
  Description description;
  ASSIGN_OR_RETURN(description.graph, ExpandArchitecture(architecture));
  description.sha256 = GraphDigest(description.graph);
  description.total = GraphCost(description.graph);
  description.architecture = std::move(architecture);
  return description;
}

std::string DescriptionJson(const Description& description) {
  const v1::Architecture& architecture = description.architecture;
  Json layers = Json::array();
  for (const Layer& layer : description.graph.layers) {
    layers.push_back(LayerJson(layer));
  }
  const Json json = {{"name", architecture.name()},
                     {"sha256", description.sha256},
                     {"input_size", architecture.input_size()},
                     {"input_channels", architecture.input_channels()},
                     {"classes", architecture.num_classes()},
                     {"params", description.total.params},
                     {"macs", description.total.macs},
                     {"package_bytes", description.total.package_bytes},
                     {"layers", std::move(layers)}};
  // A name from a file may hold bytes that are not UTF-8; they are replaced,
  // since the library would throw.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string DescriptionText(const Description& description) {
  const v1::Architecture& architecture = description.architecture;
  size_t width = 5;
  for (const Layer& layer : description.graph.layers) {
    width = std::max(width, layer.name.size());
  }
  std::string text = absl::StrFormat(
      "%s: %s -> %d classes\nsha256 %s\n\n%-*s %-11s %-13s %-13s %1s %1s "
      "%10s %12s %10s\n",
      architecture.name(), ShapeText(description.graph.input),
      architecture.num_classes(), description.sha256, width, "layer", "kind",
      "in", "out", "k", "s", "params", "MACs", "bytes");
  for (const Layer& layer : description.graph.layers) {
    const Cost cost = LayerCost(layer);
    absl::StrAppendFormat(
        &text, "%-*s %-11s %-13s %-13s %d %d %10d %12d %10d\n", width,
        layer.name, LayerKindName(layer.kind), ShapeText(layer.in),
        ShapeText(layer.out), layer.kernel, layer.stride, cost.params,
        cost.macs, cost.package_bytes);
  }
  absl::StrAppendFormat(&text, "%-*s %-11s %-13s %-13s     %10d %12d %10d\n",
                        width, "total", "", "", "", description.total.params,
                        description.total.macs,
                        description.total.package_bytes);
  return text;
}

}  // namespace frostnas::arch
