"""Debian's arm64 libraries as a repository (tools/get_arm64_sysroot)."""

_PATH = "FROSTNAS_ARM64_SYSROOT"

_BUILD = """
package(default_visibility = ["//visibility:public"])

filegroup(
    name = "headers",
    srcs = glob(["usr/include/**"]),
)

filegroup(
    name = "libraries",
    srcs = glob([
        "usr/lib/aarch64-linux-gnu/*.a",
        "usr/lib/aarch64-linux-gnu/*.so*",
    ]),
)
"""

def _arm64_sysroot_impl(repository_ctx):
    path = repository_ctx.os.environ.get(_PATH)
    if not path:
        fail("%s is not set: start Bazel with ./bazelw" % _PATH)
    repository_ctx.symlink(path + "/usr", "usr")
    repository_ctx.file("BUILD.bazel", _BUILD)

arm64_sysroot = repository_rule(
    implementation = _arm64_sysroot_impl,
    doc = "Links to the folder that ./bazelw made and named.",
    environ = [_PATH],
    local = True,
)
