#include "nn/data/download/fetch.h"

#include <curl/curl.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace frostnas::nn {
namespace {

constexpr long kSilentSeconds = 60;  // libcurl's option type
constexpr long kConnectSeconds = 30;
constexpr long kMaxRedirects = 5;

// Where the bytes go, and why they stopped.
struct Transfer {
  const FetchOptions* options = nullptr;
  std::FILE* file = nullptr;
  int64_t written = 0;
  int write_error = 0;
  bool too_large = false;
};

size_t OnBytes(char* bytes, size_t size, size_t count, void* data) {
  auto& transfer = *static_cast<Transfer*>(data);
  const size_t total = size * count;
  transfer.written += static_cast<int64_t>(total);
  if (transfer.written > transfer.options->max_bytes) {
    transfer.too_large = true;
    return 0;
  }
  if (std::fwrite(bytes, 1, total, transfer.file) != total) {
    transfer.write_error = errno;
    return 0;
  }
  return total;
}

// Not 0: stop the transfer.
int OnProgress(void* data, curl_off_t total, curl_off_t done, curl_off_t,
               curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(data);
  if (transfer.options->progress) transfer.options->progress(done, total);
  return transfer.options->stop.StopRequested() ? 1 : 0;
}

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

void SetOptions(const std::string& url, Transfer& transfer, CURL* handle) {
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,file");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
  // Signals belong to the program, and other threads run.
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, OnBytes);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
}

absl::Status Run(const std::string& url, const std::string& path,
                 Transfer& transfer) {
  const std::unique_ptr<CURL, FreeHandle> handle(curl_easy_init());
  if (handle == nullptr)
    return absl::UnavailableError("libcurl does not start");
  SetOptions(url, transfer, handle.get());
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail);
  const CURLcode result = curl_easy_perform(handle.get());
  if (result == CURLE_OK) return absl::OkStatus();
  if (transfer.too_large) {
    return absl::ResourceExhaustedError(
        absl::StrCat(url, " is larger than the expected ",
                     transfer.options->max_bytes, " bytes"));
  }
  if (transfer.write_error != 0) {
    return FileError(transfer.write_error, "write", path);
  }
  RETURN_IF_ERROR(transfer.options->stop.Check());
  return absl::UnavailableError(
      absl::StrCat("cannot download ", url, ": ",
                   detail[0] != '\0' ? detail : curl_easy_strerror(result)));
}

}  // namespace

absl::Status Fetch(const std::string& url, const std::string& path,
                   const FetchOptions& options) {
  // Once, before any other use; C++ makes that safe on any thread.
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) {
    return absl::UnavailableError("libcurl does not start");
  }
  Transfer transfer = {.options = &options};
  transfer.file = std::fopen(path.c_str(), "wb");
  if (transfer.file == nullptr) return FileError(errno, "create", path);
  const absl::Status status = Run(url, path, transfer);
  const bool closed = std::fclose(transfer.file) == 0;
  if (status.ok() && !closed) return FileError(errno, "write", path);
  return status;
}

}  // namespace frostnas::nn
