// Aliases: names of an account and region that lead to a key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/page.h"
#include "kms/key.h"
#include "meta/database.h"

namespace traccia::kms {

struct Alias {
  std::string arn = {};
  std::string name = {};  // "alias/NAME"
  std::string key_arn = {};
  Time created = {};
  Time updated = {};

  std::string_view key_id() const;
};

// Functions work on the caller's transaction. Reasons of errors: AlreadyExists, NotFound,
// LimitExceeded (Quotas::kAliasesPerKey); messages are KMS's.

Result<> create_alias(meta::Transaction& transaction, std::string_view name, const Key& key,
                      Time now);
// nullopt when there is none.
Result<std::optional<Alias>> find_alias(meta::Transaction& transaction, std::string_view arn);
Result<Alias> get_alias(meta::Transaction& transaction, std::string_view arn);
Result<> point_alias(meta::Transaction& transaction, const Alias& alias, const Key& key, Time now);
Result<> remove_alias(meta::Transaction& transaction, const Alias& alias);
// By name; of one key, or of all when `key_arn` is empty.
Result<identity::Page<Alias>> list_aliases(meta::Transaction& transaction, const Place& place,
                                           std::string_view key_arn,
                                           const identity::Cursor& cursor);
// All that lead to the key, by name.
Result<std::vector<std::string>> aliases_of(meta::Transaction& transaction, const Key& key);

}  // namespace traccia::kms
