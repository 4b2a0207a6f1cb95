// Files that are part of the program, so that it runs from anywhere.
// frostnas_embed and frostnas_embed_folder (tools/bazel/embed.bzl) make them.
#ifndef FROSTNAS_BASE_EMBEDDED_FILE_H_
#define FROSTNAS_BASE_EMBEDDED_FILE_H_

#include "absl/strings/string_view.h"

namespace frostnas {

// Both live as long as the program.
struct EmbeddedFile {
  // The file's, without its folder; frostnas_embed drops the ending too.
  absl::string_view name;
  absl::string_view text;
};

}  // namespace frostnas

#endif  // FROSTNAS_BASE_EMBEDDED_FILE_H_
