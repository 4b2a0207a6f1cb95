// What a forward pass is for.
#ifndef FROSTNAS_NN_MODE_H_
#define FROSTNAS_NN_MODE_H_

namespace frostnas::nn {

enum class Mode {
  kTrain,  // batch statistics (running ones are updated), dropout, observers
  kEval,   // running statistics, no dropout, observers keep still
  // Batch statistics without keeping anything for Backward and without
  // updating running statistics or observers: a supernet's other candidates.
  kProbe,
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODE_H_
