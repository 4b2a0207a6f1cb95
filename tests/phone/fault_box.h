// The faults that were injected: waiting, armed, holding, gone.
//
// Thread-safe.
#ifndef FROSTNAS_TESTS_PHONE_FAULT_BOX_H_
#define FROSTNAS_TESTS_PHONE_FAULT_BOX_H_

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/phone/fault.h"

namespace frostnas::phone {

class FaultBox {
 public:
  enum class Event { kBegins, kEnds };
  // `on_state` is told of each state that begins or ends, one call at a time,
  // on the thread that causes it or on one of the box; it must not inject or
  // clear.
  using OnState = std::function<void(const Fault& fault, Event event)>;

  explicit FaultBox(OnState on_state);
  ~FaultBox();

  void Inject(const Fault& fault) ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);
  // Ends what holds and forgets the rest.
  void Clear() ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);
  bool AwaitEmpty(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

  // One use of an armed operation's fault that fits, if there is one. `command`
  // is that of shells and programs.
  std::optional<Fault> Take(FaultKind kind, absl::string_view command = "")
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Sets the clock of states that wait for a program.
  void ProgramStarts(absl::string_view command)
      ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);

  std::vector<Fault> Holding() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The kinds that took effect, in order.
  std::vector<FaultKind> Taken() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Stage {
    kWaiting,  // begins at `next`
    kAwaitingProgram,
    kArmed,    // an operation's, dropped at `next`
    kHolding,  // a state, ends at `next`
  };
  struct Entry {
    Fault fault;
    Stage stage;
    absl::Time next;
  };

  using Events = std::vector<std::pair<Fault, Event>>;

  void Run() ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);
  // Does what is due with one fault; false: it is gone.
  bool Step(Entry& entry, absl::Time now, Events* events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does what is due and reports it.
  void Advance() ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);
  absl::Time NextTime() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const OnState on_state_;
  // Held while `on_state_` runs, so that events come in order.
  absl::Mutex change_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::vector<FaultKind> taken_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_FAULT_BOX_H_
