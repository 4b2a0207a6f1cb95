#include "nn/optim/ema.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/optim/kernels.h"
#include "nn/optim/state_bytes.h"
#include "nn/parameter.h"

namespace frostnas::nn {
namespace {
constexpr char kFormat[] = "frostnas weight average 1";
}  // namespace

WeightAverage::WeightAverage(const WeightAverageOptions& options,
                             const std::vector<Parameter*>& parameters,
                             const std::vector<StateBuffer*>& buffers)
    : decay_(options.decay) {
  CHECK(decay_ >= 0 && decay_ < 1) << decay_;
  for (Parameter* parameter : parameters) {
    entries_.push_back({parameter->name, &parameter->value, parameter->value});
  }
  for (StateBuffer* buffer : buffers) {
    entries_.push_back({buffer->name, &buffer->value, buffer->value});
  }
}

void WeightAverage::Update() {
  CHECK(!swapped_);
  ++updates_;
  const double t = static_cast<double>(updates_);
  const double decay = std::min(decay_, t / (t + 9));
  for (Entry& entry : entries_) {
    CHECK_EQ(entry.value->size(), entry.average.size()) << entry.name;
    MoveTowards(static_cast<float>(1 - decay), *entry.value,
                absl::MakeSpan(entry.average));
  }
}

void WeightAverage::Swap() {
  // The elements and not the vectors: others hold pointers to the values.
  for (Entry& entry : entries_) {
    CHECK_EQ(entry.value->size(), entry.average.size()) << entry.name;
    std::swap_ranges(entry.value->begin(), entry.value->end(),
                     entry.average.begin());
  }
  swapped_ = !swapped_;
}

std::string WeightAverage::SaveState() const {
  CHECK(!swapped_);
  StateWriter writer;
  writer.PutText(kFormat);
  writer.PutInt(updates_);
  writer.PutInt(static_cast<int64_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    writer.PutText(entry.name);
    writer.PutFloats(entry.average);
  }
  return std::move(writer).Take();
}

absl::Status WeightAverage::LoadState(const std::string& state) {
  CHECK(!swapped_);
  StateReader reader(state);
  RETURN_IF_ERROR(reader.Expect(kFormat, "format"));
  ASSIGN_OR_RETURN(const int64_t updates, reader.Int());
  ASSIGN_OR_RETURN(const int64_t count, reader.Int());
  if (updates < 0 || count != static_cast<int64_t>(entries_.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("saved weight average has ", updates, " updates of ",
                     count, " tensors; ", entries_.size(), " belong"));
  }
  std::vector<std::vector<float>> averages;
  for (const Entry& entry : entries_) {
    RETURN_IF_ERROR(reader.Expect(entry.name, "tensor"));
    ASSIGN_OR_RETURN(std::vector<float> average,
                     reader.Floats(entry.average.size()));
    averages.push_back(std::move(average));
  }
  RETURN_IF_ERROR(reader.End());
  updates_ = updates;
  for (size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].average = std::move(averages[i]);
  }
  return absl::OkStatus();
}

}  // namespace frostnas::nn
