#!/bin/bash
# Runs get_onnx_runtime with a made-up npm.

set -eu -o pipefail

readonly tool="$PWD/tools/get_onnx_runtime"
cd "$TEST_TMPDIR"
mkdir bin
export PATH="$TEST_TMPDIR/bin:$PATH"

# Packs a library that is not the pinned one, or fails as $NPM_FAILS says.
cat > bin/npm << 'EOF'
#!/bin/bash
case "$NPM_FAILS:$1" in
  all:* | pack:pack) exit 1 ;;
  *:pack) ;;
  *) exit 0 ;;
esac
mkdir -p package/bin/napi-v6/linux/x64
echo other > package/bin/napi-v6/linux/x64/libonnxruntime.so.1
while [[ "$1" != --pack-destination ]]; do shift; done
tar -czf "$2/onnxruntime-node.tgz" package
EOF
chmod +x bin/npm

fail() {
  echo "$1" >&2
  exit 1
}

# The exit code, with NPM_FAILS=$1.
code_when() {
  local code=0
  NPM_FAILS="$1" "$tool" cache > out 2> err || code=$?
  echo "$code"
}

[[ "$(uname -m)" == x86_64 ]] || exit 0
[[ "$(code_when all)" == 3 ]] || fail "no registry is not told apart"
[[ "$(code_when pack)" == 1 ]] || fail "a missing package is no registry"
[[ "$(code_when none)" == 1 ]] || fail "another library is taken"
grep -q SHA-256 err || fail "the digest is not named"
[[ ! -s out ]] || fail "a path is printed without a library"
[[ -z "$(ls cache)" ]] || fail "something is left behind"
