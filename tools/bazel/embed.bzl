"""Text files as C++ data, so that programs need no files beside them."""

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
