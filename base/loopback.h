// Whether an address leads to this machine only: what may be spoken to in
// plaintext.
#ifndef FROSTNAS_BASE_LOOPBACK_H_
#define FROSTNAS_BASE_LOOPBACK_H_

#include <string>

namespace frostnas {

// `host` without a port: localhost, [::1] or 127.x.x.x. A name such as
// "127.example.com" is not: it may lead anywhere. Thread-safe.
bool IsLoopbackHost(const std::string& host);

// The same for HOST:PORT.
bool IsLoopbackAddress(const std::string& address);

}  // namespace frostnas

#endif  // FROSTNAS_BASE_LOOPBACK_H_
