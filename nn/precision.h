// How training calculates and what it keeps.
#ifndef FROSTNAS_NN_PRECISION_H_
#define FROSTNAS_NN_PRECISION_H_

namespace frostnas::nn {

enum class Precision {
  // Single precision throughout.
  kFloat32,
  // What goes to memory inside and between convolution units has 16 bits
  // (modules/conv_unit.h); weights, sums and statistics are of single
  // precision, and so is evaluation.
  kMixed
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_PRECISION_H_
