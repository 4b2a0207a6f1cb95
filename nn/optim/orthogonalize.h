// The orthogonal matrix nearest to a matrix, roughly: what Muon moves weights
// by (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural
// networks").
//
// Five Newton-Schulz steps on X / |X|, in the authors' quintic form
//   A = X X^T;  X = 3.4445 X + (-4.7750 A + 2.0315 A A) X,
// bring every singular value that is not tiny to 0.7..1.2; exact ones would
// take more steps and train no better.
//
// Deterministic for one number of compute threads. Thread-safe.
#ifndef FROSTNAS_NN_OPTIM_ORTHOGONALIZE_H_
#define FROSTNAS_NN_OPTIM_ORTHOGONALIZE_H_

#include <cstdint>
#include <vector>

namespace frostnas::nn {

// Memory of calls that follow one another.
struct OrthogonalizeScratch {
  std::vector<float> square, polynomial, product;
};

// In place, row-major. All zeros stay zeros.
void Orthogonalize(int64_t rows, int64_t columns, float* matrix,
                   OrthogonalizeScratch& scratch);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_ORTHOGONALIZE_H_
