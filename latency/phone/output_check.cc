#include "latency/phone/output_check.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "latency/reference_network.h"
#include "quant/executor.h"
#include "quant/layer_params.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"

namespace frostnas::latency {
namespace {

constexpr int kBatch = 4;
constexpr uint64_t kSeed = 1;
constexpr absl::Duration kDeadline = absl::Seconds(60);
constexpr char kOutput[] = "check.out";

v1::DatasetInfo InfoOf(const v1::Architecture& architecture) {
  v1::DatasetInfo info;
  info.set_image_size(architecture.input_size());
  info.set_channels(architecture.input_channels());
  info.set_classes(architecture.num_classes());
  for (int c = 0; c < architecture.input_channels(); ++c) {
    info.add_mean(0.5f);
    info.add_stddev(0.25f);
  }
  return info;
}

std::string RandomInput(const arch::Graph& graph) {
  Random random(kSeed);
  std::string input(kBatch * quant::Elements(graph.input), '\0');
  for (char& value : input) value = static_cast<char>(random.UniformInt(256));
  return input;
}

// Of "od -An -v -tu1".
absl::StatusOr<std::vector<int>> BytesOf(absl::string_view text) {
  std::vector<int> bytes;
  for (const absl::string_view number :
       absl::StrSplit(text, absl::ByAnyChar(" \r\n\t"), absl::SkipEmpty())) {
    int value = 0;
    if (!absl::SimpleAtoi(number, &value) || value < 0 || value > 255) {
      return absl::AbortedError(
          absl::StrCat("od printed \"", number, "\", which is no byte"));
    }
    bytes.push_back(value);
  }
  return bytes;
}

absl::Status Compare(absl::Span<const int> computed,
                     absl::Span<const uint8_t> expected) {
  if (computed.size() != expected.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the runner computed ", computed.size(),
        " logits of the reference network, not ", expected.size()));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(computed[i] - expected[i]) <= 1) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "the runner computes other outputs than the integer reference: logit ",
        i, " is ", computed[i], ", not ", expected[i],
        "; what it measures here would be of another network"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOutputs(const Adb& adb, const std::string& serial,
                          const PhoneRunner& runner, v1::RunnerRequest request,
                          const StopToken& stop) {
  const v1::Architecture architecture = ReferenceArchitecture(kSmallReference);
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandArchitecture(architecture));
  const quant::QuantizedGraph quantized =
      quant::RandomQuantizedGraph(graph, kSeed);
  const std::string input = RandomInput(graph);
  ASSIGN_OR_RETURN(const auto reference,
                   quant::CreateReferenceExecutor(quantized));
  const absl::Span<const uint8_t> expected = reference->RunQuantized(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(input.data()),
                          input.size()),
      kBatch);
  ASSIGN_OR_RETURN(
      const v1::Package package,
      quant::MakePackage(quantized, architecture, InfoOf(architecture)));

  RETURN_IF_ERROR(
      runner.Bring("check.fnpkg", quant::SerializePackage(package), stop)
          .status());
  ASSIGN_OR_RETURN(const std::string input_path,
                   runner.Bring("check.in", input, stop));
  request.set_batch(kBatch);
  v1::ExecuteWork& work = *request.mutable_execute();
  work.set_package_file("../job/check.fnpkg");
  work.set_input_file("../job/check.in");
  work.set_output_file(absl::StrCat("../job/", kOutput));
  RETURN_IF_ERROR(runner.Ask(request, kDeadline, stop).status());
  const std::string folder = input_path.substr(0, input_path.rfind('/') + 1);
  ASSIGN_OR_RETURN(
      const std::string text,
      adb.Shell(serial,
                {"od", "-An", "-v", "-tu1", absl::StrCat(folder, kOutput)},
                {.stop = stop}));
  RETURN_IF_ERROR(runner.CleanUp(stop));
  ASSIGN_OR_RETURN(const std::vector<int> computed, BytesOf(text));
  return Compare(computed, expected);
}

}  // namespace frostnas::latency
