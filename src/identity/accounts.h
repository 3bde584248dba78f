// The accounts of this server: its tenants.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "identity/page.h"
#include "identity/policy_cache.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

// The values are stored. Whoever belongs to a closed account cannot sign, and its tokens send
// nothing; what it owns stays.
enum class AccountState : uint8_t { Active = 0, Closed = 1 };

struct Account {
  std::string id = {};  // 12 digits
  std::string name = {};
  std::string email = {};  // one account has it, whatever its case
  Time created = {};
  AccountState state = AccountState::Active;
  std::optional<Time> closed = {};
};

struct NewAccount {
  std::string_view name;
  std::string_view email;
  std::optional<std::string> id = {};  // made when there is none
};

bool valid_account_id(std::string_view text);  // 12 digits

// Thread-safe; state lives in the caller's transaction. Reasons of errors: AccountNotFound,
// AccountAlreadyExists, EmailAlreadyExists.
class Accounts {
 public:
  Accounts(os::Os os, PolicyCache& cache) : os_(os), cache_(cache) {}

  // InvalidArgument for an id that is not 12 digits.
  Result<Account> create(meta::Transaction& transaction, const NewAccount& wanted);
  Result<Account> get(meta::Transaction& transaction, std::string_view id);
  Result<Account> get_by_email(meta::Transaction& transaction, std::string_view email);
  // By id.
  Result<Page<Account>> list(meta::Transaction& transaction, const Cursor& cursor);
  // Nothing happens to a closed account.
  Result<> close(meta::Transaction& transaction, std::string_view id);

 private:
  Result<std::optional<Account>> find(meta::Transaction& transaction, std::string_view where,
                                      std::string_view argument);
  Result<std::string> unused_id(meta::Transaction& transaction);

  os::Os os_;
  PolicyCache& cache_;
};

}  // namespace traccia::identity
