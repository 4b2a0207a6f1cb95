// A user's side of StudyService: what frostctl and tests call.
//
// Every unary call has a deadline; codes are the server's. UNAVAILABLE: no
// controller at that address, which the message names. Thread-safe.
#ifndef FROSTNAS_SEARCH_SERVER_STUDY_CLIENT_H_
#define FROSTNAS_SEARCH_SERVER_STUDY_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stop.h"
#include "proto/frostnas/v1/study_service.grpc.pb.h"

namespace frostnas::search {

class StudyClient {
 public:
  // Plaintext to HOST:PORT. INVALID_ARGUMENT: not an address.
  static absl::StatusOr<std::unique_ptr<StudyClient>> Create(
      const std::string& controller);

  absl::StatusOr<v1::Study> Submit(const std::string& request_id,
                                   const v1::StudySpec& spec);
  absl::StatusOr<v1::Study> Get(const std::string& study_id);
  absl::StatusOr<v1::Study> Cancel(const std::string& study_id);
  // Newest first, all pages.
  absl::StatusOr<std::vector<v1::Study>> List();
  // By id, all pages.
  absl::StatusOr<std::vector<v1::Trial>> Trials(const std::string& study_id);
  absl::StatusOr<v1::GetParetoResponse> Pareto(const std::string& study_id);
  absl::StatusOr<std::vector<v1::WorkerStatus>> Workers();

  // Calls `on_event` for every event after the cursor until the study has
  // ended; reconnects after UNAVAILABLE once the controller was heard, so that
  // a restarted one is watched on. CANCELLED: stopped.
  absl::Status Watch(
      const std::string& study_id, uint64_t after_sequence,
      const StopToken& stop,
      const std::function<void(const v1::StudyEvent&)>& on_event);

 private:
  StudyClient(std::string controller,
              std::unique_ptr<v1::StudyService::Stub> stub)
      : controller_(std::move(controller)), stub_(std::move(stub)) {}

  const std::string controller_;
  const std::unique_ptr<v1::StudyService::Stub> stub_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SERVER_STUDY_CLIENT_H_
