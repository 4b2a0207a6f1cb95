// A fixed piece of integer work, measured beside everything else: when it
// slows down, the machine did, not the network.
#ifndef FROSTNAS_LATENCY_MEASURE_REFERENCE_WORK_H_
#define FROSTNAS_LATENCY_MEASURE_REFERENCE_WORK_H_

#include <cstdint>
#include <vector>

namespace frostnas::latency {

// Products of an int8 matrix and uint8 vectors: one large enough to leave the
// first-level cache (256 KiB), because networks do as well. The same work on
// every call and in every build. Thread-compatible.
class ReferenceWork {
 public:
  ReferenceWork();

  // Some 10^5 multiply-adds, tens of microseconds.
  void Run();

  // Depends on every product of the last Run, so that none can be left out;
  // the same number always.
  int64_t checksum() const { return checksum_; }

 private:
  std::vector<int8_t> matrix_;   // (kRows, kColumns)
  std::vector<uint8_t> vector_;  // (kColumns)
  int64_t checksum_ = 0;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_REFERENCE_WORK_H_
