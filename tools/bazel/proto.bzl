"""C++ code from .proto files, by Debian's protoc."""

_PROTOC = "/usr/bin/protoc"
_GRPC_PLUGIN = "/usr/bin/grpc_cpp_plugin"

def _stem(src):
    if not src.endswith(".proto"):
        fail("%s is not a .proto file" % src)
    return src[:-len(".proto")]

def frostnas_proto_library(
        name,
        srcs,
        deps = [],
        grpc = False,
        visibility = None,
        testonly = None):
    """A C++ library generated from .proto files.

    Imports in the files are relative to the root of the tree, and so are the
    includes: "proto/frostnas/v1/trial.proto" gives
    "proto/frostnas/v1/trial.pb.h".

    Args:
      name: the cc_library; NAME_srcs is the group of .proto files.
      srcs: .proto files of this package.
      deps: other frostnas_proto_library targets that srcs import.
      grpc: whether services become stubs and servers, in X.grpc.pb.h.
      visibility: who may depend on it.
      testonly: whether only tests may depend on it.
    """
    endings = [".pb"] + ([".grpc.pb"] if grpc else [])
    stems = [_stem(src) for src in srcs]
    hdrs = [stem + ending + ".h" for stem in stems for ending in endings]
    sources = [stem + ending + ".cc" for stem in stems for ending in endings]
    imported = [_absolute(dep) + "_srcs" for dep in deps]
    plugin = ""
    if grpc:
        plugin = "--grpc_out=$(GENDIR) --plugin=protoc-gen-grpc=%s" % (
            _GRPC_PLUGIN
        )

    native.filegroup(
        name = name + "_srcs",
        testonly = testonly,
        srcs = srcs + imported,
        visibility = visibility,
    )
    native.genrule(
        name = name + "_generate",
        testonly = testonly,
        srcs = srcs + imported,
        outs = hdrs + sources,
        cmd = "%s --proto_path=. --proto_path=/usr/include " % _PROTOC +
              "--cpp_out=$(GENDIR) %s %s" % (
                  plugin,
                  " ".join(["$(location %s)" % src for src in srcs]),
              ),
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        testonly = testonly,
        srcs = sources,
        hdrs = hdrs,
        copts = ["-w"],
        visibility = visibility,
        deps = deps + ["//third_party:protobuf"] +
               (["//third_party:grpc"] if grpc else []),
    )

def _absolute(label):
    """The label with its target spelled out: //a/b becomes //a/b:b."""
    if ":" in label:
        return label
    return label + ":" + label.split("/")[-1]
