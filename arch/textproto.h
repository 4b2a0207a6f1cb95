// Reading messages from text files.
//
// INVALID_ARGUMENT names file, line and column: "a.textproto:3:7: ...". Unknown
// fields are errors. Thread-safe.
#ifndef FROSTNAS_ARCH_TEXTPROTO_H_
#define FROSTNAS_ARCH_TEXTPROTO_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace frostnas::arch {

// Replaces `message` by what `text` says; `source` names it in errors. After an
// error `message` is unspecified.
absl::Status ParseTextproto(absl::string_view text, absl::string_view source,
                            google::protobuf::Message& message);

// The same of a file of at most 1 MiB; errors of base/file.h too.
absl::Status ReadTextproto(const std::string& path,
                           google::protobuf::Message& message);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_TEXTPROTO_H_
