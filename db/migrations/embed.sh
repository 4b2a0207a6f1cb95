#!/bin/sh
# Prints C++ that holds the migration scripts given as arguments.
set -eu

constant() {  # FILE: its contents as a raw string literal
  printf 'R"frostnas('
  cat "$1"
  printf ')frostnas"'
}

echo '#include "db/migrations/migrations.h"'
echo
echo 'namespace frostnas::db {'
echo
echo 'const std::vector<Migration>& Migrations() {'
echo '  static const auto& migrations = *new std::vector<Migration>{'
for up in $(printf '%s\n' "$@" | grep '\.up\.sql$' | sort); do
  stem=${up%.up.sql}
  name=$(basename "$stem")
  printf '      {"%s",\n' "$name"
  constant "$stem.up.sql"
  printf ',\n'
  constant "$stem.down.sql"
  printf ',\n'
  constant "$stem.check.sql"
  printf '},\n'
done
echo '  };'
echo '  return migrations;'
echo '}'
echo
echo '}  // namespace frostnas::db'
