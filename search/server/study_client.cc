#include "search/server/study_client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "search/server/grpc_status.h"

namespace frostnas::search {
namespace {

using Stub = v1::StudyService::Stub;

constexpr absl::Duration kCallTimeout = absl::Seconds(20);
constexpr absl::Duration kReconnectEvery = absl::Seconds(1);

// The server's status; one that does not answer is named. A call that a server
// had not begun with when it stopped ends as CANCELLED, which nobody here asked
// for.
absl::Status Named(const std::string& controller, const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
      status.error_code() != grpc::StatusCode::CANCELLED) {
    return FromGrpcStatus(status);
  }
  return absl::UnavailableError(absl::StrCat("--controller: no answer from ",
                                             controller, ": ",
                                             status.error_message()));
}

template <typename Request, typename Response>
using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&,
                                      Response*);

// One unary call with a deadline.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(const std::string& controller, Stub& stub,
                              Method<Request, Response> method,
                              const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return Named(controller, status);
  return response;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StudyClient>> StudyClient::Create(
    const std::string& controller) {
  if (!absl::StrContains(controller, ':')) {
    return absl::InvalidArgumentError(
        absl::StrCat("--controller: \"", controller,
                     "\" is not HOST:PORT, e.g. 127.0.0.1:50051"));
  }
  return absl::WrapUnique(new StudyClient(
      controller, v1::StudyService::NewStub(grpc::CreateChannel(
                      controller, grpc::InsecureChannelCredentials()))));
}

absl::StatusOr<v1::Study> StudyClient::Submit(const std::string& request_id,
                                              const v1::StudySpec& spec) {
  v1::SubmitStudyRequest request;
  request.set_request_id(request_id);
  *request.mutable_spec() = spec;
  return Call(controller_, *stub_, &Stub::SubmitStudy, request);
}

absl::StatusOr<v1::Study> StudyClient::Get(const std::string& study_id) {
  v1::GetStudyRequest request;
  request.set_study_id(study_id);
  return Call(controller_, *stub_, &Stub::GetStudy, request);
}

absl::StatusOr<v1::Study> StudyClient::Cancel(const std::string& study_id) {
  v1::CancelStudyRequest request;
  request.set_study_id(study_id);
  return Call(controller_, *stub_, &Stub::CancelStudy, request);
}

absl::StatusOr<std::vector<v1::Study>> StudyClient::List() {
  std::vector<v1::Study> studies;
  v1::ListStudiesRequest request;
  do {
    ASSIGN_OR_RETURN(v1::ListStudiesResponse page,
                     Call(controller_, *stub_, &Stub::ListStudies, request));
    for (v1::Study& study : *page.mutable_studies()) {
      studies.push_back(std::move(study));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return studies;
}

absl::StatusOr<std::vector<v1::Trial>> StudyClient::Trials(
    const std::string& study_id) {
  std::vector<v1::Trial> trials;
  v1::ListTrialsRequest request;
  request.set_study_id(study_id);
  do {
    ASSIGN_OR_RETURN(v1::ListTrialsResponse page,
                     Call(controller_, *stub_, &Stub::ListTrials, request));
    for (v1::Trial& trial : *page.mutable_trials()) {
      trials.push_back(std::move(trial));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return trials;
}

absl::StatusOr<v1::GetParetoResponse> StudyClient::Pareto(
    const std::string& study_id) {
  v1::GetParetoRequest request;
  request.set_study_id(study_id);
  return Call(controller_, *stub_, &Stub::GetPareto, request);
}

absl::StatusOr<std::vector<v1::WorkerStatus>> StudyClient::Workers() {
  ASSIGN_OR_RETURN(
      const v1::ListWorkersResponse response,
      Call(controller_, *stub_, &Stub::ListWorkers, v1::ListWorkersRequest()));
  return std::vector<v1::WorkerStatus>(response.workers().begin(),
                                       response.workers().end());
}

absl::Status StudyClient::Watch(
    const std::string& study_id, uint64_t after_sequence, const StopToken& stop,
    const std::function<void(const v1::StudyEvent&)>& on_event) {
  v1::WatchStudyRequest request;
  request.set_study_id(study_id);
  request.set_after_sequence(after_sequence);
  bool heard = false;
  while (!stop.StopRequested()) {
    grpc::ClientContext context;
    StopCallback cancel(stop, [&context] { context.TryCancel(); });
    auto reader = stub_->WatchStudy(&context, request);
    v1::StudyEvent event;
    while (reader->Read(&event)) {
      heard = true;
      request.set_after_sequence(event.sequence());
      on_event(event);
    }
    const absl::Status status = Named(controller_, reader->Finish());
    if (stop.StopRequested()) break;
    if (!absl::IsUnavailable(status) || !heard) return status;
    stop.WaitFor(kReconnectEvery);
  }
  return absl::CancelledError("stopped watching");
}

}  // namespace frostnas::search
