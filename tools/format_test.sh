#!/bin/bash
# Formats a file and sees that the check then passes.

set -eu -o pipefail

if ! command -v clang-format > /dev/null; then
  echo "clang-format is not installed: nothing to test"
  exit 0
fi

file="$TEST_TMPDIR/a.cc"
printf 'int  F( ){return 1 ;}\n' > "$file"
if tools/format --check "$file" 2> /dev/null; then
  echo "an unformatted file passed" >&2
  exit 1
fi
tools/format "$file"
tools/format --check "$file"
[[ "$(cat "$file")" == "int F() { return 1; }" ]]
