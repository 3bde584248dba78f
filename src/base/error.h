// How the project reports operating errors: as values with context. Programmer errors are
// assertions (assert.h), never Errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace traccia {

// Chosen by what the caller should do, not by where the trouble arose.
enum class ErrorCode {
  InvalidArgument,     // the request is wrong; repeating it cannot help
  NotFound,            // the thing named does not exist
  AlreadyExists,       // the thing to be created exists
  PermissionDenied,    // the caller may not
  FailedPrecondition,  // the system's state forbids it; change the state first
  ResourceExhausted,   // a named limit was reached; retry later or ask for less
  Unavailable,         // passing trouble; retry with backoff
  DataLoss,            // stored bytes are corrupt or gone; the message names the place
  Aborted,             // lost a race; retry the whole operation
  Internal,            // a broken assumption reported as a value
};

std::string_view to_string(ErrorCode code);

// An operating error. `reason` is a stable word (a string literal) that callers may branch on and
// that `api` maps to an AWS error name; empty when nobody branches on it. `message` is for people:
// lower case, no full stop, outermost context first.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(ErrorCode code, std::string_view reason, std::string message)
      : code_(code), reason_(reason), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  std::string_view reason() const { return reason_; }
  const std::string& message() const { return message_; }

  // Prefixes what the caller was doing: "seal segment 42: fsync: input/output error".
  Error with_context(std::string_view doing) && {
    message_.insert(0, ": ").insert(0, doing);
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string_view reason_;
  std::string message_;
};

template <typename T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error(code, std::move(message)));
}
// `reason` must be a string literal: Error keeps the view.
inline std::unexpected<Error> fail(ErrorCode code, std::string_view reason, std::string message) {
  return std::unexpected<Error>(Error(code, reason, std::move(message)));
}

}  // namespace traccia

#define TRACCIA_CONCAT_INNER(a, b) a##b
#define TRACCIA_CONCAT(a, b) TRACCIA_CONCAT_INNER(a, b)

// Names that nested uses (a lambda inside the expression) do not shadow.
#define TRACCIA_UNIQUE(prefix) TRACCIA_CONCAT(prefix, __COUNTER__)

// Returns the error of a Result<void> (or discards a value) to the caller.
#define TRY(expr) TRY_INNER(TRACCIA_UNIQUE(try_result_), expr)
#define TRY_INNER(tmp, expr)                                                                       \
  do {                                                                                             \
    if (auto tmp = (expr); !tmp) return std::unexpected<::traccia::Error>(std::move(tmp).error()); \
  } while (false)

// TRY_ASSIGN(auto file, fs.open(path)): declares or assigns the value, or returns the error.
#define TRY_ASSIGN(decl, expr) TRY_ASSIGN_INNER(TRACCIA_UNIQUE(try_value_), decl, expr)
#define TRY_ASSIGN_INNER(tmp, decl, expr)                                     \
  auto tmp = (expr);                                                          \
  if (!tmp) return std::unexpected<::traccia::Error>(std::move(tmp).error()); \
  decl = std::move(tmp).value()
