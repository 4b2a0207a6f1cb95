// Keeps oneDNN's primitive cache out of the making of a network.
//
// A convolution's kernel holds the scales of its layer, so that no other
// network could use it. In oneDNN's cache, which holds the last 1024 for the
// whole process, such kernels only stay behind when their network is gone, and
// the memory of the next networks is spread between them: the same network is
// up to 8 % slower when it is made as the twentieth than as the first.
#ifndef FROSTNAS_QUANT_ONEDNN_PRIMITIVE_CACHE_H_
#define FROSTNAS_QUANT_ONEDNN_PRIMITIVE_CACHE_H_

namespace frostnas::quant {

// While one lives, the process's primitive cache is empty and stays so;
// afterwards it has its capacity again. Others' primitives live on, they are
// only not found when an equal one is made. Thread-safe.
class ScopedNoPrimitiveCache {
 public:
  ScopedNoPrimitiveCache();
  ~ScopedNoPrimitiveCache();

  ScopedNoPrimitiveCache(const ScopedNoPrimitiveCache&) = delete;
  ScopedNoPrimitiveCache& operator=(const ScopedNoPrimitiveCache&) = delete;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_ONEDNN_PRIMITIVE_CACHE_H_
