// What oneDNN's calls in this folder share. Internal to it.
#ifndef FROSTNAS_NN_ONEDNN_ENGINE_H_
#define FROSTNAS_NN_ONEDNN_ENGINE_H_

#include "oneapi/dnnl/dnnl.hpp"

namespace frostnas::nn {

// The processor. Thread-safe.
const dnnl::engine& Engine();

// The calling thread's: a CPU stream runs what it is given on it at once.
dnnl::stream& Stream();

// oneDNN takes pointers to inputs without const.
void SetData(dnnl::memory& to, const void* data);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_ONEDNN_ENGINE_H_
