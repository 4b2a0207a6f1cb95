// Reading and writing of saved training state: little-endian numbers, texts
// and float arrays, each with its length.
//
// A reader never reads past its bytes and never allocates more than they hold.
// Its errors are INVALID_ARGUMENT. Thread-compatible.
#ifndef FROSTNAS_NN_OPTIM_STATE_BYTES_H_
#define FROSTNAS_NN_OPTIM_STATE_BYTES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace frostnas::nn {

class StateWriter {
 public:
  void PutInt(int64_t value);
  void PutDouble(double value);
  void PutText(absl::string_view text);
  void PutFloats(absl::Span<const float> values);

  std::string Take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class StateReader {
 public:
  // `bytes` must outlive the reader.
  explicit StateReader(absl::string_view bytes) : left_(bytes) {}

  absl::StatusOr<int64_t> Int();
  absl::StatusOr<double> Double();
  absl::StatusOr<std::string> Text();
  // Exactly `count` finite values.
  absl::StatusOr<std::vector<float>> Floats(size_t count);
  // Refuses a next text other than `text`; `what` names it in the message.
  absl::Status Expect(absl::string_view text, absl::string_view what);
  // Refuses bytes left over.
  absl::Status End() const;

 private:
  absl::StatusOr<absl::string_view> Raw(size_t count);

  absl::string_view left_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_STATE_BYTES_H_
