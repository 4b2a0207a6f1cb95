#!/bin/bash
# The work of frostnas_embed_folder (embed.bzl); CC is the compiler.
#
#   embed_folder FOLDER INCLUDE FUNCTION NAMESPACE HEADER SOURCE OBJECT
#
# Writes HEADER, which SOURCE includes as INCLUDE, and OBJECT with the bytes.

set -eu -o pipefail

readonly folder="$1" include="$2" function="$3" namespace="$4"
readonly header="$5" source="$6" object="$7"
guard="$(tr 'a-z/.' 'A-Z__' <<< "${include}_")"
readonly guard symbol="frostnas_embedded_${include//[^a-zA-Z0-9]/_}"
export LC_ALL=C

cat > "$header" << EOF
#ifndef $guard
#define $guard
#include "absl/types/span.h"
#include "base/embedded_file.h"
namespace $namespace {
absl::Span<const ::frostnas::EmbeddedFile> $function();
}
#endif
EOF

assembly="$object.s"
declarations=""
entries=""
count=0
{
  echo '.section .note.GNU-stack,"",%progbits'
  echo '.section .rodata,"a",%progbits'
  for file in "$folder"/*; do
    begin="${symbol}_$count" end="${symbol}_${count}_end"
    printf '.global %s, %s\n.hidden %s, %s\n' "$begin" "$end" "$begin" "$end"
    printf '.balign 16\n%s: .incbin "%s"\n%s: .byte 0\n' \
      "$begin" "$file" "$end"
    declarations+="extern \"C\" const char $begin[], $end[];"$'\n'
    entries+="    {\"${file##*/}\", {$begin, size_t($end - $begin)}},"$'\n'
    count=$((count + 1))
  done
} > "$assembly"
"$CC" -c "$assembly" -o "$object"
rm "$assembly"

cat > "$source" << EOF
#include "$include"
#include <cstddef>
${declarations}namespace $namespace {
absl::Span<const ::frostnas::EmbeddedFile> $function() {
  static const ::frostnas::EmbeddedFile kFiles[] = {
$entries  };
  return kFiles;
}
}
EOF
