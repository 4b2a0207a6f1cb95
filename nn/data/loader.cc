#include "nn/data/loader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "nn/data/augment.h"
#include "nn/data/image_set.h"
#include "nn/tensor.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

// One batch with the consumer, one in the making, two ready: enough to cover
// one slow step, and little memory.
constexpr size_t kBatches = 4;

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Augmentation StandardAugmentation(const v1::DatasetInfo& info, int epochs) {
  constexpr int kShort = 30;
  const int size = info.image_size();
  if (epochs <= kShort) {
    return {.crop_padding = size / 16, .flip = info.flip_allowed()};
  }
  return {.crop_padding = size / 8,
          .flip = info.flip_allowed(),
          .cutout = size / 4};
}

struct Loader::Impl {
  Impl(const ImageSet& set, const v1::DatasetInfo& info,
       const LoaderOptions& loader_options)
      : images(set),
        options(loader_options),
        random(loader_options.seed),
        normalizer(info) {
    CHECK(options.batch > 0) << options.batch;
    CHECK_EQ(images.size, info.image_size());
    CHECK_EQ(images.channels, info.channels());
    for (Batch& batch : batches) free.push_back(&batch);
    thread = std::thread([this] { Produce(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    thread.join();
  }

  int BatchesInEpoch() const {
    const int whole = images.count() / options.batch;
    const bool rest = images.count() % options.batch != 0;
    return whole + (rest && !options.drop_last ? 1 : 0);
  }

  // What the thread is asked to make next.
  struct Order {
    int epoch = -1;  // none yet
    int next = 0;    // batch
    // Counts StartEpoch, so that a batch of an epoch that was left is known.
    int64_t generation = 0;
  };

  void Produce();
  void Make(const Order& made, const std::vector<int>& sequence, Batch& batch);
  std::vector<int> Sequence(int epoch) const;

  const ImageSet& images;
  const LoaderOptions options;
  const Random random;
  const Normalizer normalizer;
  std::array<Batch, kBatches> batches;

  std::mutex mutex;
  std::condition_variable wake;
  // Under the mutex.
  bool stop = false;
  Order order;
  std::vector<Batch*> free;
  std::deque<Batch*> ready;
  // The consumer's own.
  Batch* held = nullptr;
  int taken = 0;
  Clock::time_point started = Clock::now();
  Clock::duration waited = Clock::duration::zero();

  std::thread thread;
};

std::vector<int> Loader::Impl::Sequence(int epoch) const {
  std::vector<int> sequence(static_cast<size_t>(images.count()));
  std::iota(sequence.begin(), sequence.end(), 0);
  if (options.shuffle) {
    random.Split("order").Split(static_cast<uint64_t>(epoch)).Shuffle(sequence);
  }
  return sequence;
}

void Loader::Impl::Make(const Order& made, const std::vector<int>& sequence,
                        Batch& batch) {
  const int begin = made.next * options.batch;
  const int count = std::min(options.batch, images.count() - begin);
  batch.images.Resize({count, images.size, images.size, images.channels});
  batch.labels.resize(static_cast<size_t>(count));
  const Random epoch =
      random.Split("augment").Split(static_cast<uint64_t>(made.epoch));
  for (int i = 0; i < count; ++i) {
    const int index = sequence[static_cast<size_t>(begin + i)];
    Random own = epoch.Split(static_cast<uint64_t>(index));
    const Change change = DrawChange(options.augmentation, images.size, own);
    normalizer.Write(images.image(index), change,
                     batch.images.data() + i * images.image_bytes());
    batch.labels[static_cast<size_t>(i)] =
        images.labels[static_cast<size_t>(index)];
  }
}

void Loader::Impl::Produce() {
  std::vector<int> sequence;
  int sequence_epoch = -1;
  std::unique_lock lock(mutex);
  while (true) {
    wake.wait(lock, [this] {
      return stop || (order.epoch >= 0 && order.next < BatchesInEpoch() &&
                      !free.empty());
    });
    if (stop) return;
    const Order making = order;
    Batch* batch = free.back();
    free.pop_back();
    lock.unlock();
    if (sequence_epoch != making.epoch) {
      sequence = Sequence(making.epoch);
      sequence_epoch = making.epoch;
    }
    Make(making, sequence, *batch);
    lock.lock();
    if (order.generation != making.generation) {
      free.push_back(batch);
      continue;
    }
    ++order.next;
    ready.push_back(batch);
    wake.notify_all();
  }
}

Loader::Loader(const ImageSet& images, const v1::DatasetInfo& info,
               const LoaderOptions& options)
    : impl_(std::make_unique<Impl>(images, info, options)) {}

Loader::~Loader() = default;

int Loader::batches() const { return impl_->BatchesInEpoch(); }

void Loader::StartEpoch(int epoch) {
  CHECK(epoch >= 0) << epoch;
  Impl& self = *impl_;
  {
    const std::lock_guard lock(self.mutex);
    self.order = {.epoch = epoch, .generation = self.order.generation + 1};
    self.free.insert(self.free.end(), self.ready.begin(), self.ready.end());
    self.ready.clear();
    if (self.held != nullptr) self.free.push_back(self.held);
    self.held = nullptr;
  }
  self.wake.notify_all();
  self.taken = 0;
  self.started = Clock::now();
  self.waited = Clock::duration::zero();
}

const Batch* Loader::Next() {
  Impl& self = *impl_;
  const Clock::time_point asked = Clock::now();
  std::unique_lock lock(self.mutex);
  CHECK(self.order.epoch >= 0) << "Next() before StartEpoch()";
  if (self.held != nullptr) {
    self.free.push_back(self.held);
    self.held = nullptr;
    self.wake.notify_all();
  }
  if (self.taken == self.BatchesInEpoch()) return nullptr;
  self.wake.wait(lock, [&self] { return !self.ready.empty(); });
  self.held = self.ready.front();
  self.ready.pop_front();
  ++self.taken;
  self.waited += Clock::now() - asked;
  return self.held;
}

double Loader::wait_share() const {
  const double total = Seconds(Clock::now() - impl_->started);
  return total > 0 ? std::min(1.0, Seconds(impl_->waited) / total) : 0.0;
}

}  // namespace frostnas::nn
