#include "quant/onednn/primitive_cache.h"

#include "absl/base/attributes.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace frostnas::quant {
namespace {

ABSL_CONST_INIT absl::Mutex mutex(absl::kConstInit);
int users ABSL_GUARDED_BY(mutex) = 0;
int capacity ABSL_GUARDED_BY(mutex) = 0;

}  // namespace

ScopedNoPrimitiveCache::ScopedNoPrimitiveCache() {
  const absl::MutexLock lock(&mutex);
  if (users++ > 0) return;
  capacity = dnnl::get_primitive_cache_capacity();
  dnnl::set_primitive_cache_capacity(0);
}

ScopedNoPrimitiveCache::~ScopedNoPrimitiveCache() {
  const absl::MutexLock lock(&mutex);
  if (--users == 0) dnnl::set_primitive_cache_capacity(capacity);
}

}  // namespace frostnas::quant
