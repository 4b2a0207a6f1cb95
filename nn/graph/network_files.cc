#include "nn/graph/network_files.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace frostnas::nn {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files hold little endian floats");

using TensorsByName = absl::flat_hash_map<std::string, const v1::NamedTensor*>;

struct Target {
  const std::string* name;
  std::vector<int> shape;
  std::vector<float>* value;
};

void Append(const std::string& name, const std::vector<int>& shape,
            const std::vector<float>& value, v1::FloatNetwork& to) {
  v1::NamedTensor& tensor = *to.add_tensors();
  tensor.set_name(name);
  tensor.mutable_shape()->Add(shape.begin(), shape.end());
  tensor.set_data(value.data(), value.size() * sizeof(float));
}

std::vector<Target> Targets(absl::Span<Parameter* const> parameters,
                            absl::Span<StateBuffer* const> state) {
  std::vector<Target> targets;
  for (Parameter* p : parameters) {
    targets.push_back({&p->name, p->shape, &p->value});
  }
  for (StateBuffer* s : state) {
    targets.push_back(
        {&s->name, {static_cast<int>(s->value.size())}, &s->value});
  }
  return targets;
}

std::vector<float> Floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

absl::Status Check(const v1::NamedTensor& tensor, const Target& target) {
  const bool same_shape =
      std::equal(tensor.shape().begin(), tensor.shape().end(),
                 target.shape.begin(), target.shape.end());
  if (!same_shape ||
      tensor.data().size() != target.value->size() * sizeof(float)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", tensor.name(), " has shape ",
                     absl::StrJoin(tensor.shape(), "x"), " and ",
                     tensor.data().size(), " bytes; the network needs ",
                     absl::StrJoin(target.shape, "x"), " floats"));
  }
  const std::vector<float> values = Floats(tensor.data());
  const bool finite = std::all_of(values.begin(), values.end(),
                                  [](float v) { return std::isfinite(v); });
  if (finite) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "tensor ", tensor.name(), " has a value that is not finite"));
}

bool MayBeMissing(const Target& target) {
  return absl::EndsWith(*target.name, ".step");
}

}  // namespace

void SaveTensors(absl::Span<Parameter* const> parameters,
                 absl::Span<StateBuffer* const> state, v1::FloatNetwork& to) {
  for (const Target& target : Targets(parameters, state)) {
    Append(*target.name, target.shape, *target.value, to);
  }
}

absl::Status LoadTensors(const v1::FloatNetwork& from, bool require_all,
                         absl::Span<Parameter* const> parameters,
                         absl::Span<StateBuffer* const> state) {
  TensorsByName by_name;
  for (const v1::NamedTensor& tensor : from.tensors()) {
    by_name[tensor.name()] = &tensor;
  }
  const std::vector<Target> targets = Targets(parameters, state);
  for (const Target& target : targets) {
    const auto found = by_name.find(*target.name);
    if (found != by_name.end()) {
      RETURN_IF_ERROR(Check(*found->second, target));
    } else if (require_all && !MayBeMissing(target)) {
      return absl::NotFoundError(
          absl::StrCat("tensor ", *target.name, " is missing"));
    }
  }
  for (const Target& target : targets) {
    const auto found = by_name.find(*target.name);
    if (found != by_name.end()) *target.value = Floats(found->second->data());
  }
  return absl::OkStatus();
}

}  // namespace frostnas::nn
