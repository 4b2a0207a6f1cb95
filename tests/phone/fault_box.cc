#include "tests/phone/fault_box.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"

namespace frostnas::phone {

FaultBox::FaultBox(OnState on_state)
    : on_state_(std::move(on_state)), thread_([this] { Run(); }) {}

FaultBox::~FaultBox() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void FaultBox::Inject(const Fault& fault) {
  {
    absl::MutexLock lock(&mutex_);
    Entry entry{fault, Stage::kWaiting, absl::Now() + fault.delay};
    // Its delay counts from the program's start.
    if (fault.kind == FaultKind::kKillProgram) entry.next = absl::Now();
    if (fault.at_next_program && !IsOperationFault(fault.kind)) {
      entry.stage = Stage::kAwaitingProgram;
      entry.next = absl::Now() + fault.expires;
    }
    entries_.push_back(std::move(entry));
    changed_.SignalAll();
  }
  Advance();
}

void FaultBox::Clear() {
  absl::MutexLock change(&change_mutex_);
  std::vector<Entry> entries;
  {
    absl::MutexLock lock(&mutex_);
    entries.swap(entries_);
  }
  for (const Entry& entry : entries) {
    if (entry.stage == Stage::kHolding) on_state_(entry.fault, Event::kEnds);
  }
}

bool FaultBox::AwaitEmpty(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(
      absl::Condition(
          +[](std::vector<Entry>* entries) { return entries->empty(); },
          &entries_),
      timeout);
}

std::optional<Fault> FaultBox::Take(FaultKind kind, absl::string_view command) {
  Advance();
  absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (entry.stage != Stage::kArmed || entry.fault.kind != kind ||
        !absl::StrContains(command, entry.fault.command)) {
      continue;
    }
    const Fault fault = entry.fault;
    taken_.push_back(kind);
    if (--entry.fault.times <= 0) {
      entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(i));
    }
    return fault;
  }
  return std::nullopt;
}

void FaultBox::ProgramStarts(absl::string_view command) {
  {
    absl::MutexLock lock(&mutex_);
    for (Entry& entry : entries_) {
      if (entry.stage != Stage::kAwaitingProgram ||
          !absl::StrContains(command, entry.fault.command)) {
        continue;
      }
      entry.stage = Stage::kWaiting;
      entry.next = absl::Now() + entry.fault.delay;
    }
    changed_.SignalAll();
  }
  Advance();
}

std::vector<Fault> FaultBox::Holding() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Fault> holding;
  for (const Entry& entry : entries_) {
    if (entry.stage == Stage::kHolding) holding.push_back(entry.fault);
  }
  return holding;
}

std::vector<FaultKind> FaultBox::Taken() const {
  absl::MutexLock lock(&mutex_);
  return taken_;
}

absl::Time FaultBox::NextTime() const {
  absl::Time next = absl::InfiniteFuture();
  for (const Entry& entry : entries_) next = std::min(next, entry.next);
  return next;
}

bool FaultBox::Step(Entry& entry, absl::Time now, Events* events) {
  if (entry.stage == Stage::kWaiting) {
    if (now < entry.next) return true;
    if (IsOperationFault(entry.fault.kind)) {
      entry.stage = Stage::kArmed;
      entry.next = now + entry.fault.expires;
    } else {
      entry.stage = Stage::kHolding;
      entry.next = now + entry.fault.duration;
      events->emplace_back(entry.fault, Event::kBegins);
      taken_.push_back(entry.fault.kind);
    }
  }
  if (now < entry.next) return true;
  if (entry.stage == Stage::kHolding) {
    events->emplace_back(entry.fault, Event::kEnds);
  }
  return false;
}

void FaultBox::Advance() {
  absl::MutexLock change(&change_mutex_);
  Events events;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = absl::Now();
    std::vector<Entry> left;
    for (Entry& entry : entries_) {
      if (Step(entry, now, &events)) left.push_back(std::move(entry));
    }
    entries_ = std::move(left);
  }
  for (const auto& [fault, event] : events) on_state_(fault, event);
}

void FaultBox::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      while (!closing_ && absl::Now() < NextTime()) {
        changed_.WaitWithDeadline(&mutex_, NextTime());
      }
      if (closing_) return;
    }
    Advance();
  }
}

}  // namespace frostnas::phone
