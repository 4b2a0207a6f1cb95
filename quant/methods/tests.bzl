"""Tests of methods that run networks share their dependencies."""

_COMMON = [
    "//arch:graph",
    "//base:random",
    "//base:status_matchers",
    "//base:stop",
    "//nn:network",
    "//nn:quant_hooks",
    "//nn:tensor",
    "//nn:threads",
    "//nn/data:image_set",
    "//nn/data:loader",
    "//proto/frostnas/v1:architecture_proto",
    "//proto/frostnas/v1:dataset_proto",
    "//proto/frostnas/v1:package_proto",
    "//quant:convert",
    "//quant:executor",
    "//quant:grid",
    "//quant:package",
    "//quant:quantized_graph",
    "//quant/methods/network:fake_quant",
    "//quant/methods/network:folded_network",
    "//quant/methods/network:integer_layers",
    "//quant/onednn:onednn_executor",
    "//quant/testing:architectures",
    "//quant/testing:float_network",
    "//third_party:absl",
    "//third_party:gtest_main",
]

def method_tests(names, deps = [], size = "small", tags = []):
    """Tests NAME.cc with the dependencies that all of them have, and `deps`."""
    for name in names:
        native.cc_test(
            name = name,
            size = size,
            srcs = [name + ".cc"],
            tags = ["notsan"] + tags,
            deps = _COMMON + deps,
        )
