// The service `sync:`: files to, from and on the phone.
#ifndef FROSTNAS_TESTS_PHONE_SYNC_SERVICE_H_
#define FROSTNAS_TESTS_PHONE_SYNC_SERVICE_H_

#include "tests/phone/device.h"
#include "tests/phone/stream.h"

namespace frostnas::phone {

// Serves STAT, STA2, LST2, LIST, SEND and RECV until QUIT, an error, or the end
// of the stream. As a phone does, it makes the folders of a file that is sent,
// and removes the file again when its sending fails.
void ServeSync(Device& device, Stream& stream);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_SYNC_SERVICE_H_
