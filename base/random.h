// Random numbers that are the same on every machine, in every thread count.
//
// A Random is a counter under a key (Philox 4x32-10), so it is small to store
// and cheap to make, and Split gives independent generators by name:
//
//   const Random root(seed);
//   Random image = root.Split("augment").Split(epoch).Split(index);
//
// makes the numbers of an image independent of the order of images. All
// distributions are computed here, with IEEE arithmetic alone: neither the
// standard library nor libm changes a bit. Not for secrets.
//
// Thread-compatible: one thread at a time, copies are independent.

#ifndef FROSTNAS_BASE_RANDOM_H_
#define FROSTNAS_BASE_RANDOM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas {

class Random {
 public:
  explicit Random(uint64_t seed);

  // An independent generator that depends on this one's key and `label` only,
  // not on how many numbers were drawn here.
  Random Split(uint64_t label) const;
  Random Split(absl::string_view label) const;

  // As drawing `words` 32-bit numbers, or half as many of 64 bits, but at once:
  // lets threads share one generator's numbers.
  void Skip(uint64_t words) { *this = Random(key_, drawn_ + words); }

  // Uniform over all 32-bit or 64-bit values.
  uint32_t NextUint32();
  uint64_t NextUint64();

  // Uniform in [0, 1): a multiple of 2^-53 or, for float, of 2^-24.
  double Uniform();
  float UniformFloat();

  // Uniform in [low, high).
  double Uniform(double low, double high) {
    return low + (high - low) * Uniform();
  }

  // Uniform in [0, bound), without bias. `bound` > 0.
  uint64_t UniformInt(uint64_t bound);

  bool Bernoulli(double probability) { return Uniform() < probability; }

  // Mean 0, variance 1.
  double Normal();

  // Density exp(-|x|) / 2: mean 0, variance 2.
  double Laplace();

  // Density exp(-x - exp(-x)): mean 0.5772 (Euler's constant).
  double Gumbel();

  // A uniformly random order of `items`, which has size() and operator[].
  template <typename Items>
  void Shuffle(Items& items) {
    for (size_t i = items.size(); i > 1; --i) {
      using std::swap;
      swap(items[i - 1], items[UniformInt(i)]);
    }
  }

  // The state in kStateBytes bytes, and back: the generator continues exactly
  // where it was. FromState gives INVALID_ARGUMENT for other bytes.
  static constexpr size_t kStateBytes = 24;
  std::string State() const;
  static absl::StatusOr<Random> FromState(absl::string_view state);

  friend bool operator==(const Random&, const Random&) = default;

 private:
  Random(uint64_t key, uint64_t drawn);

  uint64_t key_;
  uint64_t drawn_ = 0;  // 32-bit words handed out
  std::array<uint32_t, 4> block_ = {};
};

namespace internal {

// The natural logarithm of a positive, normal x, within 2 units in the last
// place and the same bits everywhere.
double PortableLog(double x);

// One block of Philox 4x32-10.
std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, uint64_t key);

}  // namespace internal
}  // namespace frostnas

#endif  // FROSTNAS_BASE_RANDOM_H_
