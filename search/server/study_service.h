// StudyService (proto/frostnas/v1/study_service.proto) over a Store.
//
// Requests are checked here, states by the store. Thread-safe as its store.
#ifndef FROSTNAS_SEARCH_SERVER_STUDY_SERVICE_H_
#define FROSTNAS_SEARCH_SERVER_STUDY_SERVICE_H_

#include <atomic>

#include "absl/status/status.h"
#include "base/clock.h"
#include "db/store.h"
#include "proto/frostnas/v1/study_service.grpc.pb.h"

namespace frostnas::search {

class StudyServiceImpl final : public v1::StudyService::Service {
 public:
  // `store` and `clock` are not owned and must outlive the service.
  StudyServiceImpl(db::Store* store, const Clock* clock)
      : store_(*store), clock_(*clock) {}

  grpc::Status SubmitStudy(grpc::ServerContext* context,
                           const v1::SubmitStudyRequest* request,
                           v1::Study* response) override;
  grpc::Status GetStudy(grpc::ServerContext* context,
                        const v1::GetStudyRequest* request,
                        v1::Study* response) override;
  grpc::Status ListStudies(grpc::ServerContext* context,
                           const v1::ListStudiesRequest* request,
                           v1::ListStudiesResponse* response) override;
  grpc::Status ListTrials(grpc::ServerContext* context,
                          const v1::ListTrialsRequest* request,
                          v1::ListTrialsResponse* response) override;
  grpc::Status GetPareto(grpc::ServerContext* context,
                         const v1::GetParetoRequest* request,
                         v1::GetParetoResponse* response) override;
  grpc::Status CancelStudy(grpc::ServerContext* context,
                           const v1::CancelStudyRequest* request,
                           v1::Study* response) override;
  grpc::Status WatchStudy(grpc::ServerContext* context,
                          const v1::WatchStudyRequest* request,
                          grpc::ServerWriter<v1::StudyEvent>* writer) override;
  grpc::Status ListWorkers(grpc::ServerContext* context,
                           const v1::ListWorkersRequest* request,
                           v1::ListWorkersResponse* response) override;

  // Ends streams so that the server can shut down.
  void Stop();

 private:
  db::Store& store_;
  const Clock& clock_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SERVER_STUDY_SERVICE_H_
