// Diagnostics on stderr, one line a message:
//
//   LOG(INFO) << "study " << id << " resumed";
//   I 14:03:07.123 engine.cc:41] study 7f3a resumed
//
// Levels are DEBUG, INFO, WARNING and ERROR; below the minimum (INFO unless
// set) a message is not even formatted. A line is written whole, so lines of
// several threads do not mix. Logging never fails and never ends the program;
// see check.h for that. Safe on any thread.

#ifndef FROSTNAS_BASE_LOG_H_
#define FROSTNAS_BASE_LOG_H_

#include <sstream>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace frostnas {

enum class LogLevel { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

// Messages below `level` are dropped from now on.
void SetMinLogLevel(LogLevel level);
LogLevel MinLogLevel();

// While one lives, the last line of the terminal belongs to a progress bar and
// each log line first clears it.
class ScopedStatusLine {
 public:
  ScopedStatusLine();
  ~ScopedStatusLine();
  ScopedStatusLine(const ScopedStatusLine&) = delete;
  ScopedStatusLine& operator=(const ScopedStatusLine&) = delete;
};

// While one lives, log lines go to it instead of stderr. One at a time.
class ScopedLogCapture {
 public:
  ScopedLogCapture();
  ~ScopedLogCapture();
  ScopedLogCapture(const ScopedLogCapture&) = delete;
  ScopedLogCapture& operator=(const ScopedLogCapture&) = delete;

  // The lines so far, without their ends.
  std::vector<std::string> lines() const;

 private:
  friend void EmitLogLine(absl::string_view line);

  mutable absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

namespace internal {

// Collects one message and writes it in its destructor.
class LogMessage {
 public:
  LogMessage(LogLevel level, const char* file, int line);
  ~LogMessage();
  LogMessage(const LogMessage&) = delete;
  LogMessage& operator=(const LogMessage&) = delete;

  std::ostream& stream() { return message_; }

 private:
  std::ostringstream message_;
};

struct LogVoidify {
  void operator&(const std::ostream&) const {}
};

}  // namespace internal
}  // namespace frostnas

#define FROSTNAS_LOG_DEBUG ::frostnas::LogLevel::kDebug
#define FROSTNAS_LOG_INFO ::frostnas::LogLevel::kInfo
#define FROSTNAS_LOG_WARNING ::frostnas::LogLevel::kWarning
#define FROSTNAS_LOG_ERROR ::frostnas::LogLevel::kError

#define LOG(severity)                                                 \
  FROSTNAS_LOG_##severity < ::frostnas::MinLogLevel()                 \
      ? (void)0                                                       \
      : ::frostnas::internal::LogVoidify() &                          \
            ::frostnas::internal::LogMessage(FROSTNAS_LOG_##severity, \
                                             __FILE__, __LINE__)      \
                .stream()

#endif  // FROSTNAS_BASE_LOG_H_
