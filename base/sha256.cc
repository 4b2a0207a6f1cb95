#include "base/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/file.h"

namespace frostnas {

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> evp = {
      EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  CHECK(EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::Update(absl::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::FinishHex() {
  std::string digest(32, '\0');
  CHECK(EVP_DigestFinal_ex(context_->evp.get(),
                           reinterpret_cast<unsigned char*>(digest.data()),
                           nullptr) == 1);
  return absl::BytesToHexString(digest);
}

std::string Sha256Hex(absl::string_view bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.FinishHex();
}

absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path) {
  const std::unique_ptr<FILE, decltype(&std::fclose)> file(
      std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return FileError(errno, "open", path);
  Sha256 digest;
  std::vector<char> buffer(1 << 18);
  while (true) {
    const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get());
    digest.Update({buffer.data(), got});
    if (got < buffer.size()) break;
  }
  if (std::ferror(file.get())) return FileError(errno, "read", path);
  return digest.FinishHex();
}

bool IsSha256Hex(absl::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return ('0' <= c && c <= '9') || ('a' <= c && c <= 'f');
         });
}

}  // namespace frostnas
