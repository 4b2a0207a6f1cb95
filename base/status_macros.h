// Early returns for functions that give a Status or StatusOr.
//
//   RETURN_IF_ERROR(Open(path));
//   ASSIGN_OR_RETURN(const std::string text, ReadFile(path, limits));
//
// The error is returned unchanged. Both may be used in any function whose
// return type an absl::Status converts to.

#ifndef FROSTNAS_BASE_STATUS_MACROS_H_
#define FROSTNAS_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expr)                                         \
  do {                                                                \
    if (absl::Status frostnas_status = (expr); !frostnas_status.ok()) \
        [[unlikely]] {                                                \
      return frostnas_status;                                         \
    }                                                                 \
  } while (false)

// `lhs` may declare a variable or name one. A declaration with a comma outside
// of parentheses (std::map<A, B> m) does not fit; use auto.
#define ASSIGN_OR_RETURN(lhs, expr) \
  FROSTNAS_ASSIGN_OR_RETURN_IMPL(   \
      FROSTNAS_STATUS_CONCAT(frostnas_status_or_, __LINE__), lhs, expr)

#define FROSTNAS_ASSIGN_OR_RETURN_IMPL(result, lhs, expr) \
  auto result = (expr);                                   \
  if (!result.ok()) [[unlikely]] {                        \
    return std::move(result).status();                    \
  }                                                       \
  lhs = *std::move(result)

#define FROSTNAS_STATUS_CONCAT(a, b) FROSTNAS_STATUS_CONCAT_INNER(a, b)
#define FROSTNAS_STATUS_CONCAT_INNER(a, b) a##b

#endif  // FROSTNAS_BASE_STATUS_MACROS_H_
