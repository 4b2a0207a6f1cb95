// IDX files, as MNIST and its successors use them (format: LeCun, Cortes and
// Burges, "The MNIST database of handwritten digits").
//
// Big-endian: the magic 0x00000803 (images: count, rows, columns, then bytes)
// or 0x00000801 (labels: count, then bytes). Read from
// {train,t10k}-{images-idx3,labels-idx1}-ubyte in a folder, each with or
// without .gz. Images are square and grey. There are as many classes as the
// largest label says. Flips are not allowed: they change most symbols.
//
// Errors: NOT_FOUND (a file), DATA_LOSS (magic, counts, lengths, labels or
// gzip damage, with the file).
#ifndef FROSTNAS_NN_DATA_READERS_IDX_H_
#define FROSTNAS_NN_DATA_READERS_IDX_H_

#include <string>

#include "absl/status/statusor.h"
#include "nn/data/raw_dataset.h"

namespace frostnas::nn {

absl::StatusOr<RawDataset> ReadIdx(const std::string& dir);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_READERS_IDX_H_
