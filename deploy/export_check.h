// How an exported file, run by an independent reader, agrees with the integer
// executor. A value.
#ifndef FROSTNAS_DEPLOY_EXPORT_CHECK_H_
#define FROSTNAS_DEPLOY_EXPORT_CHECK_H_

#include <cstdint>
#include <string>

namespace frostnas::deploy {

struct ExportCheck {
  int64_t images = 0;
  // Share of images whose largest logit is the same (the first of equals).
  double top1_agreement = 0;
  double max_abs_logit_diff = 0;
  // Share of logits at most one step of the logits' grid apart.
  double within_one_step = 0;
  // Of the version that ran: "ONNX Runtime 1.22.0".
  std::string runtime;
};

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_EXPORT_CHECK_H_
