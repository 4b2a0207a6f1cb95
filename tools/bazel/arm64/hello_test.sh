#!/bin/bash
# Runs hello on this machine and its arm64 build on processors of phones.
#
#   hello_test HELLO ARM64_FOLDER

set -eu -o pipefail

readonly emulator=/usr/bin/qemu-aarch64-static
hello="$(readlink -f "$1")"
folder="$TEST_TMPDIR/arm64"

fail() {
  echo "$1" >&2
  exit 1
}

# Off the build's folders, where nothing but the folder's own files is found.
cp -rL "$2" "$folder"
cd "$folder"

"$hello" | sed 's/^dot .*/dot 1/' > ../expected
"$emulator" -cpu max ./hello > ../dot
diff ../expected ../dot || fail "arm64 with dot products differs"
sed -i 's/^dot .*/dot 0/' ../expected
"$emulator" -cpu cortex-a53 ./hello > ../plain
diff ../expected ../plain || fail "arm64 without dot products differs"

# Through the loader it starts from any folder.
cd /
"$emulator" "$folder/ld-linux-aarch64.so.1" "$folder/hello" > "$TEST_TMPDIR/far"
diff "$TEST_TMPDIR/dot" "$TEST_TMPDIR/far" || fail "the loader differs"
