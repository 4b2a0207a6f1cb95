#include "base/random.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"

namespace frostnas {
namespace internal {

std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, uint64_t key) {
  uint32_t key0 = static_cast<uint32_t>(key);
  uint32_t key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key0,
               static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key1,
               static_cast<uint32_t>(a)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

double PortableLog(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent);  // exact, in [0.5, 1)
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  // log(m) = 2 atanh(s), with |s| < 0.1716.
  const double s = (mantissa - 1) / (mantissa + 1);
  const double square = s * s;
  double series = 0;
  for (int n = 21; n >= 3; n -= 2) series = (series + 1.0 / n) * square;
  constexpr double kLn2High = 0x1.62e42fefa38p-1;
  constexpr double kLn2Low = 0x1.ef35793c7673p-45;
  return exponent * kLn2High + (2 * s + (2 * s * series + exponent * kLn2Low));
}

}  // namespace internal

namespace {

// Fourth counter words, so that numbers and keys come from different blocks.
constexpr uint32_t kDraw = 0;
constexpr uint32_t kSeed = 1;
constexpr uint32_t kSplitNumber = 2;
constexpr uint32_t kSplitText = 3;

uint64_t DeriveKey(uint64_t key, uint64_t label, uint32_t purpose) {
  const std::array<uint32_t, 4> block =
      internal::Philox({static_cast<uint32_t>(label),
                        static_cast<uint32_t>(label >> 32), 0, purpose},
                       key);
  return block[0] | uint64_t{block[1]} << 32;
}

void AppendUint64(std::string& out, uint64_t value) {
  for (int i = 0; i < 8; ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

uint64_t ReadUint64(absl::string_view bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  return value;
}

constexpr absl::string_view kMagic = "philox01";

}  // namespace

Random::Random(uint64_t seed) : key_(DeriveKey(seed, 0, kSeed)) {}

Random::Random(uint64_t key, uint64_t drawn) : key_(key), drawn_(drawn) {
  if (drawn_ % 4 != 0) {
    const uint64_t block = drawn_ / 4;
    block_ = internal::Philox({static_cast<uint32_t>(block),
                               static_cast<uint32_t>(block >> 32), 0, kDraw},
                              key_);
  }
}

Random Random::Split(uint64_t label) const {
  return Random(DeriveKey(key_, label, kSplitNumber), 0);
}

Random Random::Split(absl::string_view label) const {
  // Eight bytes at a time; the length keeps "a" and "a\0" apart.
  uint64_t key = DeriveKey(key_, label.size(), kSplitText);
  for (size_t at = 0; at < label.size(); at += 8) {
    std::string chunk(label.substr(at, 8));
    chunk.resize(8, '\0');
    key = DeriveKey(key, ReadUint64(chunk), kSplitText);
  }
  return Random(key, 0);
}

uint32_t Random::NextUint32() {
  const size_t word = drawn_ % 4;
  if (word == 0) {
    const uint64_t block = drawn_ / 4;
    block_ = internal::Philox({static_cast<uint32_t>(block),
                               static_cast<uint32_t>(block >> 32), 0, kDraw},
                              key_);
  }
  ++drawn_;
  return block_[word];
}

uint64_t Random::NextUint64() {
  const uint64_t low = NextUint32();
  return low | uint64_t{NextUint32()} << 32;
}

double Random::Uniform() {
  return static_cast<double>(NextUint64() >> 11) * 0x1p-53;
}

float Random::UniformFloat() {
  return static_cast<float>(NextUint32() >> 8) * 0x1p-24f;
}

uint64_t Random::UniformInt(uint64_t bound) {
  CHECK_GT(bound, 0);
  // The lowest 2^64 mod bound values would make some results likelier.
  const uint64_t surplus = (0 - bound) % bound;
  uint64_t value = NextUint64();
  while (value < surplus) value = NextUint64();
  return value % bound;
}

double Random::Normal() {
  // Marsaglia's polar method; the second number is not kept, so that the state
  // stays a counter.
  while (true) {
    const double x = 2 * Uniform() - 1;
    const double y = 2 * Uniform() - 1;
    const double square = x * x + y * y;
    if (square >= 1 || square == 0) continue;
    return x * std::sqrt(-2 * internal::PortableLog(square) / square);
  }
}

double Random::Laplace() {
  const bool negative = (NextUint32() & 1) != 0;
  const double magnitude = -internal::PortableLog(1 - Uniform());
  return negative ? -magnitude : magnitude;
}

double Random::Gumbel() {
  // Half a step keeps away from 0 and 1, where it is infinite.
  const double u = (static_cast<double>(NextUint64() >> 12) + 0.5) * 0x1p-52;
  return -internal::PortableLog(-internal::PortableLog(u));
}

std::string Random::State() const {
  std::string state(kMagic);
  AppendUint64(state, key_);
  AppendUint64(state, drawn_);
  return state;
}

absl::StatusOr<Random> Random::FromState(absl::string_view state) {
  if (state.size() != kStateBytes || !absl::StartsWith(state, kMagic)) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a state of Random: ", state.size(), " bytes"));
  }
  return Random(ReadUint64(state.substr(8)), ReadUint64(state.substr(16)));
}

}  // namespace frostnas
