#include "search/main/onnx_checking.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "deploy/onnx_check.h"
#include "nn/data/dataset.h"

namespace frostnas::search {
namespace {

v1::DatasetSpec CheckedImages(const v1::DatasetSpec& dataset) {
  v1::DatasetSpec spec = dataset;
  spec.set_test_images(spec.test_images() > 0
                           ? std::min(spec.test_images(), kOnnxCheckImages)
                           : kOnnxCheckImages);
  return spec;
}

void LogUnchecked(const absl::Status& why) {
  LOG(INFO) << "the ONNX files are not re-executed: " << why.message();
}

}  // namespace

absl::StatusOr<OnnxChecking> OnnxChecking::Create(const std::string& file,
                                                  const StopToken& stop) {
  auto runtime = deploy::OnnxRuntime::Load(file);
  if (!runtime.ok() && !file.empty()) return runtime.status();
  return OnnxChecking(std::move(runtime), stop);
}

OnnxChecker OnnxChecking::CheckerOf(const v1::StudySpec& study) const {
  if (!runtime_.ok()) {
    LogUnchecked(runtime_.status());
    return nullptr;
  }
  auto dataset = nn::LoadDataset(CheckedImages(study.dataset()));
  if (!dataset.ok()) {
    LogUnchecked(dataset.status());
    return nullptr;
  }
  return [runtime = runtime_->get(), stop = stop_, threads = study.threads(),
          images = std::shared_ptr<const nn::Dataset>(*std::move(dataset))](
             const v1::Package& package, const std::string& model) {
    return deploy::CheckOnnx(package, model, images->test.pixels, *runtime,
                             {.threads = std::max(1, threads), .stop = stop});
  };
}

}  // namespace frostnas::search
