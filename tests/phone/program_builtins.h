// The tools that find running programs and send them signals.
#ifndef FROSTNAS_TESTS_PHONE_PROGRAM_BUILTINS_H_
#define FROSTNAS_TESTS_PHONE_PROGRAM_BUILTINS_H_

#include "tests/phone/builtin_call.h"

namespace frostnas::phone {

int Kill(const BuiltinCall& call);
int PKill(const BuiltinCall& call);
int PGrep(const BuiltinCall& call);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_PROGRAM_BUILTINS_H_
