#include "latency/phone/phone_keeper.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "latency/device.h"
#include "latency/measure/host_description.h"
#include "latency/phone/acceptance.h"
#include "latency/phone/core_choice.h"
#include "latency/phone/description.h"
#include "latency/phone/output_check.h"

namespace frostnas::latency {
namespace {

constexpr absl::Duration kDescribe = absl::Seconds(30);
constexpr int kConnectsToAFreshOne = 10;

// What an error tells of the phone.
PhoneFinding FindingOf(const absl::Status& status) {
  if (status.ok()) return PhoneFinding::kHealthy;
  if (IsTooHot(status)) return PhoneFinding::kHot;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kPermissionDenied:
      return PhoneFinding::kMissing;
    case absl::StatusCode::kFailedPrecondition:
      return PhoneFinding::kChanged;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kCancelled:
      return PhoneFinding::kNothing;
    default:
      return PhoneFinding::kFault;
  }
}

std::string RuntimeOf(const PhoneOptions& options,
                      const v1::RunnerHello& hello) {
  if (!options.custom) return hello.runtime();
  return absl::StrCat(options.custom->config().name(), "; operators by ",
                      hello.runtime());
}

// A sign-up that cannot succeed later.
bool IsFinal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsCancelled(status) ||
         absl::IsFailedPrecondition(status);
}

absl::Status ChangedError(const std::string& serial, const v1::Device& before,
                          const v1::Device& now) {
  return absl::FailedPreconditionError(absl::StrCat(
      "phone ", serial, " was ", before.model(), ", ", before.os_build(), ", ",
      before.runtime(), " and is ", now.model(), ", ", now.os_build(), ", ",
      now.runtime(), "; start anew to measure it"));
}

}  // namespace

PhoneKeeper::PhoneKeeper(const PhoneOptions& options, Clock& clock)
    : options_(options),
      clock_(clock),
      adb_(options.adb),
      runner_(adb_, options.serial, options.runner),
      life_(options.life) {}

absl::StatusOr<std::unique_ptr<PhoneKeeper>> PhoneKeeper::Open(
    const PhoneOptions& options, Clock& clock, const StopToken& stop) {
  auto keeper = absl::WrapUnique(new PhoneKeeper(options, clock));
  const absl::Duration give_up = clock.Monotonic() + options.sign_up_within;
  absl::Status status = keeper->SignUp(stop);
  bool told = false;
  while (!status.ok()) {
    if (IsFinal(status) || clock.Monotonic() >= give_up) return status;
    if (!std::exchange(told, true)) {
      LOG(INFO) << status.message() << "; trying for "
                << absl::FormatDuration(options.sign_up_within);
    }
    if (!clock.WaitFor(options.retry_every, stop)) return stop.Check();
    status = keeper->SignUp(stop);
  }
  {
    const absl::MutexLock lock(&keeper->mutex_);
    keeper->life_.Done(PhoneFinding::kHealthy, "");
  }
  keeper->thread_ = std::thread([keeper = keeper.get()] { keeper->Run(); });
  return keeper;
}

PhoneKeeper::~PhoneKeeper() {
  {
    const absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  stop_.RequestStop();
  if (thread_.joinable()) thread_.join();
}

absl::Status PhoneKeeper::Ready() const {
  const absl::MutexLock lock(&mutex_);
  const PhoneState state = life_.state();
  if (state == PhoneState::kClean || state == PhoneState::kLeased) {
    return absl::OkStatus();
  }
  const std::string text =
      absl::StrCat("phone ", options_.serial, " is ", life_.Text());
  return state == PhoneState::kQuarantined ? absl::FailedPreconditionError(text)
                                           : absl::UnavailableError(text);
}

absl::Status PhoneKeeper::Lease(const StopToken& stop) {
  const StopCallback wake(stop, [this] {
    // Makes the waiting condition look again.
    const absl::MutexLock lock(&mutex_);
  });
  const absl::MutexLock lock(&mutex_);
  const auto settled = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stop.StopRequested() ||
           (life_.state() == PhoneState::kClean && !at_work_) ||
           life_.state() == PhoneState::kQuarantined;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&settled), options_.lease_within);
  RETURN_IF_ERROR(stop.Check());
  if (!at_work_ && life_.Lease()) return absl::OkStatus();
  const std::string text =
      absl::StrCat("phone ", options_.serial, " is ", life_.Text());
  return life_.state() == PhoneState::kCooling ? TooHotError(text)
                                               : absl::UnavailableError(text);
}

void PhoneKeeper::Release(const absl::Status& used) {
  const absl::MutexLock lock(&mutex_);
  life_.Release(FindingOf(used), used.message());
  released_ = true;
}

absl::StatusOr<v1::Conditions> PhoneKeeper::Conditions(
    const StopToken& stop) const {
  return ReadConditions(adb_, options_.serial, condition_files_, clock_, stop);
}

// One chore after another, with pauses between looks.
void PhoneKeeper::Run() {
  const StopToken stop = stop_.token();
  absl::Duration pause = options_.check_every;
  const absl::MutexLock lock(&mutex_);
  while (true) {
    const auto due = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return ending_ || released_;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&due), pause);
    if (ending_) return;
    released_ = false;
    const PhoneChore chore = life_.Chore();
    if (chore == PhoneChore::kNone) continue;
    const bool cooling = life_.state() == PhoneState::kCooling;
    at_work_ = true;
    mutex_.Unlock();
    const absl::Status done = Do(chore, cooling, stop);
    mutex_.Lock();
    at_work_ = false;
    if (ending_) return;
    if (chore == PhoneChore::kReboot) {
      LOG(WARNING) << "rebooting phone " << options_.serial;
      life_.Rebooted();
    } else {
      Note(done);
    }
    const bool well = life_.state() == PhoneState::kClean;
    pause = well ? options_.check_every : options_.retry_every;
  }
}

absl::Status PhoneKeeper::Do(PhoneChore chore, bool cooling,
                             const StopToken& stop) {
  switch (chore) {
    case PhoneChore::kNone:
      break;
    case PhoneChore::kSignUp:
      RETURN_IF_ERROR(SignUp(stop));
      return CheckHealth(cooling, stop);
    case PhoneChore::kClean:
      RETURN_IF_ERROR(runner_.CleanUp(stop));
      return CheckHealth(cooling, stop);
    case PhoneChore::kCheck:
      return CheckHealth(cooling, stop);
    case PhoneChore::kReboot:
      return adb_.Reboot(options_.serial, stop);
  }
  return absl::OkStatus();
}

// Says so when the phone leaves the pool or comes back.
void PhoneKeeper::Note(const absl::Status& done) {
  const PhoneState before = life_.state();
  life_.Done(FindingOf(done), done.message());
  const PhoneState now = life_.state();
  if (now == before) return;
  if (now == PhoneState::kClean && before == PhoneState::kDirty) return;
  LOG(INFO) << "phone " << options_.serial << " is " << life_.Text();
}

// adb connects again by itself when a connection broke, and two that do it at a
// time break each other's. But it may also hold on to one that is dead.
absl::Status PhoneKeeper::Connect(const StopToken& stop) {
  const absl::Status connected = adb_.Connect(options_.serial, stop);
  if (connected.ok()) {
    failed_connects_ = 0;
  } else if (++failed_connects_ % kConnectsToAFreshOne == 0) {
    RETURN_IF_ERROR(adb_.Disconnect(options_.serial, stop));
  }
  return connected;
}

absl::Status PhoneKeeper::SignUp(const StopToken& stop) {
  RETURN_IF_ERROR(Connect(stop));
  ASSIGN_OR_RETURN(v1::Device device,
                   DescribePhone(adb_, options_.serial, stop));
  RETURN_IF_ERROR(runner_.CleanUp(stop));
  RETURN_IF_ERROR(runner_.Install(stop));
  const std::vector<int64_t> khz(device.core_max_khz().begin(),
                                 device.core_max_khz().end());
  ASSIGN_OR_RETURN(const std::vector<int> cores,
                   ChooseCores(options_.cores, khz));
  v1::RunnerRequest request;
  request.set_format_version(1);
  request.set_threads(1);
  request.set_batch(1);
  for (int core : cores) request.add_cores(core);
  request.mutable_describe();
  // Shows early that the runner runs, on these cores.
  ASSIGN_OR_RETURN(const RunnerAnswer answer,
                   runner_.Ask(request, kDescribe, stop));
  device.set_isa(answer.hello().isa());
  device.set_runtime(RuntimeOf(options_, answer.hello()));
  for (int core : cores) device.add_measuring_cores(core);
  device.set_fingerprint(DeviceFingerprint(device));
  if (!device_.fingerprint().empty()) {
    if (device.fingerprint() == device_.fingerprint()) return absl::OkStatus();
    return ChangedError(options_.serial, device_, device);
  }
  ASSIGN_OR_RETURN(condition_files_, FindConditionFiles(adb_, options_.serial,
                                                        device.cores(), stop));
  RETURN_IF_ERROR(CheckOutputs(adb_, options_.serial, runner_, request, stop));
  cores_ = cores;
  device_ = std::move(device);
  return absl::OkStatus();
}

absl::Status PhoneKeeper::CheckHealth(bool cooling, const StopToken& stop) {
  ASSIGN_OR_RETURN(const v1::Conditions conditions, Conditions(stop));
  const AcceptanceResult result =
      JudgeStart(options_.rules, conditions, cooling);
  if (result.acceptance == Acceptance::kAccept) return absl::OkStatus();
  return TooHotError(result.reason);
}

}  // namespace frostnas::latency
