#include "nn/onednn/engine.h"

namespace frostnas::nn {

const dnnl::engine& Engine() {
  static const auto* const engine =
      new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::stream& Stream() {
  thread_local dnnl::stream stream(Engine());
  return stream;
}

void SetData(dnnl::memory& to, const void* data) {
  to.set_data_handle(const_cast<void*>(data));
}

}  // namespace frostnas::nn
