#include "nn/kernels/conv_shape.h"

#include "absl/strings/str_cat.h"

namespace frostnas::nn {

std::string ConvShape::ToString() const {
  return absl::StrCat(src().ToString(), " to ", c_out, ", ", kernel, "x",
                      kernel, " by ", stride);
}

}  // namespace frostnas::nn
