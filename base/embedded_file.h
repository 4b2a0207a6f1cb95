// Text files that are part of the program, so that it runs from anywhere.
// frostnas_embed (tools/bazel/embed.bzl) makes them.
#ifndef FROSTNAS_BASE_EMBEDDED_FILE_H_
#define FROSTNAS_BASE_EMBEDDED_FILE_H_

#include "absl/strings/string_view.h"

namespace frostnas {

// Both live as long as the program.
struct EmbeddedFile {
  absl::string_view name;  // the file's, without folder and ending
  absl::string_view text;
};

}  // namespace frostnas

#endif  // FROSTNAS_BASE_EMBEDDED_FILE_H_
