#include "arch/textproto.h"

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"

namespace frostnas::arch {
namespace {

constexpr int64_t kMaxTextBytes = int64_t{1} << 20;

// Keeps the first error; those after it are mostly its consequences.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(absl::string_view source) : source_(source) {}

  void AddError(int line, int column, const std::string& message) override {
    if (!status_.ok()) return;
    // The parser counts from 0, and gives -1 for a message as a whole.
    std::string where(source_);
    if (line >= 0) absl::StrAppend(&where, ":", line + 1, ":", column + 1);
    status_ = absl::InvalidArgumentError(absl::StrCat(where, ": ", message));
  }

  const absl::Status& status() const { return status_; }

 private:
  const absl::string_view source_;
  absl::Status status_;
};

}  // namespace

absl::Status ParseTextproto(absl::string_view text, absl::string_view source,
                            google::protobuf::Message& message) {
  // Blocks nest three deep; the limit keeps hostile text off the stack.
  constexpr int kMaxNesting = 32;
  if (static_cast<int64_t>(text.size()) > kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        source, ": more than ", kMaxTextBytes, " bytes; split the file"));
  }
  FirstError errors(source);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxNesting);
  google::protobuf::io::ArrayInputStream stream(text.data(),
                                                static_cast<int>(text.size()));
  if (parser.Parse(&stream, &message)) return absl::OkStatus();
  RETURN_IF_ERROR(errors.status());
  return absl::InvalidArgumentError(
      absl::StrCat(source, ": not a ", message.GetTypeName(), " in text form"));
}

absl::Status ReadTextproto(const std::string& path,
                           google::protobuf::Message& message) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxTextBytes));
  return ParseTextproto(text, path, message);
}

}  // namespace frostnas::arch
