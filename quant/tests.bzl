"""The tests of this folder share their dependencies."""

_COMMON = [
    ":convert",
    ":executor",
    ":graph_executor",
    ":grid",
    ":package",
    ":quantized_graph",
    ":wire_budget",
    "//arch:graph",
    "//base:random",
    "//base:sha256",
    "//base:status_matchers",
    "//nn:quant_hooks",
    "//proto/frostnas/v1:architecture_proto",
    "//proto/frostnas/v1:dataset_proto",
    "//proto/frostnas/v1:package_proto",
    "//quant/kernels:reference_executor",
    "//quant/testing:agreement",
    "//quant/testing:architectures",
    "//third_party:absl",
    "//third_party:gtest_main",
]

_TRAINING = [
    ":qat",
    ":qat_train",
    "//base:stop",
    "//nn:network",
    "//nn:tensor",
    "//nn:threads",
    "//nn/data:dataset",
    "//nn/data:loader",
    "//quant/kernels:reference",
    "//quant/onednn:onednn_executor",
]

def number_tests(names):
    """Tests of arithmetic and files, NAME.cc each."""
    for name in names:
        native.cc_test(
            name = name,
            size = "small",
            srcs = [name + ".cc"],
            deps = _COMMON,
        )

def training_tests(names):
    """Tests that run networks, NAME.cc each."""
    for name in names:
        native.cc_test(
            name = name,
            size = "small",
            srcs = [name + ".cc"],
            tags = ["notsan"],
            deps = _COMMON + _TRAINING,
        )
