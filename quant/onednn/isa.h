// Which INT8 arithmetic oneDNN uses on this processor.
//
// Any thread; the answer is the same for the life of the process.
#ifndef FROSTNAS_QUANT_ONEDNN_ISA_H_
#define FROSTNAS_QUANT_ONEDNN_ISA_H_

#include <string>

namespace frostnas::quant {

struct Int8Isa {
  // oneDNN's name for the instruction set in effect, after ONEDNN_MAX_CPU_ISA:
  // "sse41", "avx2", "avx2_vnni", "avx512_core_vnni", ...
  std::string name;
  // Whether u8 x s8 multiply-adds go straight to 32 bits (VNNI, AMX). Where
  // they do not, oneDNN's dense kernels saturate at 16 bits.
  bool exact = false;
  // VNNI on vectors of 512 bits: what our own 8-bit kernels are fast with.
  bool vnni512 = false;
};

const Int8Isa& DetectInt8Isa();

// "onednn 2.6.3 avx512_core_amx kernels 2", for results and table fingerprints.
std::string Int8RuntimeName();

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_ONEDNN_ISA_H_
