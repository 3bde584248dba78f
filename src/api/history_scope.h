// Whose events, of which regions, and which of them an operation on the event history asks for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "api/operation_call.h"
#include "history/expression.h"

namespace traccia::api {

// The word for every account, or every region.
inline constexpr std::string_view kEvery = "all";

inline constexpr aws::Shape kHistoryAccount = aws::string_shape(3, 12);
inline constexpr aws::Shape kHistoryExpression =
    aws::string_shape(0, static_cast<int64_t>(history::kExpressionBytesMax));

struct HistoryScope {
  std::optional<std::string> account;  // absent: of every account
  std::optional<std::string> region;   // absent: of every region
  history::Expression expression;
};

// From the members AccountId (default: the caller's), Region (default: the request's) and
// Expression (default: every event). Reasons: AccessDenied, ValidationException, InvalidExpression.
Result<HistoryScope> authorise_scope(Call& call, std::string_view action);

}  // namespace traccia::api
