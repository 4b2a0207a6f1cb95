// The services `shell:`, `shell,v2,...:` and `exec:`: a command line each.
#ifndef FROSTNAS_TESTS_PHONE_SHELL_SERVICE_H_
#define FROSTNAS_TESTS_PHONE_SHELL_SERVICE_H_

#include <string>

#include "tests/phone/device.h"
#include "tests/phone/stream.h"

namespace frostnas::phone {

enum class ShellProtocol {
  kRaw,      // both outputs mixed, as a terminal does; no exit code
  kPackets,  // shell,v2
};

// Runs `command` and passes its output on as it comes. Standard input is empty.
//
// When the client closes the stream: under kRaw programs get SIGHUP, as from a
// terminal that goes away. Under kPackets the shell gets it, and so does a
// program that took the shell's place: that of a line that is one command, or
// one started by `exec`. Another one goes on unheard until it writes.
void ServeShell(Device& device, Stream& stream, ShellProtocol protocol,
                const std::string& command);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_SHELL_SERVICE_H_
