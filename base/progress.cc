#include "base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"

namespace frostnas {
namespace {

constexpr int kBarWidth = 20;

class Stderr final : public ProgressOutput {
 public:
  bool is_terminal() const override { return isatty(STDERR_FILENO) != 0; }

  int columns() const override {
    winsize size = {};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return 80;
    return size.ws_col == 0 ? 80 : size.ws_col;
  }

  void Write(absl::string_view text) override {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }
};

// "42 s", "3 min 20 s", "2 h 5 min": two units are enough.
std::string Rounded(absl::Duration span) {
  const int64_t seconds = absl::ToInt64Seconds(span + absl::Milliseconds(500));
  if (seconds < 60) return absl::StrCat(seconds, " s");
  if (seconds < 3600) {
    return absl::StrCat(seconds / 60, " min ", seconds % 60, " s");
  }
  return absl::StrCat(seconds / 3600, " h ", seconds / 60 % 60, " min");
}

}  // namespace

ProgressOutput& StderrOutput() {
  static Stderr* const output = new Stderr;
  return *output;
}

Progress::Progress(ProgressOptions options, Clock& clock,
                   ProgressOutput& output)
    : options_(std::move(options)),
      clock_(clock),
      output_(output),
      start_(clock.Monotonic()),
      shown_at_(start_) {
  if (output_.is_terminal()) {
    status_line_ = std::make_unique<ScopedStatusLine>();
  }
}

Progress::~Progress() { Finish(); }

void Progress::Advance(int64_t steps, absl::string_view note) {
  absl::MutexLock lock(&mutex_);
  if (finished_) return;
  done_ += steps;
  note_ = std::string(note);
  const absl::Duration interval =
      output_.is_terminal() ? options_.bar_interval : options_.line_interval;
  if (clock_.Monotonic() - shown_at_ >= interval) Show();
}

void Progress::Finish() {
  absl::MutexLock lock(&mutex_);
  if (std::exchange(finished_, true)) return;
  Show();
  if (output_.is_terminal()) output_.Write("\n");
  status_line_.reset();
}

void Progress::Show() {
  shown_at_ = clock_.Monotonic();
  if (!output_.is_terminal()) {
    output_.Write(Line() + "\n");
    return;
  }
  std::string line = Line();
  // A wrapped line could not be overwritten.
  const size_t room = std::max(output_.columns() - 1, 20);
  if (line.size() > room) line.resize(room);
  output_.Write(absl::StrCat("\r", line, "\x1b[K"));
}

std::string Progress::Line() const {
  const absl::Duration elapsed = clock_.Monotonic() - start_;
  std::string line = absl::StrCat(options_.title, " ", Bar(), done_);
  if (options_.total > 0) absl::StrAppend(&line, "/", options_.total);
  if (finished_) {
    absl::StrAppend(&line, ", took ", Rounded(elapsed));
  } else if (options_.total > 0 && done_ > 0) {
    const int64_t left = std::max<int64_t>(options_.total - done_, 0);
    const double share = static_cast<double>(left) / done_;
    absl::StrAppend(&line, ", ", Rounded(elapsed * share), " left");
  }
  if (!note_.empty()) absl::StrAppend(&line, ", ", note_);
  return line;
}

std::string Progress::Bar() const {
  if (options_.total <= 0) return "";
  const double share =
      std::clamp(static_cast<double>(done_) / options_.total, 0.0, 1.0);
  const std::string percent = absl::StrCat(static_cast<int>(share * 100), "% ");
  if (!output_.is_terminal()) return percent;
  const int filled = static_cast<int>(share * kBarWidth);
  std::string bar(kBarWidth, ' ');
  std::fill_n(bar.begin(), filled, '=');
  if (filled < kBarWidth) bar[filled] = '>';
  return absl::StrCat("[", bar, "] ", percent);
}

}  // namespace frostnas
