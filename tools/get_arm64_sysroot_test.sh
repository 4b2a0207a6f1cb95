#!/bin/bash
# Runs get_arm64_sysroot with a made-up apt that has two real packages.

set -eu -o pipefail

readonly tool="$PWD/tools/get_arm64_sysroot"
cd "$TEST_TMPDIR"
mkdir bin debs
export PATH="$TEST_TMPDIR/bin:$PATH"
export HERE="$TEST_TMPDIR"

cat > bin/apt-get << 'EOF'
#!/bin/bash
echo "$*" >> "$HERE/calls"
[[ "$*" != *download* ]] || cp "$HERE/debs/"*.deb .
EOF
chmod +x bin/apt-get

fail() {
  echo "$1" >&2
  exit 1
}

package() { # NAME VERSION
  mkdir -p "tree/$1/DEBIAN"
  printf '%s\n' "Package: $1" "Version: $2" "Architecture: arm64" \
    "Maintainer: test" "Description: test" > "tree/$1/DEBIAN/control"
  dpkg-deb --build --root-owner-group "tree/$1" \
    "debs/$1_${2//:/%3a}_arm64.deb" > log
}

mkdir -p tree/alpha-dev/usr/{include,lib,share} tree/beta/usr/lib
echo "int alpha;" > tree/alpha-dev/usr/include/alpha.h
echo doc > tree/alpha-dev/usr/share/doc
echo archive > tree/alpha-dev/usr/lib/libalpha.a
ln -s libalpha.so.1 tree/alpha-dev/usr/lib/libalpha.so
ln -s libbeta.so.1 tree/alpha-dev/usr/lib/libbeta.so
echo shared > tree/beta/usr/lib/libbeta.so.1
package alpha-dev 1:1.0-3
package beta 2.5-1
printf '# comment\n\nalpha-dev 1:1.0-*\nbeta  2.5-*\n' > list
printf 'alpha-dev 1:2.0-*\nbeta  2.5-*\n' > wrong

mkdir -p cache/unpack.killed
sysroot="$("$tool" list cache 2> messages)" || fail "it was not made"
[[ -f "$sysroot/usr/include/alpha.h" && -f "$sysroot/usr/lib/libalpha.a" &&
  -f "$sysroot/usr/lib/libbeta.so" ]] || fail "files are missing"
[[ ! -L "$sysroot/usr/lib/libalpha.so" ]] || fail "a link leads nowhere"
[[ "$(echo cache/unpack.*)" == 'cache/unpack.*' ]] || fail "rests were left"
grep -q 'APT::Architecture=arm64.* download .*beta' calls ||
  fail "arm64 was not asked for"

rm calls
[[ "$("$tool" list cache)" == "$sysroot" ]] || fail "another folder"
[[ ! -e calls ]] || fail "apt ran for nothing"

if "$tool" wrong cache 2> messages; then fail "another version was accepted"; fi
grep -q 'alpha-dev:arm64 is 1:1.0-3 .*not 1:2.0-\*' messages ||
  fail "the message does not name the version"
[[ "$(ls cache)" == "$(printf '%s\nlock' "${sysroot##*/}")" ]] ||
  fail "something was left behind"

printf '#!/bin/bash\necho "E: no route"\nexit 100\n' > bin/apt-get
if "$tool" list other 2> messages; then fail "made without apt"; fi
grep -q 'no route' messages && grep -q 'cannot fetch' messages ||
  fail "the message does not say why"
