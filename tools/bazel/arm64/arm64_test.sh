#!/bin/bash
# Runs an arm64 program in its folder on an emulated processor.
#
#   arm64_test FOLDER PROCESSOR PROGRAM ARGS...

set -eu -o pipefail

cd "$1"
exec /usr/bin/qemu-aarch64-static -cpu "${@:2}"
