// What the services of a phone share: files, condition, faults, programs.
//
// Thread-safe.
#ifndef FROSTNAS_TESTS_PHONE_DEVICE_H_
#define FROSTNAS_TESTS_PHONE_DEVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/phone/condition.h"
#include "tests/phone/fault.h"
#include "tests/phone/fault_box.h"
#include "tests/phone/link.h"
#include "tests/phone/programs.h"

namespace frostnas::phone {

// An absolute path without ".", ".." and doubled slashes; `path` may be
// relative to `directory`, which is absolute. Nothing leads above "/".
std::string NormalPath(absl::string_view directory, absl::string_view path);

class Device {
 public:
  struct Options {
    std::string root;
    Condition condition;
    absl::Duration reboot_time, boot_time;
    // Drops all connections; waits for none.
    std::function<void()> drop_connections;
    // The holding faults changed what connections are told.
    std::function<void(bool refuse)> link_changed;
  };

  explicit Device(Options options);

  // Makes the folders and files of a phone.
  absl::Status Prepare();

  const std::string& root() const { return options_.root; }
  // Of an absolute path.
  std::string HostPath(absl::string_view path) const {
    return options_.root + NormalPath("/", path);
  }

  // With the holding faults.
  Condition condition() const ABSL_LOCKS_EXCLUDED(mutex_);
  void Change(const std::function<void(Condition&)>& change)
      ABSL_LOCKS_EXCLUDED(mutex_);
  std::map<std::string, std::string> Properties() const
      ABSL_LOCKS_EXCLUDED(mutex_);

  void Reboot();
  // Ends all faults and booting.
  void Calm();

  void DropConnections() { options_.drop_connections(); }
  FaultBox& faults() { return faults_; }
  Programs& programs() { return programs_; }
  const Link& link() const { return link_; }

  void LogCommand(absl::string_view command) ABSL_LOCKS_EXCLUDED(mutex_);
  void LogPush(absl::string_view path) ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::string> commands() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::string> pushes() const ABSL_LOCKS_EXCLUDED(mutex_);
  int reboots() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void OnFault(const Fault& fault, FaultBox::Event event);
  // Takes the holding faults into account.
  void Show() ABSL_LOCKS_EXCLUDED(show_mutex_, mutex_);
  void WriteFiles() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  Link link_;
  Programs programs_;
  absl::Mutex show_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);  // one Show at a time
  mutable absl::Mutex mutex_;
  Condition base_ ABSL_GUARDED_BY(mutex_);
  Condition shown_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> files_ ABSL_GUARDED_BY(mutex_);
  absl::Time boot_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int boots_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> commands_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> pushes_ ABSL_GUARDED_BY(mutex_);
  FaultBox faults_;  // last: its thread uses the others
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_DEVICE_H_
