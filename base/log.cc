#include "base/log.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace frostnas {
namespace {

std::atomic<LogLevel> min_level{LogLevel::kInfo};
std::atomic<int> status_lines{0};
std::atomic<ScopedLogCapture*> capture{nullptr};

constexpr char kLetters[] = {'D', 'I', 'W', 'E'};

absl::string_view Basename(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void SetMinLogLevel(LogLevel level) { min_level = level; }
LogLevel MinLogLevel() { return min_level.load(std::memory_order_relaxed); }

ScopedStatusLine::ScopedStatusLine() { ++status_lines; }
ScopedStatusLine::~ScopedStatusLine() { --status_lines; }

ScopedLogCapture::ScopedLogCapture() { capture = this; }
ScopedLogCapture::~ScopedLogCapture() { capture = nullptr; }

std::vector<std::string> ScopedLogCapture::lines() const {
  absl::MutexLock lock(&mutex_);
  return lines_;
}

void EmitLogLine(absl::string_view line) {
  if (ScopedLogCapture* to = capture.load(); to != nullptr) {
    absl::MutexLock lock(&to->mutex_);
    to->lines_.emplace_back(line);
    return;
  }
  // Returns to the first column and clears the line of a progress bar.
  const absl::string_view clear = status_lines.load() > 0 ? "\r\x1b[K" : "";
  const std::string text = absl::StrCat(clear, line, "\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
}

namespace internal {

LogMessage::LogMessage(LogLevel level, const char* file, int line) {
  message_ << kLetters[static_cast<int>(level)] << ' '
           << absl::FormatTime("%H:%M:%E3S", absl::Now(), absl::LocalTimeZone())
           << ' ' << Basename(file) << ':' << line << "] ";
}

LogMessage::~LogMessage() { EmitLogLine(message_.str()); }

}  // namespace internal
}  // namespace frostnas
