"""Text files as C++ string constants, so that programs need no data files."""

def embed_text(name, constants, namespace = "frostnas", visibility = None):
    """A header NAME.h with one std::string_view a file.

    Args:
      name: the cc_library; the header is "PACKAGE/NAME.h".
      constants: constant name to file: a label of this package, or an absolute
        path that a Debian package owns. No file may hold `)embed"`.
      namespace: of the constants.
      visibility: who may include the header.
    """
    lines = [
        "echo '#pragma once'",
        "echo '#include <string_view>'",
        "echo 'namespace %s {'" % namespace,
    ]
    srcs = []
    for constant, file in constants.items():
        path = file
        if not file.startswith("/"):
            srcs.append(file)
            path = "$(location %s)" % file
        lines += [
            "echo 'inline constexpr std::string_view %s ='" % constant,
            # Compilers limit one literal, so a long file becomes several.
            "awk '{printf \"R\\\"embed(%%s\\n)embed\\\"\\n\", $$0}' %s" % path,
            "echo ';'",
        ]
    lines.append("echo '}  // namespace %s'" % namespace)
    native.genrule(
        name = name + "_header",
        srcs = srcs,
        outs = [name + ".h"],
        cmd = "(" + " && ".join(lines) + ") > $@",
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        hdrs = [name + ".h"],
        visibility = visibility,
    )
