// Small data files for tests.
#ifndef FROSTNAS_NN_DATA_READERS_TEST_FILES_H_
#define FROSTNAS_NN_DATA_READERS_TEST_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace frostnas::nn {

// Writes `contents` to dir/name, making folders as needed. Fails the test when
// it cannot. Returns the path.
std::string WriteTestFile(const std::string& dir, const std::string& name,
                          const std::string& contents);

// A CIFAR record: `label_bytes` bytes of `label` and planes that encode pixel
// and channel: value(y, x, c) = (first + 32 y + 3 x + 85 c) mod 256.
std::string CifarRecord(int label, int label_bytes, int first);
uint8_t CifarValue(int first, int y, int x, int c);

// An IDX file: magic, counts, payload.
std::string IdxFile(uint32_t magic, const std::vector<uint32_t>& counts,
                    const std::string& payload);

// gzip of `bytes`.
std::string Gzip(const std::string& bytes);

// Encoded pictures of (height, width, 3) RGB pixels.
struct TestPicture {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;
};
TestPicture FlatPicture(int width, int height, uint8_t red, uint8_t green,
                        uint8_t blue);
std::string EncodeJpeg(const TestPicture& picture, bool progressive = false);
std::string EncodePng(const TestPicture& picture);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_READERS_TEST_FILES_H_
