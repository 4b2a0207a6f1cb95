#include "base/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "absl/strings/match.h"

namespace frostnas {

bool IsLoopbackHost(const std::string& host) {
  in_addr ip;
  return host == "localhost" || host == "[::1]" ||
         (absl::StartsWith(host, "127.") &&
          inet_pton(AF_INET, host.c_str(), &ip) == 1);
}

bool IsLoopbackAddress(const std::string& address) {
  return IsLoopbackHost(address.substr(0, address.rfind(':')));
}

}  // namespace frostnas
