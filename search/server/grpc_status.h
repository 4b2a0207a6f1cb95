// absl::Status to grpc::Status and back: the codes have the same numbers and
// meaning.
// Messages longer than 4 KiB are cut, since they travel in a header.
#ifndef FROSTNAS_SEARCH_SERVER_GRPC_STATUS_H_
#define FROSTNAS_SEARCH_SERVER_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace frostnas::search {

inline grpc::Status ToGrpcStatus(const absl::Status& status) {
  constexpr size_t kMaxMessageBytes = 4096;
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(
      static_cast<grpc::StatusCode>(status.code()),
      std::string(status.message().substr(0, kMaxMessageBytes)));
}

inline absl::Status FromGrpcStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SERVER_GRPC_STATUS_H_
