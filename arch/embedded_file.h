// Text files that are part of the program, so that it runs from anywhere.
// frostnas_embed (arch/embed.bzl) makes them.
#ifndef FROSTNAS_ARCH_EMBEDDED_FILE_H_
#define FROSTNAS_ARCH_EMBEDDED_FILE_H_

#include "absl/strings/string_view.h"

namespace frostnas::arch {

// Both live as long as the program.
struct EmbeddedFile {
  absl::string_view name;  // the file's, without folder and ".textproto"
  absl::string_view text;
};

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_EMBEDDED_FILE_H_
