// Password policies: their rules and their store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/password_policy.h"

#include <fmt/format.h>

namespace traccia::identity {
namespace {

constexpr int64_t kDefaultLengthMin = 8;
constexpr int kDefaultSorts = 3;

struct Sorts {
  bool symbols = false, numbers = false, upper_case = false, lower_case = false;

  explicit Sorts(std::string_view password) {
    for (const char c : password) {
      symbols = symbols || kPasswordSymbols.find(c) != kPasswordSymbols.npos;
      numbers = numbers || (c >= '0' && c <= '9');
      upper_case = upper_case || (c >= 'A' && c <= 'Z');
      lower_case = lower_case || (c >= 'a' && c <= 'z');
    }
  }
  int count() const { return int{symbols} + int{numbers} + int{upper_case} + int{lower_case}; }
};

std::unexpected<Error> violation(std::string message) {
  return fail(ErrorCode::InvalidArgument, "PasswordPolicyViolation", std::move(message));
}

Result<> check_length(std::string_view password, int64_t length_min) {
  if (static_cast<int64_t>(password.size()) >= length_min) return {};
  return violation(fmt::format("Password should have a minimum length of {}", length_min));
}

std::optional<int64_t> optional_number(const meta::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

meta::Argument argument(const std::optional<int64_t>& number) {
  return number ? meta::Argument(*number) : meta::Argument(nullptr);
}

}  // namespace

Result<> PasswordPolicy::check(std::string_view password) const {
  TRY(check_length(password, length_min));
  const Sorts has(password);
  struct Rule {
    bool asked, met;
    std::string_view what;
  };
  for (const auto& [asked, met, what] :
       {Rule{upper_case, has.upper_case, "uppercase letter"},
        Rule{lower_case, has.lower_case, "lowercase letter"}, Rule{symbols, has.symbols, "symbol"},
        Rule{numbers, has.numbers, "number"}}) {
    if (asked && !met) return violation(fmt::format("Password should have at least one {}", what));
  }
  return {};
}

Result<> check_password(std::string_view password, const std::optional<PasswordPolicy>& policy) {
  if (policy) return policy->check(password);
  TRY(check_length(password, kDefaultLengthMin));
  if (Sorts(password).count() >= kDefaultSorts) return {};
  return violation(
      fmt::format("Password should have at least {} of: uppercase letter, lowercase "
                  "letter, number, symbol",
                  kDefaultSorts));
}

Result<std::optional<PasswordPolicy>> find_password_policy(meta::Transaction& transaction,
                                                           std::string_view account_id) {
  std::optional<PasswordPolicy> found;
  TRY(transaction.query(
      "SELECT length_min, symbols, numbers, upper_case, lower_case, users_may_change, days_max, "
      "not_among_last, hard_expiry FROM password_policies WHERE account = ?",
      {account_id}, [&](const meta::Row& row) -> Result<> {
        found = PasswordPolicy{.length_min = row.integer(0),
                               .symbols = row.integer(1) != 0,
                               .numbers = row.integer(2) != 0,
                               .upper_case = row.integer(3) != 0,
                               .lower_case = row.integer(4) != 0,
                               .users_may_change = row.integer(5) != 0,
                               .days_max = optional_number(row, 6),
                               .not_among_last = optional_number(row, 7),
                               .hard_expiry = row.integer(8) != 0};
        return {};
      }));
  return found;
}

Result<> set_password_policy(meta::Transaction& transaction, std::string_view account_id,
                             const PasswordPolicy& policy) {
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO password_policies (account, length_min, symbols, numbers, "
      "upper_case, lower_case, users_may_change, days_max, not_among_last, hard_expiry) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {account_id, policy.length_min, int64_t{policy.symbols}, int64_t{policy.numbers},
       int64_t{policy.upper_case}, int64_t{policy.lower_case}, int64_t{policy.users_may_change},
       argument(policy.days_max), argument(policy.not_among_last), int64_t{policy.hard_expiry}}));
  return {};
}

Result<> remove_password_policy(meta::Transaction& transaction, std::string_view account_id) {
  TRY_ASSIGN(const auto removed,
             transaction.execute("DELETE FROM password_policies WHERE account = ?", {account_id}));
  if (removed == 0) {
    return fail(
        ErrorCode::NotFound, "NoSuchEntity",
        fmt::format("The Password Policy with domain name {} cannot be found.", account_id));
  }
  return {};
}

}  // namespace traccia::identity
