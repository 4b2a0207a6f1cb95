#include "search/server/study_service.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "search/server/grpc_status.h"
#include "search/study_spec.h"
#include "search/trial_latency.h"

namespace frostnas::search {
namespace {

constexpr int kWatchBatch = 256;
// How soon a watcher whose client has gone is noticed.
constexpr absl::Duration kWatchWait = absl::Seconds(1);

db::PageRequest PageOf(int size, int default_size, const std::string& token) {
  return {.size = size == 0 ? default_size : size, .token = token};
}

bool Ended(v1::StudyState state) {
  return state == v1::STUDY_STATE_SUCCEEDED ||
         state == v1::STUDY_STATE_FAILED || state == v1::STUDY_STATE_CANCELLED;
}

int64_t LatencyNs(const v1::Trial& trial, const std::string& device) {
  const v1::Measurement* latency = LatencyOn(trial, device);
  return latency == nullptr ? 0 : latency->median_ns();
}

}  // namespace

grpc::Status StudyServiceImpl::SubmitStudy(
    grpc::ServerContext*, const v1::SubmitStudyRequest* request,
    v1::Study* response) {
  if (absl::Status valid = ValidateStudySpec(request->spec()); !valid.ok()) {
    return ToGrpcStatus(valid);
  }
  auto study = store_.CreateStudy(request->request_id(), request->spec());
  if (study.ok()) *response = *std::move(study);
  return ToGrpcStatus(study.status());
}

grpc::Status StudyServiceImpl::GetStudy(grpc::ServerContext*,
                                        const v1::GetStudyRequest* request,
                                        v1::Study* response) {
  auto study = store_.GetStudy(request->study_id());
  if (study.ok()) *response = *std::move(study);
  return ToGrpcStatus(study.status());
}

grpc::Status StudyServiceImpl::ListStudies(
    grpc::ServerContext*, const v1::ListStudiesRequest* request,
    v1::ListStudiesResponse* response) {
  auto page = store_.ListStudies(
      PageOf(request->page_size(), 50, request->page_token()));
  if (!page.ok()) return ToGrpcStatus(page.status());
  for (v1::Study& study : page->items) {
    *response->add_studies() = std::move(study);
  }
  response->set_next_page_token(page->next_token);
  return grpc::Status::OK;
}

grpc::Status StudyServiceImpl::ListTrials(grpc::ServerContext*,
                                          const v1::ListTrialsRequest* request,
                                          v1::ListTrialsResponse* response) {
  auto page = store_.ListTrials(
      request->study_id(),
      PageOf(request->page_size(), 100, request->page_token()));
  if (!page.ok()) return ToGrpcStatus(page.status());
  for (v1::Trial& trial : page->items) {
    *response->add_trials() = std::move(trial);
  }
  response->set_next_page_token(page->next_token);
  return grpc::Status::OK;
}

grpc::Status StudyServiceImpl::GetPareto(grpc::ServerContext*,
                                         const v1::GetParetoRequest* request,
                                         v1::GetParetoResponse* response) {
  auto study = store_.GetStudy(request->study_id());
  if (!study.ok()) return ToGrpcStatus(study.status());
  auto front = store_.ListFront(request->study_id());
  if (!front.ok()) return ToGrpcStatus(front.status());
  const std::string& device = request->device_id().empty()
                                  ? study->spec().devices(0)
                                  : request->device_id();
  if (!absl::c_linear_search(study->spec().devices(), device)) {
    return {grpc::StatusCode::INVALID_ARGUMENT,
            absl::StrCat("device_id: \"", device,
                         "\" is not among the study's devices")};
  }
  std::stable_sort(front->begin(), front->end(),
                   [&device](const v1::Trial& a, const v1::Trial& b) {
                     return LatencyNs(a, device) < LatencyNs(b, device);
                   });
  for (v1::Trial& trial : *front) *response->add_trials() = std::move(trial);
  response->set_hypervolume(study->hypervolume());
  return grpc::Status::OK;
}

grpc::Status StudyServiceImpl::CancelStudy(
    grpc::ServerContext*, const v1::CancelStudyRequest* request,
    v1::Study* response) {
  auto study = store_.RequestCancel(request->study_id());
  if (study.ok()) *response = *std::move(study);
  return ToGrpcStatus(study.status());
}

grpc::Status StudyServiceImpl::WatchStudy(
    grpc::ServerContext* context, const v1::WatchStudyRequest* request,
    grpc::ServerWriter<v1::StudyEvent>* writer) {
  uint64_t cursor = request->after_sequence();
  while (true) {
    // Before looking at anything: a change that follows ends the wait below.
    const uint64_t seen = store_.events_changed().count();
    if (stopping_ || context->IsCancelled()) break;
    // The state is read before the events: when it says that the study has
    // ended, every event is already there.
    auto study = store_.GetStudy(request->study_id());
    if (!study.ok()) return ToGrpcStatus(study.status());
    auto events = store_.ListEvents(request->study_id(), cursor, kWatchBatch);
    if (!events.ok()) return ToGrpcStatus(events.status());
    for (const v1::StudyEvent& event : *events) {
      if (!writer->Write(event)) return grpc::Status::CANCELLED;
      cursor = event.sequence();
    }
    if (!events->empty()) continue;
    if (Ended(study->state())) return grpc::Status::OK;
    store_.events_changed().Wait(seen, kWatchWait);
  }
  return {grpc::StatusCode::UNAVAILABLE,
          "the server is shutting down; watch again from the last sequence"};
}

grpc::Status StudyServiceImpl::ListWorkers(grpc::ServerContext*,
                                           const v1::ListWorkersRequest*,
                                           v1::ListWorkersResponse* response) {
  auto workers = store_.ListWorkers(clock_.Now() - absl::Hours(1));
  if (!workers.ok()) return ToGrpcStatus(workers.status());
  for (v1::WorkerStatus& worker : *workers) {
    *response->add_workers() = std::move(worker);
  }
  return grpc::Status::OK;
}

void StudyServiceImpl::Stop() {
  stopping_ = true;
  store_.events_changed().Notify();
}

}  // namespace frostnas::search
