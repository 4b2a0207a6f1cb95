#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace frostnas::internal {

CheckFailure::CheckFailure(const char* file, int line,
                           const std::string& what) {
  message_ << file << ":" << line << ": check failed: " << what << " ";
}

CheckFailure::~CheckFailure() {
  const std::string text = message_.str() + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::abort();
}

}  // namespace frostnas::internal
