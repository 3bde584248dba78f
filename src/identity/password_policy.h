// What an account asks of its users' passwords.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"

namespace traccia::identity {

// "Set an account password policy for IAM users". As it is here, what UpdateAccountPasswordPolicy
// makes of members that a request leaves out.
struct PasswordPolicy {
  int64_t length_min = 6;
  bool symbols = false;
  bool numbers = false;
  bool upper_case = false;
  bool lower_case = false;
  bool users_may_change = false;
  std::optional<int64_t> days_max = {};        // after which a password expires
  std::optional<int64_t> not_among_last = {};  // passwords, the present one among them
  bool hard_expiry = false;                    // an expired one cannot be changed by its user

  // Reason PasswordPolicyViolation: the first thing that the password lacks.
  Result<> check(std::string_view password) const;
};

inline constexpr int64_t kPasswordHistoryMax = 24;
inline constexpr std::string_view kPasswordSymbols = "!@#$%^&*()_+-=[]{}|'";

// nullopt: the account has the default one.
Result<std::optional<PasswordPolicy>> find_password_policy(meta::Transaction& transaction,
                                                           std::string_view account_id);
// Passwords has the ways to change it, after which its rights are not cached any more.
Result<> set_password_policy(meta::Transaction& transaction, std::string_view account_id,
                             const PasswordPolicy& policy);
// Reason NoSuchEntity.
Result<> remove_password_policy(meta::Transaction& transaction, std::string_view account_id);

// Under the account's policy, or the default one: eight characters of three sorts.
Result<> check_password(std::string_view password, const std::optional<PasswordPolicy>& policy);

}  // namespace traccia::identity
