// One file over the network.
#ifndef FROSTNAS_NN_DATA_DOWNLOAD_FETCH_H_
#define FROSTNAS_NN_DATA_DOWNLOAD_FETCH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "base/stop.h"

namespace frostnas::nn {

struct FetchOptions {
  int64_t max_bytes = 0;
  StopToken stop;
  // Bytes so far and in all (0: not known), now and then. May be empty.
  std::function<void(int64_t done, int64_t total)> progress;
};

// Writes what `url` (https or file) gives to `path`, replacing it. Follows
// redirects to https only. Gives up on a server that sends nothing for a
// minute. UNAVAILABLE: the network, server or address; RESOURCE_EXHAUSTED: more
// than max_bytes; CANCELLED: stopped; else as base/file.h. On an error the
// file may be incomplete. Safe on any thread.
absl::Status Fetch(const std::string& url, const std::string& path,
                   const FetchOptions& options);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_DOWNLOAD_FETCH_H_
