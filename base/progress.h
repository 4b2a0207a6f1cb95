// Progress of long work: a bar with the time left on a terminal, a plain line
// every few seconds elsewhere.
//
//   Progress progress({.title = "warm-up", .total = batches},
//                     RealClock(), StderrOutput());
//   for (...) progress.Advance(1, "loss 2.31");
//
//   warm-up [=========>          ] 45% 352/782, 12 s left, loss 2.31
//
// Safe on any thread. Writing never fails the work.

#ifndef FROSTNAS_BASE_PROGRESS_H_
#define FROSTNAS_BASE_PROGRESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"

namespace frostnas {

// Where progress is shown.
class ProgressOutput {
 public:
  virtual ~ProgressOutput() = default;
  virtual bool is_terminal() const = 0;
  virtual int columns() const = 0;
  virtual void Write(absl::string_view text) = 0;
};

// The process's stderr. Never destroyed.
ProgressOutput& StderrOutput();

struct ProgressOptions {
  std::string title;
  int64_t total = 0;  // 0 when unknown: counts up, without bar and time left
  absl::Duration bar_interval = absl::Milliseconds(100);
  absl::Duration line_interval = absl::Seconds(5);
};

class Progress {
 public:
  // `clock` and `output` must outlive it.
  Progress(ProgressOptions options, Clock& clock, ProgressOutput& output);

  // Finishes, unless that was done.
  ~Progress();

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `steps` more are done. `note` is shown until the next one.
  void Advance(int64_t steps, absl::string_view note = "");

  // Shows the last state and how long it took; ends the bar's line. Later
  // calls do nothing.
  void Finish();

 private:
  void Show() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Line() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  std::string Bar() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const ProgressOptions options_;
  Clock& clock_;
  ProgressOutput& output_;
  const absl::Duration start_;
  std::unique_ptr<ScopedStatusLine> status_line_;

  absl::Mutex mutex_;
  int64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string note_ ABSL_GUARDED_BY(mutex_);
  absl::Duration shown_at_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace frostnas

#endif  // FROSTNAS_BASE_PROGRESS_H_
