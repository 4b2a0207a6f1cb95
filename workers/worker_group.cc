#include "workers/worker_group.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::workers {
namespace {

constexpr size_t kMaxId = 64;

// A serial may have characters that an id may not.
std::string IdOf(const std::string& worker_id, const std::string& name) {
  if (name.empty()) return worker_id;
  std::string suffix = absl::StrCat("-", name);
  for (char& c : suffix) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_') c = '-';
  }
  suffix.resize(std::min(suffix.size(), kMaxId / 2));
  return absl::StrCat(worker_id.substr(0, kMaxId - suffix.size()), suffix);
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerGroup>> WorkerGroup::Create(
    const LeaseClientOptions& client, const std::string& worker_id,
    std::vector<RunnerSet> sets, Clock& clock) {
  if (sets.empty()) {
    return absl::InvalidArgumentError("--roles: at least one role is needed");
  }
  auto group = absl::WrapUnique(new WorkerGroup());
  for (RunnerSet& set : sets) {
    ASSIGN_OR_RETURN(auto worker,
                     Worker::Create({.client = client,
                                     .worker_id = IdOf(worker_id, set.name),
                                     .devices = std::move(set.devices),
                                     .ready = std::move(set.ready)},
                                    std::move(set.runners), clock));
    group->workers_.push_back(std::move(worker));
  }
  return group;
}

absl::Status WorkerGroup::Run(const StopToken& stop) {
  StopSource all(stop);
  std::vector<absl::Status> ended(workers_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < workers_.size(); ++i) {
    threads.emplace_back([&, i] {
      ended[i] = workers_[i]->Run(all.token());
      all.RequestStop();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : ended) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

}  // namespace frostnas::workers
