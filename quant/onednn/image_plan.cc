#include "quant/onednn/image_plan.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "quant/layer_params.h"
#include "quant/simd/blocks.h"

namespace frostnas::quant {

constexpr size_t kAlignment = 64;

ImagePlan::Buffer::Buffer(int64_t bytes)
    : memory_(bytes + kAlignment + simd::kSlackBytes) {
  const auto address = reinterpret_cast<uintptr_t>(memory_.data());
  data_ = memory_.data() + (kAlignment - address % kAlignment) % kAlignment;
}

absl::StatusOr<std::unique_ptr<ImagePlan>> ImagePlan::Create(
    const QuantizedGraph& quantized, int images,
    const ImagePlanOptions& options) {
  auto plan = std::unique_ptr<ImagePlan>(
      new ImagePlan(quantized, images, options.keep_all));
  const int count = static_cast<int>(quantized.graph.layers.size());
  RETURN_IF_ERROR(
      plan->MakeSteps(options.first_layer, std::min(options.end_layer, count)));
  return plan;
}

ImagePlan::ImagePlan(const QuantizedGraph& quantized, int images, bool keep_all)
    : quantized_(quantized),
      images_(images),
      plan_(PlanBuffers(quantized.graph, {.keep_all = keep_all})) {
  for (int64_t bytes : plan_.buffer_bytes)
    buffers_.emplace_back(bytes * images);
}

absl::Status ImagePlan::MakeSteps(int first_layer, int end_layer) {
  for (int index = first_layer; index < end_layer; ++index) {
    if (graph().layers[index].kind == arch::LayerKind::kDropout) continue;
    ASSIGN_OR_RETURN(std::unique_ptr<Step> step,
                     MakeStep(quantized_, index, TensorsOf(index)));
    steps_.push_back({index, std::move(step)});
    step = MakeClampStep(quantized_, index, TensorsOf(index));
    if (step != nullptr) steps_.push_back({index, std::move(step)});
  }
  return absl::OkStatus();
}

absl::Span<uint8_t> ImagePlan::tensor(int index) {
  return absl::MakeSpan(
      buffers_[plan_.buffer[index + 1]].data(),
      static_cast<size_t>(images_ * Elements(ShapeOf(graph(), index))));
}

absl::Span<const uint8_t> ImagePlan::output() const {
  return const_cast<ImagePlan*>(this)->tensor(
      static_cast<int>(graph().layers.size()) - 1);
}

StepTensors ImagePlan::TensorsOf(int index) {
  StepTensors tensors;
  tensors.batch = images_;
  const std::vector<int>& inputs = graph().layers[index].inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    tensors.src[i] = tensor(inputs[i]).data();
  }
  tensors.dst = tensor(index).data();
  return tensors;
}

void ImagePlan::Execute() {
  for (const PlannedStep& planned : steps_) planned.step->Execute();
}

std::vector<std::string> ImagePlan::kernels() const {
  std::vector<std::string> names;
  for (const PlannedStep& planned : steps_) {
    names.push_back(absl::StrCat(graph().layers[planned.layer].name, ": ",
                                 planned.step->kernel()));
  }
  return names;
}

}  // namespace frostnas::quant
