// The syntax of the phone's shell.
//
// Simple commands with quotes, variables, assignments and redirections, joined
// by `;`, newlines, `&&` and `||`. Pipes, background, substitutions, groups and
// reserved words are refused by name rather than misread.
#ifndef FROSTNAS_TESTS_PHONE_SHELL_PARSER_H_
#define FROSTNAS_TESTS_PHONE_SHELL_PARSER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas::phone {

// A part of a word: literal text or the name of a variable.
struct WordPart {
  std::string text;
  bool quoted = false;
  bool variable = false;
};
using Word = std::vector<WordPart>;

struct Redirection {
  int from = 1;  // 0, 1, 2
  enum class Kind { kRead, kWrite, kAppend, kDuplicate } kind = Kind::kWrite;
  int to = 1;   // kDuplicate
  Word target;  // others
};

struct SimpleCommand {
  // When it is run: always, after success, after failure.
  enum class After { kAny, kSuccess, kFailure } after = After::kAny;
  std::vector<std::pair<std::string, Word>> assignments;
  std::vector<Word> words;
  std::vector<Redirection> redirections;
};

using ShellScript = std::vector<SimpleCommand>;

// INVALID_ARGUMENT says what is wrong or not supported.
absl::StatusOr<ShellScript> ParseShell(absl::string_view text);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_SHELL_PARSER_H_
