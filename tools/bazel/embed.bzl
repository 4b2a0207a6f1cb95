"""Files as C++ data, so that programs need no files beside them."""

def frostnas_embed(name, srcs, function, namespace, visibility = None):
    """A C++ library that holds text files.

    The header is "PACKAGE/NAME.h"; it declares in `namespace`

        absl::Span<const frostnas::EmbeddedFile> FUNCTION();

    Args:
      name: the cc_library.
      srcs: files, in the order in which the function gives them. None may hold
        the text `)embedded"`.
      function: the function's name.
      namespace: the function's namespace.
      visibility: who may depend on it.
    """
    header = "%s/%s.h" % (native.package_name(), name)
    guard = header.upper().replace("/", "_").replace(".", "_") + "_"
    native.genrule(
        name = name + "_generate",
        srcs = srcs,
        outs = [name + ".h", name + ".cc"],
        cmd = """
{{
  echo '#ifndef {guard}'
  echo '#define {guard}'
  echo '#include "absl/types/span.h"'
  echo '#include "base/embedded_file.h"'
  echo 'namespace {namespace} {{'
  echo 'absl::Span<const ::frostnas::EmbeddedFile> {function}();'
  echo '}}'
  echo '#endif'
}} > $(location {name}.h)
{{
  echo '#include "{header}"'
  echo 'namespace {namespace} {{'
  echo 'absl::Span<const ::frostnas::EmbeddedFile> {function}() {{'
  echo '  static constexpr ::frostnas::EmbeddedFile kFiles[] = {{'
  for file in {files}; do
    echo "{{\\"$$(basename $${{file%.*}})\\", R\\"embedded("
    cat $$file
    echo ')embedded"}},'
  done
  echo '  }};'
  echo '  return kFiles;'
  echo '}}'
  echo '}}'
}} > $(location {name}.cc)
""".format(
            files = " ".join(["$(location %s)" % src for src in srcs]),
            function = function,
            guard = guard,
            header = header,
            name = name,
            namespace = namespace,
        ),
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        srcs = [name + ".cc"],
        hdrs = [name + ".h"],
        visibility = visibility,
        deps = [
            "//base:embedded_file",
            "//third_party:absl",
        ],
    )

def frostnas_embed_folder(name, folder, function, namespace, visibility = None):
    """A C++ library that holds the files of a folder, byte for byte.

    The header is as frostnas_embed's; names keep their endings, and the files
    are sorted by them.

    Args:
      name: the cc_library.
      folder: a target with one folder as its output.
      function: the function's name.
      namespace: the function's namespace.
      visibility: who may depend on it.
    """
    outs = [name + ending for ending in [".h", ".cc", ".pic.o"]]

    # Not a .S among srcs: Bazel would not assemble it again when only a file
    # that it includes has changed.
    native.genrule(
        name = name + "_generate",
        srcs = [folder],
        outs = outs,
        cmd = " ".join([
            "CC=$(CC) $(location //tools/bazel:embed_folder)",
            "$(location %s)" % folder,
            "%s/%s.h" % (native.package_name(), name),
            function,
            namespace,
        ] + ["$(location %s)" % out for out in outs]),
        toolchains = ["@bazel_tools//tools/cpp:current_cc_toolchain"],
        tools = ["//tools/bazel:embed_folder"],
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        srcs = outs[1:],
        hdrs = outs[:1],
        visibility = visibility,
        deps = [
            "//base:embedded_file",
            "//third_party:absl",
        ],
    )
