// Exponential moving average of a network's weights and statistics.
//
//   WeightAverage average({.decay = 0.999}, net.parameters(), net.state());
//   ... optimizer.Step(rate); average.Update(); ...
//   average.Swap();   // the network holds the average
//   ... evaluate ...
//   average.Swap();   // and its own weights again
//
// On update t (from 1) average += (weights - average) (1 - d), where d =
// min(decay, t / (t + 9)), so that the first updates follow the weights
// instead of the initial ones.
//
// Parameters and buffers are not owned and must outlive this. Thread-
// compatible.
#ifndef FROSTNAS_NN_OPTIM_EMA_H_
#define FROSTNAS_NN_OPTIM_EMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "nn/parameter.h"

namespace frostnas::nn {

struct WeightAverageOptions {
  double decay = 0.999;  // [0, 1)
};

class WeightAverage {
 public:
  WeightAverage(const WeightAverageOptions& options,
                const std::vector<Parameter*>& parameters,
                const std::vector<StateBuffer*>& buffers);

  // Moves the average towards the current values. Not while swapped.
  void Update();

  // Exchanges the network's values and the average.
  void Swap();
  bool swapped() const { return swapped_; }

  // Everything needed to continue bit for bit, and back; neither while
  // swapped. INVALID_ARGUMENT: not a state of an average over these tensors.
  std::string SaveState() const;
  absl::Status LoadState(const std::string& state);

 private:
  struct Entry {
    std::string name;
    std::vector<float>* value;  // of the network
    std::vector<float> average;
  };

  double decay_;
  int64_t updates_ = 0;
  bool swapped_ = false;
  std::vector<Entry> entries_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_EMA_H_
