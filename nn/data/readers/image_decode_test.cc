#include "nn/data/readers/image_decode.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/readers/test_files.h"

namespace frostnas::nn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Smooth, so that JPEG changes it little.
TestPicture Ramp(int width, int height) {
  TestPicture picture = {.width = width, .height = height};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      picture.pixels.push_back(static_cast<uint8_t>(255 * x / width));
      picture.pixels.push_back(static_cast<uint8_t>(255 * y / height));
      picture.pixels.push_back(128);
    }
  }
  return picture;
}

TEST(ImageDecodeTest, PngIsExact) {
  const TestPicture picture = Ramp(37, 21);
  ASSERT_OK_AND_ASSIGN(const DecodedImage image,
                       DecodeImage(EncodePng(picture), 0, "a.png"));
  EXPECT_EQ(image.width, 37);
  EXPECT_EQ(image.height, 21);
  EXPECT_EQ(image.pixels, picture.pixels);
}

TEST(ImageDecodeTest, JpegIsClose) {
  const TestPicture picture = Ramp(64, 48);
  for (const bool progressive : {false, true}) {
    ASSERT_OK_AND_ASSIGN(
        const DecodedImage image,
        DecodeImage(EncodeJpeg(picture, progressive), 0, "a.jpg"));
    ASSERT_EQ(image.width, 64);
    ASSERT_EQ(image.height, 48);
    int worst = 0;
    for (size_t i = 0; i < picture.pixels.size(); ++i) {
      worst = std::max(worst, std::abs(image.pixels[i] - picture.pixels[i]));
    }
    EXPECT_LE(worst, 12);
  }
}

TEST(ImageDecodeTest, LargeJpegIsDecodedSmaller) {
  const std::string file = EncodeJpeg(Ramp(800, 400));
  const auto width = [&](int wanted_side) {
    const auto image = DecodeImage(file, wanted_side, "a.jpg");
    EXPECT_OK(image);
    return image.ok() ? image->width : 0;
  };
  EXPECT_EQ(width(0), 800);
  EXPECT_EQ(width(150), 800);
  EXPECT_EQ(width(100), 400);
  EXPECT_EQ(width(50), 200);
  EXPECT_EQ(width(8), 100);
}

TEST(ImageDecodeTest, OtherBytesAreDataLoss) {
  for (const std::string& bytes :
       {std::string(), std::string("\xff\xd8"), std::string("GIF89a......"),
        std::string(1000, '\0')}) {
    EXPECT_THAT(DecodeImage(bytes, 0, "photos/x.jpg"),
                StatusIs(absl::StatusCode::kDataLoss,
                         HasSubstr("photos/x.jpg is neither")));
  }
}

TEST(ImageDecodeTest, EveryCutIsDataLoss) {
  const TestPicture picture = Ramp(24, 16);
  const std::string png = EncodePng(picture);
  for (const std::string& file :
       {EncodeJpeg(picture), EncodeJpeg(picture, true)}) {
    // The last two bytes only say that it ends.
    for (size_t size = 0; size + 2 < file.size(); ++size) {
      EXPECT_THAT(DecodeImage(file.substr(0, size), 0, "cut.jpg"),
                  StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cut.jpg")))
          << size << " of " << file.size();
    }
  }
  // After the pixels come 12 bytes that only say that it ends.
  for (size_t size = 0; size + 16 < png.size(); ++size) {
    EXPECT_THAT(DecodeImage(png.substr(0, size), 0, "cut.png"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cut.png")))
        << size << " of " << png.size();
  }
}

TEST(ImageDecodeTest, DamagedBytesNeverCrash) {
  const TestPicture picture = Ramp(24, 16);
  int refused = 0;
  for (const std::string& file : {EncodeJpeg(picture), EncodePng(picture)}) {
    for (size_t i = 0; i < file.size(); ++i) {
      for (const char mask : {'\x01', '\x40', '\xff'}) {
        std::string damaged = file;
        damaged[i] = static_cast<char>(damaged[i] ^ mask);
        refused += !DecodeImage(damaged, 0, "x").ok();
      }
    }
  }
  EXPECT_GT(refused, 300);
}

// Rewrites width and height in a PNG's header, with its checksum.
std::string WithPngSize(std::string png, uint32_t width, uint32_t height) {
  for (int i = 0; i < 4; ++i) {
    png[16 + i] = static_cast<char>(width >> (24 - 8 * i));
    png[20 + i] = static_cast<char>(height >> (24 - 8 * i));
  }
  uint32_t crc = 0xffffffff;
  for (int i = 12; i < 29; ++i) {
    crc ^= static_cast<uint8_t>(png[i]);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  crc = ~crc;
  for (int i = 0; i < 4; ++i) {
    png[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
  }
  return png;
}

TEST(ImageDecodeTest, PicturesThatClaimToBeHugeAreRefusedUndecoded) {
  const std::string png = EncodePng(Ramp(8, 8));
  EXPECT_THAT(
      DecodeImage(WithPngSize(png, 60000, 60000), 0, "bomb.png"),
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr("bomb.png"), HasSubstr("60000x60000 pixels"))));
  std::string jpeg = EncodeJpeg(Ramp(8, 8));
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xff\x00\xff\x00", 4);
  EXPECT_THAT(
      DecodeImage(jpeg, 0, "bomb.jpg"),
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr("bomb.jpg"), HasSubstr("65280x65280 pixels"))));
}

}  // namespace
}  // namespace frostnas::nn
