#include "nn/data/readers/test_files.h"

#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
// clang-format on
#include <png.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/file.h"

namespace frostnas::nn {

std::string WriteTestFile(const std::string& dir, const std::string& name,
                          const std::string& contents) {
  const std::string path = JoinPath(dir, name);
  CHECK_OK(MakeDirs(std::filesystem::path(path).parent_path().string()));
  CHECK_OK(WriteFileAtomic(path, contents));
  return path;
}

uint8_t CifarValue(int first, int y, int x, int c) {
  return static_cast<uint8_t>(first + 32 * y + 3 * x + 85 * c);
}

std::string CifarRecord(int label, int label_bytes, int first) {
  std::string record(static_cast<size_t>(label_bytes),
                     static_cast<char>(label));
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) {
        record.push_back(static_cast<char>(CifarValue(first, y, x, c)));
      }
    }
  }
  return record;
}

std::string IdxFile(uint32_t magic, const std::vector<uint32_t>& counts,
                    const std::string& payload) {
  std::vector<uint32_t> words = {magic};
  words.insert(words.end(), counts.begin(), counts.end());
  std::string file;
  for (const uint32_t word : words) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      file.push_back(static_cast<char>(word >> shift));
    }
  }
  return file + payload;
}

std::string Gzip(const std::string& bytes) {
  z_stream stream = {};
  CHECK_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16, 8,
                        Z_DEFAULT_STRATEGY),
           Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in =
      const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TestPicture FlatPicture(int width, int height, uint8_t red, uint8_t green,
                        uint8_t blue) {
  TestPicture picture = {.width = width, .height = height};
  for (int i = 0; i < width * height; ++i) {
    picture.pixels.insert(picture.pixels.end(), {red, green, blue});
  }
  return picture;
}

std::string EncodeJpeg(const TestPicture& picture, bool progressive) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(picture.pixels.data()) +
                   static_cast<size_t>(info.next_scanline) * picture.width * 3;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string file(reinterpret_cast<const char*>(memory), size);
  jpeg_destroy_compress(&info);
  std::free(memory);
  return file;
}

std::string EncodePng(const TestPicture& picture) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  CHECK(png_image_write_to_memory(&image, nullptr, &size, 0,
                                  picture.pixels.data(), 0, nullptr));
  std::string file(size, '\0');
  CHECK(png_image_write_to_memory(&image, file.data(), &size, 0,
                                  picture.pixels.data(), 0, nullptr));
  file.resize(size);
  return file;
}

}  // namespace frostnas::nn
