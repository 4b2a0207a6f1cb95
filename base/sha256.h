// SHA-256: the names of blobs, architectures and data sets.

#ifndef FROSTNAS_BASE_SHA256_H_
#define FROSTNAS_BASE_SHA256_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas {

// A digest over bytes that come in pieces. Thread-compatible.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view bytes);

  // The digest of all bytes so far as 64 lower-case hexadecimal digits. Call
  // it once, last.
  std::string FinishHex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The digest of `bytes`, 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

// The same of a file's contents, without holding them in memory. Errors as in
// file.h.
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

// Whether `text` has the form of such a digest.
bool IsSha256Hex(absl::string_view text);

}  // namespace frostnas

#endif  // FROSTNAS_BASE_SHA256_H_
