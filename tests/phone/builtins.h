// Android's command-line tools, as far as tests need them.
#ifndef FROSTNAS_TESTS_PHONE_BUILTINS_H_
#define FROSTNAS_TESTS_PHONE_BUILTINS_H_

#include <map>
#include <string>

#include "tests/phone/builtin_call.h"

namespace frostnas::phone {

// Returns the exit code.
using Builtin = int (*)(const BuiltinCall& call);

// By name. cd, exec, exit and sh are the shell's own.
const std::map<std::string, Builtin>& Builtins();

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_BUILTINS_H_
