#include "tests/phone/device.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace frostnas::phone {
namespace {

constexpr char kSh[] = "/system/bin/sh";

// Whole or not at all for a reader, and not synced: no power cut is survived.
absl::Status ReplaceFile(const std::string& path, absl::string_view contents) {
  const std::string temporary = path + ".new";
  const int file =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return FileError(errno, "create", temporary);
  const bool written = write(file, contents.data(), contents.size()) ==
                       static_cast<ssize_t>(contents.size());
  close(file);
  if (!written || rename(temporary.c_str(), path.c_str()) != 0) {
    return FileError(errno, "write", path);
  }
  return absl::OkStatus();
}

std::string ParentOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// What a state does to what the phone shows.
void Overlay(const Fault& fault, Condition& condition) {
  switch (fault.kind) {
    case FaultKind::kHot:
      for (ThermalZone& zone : condition.zones) {
        zone.milli_degrees = fault.milli_degrees;
      }
      return;
    case FaultKind::kGovernor:
      for (Core& core : condition.cores) core.governor = fault.governor;
      return;
    case FaultKind::kCores:
      for (size_t i = 0; i < condition.cores.size(); ++i) {
        if (static_cast<int>(i) >= fault.cores) {
          condition.cores[i].online = false;
        }
      }
      return;
    case FaultKind::kStorageFull:
      condition.free_bytes = 0;
      return;
    default:
      return;
  }
}

std::string BootId(int boots) {
  return absl::StrFormat("%08x-0000-4000-8000-%012x", boots + 1,
                         static_cast<unsigned>(getpid()));
}

}  // namespace

std::string NormalPath(absl::string_view directory, absl::string_view path) {
  const std::string whole = absl::StartsWith(path, "/")
                                ? std::string(path)
                                : absl::StrCat(directory, "/", path);
  std::vector<absl::string_view> parts;
  for (const absl::string_view part :
       absl::StrSplit(whole, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  return absl::StrCat("/", absl::StrJoin(parts, "/"));
}

Device::Device(Options options)
    : options_(std::move(options)),
      base_(options_.condition),
      faults_([this](const Fault& fault, FaultBox::Event event) {
        OnFault(fault, event);
      }) {}

absl::Status Device::Prepare() {
  for (const char* folder :
       {"/data/local/tmp", "/system/bin", "/sdcard", "/dev", "/proc", "/sys"}) {
    RETURN_IF_ERROR(MakeDirs(HostPath(folder)));
  }
  RETURN_IF_ERROR(ReplaceFile(HostPath(kSh), ""));
  if (chmod(HostPath(kSh).c_str(), 0755) != 0) {
    return FileError(errno, "chmod", HostPath(kSh));
  }
  absl::MutexLock lock(&mutex_);
  base_.boot_id = BootId(0);
  shown_ = base_;
  for (const auto& [path, contents] : ConditionFiles(shown_)) {
    RETURN_IF_ERROR(MakeDirs(ParentOf(HostPath(path))));
    RETURN_IF_ERROR(ReplaceFile(HostPath(path), contents));
    files_[path] = contents;
  }
  return absl::OkStatus();
}

Condition Device::condition() const {
  absl::MutexLock lock(&mutex_);
  return shown_;
}

void Device::Change(const std::function<void(Condition&)>& change) {
  {
    absl::MutexLock lock(&mutex_);
    change(base_);
  }
  Show();
}

std::map<std::string, std::string> Device::Properties() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, std::string> properties = shown_.properties;
  if (absl::Now() >= boot_time_) properties["sys.boot_completed"] = "1";
  return properties;
}

void Device::Reboot() {
  faults_.Inject(
      {.kind = FaultKind::kReboot, .duration = options_.reboot_time});
}

void Device::Calm() {
  faults_.Clear();
  absl::MutexLock lock(&mutex_);
  boot_time_ = absl::InfinitePast();
}

void Device::OnFault(const Fault& fault, FaultBox::Event event) {
  const bool begins = event == FaultBox::Event::kBegins;
  if (fault.kind == FaultKind::kReboot) {
    absl::MutexLock lock(&mutex_);
    if (begins) ++boots_;
    base_.boot_id = BootId(boots_);
    boot_time_ =
        begins ? absl::InfiniteFuture() : absl::Now() + options_.boot_time;
  }
  Show();
  switch (fault.kind) {
    case FaultKind::kReboot:
      // In this order, so that nobody hears of the programs' end.
      if (begins) options_.drop_connections();
      if (begins) programs_.KillAllAndClose();
      if (!begins) programs_.Open();
      return;
    case FaultKind::kOffline:
    case FaultKind::kRefused:
    case FaultKind::kUnauthorized:
      if (begins) options_.drop_connections();
      return;
    default:
      return;
  }
}

void Device::Show() {
  absl::MutexLock show(&show_mutex_);
  bool hung = false, refuse = false;
  Greeting greeting = Greeting::kWelcome;
  const std::vector<Fault> holding = faults_.Holding();
  {
    absl::MutexLock lock(&mutex_);
    shown_ = base_;
    for (const Fault& fault : holding) {
      Overlay(fault, shown_);
      hung |= fault.kind == FaultKind::kHang;
      refuse |=
          fault.kind == FaultKind::kReboot || fault.kind == FaultKind::kRefused;
      if (fault.kind == FaultKind::kOffline) greeting = Greeting::kSilence;
      if (fault.kind == FaultKind::kUnauthorized) {
        greeting = Greeting::kAskConsent;
      }
    }
    WriteFiles();
  }
  link_.Set(greeting, hung);
  options_.link_changed(refuse);
}

void Device::WriteFiles() {
  for (auto& [path, contents] : ConditionFiles(shown_)) {
    std::string& there = files_[path];
    if (there == contents) continue;
    // A client may have removed the folder.
    absl::Status status = MakeDirs(ParentOf(HostPath(path)));
    status.Update(ReplaceFile(HostPath(path), contents));
    if (!status.ok()) LOG(WARNING) << status;
    there = contents;
  }
}

void Device::LogCommand(absl::string_view command) {
  absl::MutexLock lock(&mutex_);
  commands_.emplace_back(command);
}

void Device::LogPush(absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  pushes_.emplace_back(path);
}

std::vector<std::string> Device::commands() const {
  absl::MutexLock lock(&mutex_);
  return commands_;
}

std::vector<std::string> Device::pushes() const {
  absl::MutexLock lock(&mutex_);
  return pushes_;
}

int Device::reboots() const {
  absl::MutexLock lock(&mutex_);
  return boots_;
}

}  // namespace frostnas::phone
