// CHECK ends the program when our own code is wrong. It is never for input:
// files, peers, users and devices get a Status.
//
//   CHECK(layer < num_layers) << "layer " << layer;
//   CHECK_EQ(src.size(), dst.size());
//   DCHECK(...) is a CHECK in debug builds and nothing with NDEBUG.
//
// A failed check prints the place, the condition and the message to stderr and
// aborts. The operands of CHECK_EQ and its kin are evaluated once. Safe on any
// thread.

#ifndef FROSTNAS_BASE_CHECK_H_
#define FROSTNAS_BASE_CHECK_H_

#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

namespace frostnas::internal {

// Collects the message; aborts in its destructor.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const std::string& what);
  [[noreturn]] ~CheckFailure();

  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;

  std::ostream& stream() { return message_; }

 private:
  std::ostringstream message_;
};

// Turns a stream expression into void, so that both sides of ?: agree.
struct Voidify {
  void operator&(const std::ostream&) const {}
};

template <typename T>
void PrintOperand(std::ostream& os, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    os << static_cast<long long>(value);
  } else if constexpr (requires { os << value; }) {
    os << value;
  } else {
    os << "(value without operator<<)";
  }
}

template <typename A, typename B>
std::string Compared(const char* text, const A& a, const B& b) {
  std::ostringstream os;
  os << text << " (";
  PrintOperand(os, a);
  os << " vs ";
  PrintOperand(os, b);
  os << ")";
  return os.str();
}

// Compares without a warning about mixed signs: two integers compare by value.
template <typename A, typename B>
constexpr bool kIntegers =
    std::is_integral_v<A>&& std::is_integral_v<B> && !std::is_same_v<A, bool> &&
    !std::is_same_v<B, bool> && !std::is_same_v<A, char> &&
    !std::is_same_v<B, char>;

// Each gives null when the comparison holds, else the text of the failure.
#define FROSTNAS_DEFINE_COMPARISON(Name, op, integer_compare)   \
  template <typename A, typename B>                             \
  std::unique_ptr<std::string> Name(const A& a, const B& b,     \
                                    const char* text) {         \
    bool holds;                                                 \
    if constexpr (kIntegers<A, B>) {                            \
      holds = integer_compare(a, b);                            \
    } else {                                                    \
      holds = a op b;                                           \
    }                                                           \
    if (holds) [[likely]] {                                     \
      return nullptr;                                           \
    }                                                           \
    return std::make_unique<std::string>(Compared(text, a, b)); \
  }
FROSTNAS_DEFINE_COMPARISON(CompareEq, ==, std::cmp_equal)
FROSTNAS_DEFINE_COMPARISON(CompareNe, !=, std::cmp_not_equal)
FROSTNAS_DEFINE_COMPARISON(CompareLt, <, std::cmp_less)
FROSTNAS_DEFINE_COMPARISON(CompareLe, <=, std::cmp_less_equal)
FROSTNAS_DEFINE_COMPARISON(CompareGt, >, std::cmp_greater)
FROSTNAS_DEFINE_COMPARISON(CompareGe, >=, std::cmp_greater_equal)
#undef FROSTNAS_DEFINE_COMPARISON

}  // namespace frostnas::internal

#define CHECK(condition)                                                       \
  (condition)                                                                  \
      ? (void)0                                                                \
      : ::frostnas::internal::Voidify() &                                      \
            ::frostnas::internal::CheckFailure(__FILE__, __LINE__, #condition) \
                .stream()

#define FROSTNAS_CHECK_OP(Name, op, a, b)                                  \
  while (const auto frostnas_failed =                                      \
             ::frostnas::internal::Name((a), (b), #a " " #op " " #b))      \
  ::frostnas::internal::CheckFailure(__FILE__, __LINE__, *frostnas_failed) \
      .stream()

#define CHECK_EQ(a, b) FROSTNAS_CHECK_OP(CompareEq, ==, a, b)
#define CHECK_NE(a, b) FROSTNAS_CHECK_OP(CompareNe, !=, a, b)
#define CHECK_LT(a, b) FROSTNAS_CHECK_OP(CompareLt, <, a, b)
#define CHECK_LE(a, b) FROSTNAS_CHECK_OP(CompareLe, <=, a, b)
#define CHECK_GT(a, b) FROSTNAS_CHECK_OP(CompareGt, >, a, b)
#define CHECK_GE(a, b) FROSTNAS_CHECK_OP(CompareGe, >=, a, b)

// For a Status that our own code guarantees to be ok.
#define CHECK_OK(expr)                                                     \
  while (const auto frostnas_failed =                                      \
             ::frostnas::internal::NotOk(expr, #expr))                     \
  ::frostnas::internal::CheckFailure(__FILE__, __LINE__, *frostnas_failed) \
      .stream()

namespace frostnas::internal {

// Null when `result` (a Status or StatusOr) is ok, else the text to print.
template <typename T>
std::unique_ptr<std::string> NotOk(const T& result, const char* text) {
  if (result.ok()) [[likely]] {
    return nullptr;
  }
  std::ostringstream os;
  os << text << " is ";
  if constexpr (requires { result.status(); }) {
    os << result.status();
  } else {
    os << result;
  }
  return std::make_unique<std::string>(os.str());
}

}  // namespace frostnas::internal

#ifdef NDEBUG
#define DCHECK(condition) CHECK(true || (condition))
#define DCHECK_EQ(a, b) DCHECK((a) == (b))
#define DCHECK_NE(a, b) DCHECK((a) != (b))
#define DCHECK_LT(a, b) DCHECK((a) < (b))
#define DCHECK_LE(a, b) DCHECK((a) <= (b))
#define DCHECK_GT(a, b) DCHECK((a) > (b))
#define DCHECK_GE(a, b) DCHECK((a) >= (b))
#else
#define DCHECK(condition) CHECK(condition)
#define DCHECK_EQ(a, b) CHECK_EQ(a, b)
#define DCHECK_NE(a, b) CHECK_NE(a, b)
#define DCHECK_LT(a, b) CHECK_LT(a, b)
#define DCHECK_LE(a, b) CHECK_LE(a, b)
#define DCHECK_GT(a, b) CHECK_GT(a, b)
#define DCHECK_GE(a, b) CHECK_GE(a, b)
#endif

#endif  // FROSTNAS_BASE_CHECK_H_
