#include "quant/methods/measured_method.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "quant/executor.h"
#include "quant/layer_params.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/network/integer_layers.h"
#include "quant/methods/noise.h"

namespace frostnas::quant {
namespace {

// Parts of the progress.
constexpr double kMethodDone = 0.8;
constexpr double kNoiseDone = 0.84;
constexpr double kFakeQuantDone = 0.94;
// A ratio of sums over all values of a tensor needs few images.
constexpr int kNoiseImages = 64;
// Images between two reports; whole batches of Top1.
constexpr int kInt8Images = 640;

// `inputs` whose progress is [from, to] of the whole.
MethodInputs Part(const MethodInputs& inputs, double from, double to) {
  MethodInputs part = inputs;
  if (!inputs.progress) return part;
  part.progress = [report = inputs.progress, from, to](
                      double done, const std::string& what) {
    report(from + (to - from) * done, what);
  };
  return part;
}

absl::StatusOr<double> Int8Top1(Executor& executor, const nn::ImageSet& images,
                                const MethodInputs& inputs) {
  double right = 0;
  for (int begin = 0; begin < images.count(); begin += kInt8Images) {
    RETURN_IF_ERROR(inputs.stop.Check());
    inputs.Report(static_cast<double>(begin) / images.count(),
                  "INT8 on the test images");
    const int count = std::min(kInt8Images, images.count() - begin);
    const auto pixels = absl::MakeConstSpan(images.pixels)
                            .subspan(begin * images.image_bytes(),
                                     count * images.image_bytes());
    right += count * Top1(executor, pixels,
                          absl::MakeConstSpan(images.labels)
                              .subspan(begin, static_cast<size_t>(count)));
  }
  return right / images.count();
}

LayerReport ReportLayer(const arch::Layer& layer, const MethodResult& result,
                        size_t index) {
  LayerReport report;
  report.name = layer.name;
  report.kind = arch::LayerKindName(layer.kind);
  report.bits = result.bits[index];
  report.outputs = Elements(layer.out);
  report.output = result.plan.outputs[index].grid;
  const QuantizedWeights& weights = result.plan.layers[index];
  report.weights = static_cast<int64_t>(weights.weights.size());
  if (!weights.scale.empty()) {
    const auto [least, largest] =
        std::minmax_element(weights.scale.begin(), weights.scale.end());
    report.least_weight_scale = *least;
    report.largest_weight_scale = *largest;
  }
  return report;
}

MethodReport ReportOf(const Method& method, const MethodResult& result) {
  MethodReport report;
  report.method = method.name;
  const arch::Graph& graph = result.network.graph;
  report.cost = CostOf(graph, result.bits);
  report.eight_bit_cost = EightBitCost(graph);
  report.saving = SavingOf(report.cost, report.eight_bit_cost);
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    report.layers.push_back(ReportLayer(graph.layers[i], result, i));
  }
  report.notes = result.notes;
  return report;
}

nn::ImageSet FirstImages(const nn::ImageSet& images, int count) {
  nn::ImageSet first;
  first.size = images.size;
  first.channels = images.channels;
  count = std::min(count, images.count());
  first.labels.assign(images.labels.begin(), images.labels.begin() + count);
  first.pixels.assign(images.pixels.begin(),
                      images.pixels.begin() + count * images.image_bytes());
  return first;
}

absl::Status AddNoise(const MethodInputs& inputs, const MethodResult& result,
                      MethodReport& report) {
  inputs.Report(0, "noise of the layers");
  ASSIGN_OR_RETURN(const std::vector<LayerNoise> noise,
                   AnalyzeNoise(result.network, result.plan,
                                {FirstImages(inputs.calibration, kNoiseImages),
                                 result.network.dataset},
                                inputs.stop));
  for (size_t i = 0; i < noise.size(); ++i) {
    report.layers[i].output_sqnr_db = noise[i].activation_db;
    report.layers[i].weight_sqnr_db = noise[i].weight_db;
    report.layers[i].outlier_ratio = noise[i].outlier_ratio;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MeasuredMethod> MeasureMethod(const Method& method,
                                             const MethodInputs& inputs,
                                             const TestImages& test) {
  const absl::Time start = absl::Now();
  ASSIGN_OR_RETURN(const MethodResult result,
                   RunMethod(method, Part(inputs, 0, kMethodDone)));
  MeasuredMethod measured;
  ASSIGN_OR_RETURN(measured.package, Assemble(result.network, result.plan));
  measured.report = ReportOf(method, result);
  MethodReport& report = measured.report;
  report.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  report.float_top1 = test.float_top1;

  RETURN_IF_ERROR(
      AddNoise(Part(inputs, kMethodDone, kNoiseDone), result, report));
  const MethodInputs fake = Part(inputs, kNoiseDone, kFakeQuantDone);
  ASSIGN_OR_RETURN(
      report.fake_quant_top1,
      FakeQuantTop1(result.network, result.plan,
                    {test.images, inputs.stop, [&](double done) {
                       fake.Report(done, "fake-quantized on the test images");
                     }}));
  measured.package.set_fake_quant_top1(report.fake_quant_top1);
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                   CreateOnednnExecutor(measured.package));
  ASSIGN_OR_RETURN(report.int8_top1, Int8Top1(*executor, test.images,
                                              Part(inputs, kFakeQuantDone, 1)));
  report.int8_runtime = executor->description();
  return measured;
}

}  // namespace frostnas::quant
