#include "quant/wire_budget.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace frostnas::quant {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr int kMaxDepth = 16;

class Counter {
 public:
  explicit Counter(int64_t max_objects) : left_(max_objects) {}

  absl::Status Walk(const Descriptor* type, absl::string_view bytes,
                    int depth) {
    if (depth > kMaxDepth) return Malformed();
    CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                        static_cast<int>(bytes.size()));
    while (const uint32_t tag = in.ReadTag()) {
      if (WireFormatLite::GetTagWireType(tag) !=
          WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        if (!WireFormatLite::SkipField(&in, tag)) return Malformed();
        continue;
      }
      uint32_t length = 0;
      if (!in.ReadVarint32(&length)) return Malformed();
      const size_t begin = in.CurrentPosition();
      if (length > bytes.size() - begin) return Malformed();
      if (--left_ < 0) {
        return absl::ResourceExhaustedError(
            "message has too many parts; it is not one of ours");
      }
      const FieldDescriptor* field =
          type->FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      if (field != nullptr && field->message_type() != nullptr) {
        RETURN_IF_ERROR(Walk(field->message_type(), bytes.substr(begin, length),
                             depth + 1));
      }
      if (!in.Skip(static_cast<int>(length))) return Malformed();
    }
    return in.ConsumedEntireMessage() ? absl::OkStatus() : Malformed();
  }

 private:
  static absl::Status Malformed() {
    return absl::DataLossError("message is malformed");
  }

  int64_t left_;
};

}  // namespace

absl::Status CheckWireBudget(const Descriptor* type, absl::string_view bytes,
                             int64_t max_objects) {
  return Counter(max_objects).Walk(type, bytes, 0);
}

}  // namespace frostnas::quant
