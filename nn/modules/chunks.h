// Loops over a batch in chunks that stay in a core's cache, on all compute
// threads.
//
// A chunk is some consecutive items: rows of pixels, or images. Items are
// split evenly over the threads, so that sums kept per part and combined in
// order repeat for one number of threads.
#ifndef FROSTNAS_NN_MODULES_CHUNKS_H_
#define FROSTNAS_NN_MODULES_CHUNKS_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "nn/elements.h"

namespace frostnas::nn {

struct Chunk {
  int64_t begin = 0;  // item
  int64_t count = 0;
  int part = 0;  // of the thread, 0 <= part < ChunkLoop::parts()
};

class ChunkLoop {
 public:
  // `floats` of all tensors together that belong to one item.
  ChunkLoop(int64_t items, int64_t floats);

  int parts() const;
  void Run(absl::FunctionRef<void(const Chunk&)> body) const;

 private:
  int64_t items_;
  int64_t grain_;  // items a thread must get for starting it to pay
  int64_t chunk_;  // items
};

// Memory of the calling thread for one chunk, valid until the thread asks for
// the same use again.
enum class ScratchUse { kSource, kGradient, kResult };
Elements ThreadScratch(ScratchUse use, DataType type, int64_t count);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_CHUNKS_H_
