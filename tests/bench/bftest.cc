#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "arch/graph.h"
#include "arch/presets.h"
#include "base/check.h"
#include "base/random.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/threads.h"
using namespace frostnas;
using namespace frostnas::nn;
int main(int argc, char** argv) {
  SetComputeThreads(2);
  auto a = arch::PresetArchitecture(
      "frostnet_small", {.width = 0.35, .input_size = 32, .num_classes = 10});
  auto g = arch::ExpandArchitecture(*a);
  std::unique_ptr<Network> n[2];
  Tensor images({64, 32, 32, 3});
  Random r(7);
  for (float& v : images.span()) v = r.Normal();
  std::vector<int32_t> labels;
  FILE* f = fopen(argv[2], "rb");
  unsigned char buf[3073];
  for (int i = 0; i < 64; ++i) {
    if (fread(buf, 1, 3073, f) != 3073) return 1;
    labels.push_back(buf[0]);
    for (int p = 0; p < 1024; ++p)
      for (int c = 0; c < 3; ++c)
        images.data()[(i * 1024 + p) * 3 + c] =
            (buf[1 + c * 1024 + p] - 120) / 63.f;
  }
  Tensor diff;
  const int mode = argc > 1 ? atoi(argv[1]) : 0;
  for (int t = 0; t < 2; ++t) {
    if (mode == 1 && t == 1)
      for (float& v : images.span()) v *= 1 + 0.002 * r.Normal();
    n[t] = *Network::Create(
        *g, {.seed = 1,
             .precision =
                 t && mode != 1 ? Precision::kMixed : Precision::kFloat32});
    SoftmaxCrossEntropy(n[t]->Forward(images, Mode::kTrain), labels, 0, &diff);
    n[t]->Backward(diff, false);
  }
  for (size_t i = 0; i < n[0]->parameters().size(); ++i) {
    auto &p = *n[0]->parameters()[i], &q = *n[1]->parameters()[i];
    double e = 0, s = 0, dot = 0, s2 = 0;
    for (size_t j = 0; j < p.grad.size(); ++j) {
      e += std::pow(p.grad[j] - q.grad[j], 2);
      s += p.grad[j] * p.grad[j];
      s2 += q.grad[j] * q.grad[j];
      dot += p.grad[j] * q.grad[j];
    }
    printf("%-24s rel %.4f norm %.4g ratio %.4f\n", p.name.c_str(),
           std::sqrt(e / s), std::sqrt(s), dot / s);
  }
}
