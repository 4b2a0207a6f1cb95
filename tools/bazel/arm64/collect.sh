#!/bin/bash
# Copies an arm64 program and every shared library it needs into a folder.
#
#   collect PROGRAM FOLDER LIBRARIES
#
# LIBRARIES is searched first, then the cross compiler's C library.

set -eu -o pipefail

readonly folder="$2"
readonly places=("$3" /usr/aarch64-linux-gnu/lib)

find_library() { # NAME
  for place in "${places[@]}"; do
    if [[ -e "$place/$1" ]]; then
      echo "$place/$1"
      return
    fi
  done
  echo "collect: no $1 in ${places[*]}" >&2
  exit 1
}

needed() { # FILE
  aarch64-linux-gnu-readelf --dynamic --wide "$1" |
    sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'
}

mkdir -p "$folder"
cp -L "$1" "$folder"
# The loader the program names is also a library; it needs no other.
queue=("$folder/$(basename "$1")")
while ((${#queue[@]})); do
  file="${queue[0]}"
  queue=("${queue[@]:1}")
  for name in $(needed "$file"); do
    [[ ! -e "$folder/$name" ]] || continue
    library="$(find_library "$name")"
    cp -L "$library" "$folder/$name"
    queue+=("$folder/$name")
  done
done
chmod 755 "$folder"/*
