// Uses what a phone runner uses: Abseil, protobuf, threads, and an INT8
// convolution of XNNPACK. Prints the same lines on every processor but the
// second, which says whether it has the dot product instructions of ARM.
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "cpuinfo.h"
#include "google/protobuf/util/json_util.h"
#include "pthreadpool.h"
#include "tools/bazel/proto_test/name.pb.h"
#include "xnnpack.h"

namespace {

constexpr size_t kInputs = 16;
constexpr size_t kOutputs = 8;
constexpr size_t kSide = 5;

// A 3x3 convolution of small numbers with a scale for each channel; empty when
// XNNPACK refuses.
std::vector<int> Convolve(pthreadpool_t threads) {
  std::vector<int8_t> input(kSide * kSide * kInputs + XNN_EXTRA_BYTES);
  for (size_t i = 0; i < input.size(); ++i) {
    input[i] = static_cast<int8_t>(i * 37 % 61 - 30);
  }
  std::array<int8_t, kOutputs * 3 * 3 * kInputs> kernel;
  for (size_t i = 0; i < kernel.size(); ++i) {
    kernel[i] = static_cast<int8_t>(i * 53 % 71 - 35);
  }
  std::array<float, kOutputs> scales;
  std::array<int32_t, kOutputs> bias;
  for (size_t i = 0; i < kOutputs; ++i) {
    scales[i] = 0.01f + 0.001f * static_cast<float>(i);
    bias[i] = static_cast<int32_t>(i) * 100 - 300;
  }

  xnn_operator_t convolution = nullptr;
  if (xnn_create_convolution2d_nhwc_qc8(
          1, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, kInputs, kOutputs, kInputs, kOutputs,
          /*input_zero_point=*/3, /*input_scale=*/0.5f, scales.data(),
          kernel.data(), bias.data(), /*output_zero_point=*/-5,
          /*output_scale=*/2.0f, -128, 127, 0,
          &convolution) != xnn_status_success) {
    return {};
  }
  std::vector<int8_t> output(kSide * kSide * kOutputs);
  const bool ran = xnn_setup_convolution2d_nhwc_qc8(
                       convolution, 1, kSide, kSide, input.data(),
                       output.data(), threads) == xnn_status_success &&
                   xnn_run_operator(convolution, threads) == xnn_status_success;
  xnn_delete_operator(convolution);
  if (!ran) return {};
  return {output.begin(), output.end()};
}

}  // namespace

int main() {
  frostnas::proto_test::Name name;
  name.set_text("frost");
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(name, &json).ok()) return 1;
  std::cout << json << "\n";

  if (xnn_initialize(nullptr) != xnn_status_success) return 1;
  std::cout << "dot " << cpuinfo_has_arm_neon_dot() << "\n";

  const std::unique_ptr<pthreadpool, decltype(&pthreadpool_destroy)> threads(
      pthreadpool_create(2), pthreadpool_destroy);
  const std::vector<int> output = Convolve(threads.get());
  if (output.empty()) return 1;
  std::cout << absl::StrJoin(output, " ") << "\n";
}
