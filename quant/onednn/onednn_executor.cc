// CreateOnednnExecutor of quant/executor.h.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/graph_executor.h"
#include "quant/layer_params.h"
#include "quant/onednn/image_plan.h"
#include "quant/onednn/isa.h"
#include "quant/onednn/primitive_cache.h"

namespace frostnas::quant {
namespace {

// What a layer reads and writes for a chunk of images: half of the second
// cache of the processors this is for, so that one layer's output is still
// there when the next reads it.
constexpr int64_t kChunkBytes = int64_t{1} << 20;

// Bytes that the largest layer reads and writes for one image.
int64_t LargestLayerBytes(const arch::Graph& graph) {
  int64_t largest = 1;
  for (const arch::Layer& layer : graph.layers) {
    largest = std::max(largest, Elements(layer.in) + Elements(layer.out));
  }
  return largest;
}

// How a batch is divided: every chunk has `images`; the last may begin before
// the end of the one before it.
struct Chunks {
  int count = 1;
  int images = 1;

  int first(int chunk, int batch) const {
    return std::min(chunk * images, batch - images);
  }
};

// The division with the least work for the thread that has the most: few
// images too many, and no thread without a chunk.
Chunks DivideBatch(const arch::Graph& graph, int batch, int threads) {
  const int fitting = static_cast<int>(
      std::clamp<int64_t>(kChunkBytes / LargestLayerBytes(graph), 1, batch));
  Chunks best;
  int least = std::numeric_limits<int>::max();
  for (int images = fitting; images >= (fitting + 1) / 2; --images) {
    const int count = (batch + images - 1) / images;
    const int busiest = (count + threads - 1) / threads * images;
    if (busiest >= least) continue;
    least = busiest;
    best = {.count = count, .images = images};
  }
  return best;
}

// A batch is executed in chunks, each by one thread from the first layer to
// the last; a single image by all threads together, layer by layer.
class OnednnExecutor final : public GraphExecutor {
 public:
  OnednnExecutor(ExecutableGraph graph, const ExecutorOptions& options)
      : GraphExecutor(std::move(graph)), options_(options) {}

  // INTERNAL: oneDNN refuses a primitive.
  absl::Status Prepare(int batch) {
    plans_.clear();
    threads_ = nn::ComputeThreads();
    batch_ = batch;
    chunks_ = options_.keep_layer_outputs
                  ? Chunks{.count = 1, .images = batch}
                  : DivideBatch(graph(), batch, threads_);
    input_.resize(batch * Elements(graph().input));
    output_.resize(batch * output_elements());
    const int lanes = std::min(chunks_.count, threads_);
    // A chunk's primitives are made for the one thread that executes them.
    const nn::ScopedComputeThreads scoped(lanes > 1 ? 1 : threads_);
    nn::ApplyComputeThreads();
    const ScopedNoPrimitiveCache no_cache;
    for (int i = 0; i < lanes; ++i) {
      ASSIGN_OR_RETURN(
          std::unique_ptr<ImagePlan> plan,
          ImagePlan::Create(quantized(), chunks_.images,
                            {.keep_all = options_.keep_layer_outputs}));
      plans_.push_back(std::move(plan));
    }
    return absl::OkStatus();
  }

  absl::Span<const uint8_t> layer_output(int index) const override {
    CHECK(options_.keep_layer_outputs)
        << "the executor was not asked to keep layer outputs";
    return plans_[0]->tensor(index);
  }

  std::string description() const override {
    return absl::StrCat(Int8RuntimeName(),
                        DetectInt8Isa().exact
                            ? ""
                            : ", dense layers by own 16-bit kernels (this "
                              "instruction set's 8-bit ones saturate)");
  }

  std::vector<std::string> kernels() const override {
    return plans_[0]->kernels();
  }

 protected:
  absl::Span<uint8_t> Plan(int batch) override {
    CHECK_GT(batch, 0);
    if (batch != batch_ || nn::ComputeThreads() != threads_) {
      CHECK_OK(Prepare(batch));
    }
    return absl::MakeSpan(input_);
  }

  absl::Span<const uint8_t> Execute() override {
    nn::ApplyComputeThreads();
    if (plans_.size() == 1) {
      for (int i = 0; i < chunks_.count; ++i) RunChunk(i, *plans_[0]);
    } else {
      nn::ParallelFor(chunks_.count, 1, [this](const nn::Part& part) {
        for (int64_t i = part.begin; i < part.end; ++i) {
          RunChunk(static_cast<int>(i), *plans_[part.index]);
        }
      });
    }
    return output_;
  }

  void Split(
      int64_t count, int64_t grain,
      absl::FunctionRef<void(int64_t begin, int64_t end)> body) const override {
    nn::ParallelFor(count, grain,
                    [&](const nn::Part& part) { body(part.begin, part.end); });
  }

 private:
  void RunChunk(int chunk, ImagePlan& plan) {
    const int64_t image_bytes = Elements(graph().input);
    const int64_t image_outputs = output_elements();
    const int first = chunks_.first(chunk, batch_);
    std::copy_n(input_.data() + first * image_bytes, plan.input().size(),
                plan.input().data());
    plan.Execute();
    // Images of the chunk before are its own.
    const int own = chunk * chunks_.images;
    std::copy(plan.output().begin() + (own - first) * image_outputs,
              plan.output().end(), output_.begin() + own * image_outputs);
  }

  ExecutorOptions options_;
  int batch_ = 0;
  int threads_ = 0;
  Chunks chunks_;
  std::vector<uint8_t> input_, output_;
  std::vector<std::unique_ptr<ImagePlan>> plans_;  // one a thread
};

// Plans one image at once, so that what oneDNN cannot do shows here.
template <typename Network>
absl::StatusOr<std::unique_ptr<Executor>> Create(
    const Network& network, const ExecutorOptions& options) {
  ASSIGN_OR_RETURN(ExecutableGraph graph, MakeExecutable(network));
  auto executor = std::make_unique<OnednnExecutor>(std::move(graph), options);
  RETURN_IF_ERROR(executor->Prepare(1));
  return executor;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> CreateOnednnExecutor(
    const v1::Package& package, const ExecutorOptions& options) {
  return Create(package, options);
}

absl::StatusOr<std::unique_ptr<Executor>> CreateOnednnExecutor(
    const QuantizedGraph& quantized, const ExecutorOptions& options) {
  return Create(quantized, options);
}

}  // namespace frostnas::quant
