// Start here: a trainable network built from an arch::Graph.
//
// Forward runs the layers in order; Backward runs them in reverse, assigning
// activation gradients and ADDING parameter gradients. Buffers and primitives
// are planned per batch size and reused, so a steady training step allocates
// nothing. Outputs stay valid until the next Forward, the gradient by src until
// the next Backward.
//
//   ASSIGN_OR_RETURN(auto net, Network::Create(graph, {.seed = 1}));
//   const Tensor& logits = net->Forward(images, Mode::kTrain);
//   ... loss gives diff_logits ...
//   net->Backward(diff_logits);
//
// Deterministic for one seed and thread count. Thread-compatible; the compute
// threads are set once for the process (nn/threads.h).
#ifndef FROSTNAS_NN_NETWORK_H_
#define FROSTNAS_NN_NETWORK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arch/graph.h"
#include "nn/mode.h"
#include "nn/parameter.h"
#include "nn/precision.h"
#include "nn/quant_hooks.h"
#include "nn/tensor.h"
#include "nn/tensor_pool.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::nn {

struct NetworkOptions {
  uint64_t seed = 0;  // of initial weights and dropout
  Precision precision = Precision::kFloat32;
  float batch_norm_momentum = 0.1f;  // running = (1 - m) running + m batch
  float batch_norm_epsilon = 1e-5f;
  // Batch norm uses the running statistics in training too and leaves them.
  bool frozen_batch_norm = false;
  // Memory for gradients, for networks that run one at a time; null: its own.
  std::shared_ptr<TensorPool> gradients;
};

class Network {
 public:
  // INVALID_ARGUMENT: a graph this build cannot train, naming the layer.
  static absl::StatusOr<std::unique_ptr<Network>> Create(
      const arch::Graph& graph, const NetworkOptions& options);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // src (n, size, size, channels) of the graph's input. The result is owned by
  // the network.
  const Tensor& Forward(const Tensor& src, Mode mode);

  // After Forward(kTrain): diff_dst has the output's shape and is used up: its
  // values are overwritten, so that the largest gradients need no copy. Adds to
  // every parameter's grad. Returns the gradient by src, owned by the network
  // and the caller's to overwrite; when `need_diff_src` is false that work is
  // left out and the result is empty.
  Tensor& Backward(Tensor& diff_dst, bool need_diff_src);

  // In a fixed order (layer, then weight, bias, gamma, beta). Pointers stay
  // valid for the network's life.
  const std::vector<Parameter*>& parameters() { return parameters_; }
  const std::vector<StateBuffer*>& state() { return state_; }

  // One entry a layer of the graph, in order. Hooks are not owned. Those that
  // learn need Precision::kFloat32.
  void SetQuantization(const std::vector<LayerQuantization>& layers);
  // Quantizer of the network's own input; null: not quantized.
  void SetInputQuantization(ActivationQuantizer* input);

  // Output of layer `index` of the last Forward (calibration, analysis).
  const Tensor& layer_output(int index) const;

  const arch::Graph& graph() const { return graph_; }
  const NetworkOptions& options() const { return options_; }

  // Weights and statistics as named tensors, and back. Loading copies the
  // tensors that are present by name; INVALID_ARGUMENT: a shape differs or a
  // value is not finite; NOT_FOUND: `require_all` and one is missing.
  void Save(v1::FloatNetwork& to) const;
  absl::Status Load(const v1::FloatNetwork& from, bool require_all);

 private:
  struct Impl;
  Network(const arch::Graph& graph, const NetworkOptions& options);

  arch::Graph graph_;
  NetworkOptions options_;
  std::vector<Parameter*> parameters_;
  std::vector<StateBuffer*> state_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_NETWORK_H_
