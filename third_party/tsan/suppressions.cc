// Reports that ThreadSanitizer is told to keep, as one side of each race is in
// a library that it does not see.

extern "C" const char* __tsan_default_suppressions() {
  return
      // Abseil calls a condition with its mutex held, inside the library.
      "race:CastAndCallMethod\n"
      "race:CastAndCallFunction\n"
      // Locks, atomics and threads inside the libraries.
      "called_from_lib:libabsl_graphcycles_internal.so\n"
      "called_from_lib:libabsl_synchronization.so\n"
      "called_from_lib:libabsl_cord.so\n"
      "called_from_lib:libabsl_strings.so\n"
      "called_from_lib:libabsl_status.so\n"
      "called_from_lib:libgomp.so\n"
      "called_from_lib:libgpr.so\n"
      "called_from_lib:libgrpc.so\n"
      "called_from_lib:libgrpc++.so\n"
      "called_from_lib:libprotobuf.so\n"
      "called_from_lib:libsqlite3.so\n"
      "called_from_lib:libcrypto.so\n";
}
