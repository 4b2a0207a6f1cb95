#include "search/main/phase_progress.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace frostnas::search {
namespace {

constexpr int kSteps = 1000;

}  // namespace

void PhaseProgress::Show(const StudyProgress& progress) {
  const std::string title =
      progress.part.empty() ? progress.phase
                            : absl::StrCat(progress.phase, ", ", progress.part);
  if (bar_ == nullptr || title != title_) {
    Finish();
    title_ = title;
    shown_permille_ = 0;
    bar_ = std::make_unique<Progress>(
        ProgressOptions{.title = title_, .total = kSteps}, clock_, output_);
  }
  const int permille =
      std::clamp(static_cast<int>(std::lround(progress.fraction * kSteps)),
                 shown_permille_, kSteps);
  bar_->Advance(permille - shown_permille_, progress.note);
  shown_permille_ = permille;
}

void PhaseProgress::Finish() {
  if (bar_ != nullptr) bar_->Finish();
  bar_ = nullptr;
}

}  // namespace frostnas::search
