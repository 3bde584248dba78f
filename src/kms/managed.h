// AWS managed keys: one that a service has in each account and region, made at its first use.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "kms/keys.h"
#include "meta/database.h"

namespace traccia::kms {

// The services that have such keys. Who may do what with one says a policy that nobody can change:
// everybody of the account through the service, and the account to look at it.
struct ManagedService {
  std::string_view name;  // "s3": of the alias, and of kms:ViaService
  std::string_view words;
  std::string_view protects;
  std::string_view policy_id;
  std::span<const std::string_view> through_service, by_account;  // actions

  std::string alias() const;  // "alias/aws/s3"
};
// nullptr for an alias that none has.
const ManagedService* find_managed_service(std::string_view alias);
std::string managed_policy(const ManagedService& service, const Place& place);

// The key behind the service's alias, made with it when there was none; it gets new material every
// year. Whether it was made now stands in `made`.
struct ManagedKey {
  Key key;
  bool made = false;
};
Result<ManagedKey> managed_key(meta::Transaction& transaction, Keys& keys,
                               const ManagedService& service, const Place& place, Time now);

}  // namespace traccia::kms
