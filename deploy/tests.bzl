"""The tests of this folder share their dependencies."""

_COMMON = [
    ":input_scaling",
    ":onnx_export",
    ":onnx_fusion",
    ":onnx_graph",
    ":onnx_runtime",
    ":onnx_verify",
    "//arch:digest",
    "//arch:presets",
    "//base:file",
    "//base:random",
    "//base:sha256",
    "//base:status_matchers",
    "//deploy/testing:onnx_reader",
    "//deploy/testing:packages",
    "//proto/frostnas/v1:package_proto",
    "//quant:graph_executor",
    "//quant:package",
    "//quant/testing:architectures",
    "//third_party:absl",
    "//third_party:gtest_main",
    "//third_party:onnx_proto",
]

_RUNS = [
    ":onnx_check",
    "//base:stop",
    "//deploy/testing:layer_agreement",
    "//nn/data:dataset",
    "//proto/frostnas/v1:dataset_proto",
    "//quant:qat_train",
]

def export_tests(names, data = []):
    """Tests that need no runtime, NAME.cc each."""
    for name in names:
        native.cc_test(
            name = name,
            size = "small",
            srcs = [name + ".cc"],
            data = data,
            deps = _COMMON,
        )

def runtime_test(name, size = "small", tags = []):
    """A test that fails without --test_env=FROSTNAS_ONNX_RUNTIME=FILE."""
    native.cc_test(
        name = name,
        size = size,
        srcs = [name + ".cc"],
        tags = tags + [
            "manual",
            "onnxruntime",
        ],
        deps = _COMMON + _RUNS,
    )
