#include "search/supernet/architecture_step.h"

#include <utility>

#include "latency/expected_latency.h"
#include "nn/loss.h"
#include "search/supernet/gates.h"
#include "search/supernet/mixture.h"

namespace frostnas::search {
namespace {

struct BatchRun {
  double loss = 0;
  std::vector<MixtureGradient> gradients;
};

BatchRun RunBatch(Supernet& supernet, const std::vector<SlotMixture>& mixtures,
                  const nn::Batch& batch) {
  MixtureRun run(supernet);
  const nn::Tensor& logits = run.Forward(mixtures, batch.images);
  nn::Tensor diff_logits;
  const nn::LossResult loss =
      nn::SoftmaxCrossEntropy(logits, batch.labels, 0, &diff_logits);
  return {loss.loss, run.Backward(mixtures, diff_logits)};
}

// One candidate without another, or a pair.
GatePair DrawPair(const std::vector<double>& logits, Random& random) {
  if (logits.size() < 2) return {};
  return SampleGatePair(logits, random);
}

double BinarizedStep(const ArchitectureSearch& search, const nn::Batch& batch,
                     const ArchitectureStepOptions& options, Random random) {
  const latency::SlotValues logits = search.parameters.Logits();
  std::vector<GatePair> pairs;
  std::vector<SlotMixture> mixtures;
  for (const std::vector<double>& row : logits) {
    const GatePair pair = DrawPair(row, random);
    pairs.push_back(pair);
    mixtures.push_back(
        {{pair.active}, {1.0}, pair.active == pair.other ? -1 : pair.other});
  }
  const BatchRun run = RunBatch(search.supernet, mixtures, batch);
  const latency::SlotValues by_probability =
      search.pressure.latency().GradientByProbability();
  const double pressure = search.pressure.LossByNs();
  for (size_t s = 0; s < pairs.size(); ++s) {
    const GatePair& pair = pairs[s];
    if (pair.active == pair.other) continue;
    const std::vector<double> both = PairGradient(
        pair,
        run.gradients[s].weights[0] + pressure * by_probability[s][pair.active],
        run.gradients[s].probed + pressure * by_probability[s][pair.other]);
    std::vector<double> gradient(logits[s].size(), 0.0);
    gradient[pair.active] = both[0];
    gradient[pair.other] = both[1];
    search.parameters.AddGradient(static_cast<int>(s), gradient);
  }
  search.parameters.StepPairs(options.learning_rate, pairs);
  return run.loss;
}

double GumbelStep(const ArchitectureSearch& search, const nn::Batch& batch,
                  const ArchitectureStepOptions& options, Random random) {
  const latency::SlotValues logits = search.parameters.Logits();
  std::vector<GumbelSample> samples;
  std::vector<SlotMixture> mixtures;
  for (const std::vector<double>& row : logits) {
    const int all = static_cast<int>(row.size());
    const int wanted =
        options.gumbel_candidates > 0 ? options.gumbel_candidates : all;
    samples.push_back(SampleGumbel(row, options.temperature, wanted, random));
    mixtures.push_back({samples.back().indices, samples.back().weights, -1});
  }
  const BatchRun run = RunBatch(search.supernet, mixtures, batch);
  const latency::SlotValues by_logits =
      search.pressure.latency().GradientByLogits(logits);
  for (size_t s = 0; s < logits.size(); ++s) {
    std::vector<double> gradient = GumbelGradient(
        samples[s], options.temperature, run.gradients[s].weights,
        static_cast<int>(logits[s].size()));
    for (size_t k = 0; k < gradient.size(); ++k) {
      gradient[k] += search.pressure.LossByNs() * by_logits[s][k];
    }
    search.parameters.AddGradient(static_cast<int>(s), gradient);
  }
  search.parameters.Step(options.learning_rate);
  return run.loss;
}

}  // namespace

double RunArchitectureStep(const ArchitectureSearch& search,
                           const nn::Batch& batch,
                           const ArchitectureStepOptions& options,
                           Random random) {
  const double loss =
      options.gates == GateKind::kBinarized
          ? BinarizedStep(search, batch, options, std::move(random))
          : GumbelStep(search, batch, options, std::move(random));
  search.pressure.Update(
      search.pressure.latency().Value(search.parameters.Probabilities()));
  return loss;
}

}  // namespace frostnas::search
