"""Programs for arm64 phones."""

def _arm64_impl(settings, _attr):
    # Warnings are the tree's; what a sanitizer or Clang asked for stays behind.
    warnings = [
        flag
        for flag in settings["//command_line_option:copt"]
        if flag.startswith("-W")
    ]
    return {
        "//command_line_option:compilation_mode": "opt",
        "//command_line_option:compiler": "gcc",
        "//command_line_option:copt": warnings,
        "//command_line_option:cpu": "phone_arm64",
        "//command_line_option:crosstool_top": "//tools/bazel/arm64:toolchain",
        "//command_line_option:features": [],
        "//command_line_option:linkopt": [],
    }

_arm64 = transition(
    implementation = _arm64_impl,
    inputs = ["//command_line_option:copt"],
    outputs = [
        "//command_line_option:compilation_mode",
        "//command_line_option:compiler",
        "//command_line_option:copt",
        "//command_line_option:cpu",
        "//command_line_option:crosstool_top",
        "//command_line_option:features",
        "//command_line_option:linkopt",
    ],
)

def _arm64_program_impl(ctx):
    program = ctx.attr.program[0][DefaultInfo].files_to_run.executable
    folder = ctx.actions.declare_directory(ctx.label.name)
    libraries = ctx.files._libraries
    ctx.actions.run(
        outputs = [folder],
        inputs = [program] + libraries,
        executable = ctx.executable._collect,
        arguments = [program.path, folder.path, libraries[0].dirname],
        mnemonic = "CollectArm64",
    )
    return [DefaultInfo(
        files = depset([folder]),
        runfiles = ctx.runfiles([folder]),
    )]

arm64_program = rule(
    implementation = _arm64_program_impl,
    doc = """A folder with a program for arm64 Linux and all it needs to run.

    Besides the program it holds the loader and the shared libraries, those of C
    included, so that it also runs where there is another C library, as on
    Android. The program is started in that folder: `cd FOLDER && ./PROGRAM`.
    """,
    attrs = {
        "program": attr.label(
            doc = "The cc_binary.",
            cfg = _arm64,
            executable = True,
            mandatory = True,
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/" +
                      "function_transition_allowlist",
        ),
        "_collect": attr.label(
            default = "//tools/bazel/arm64:collect",
            cfg = "exec",
            executable = True,
        ),
        "_libraries": attr.label(
            default = "@arm64_sysroot//:libraries",
            allow_files = True,
        ),
    },
)

def arm64_test(
        name,
        test,
        processor = "max",
        flags = [],
        tags = [],
        **kwargs):
    """Runs a cc_test's arm64 build on an emulated processor.

    The test finds none of its data files.

    Args:
      name: the test.
      test: the cc_test.
      processor: QEMU's name. "max" has every instruction there is,
        "cortex-a53" no dot products of bytes.
      flags: for the test.
      tags: beside those that keep it out of the sanitizers' runs, where it
        would be the same program again.
      **kwargs: as any test's.
    """
    arm64_program(
        name = name + "_program",
        testonly = True,
        program = test,
        visibility = ["//visibility:private"],
    )
    native.sh_test(
        name = name,
        srcs = ["//tools/bazel/arm64:arm64_test.sh"],
        args = [
            "$(location :%s_program)" % name,
            processor,
            "./" + test.split(":")[-1],
        ] + flags,
        data = [":%s_program" % name],
        tags = tags + ["noasan", "notsan"],
        **kwargs
    )
