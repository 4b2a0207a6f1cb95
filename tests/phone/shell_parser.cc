#include "tests/phone/shell_parser.h"

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::phone {
namespace {

constexpr std::array<absl::string_view, 10> kReserved = {
    "if", "for", "while", "until", "case", "function", "{", "}", "!", "time"};

bool IsNameStart(char c) { return absl::ascii_isalpha(c) || c == '_'; }
bool IsNameChar(char c) { return absl::ascii_isalnum(c) || c == '_'; }

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<ShellScript> Parse() {
    ShellScript script;
    SimpleCommand::After after = SimpleCommand::After::kAny;
    bool wanted = false;  // after && and ||
    for (;;) {
      SkipBlanks(/*lines=*/wanted || script.empty());
      ASSIGN_OR_RETURN(SimpleCommand command, ParseCommand());
      command.after = after;
      const bool empty = command.words.empty() && command.assignments.empty() &&
                         command.redirections.empty();
      if (!empty) script.push_back(std::move(command));
      if (empty && (wanted || (!AtEnd() && !At(';') && !At('\n')))) {
        return Error("unexpected end of command");
      }
      if (AtEnd()) return script;
      wanted = At('&') || At('|');
      if (Take("&&")) {
        after = SimpleCommand::After::kSuccess;
      } else if (Take("||")) {
        after = SimpleCommand::After::kFailure;
      } else if (Take(";") || Take("\n")) {
        after = SimpleCommand::After::kAny;
      } else {
        return Error(
            absl::StrCat("not supported here: ", text_.substr(at_, 1)));
      }
    }
  }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  bool At(char c) const { return !AtEnd() && text_[at_] == c; }
  bool Take(absl::string_view token) {
    if (!absl::StartsWith(text_.substr(at_), token)) return false;
    at_ += token.size();
    return true;
  }
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("syntax error: ", what));
  }

  void SkipBlanks(bool lines) {
    while (!AtEnd()) {
      if (At('#')) {
        while (!AtEnd() && !At('\n')) ++at_;
      } else if (At(' ') || At('\t') || (lines && At('\n'))) {
        ++at_;
      } else if (!Take("\\\n")) {
        return;
      }
    }
  }

  absl::StatusOr<SimpleCommand> ParseCommand() {
    SimpleCommand command;
    for (;;) {
      SkipBlanks(/*lines=*/false);
      if (AtEnd() || absl::StrContains(";\n&|", text_.substr(at_, 1))) {
        return command;
      }
      ASSIGN_OR_RETURN(const bool redirected, ParseRedirection(command));
      if (redirected) continue;
      std::string name;
      if (command.words.empty() && ParseAssignmentName(&name)) {
        ASSIGN_OR_RETURN(Word value, ParseWord());
        command.assignments.emplace_back(name, std::move(value));
        continue;
      }
      ASSIGN_OR_RETURN(Word word, ParseWord());
      RETURN_IF_ERROR(CheckReserved(command, word));
      command.words.push_back(std::move(word));
    }
  }

  absl::Status CheckReserved(const SimpleCommand& command,
                             const Word& word) const {
    if (!command.words.empty() || word.size() != 1 || word[0].quoted) {
      return absl::OkStatus();
    }
    for (const absl::string_view reserved : kReserved) {
      if (word[0].text == reserved) {
        return Error(absl::StrCat("not supported: ", reserved));
      }
    }
    return absl::OkStatus();
  }

  bool ParseAssignmentName(std::string* name) {
    size_t end = at_;
    if (AtEnd() || !IsNameStart(text_[end])) return false;
    while (end < text_.size() && IsNameChar(text_[end])) ++end;
    if (end >= text_.size() || text_[end] != '=') return false;
    *name = std::string(text_.substr(at_, end - at_));
    at_ = end + 1;
    return true;
  }

  absl::StatusOr<bool> ParseRedirection(SimpleCommand& command) {
    const size_t start = at_;
    Redirection redirection;
    int from = -1;
    if (text_[at_] >= '0' && text_[at_] <= '2') from = text_[at_++] - '0';
    if (Take("<<") || Take("<&") || Take("<>")) {
      return Error("not supported: here documents and <&");
    }
    if (Take("<")) {
      redirection.kind = Redirection::Kind::kRead;
      redirection.from = from < 0 ? 0 : from;
    } else if (Take(">&")) {
      redirection.kind = Redirection::Kind::kDuplicate;
      redirection.from = from < 0 ? 1 : from;
      if (!At('1') && !At('2')) return Error(">& wants 1 or 2");
      redirection.to = text_[at_++] - '0';
    } else if (Take(">>")) {
      redirection.kind = Redirection::Kind::kAppend;
      redirection.from = from < 0 ? 1 : from;
    } else if (Take(">")) {
      redirection.from = from < 0 ? 1 : from;
    } else {
      at_ = start;
      return false;
    }
    if (redirection.kind != Redirection::Kind::kDuplicate) {
      SkipBlanks(/*lines=*/false);
      ASSIGN_OR_RETURN(redirection.target, ParseWord());
      if (redirection.target.empty()) return Error("a file is missing");
    }
    command.redirections.push_back(std::move(redirection));
    return true;
  }

  absl::StatusOr<Word> ParseWord() {
    Word word;
    while (!AtEnd()) {
      const char c = text_[at_];
      if (absl::StrContains(" \t\n;&|<>", absl::string_view(&c, 1))) break;
      if (c == '(' || c == ')' || c == '`') {
        return Error(absl::StrCat("not supported: ", absl::string_view(&c, 1)));
      }
      ++at_;
      if (c == '\'') {
        RETURN_IF_ERROR(ParseSingleQuoted(word));
      } else if (c == '"') {
        RETURN_IF_ERROR(ParseDoubleQuoted(word));
      } else if (c == '\\') {
        if (AtEnd()) return Error("a backslash at the end");
        Add(word, text_[at_++], /*quoted=*/true);
      } else if (c == '$') {
        RETURN_IF_ERROR(ParseVariable(word, /*quoted=*/false));
      } else {
        Add(word, c, /*quoted=*/false);
      }
    }
    return word;
  }

  static void Add(Word& word, char c, bool quoted) {
    if (word.empty() || word.back().variable || word.back().quoted != quoted) {
      word.push_back({"", quoted, false});
    }
    word.back().text.push_back(c);
  }

  absl::Status ParseSingleQuoted(Word& word) {
    const size_t end = text_.find('\'', at_);
    if (end == absl::string_view::npos) return Error("no closing quote");
    word.push_back({std::string(text_.substr(at_, end - at_)), true, false});
    at_ = end + 1;
    return absl::OkStatus();
  }

  absl::Status ParseDoubleQuoted(Word& word) {
    word.push_back({"", true, false});  // "" is a word
    while (!AtEnd() && !At('"')) {
      const char c = text_[at_++];
      if (c == '`') return Error("not supported: `");
      if (c == '$') {
        RETURN_IF_ERROR(ParseVariable(word, /*quoted=*/true));
        continue;
      }
      if (c != '\\' || AtEnd()) {
        Add(word, c, true);
        continue;
      }
      const char next = text_[at_++];
      if (!absl::StrContains("$`\"\\\n", absl::string_view(&next, 1))) {
        Add(word, c, true);
      }
      if (next != '\n') Add(word, next, true);
    }
    if (!Take("\"")) return Error("no closing quote");
    return absl::OkStatus();
  }

  // After the dollar.
  absl::Status ParseVariable(Word& word, bool quoted) {
    if (At('(')) return Error("not supported: $(");
    if (Take("?")) {
      word.push_back({"?", quoted, true});
      return absl::OkStatus();
    }
    const bool braces = Take("{");
    const size_t start = at_;
    if (!AtEnd() && IsNameStart(text_[at_])) {
      while (!AtEnd() && IsNameChar(text_[at_])) ++at_;
    }
    const std::string name(text_.substr(start, at_ - start));
    if (braces && (name.empty() || !Take("}"))) {
      return Error("not supported: ${ with more than a name");
    }
    if (name.empty()) {
      Add(word, '$', quoted);
    } else {
      word.push_back({name, quoted, true});
    }
    return absl::OkStatus();
  }

  const absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<ShellScript> ParseShell(absl::string_view text) {
  return Parser(text).Parse();
}

}  // namespace frostnas::phone
