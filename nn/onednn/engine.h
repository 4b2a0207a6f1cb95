// What oneDNN's calls in this folder share. Internal to it.
#ifndef FROSTNAS_NN_ONEDNN_ENGINE_H_
#define FROSTNAS_NN_ONEDNN_ENGINE_H_

#include <initializer_list>

#include "oneapi/dnnl/dnnl.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace frostnas::nn {

// The processor. Thread-safe.
const dnnl::engine& Engine();

// The calling thread's: a CPU stream runs what it is given on it at once.
dnnl::stream& Stream();

// Runs `primitive` on the calling thread's stream. oneDNN's C++ wrapper would
// make a map and a list of the arguments at each call.
void Execute(const dnnl::primitive& primitive,
             std::initializer_list<dnnl_exec_arg_t> args);

// oneDNN takes pointers to inputs without const.
void SetData(dnnl::memory& to, const void* data);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_ONEDNN_ENGINE_H_
