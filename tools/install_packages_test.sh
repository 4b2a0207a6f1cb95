#!/bin/bash
# Runs install_packages with a made-up dpkg and apt.

set -eu -o pipefail

readonly tool="$PWD/tools/install_packages"
cd "$TEST_TMPDIR"
mkdir bin
export PATH="$TEST_TMPDIR/bin:$PATH"
export DB="$TEST_TMPDIR/db"

cat > bin/dpkg-query << 'EOF'
#!/bin/bash
cat "$DB"
EOF
cat > bin/apt-get << 'EOF'
#!/bin/bash
echo "$*" >> calls
[[ "$*" != *install* ]] || echo "beta 2.5-1 installed" >> "$DB"
EOF
# Stands for being root.
cat > bin/sudo << 'EOF'
#!/bin/bash
exec "$@"
EOF
chmod +x bin/*

fail() {
  echo "$1" >&2
  exit 1
}

printf '# comment\n\nalpha 1.0-*\nbeta  2:2.5*\n' > wrong
printf 'alpha 1.0-*\nbeta  2.5-*\n' > list

printf 'alpha 1.0-3+deb12u1 installed\nbeta 2.5-1 installed\n' > "$DB"
"$tool" list || fail "what is present was not accepted"
[[ ! -e calls ]] || fail "apt ran for nothing"

printf 'alpha 1.0-3 installed\nbeta 2.5-1 config-files\n' > "$DB"
"$tool" list 2> /dev/null || fail "a missing package was not installed"
grep -q 'install.* beta$' calls || fail "not just beta was installed"

if "$tool" wrong 2> messages; then fail "another version was accepted"; fi
grep -q 'beta (want 2:2.5\*, have 2.5-1)' messages ||
  fail "the message does not name the version"
