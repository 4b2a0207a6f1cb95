#include "nn/data/readers/image_decode.h"

// jpeglib.h needs size_t and FILE from here.
#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace frostnas::nn {
namespace {

constexpr size_t kChannels = 3;
// More scans than any encoder writes: a progressive file of a few kilobytes
// could otherwise keep the decoder busy for minutes.
constexpr int kMaxScans = 100;
constexpr long kMaxJpegMemory = 256 << 20;  // libjpeg's type

bool TooLarge(int64_t width, int64_t height) {
  return width <= 0 || height <= 0 || width * height > kMaxDecodedPixels;
}

absl::Status TooLargeError(absl::string_view name, int64_t width,
                           int64_t height) {
  return absl::DataLossError(absl::StrCat(name, " is a picture of ", width, "x",
                                          height, " pixels; at most ",
                                          kMaxDecodedPixels, " are decoded"));
}

// libjpeg reports errors by a call that must not return. It jumps back to
// Start() or Read(), which hold nothing that needs a destructor.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = &JpegReader::OnError;
    errors_.emit_message = &JpegReader::OnMessage;
    info_.client_data = this;
  }
  ~JpegReader() {
    if (created_) jpeg_destroy_decompress(&info_);
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  // Reads the header and settles the size. False: message() tells why.
  bool Start(absl::string_view bytes, int wanted_side) {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    created_ = true;
    info_.mem->max_memory_to_use = kMaxJpegMemory;
    progress_.progress_monitor = &JpegReader::OnProgress;
    info_.progress = &progress_;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&info_, TRUE);
    info_.out_color_space = JCS_RGB;
    info_.dct_method = JDCT_ISLOW;  // the same bits on every machine
    const int64_t side = std::min(info_.image_width, info_.image_height);
    info_.scale_num = 1;
    info_.scale_denom = 1;
    while (wanted_side > 0 && info_.scale_denom < 8 &&
           side / (2 * info_.scale_denom) >= 2 * wanted_side) {
      info_.scale_denom *= 2;
    }
    jpeg_calc_output_dimensions(&info_);
    return true;
  }

  int64_t width() const { return info_.output_width; }
  int64_t height() const { return info_.output_height; }

  // Decodes into width * height * 3 bytes.
  bool Read(uint8_t* pixels) {
    if (setjmp(jump_) != 0) return false;
    jpeg_start_decompress(&info_);
    const size_t row_bytes = info_.output_width * kChannels;
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + info_.output_scanline * row_bytes;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  const char* message() const { return message_; }

 private:
  static JpegReader& Self(j_common_ptr info) {
    return *static_cast<JpegReader*>(info->client_data);
  }

  [[noreturn]] static void OnError(j_common_ptr info) {
    JpegReader& self = Self(info);
    info->err->format_message(info, self.message_);
    std::longjmp(self.jump_, 1);
  }

  // Warnings come with level -1. Where data is missing or does not decode,
  // libjpeg would go on with grey blocks.
  static void OnMessage(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
      case JWRN_EXTRANEOUS_DATA:
      case JWRN_ADOBE_XFORM:
      case JWRN_JFIF_MAJOR:
        return;
      default:
        OnError(info);
    }
  }

  static void OnProgress(j_common_ptr info) {
    if (!info->is_decompressor) return;
    const auto* reader = reinterpret_cast<j_decompress_ptr>(info);
    if (reader->input_scan_number <= kMaxScans) return;
    JpegReader& self = Self(info);
    std::strncpy(self.message_, "it has too many scans",
                 sizeof(self.message_) - 1);
    std::longjmp(self.jump_, 1);
  }

  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_progress_mgr progress_ = {};
  bool created_ = false;
  std::jmp_buf jump_;
  char message_[JMSG_LENGTH_MAX] = {};
};

absl::StatusOr<DecodedImage> DecodeJpeg(absl::string_view bytes,
                                        int wanted_side,
                                        absl::string_view name) {
  const auto damaged = [&](const JpegReader& reader) {
    return absl::DataLossError(
        absl::StrCat(name, " does not decode as JPEG: ", reader.message()));
  };
  JpegReader reader;
  if (!reader.Start(bytes, wanted_side)) return damaged(reader);
  if (TooLarge(reader.width(), reader.height())) {
    return TooLargeError(name, reader.width(), reader.height());
  }
  DecodedImage image;
  image.width = static_cast<int>(reader.width());
  image.height = static_cast<int>(reader.height());
  image.pixels.resize(static_cast<size_t>(reader.width() * reader.height()) *
                      kChannels);
  if (!reader.Read(image.pixels.data())) return damaged(reader);
  return image;
}

// libpng's simplified interface catches its own jumps.
class PngReader {
 public:
  PngReader() { image_.version = PNG_IMAGE_VERSION; }
  ~PngReader() { png_image_free(&image_); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool Start(absl::string_view bytes) {
    return png_image_begin_read_from_memory(&image_, bytes.data(),
                                            bytes.size()) != 0;
  }

  int64_t width() const { return image_.width; }
  int64_t height() const { return image_.height; }

  bool Read(uint8_t* pixels) {
    image_.format = PNG_FORMAT_RGB;
    const png_color white = {255, 255, 255};
    return png_image_finish_read(&image_, &white, pixels, 0, nullptr) != 0;
  }

  const char* message() const { return image_.message; }

 private:
  png_image image_ = {};
};

absl::StatusOr<DecodedImage> DecodePng(absl::string_view bytes,
                                       absl::string_view name) {
  const auto damaged = [&](const PngReader& reader) {
    return absl::DataLossError(
        absl::StrCat(name, " does not decode as PNG: ", reader.message()));
  };
  PngReader reader;
  if (!reader.Start(bytes)) return damaged(reader);
  if (TooLarge(reader.width(), reader.height())) {
    return TooLargeError(name, reader.width(), reader.height());
  }
  DecodedImage image;
  image.width = static_cast<int>(reader.width());
  image.height = static_cast<int>(reader.height());
  image.pixels.resize(static_cast<size_t>(reader.width() * reader.height()) *
                      kChannels);
  if (!reader.Read(image.pixels.data())) return damaged(reader);
  return image;
}

bool StartsWith(absl::string_view bytes, absl::string_view prefix) {
  return bytes.substr(0, prefix.size()) == prefix;
}

}  // namespace

absl::StatusOr<DecodedImage> DecodeImage(absl::string_view bytes,
                                         int wanted_side,
                                         absl::string_view name) {
  if (StartsWith(bytes, "\xff\xd8\xff")) {
    return DecodeJpeg(bytes, wanted_side, name);
  }
  if (StartsWith(bytes, "\x89PNG\r\n\x1a\n")) return DecodePng(bytes, name);
  return absl::DataLossError(absl::StrCat(name, " is neither JPEG nor PNG"));
}

}  // namespace frostnas::nn
