#include "nn/onednn/engine.h"

#include <initializer_list>

#include "base/check.h"

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

void Execute(const dnnl::primitive& primitive,
             std::initializer_list<dnnl_exec_arg_t> args) {
  const dnnl_status_t status =
      dnnl_primitive_execute(primitive.get(), Stream().get(),
                             static_cast<int>(args.size()), args.begin());
  CHECK(status == dnnl_success) << "dnnl_primitive_execute: " << status;
}

void SetData(dnnl::memory& to, const void* data) {
  to.set_data_handle(const_cast<void*>(data));
}

}  // namespace frostnas::nn
