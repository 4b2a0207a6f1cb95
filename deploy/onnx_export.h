// Start here: a package as an ONNX file.
//
// The file holds the package's integers, unchanged, in QDQ form: int8 weights
// and int32 biases through DequantizeLinear, uint8 activations at the
// package's grids. Input "image": float32, N x C x H x W, RGB or grey, raw
// 0..255; normalisation is in the graph. Output "logits": float32, N x classes.
// N is free. docs/export.md shows the mapping, layer by layer.
//
// Pure functions; any thread.
#ifndef FROSTNAS_DEPLOY_ONNX_EXPORT_H_
#define FROSTNAS_DEPLOY_ONNX_EXPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::deploy {

inline constexpr char kOnnxInput[] = "image";
inline constexpr char kOnnxOutput[] = "logits";

// A serialized ModelProto (opset 13, IR version 7) that ONNX's checker and
// shape inference have passed. metadata_props: frostnas.package_sha256 (of the
// package's file), frostnas.architecture_sha256, frostnas.dataset,
// frostnas.dataset_sha256, frostnas.classes (a JSON list of names, where the
// data set has names). The same package gives the same bytes.
//
// INVALID_ARGUMENT: not a valid package (quant/package.h), or numbers that
// ONNX's floats cannot hold, naming the layer or field.
absl::StatusOr<std::string> ExportOnnx(const v1::Package& package);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_EXPORT_H_
