// What an organization keeps beside its tree and policies: requests for accounts, services that it
// trusts, delegated administrators, tags.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/page.h"
#include "identity/tags.h"
#include "organization/organizations.h"

namespace traccia::organization {

// Of CreateAccount. An account is made before the answer leaves, so that none is under way.
struct AccountRequest {
  std::string id = {};  // car-…
  std::string name = {};
  std::string account = {};  // empty where it failed
  std::string failure = {};  // "EMAIL_ALREADY_EXISTS"; empty where it succeeded
  Time requested = {};
};

struct Dated {
  std::string what = {};  // a service, or an account
  Time since = {};
};

// Functions work on the caller's transaction. Reasons of errors: CreateAccountStatusNotFound,
// AccountAlreadyRegistered, AccountNotRegistered, InvalidInput/…, ConstraintViolation/….

Result<> put_request(meta::Transaction& transaction, const Organization& organization,
                     const AccountRequest& request);
Result<AccountRequest> get_request(meta::Transaction& transaction, const Organization& organization,
                                   std::string_view id);
enum class Outcome : uint8_t { Any, Succeeded, Failed };
// By id.
Result<identity::Page<AccountRequest>> list_requests(meta::Transaction& transaction,
                                                     const Organization& organization,
                                                     Outcome outcome,
                                                     const identity::Cursor& cursor);

// Trusting twice, or ending what is not there, changes nothing.
Result<> trust_service(meta::Transaction& transaction, const Organization& organization,
                       std::string_view service, Time now);
Result<> distrust_service(meta::Transaction& transaction, const Organization& organization,
                          std::string_view service);
Result<bool> trusts_service(meta::Transaction& transaction, const Organization& organization,
                            std::string_view service);
// By name.
Result<identity::Page<Dated>> list_trusted(meta::Transaction& transaction,
                                           const Organization& organization,
                                           const identity::Cursor& cursor);

struct Delegation {
  std::string_view account;
  std::string_view service;
};
Result<> delegate(meta::Transaction& transaction, const Organization& organization,
                  const Delegation& delegation, Time now);
Result<> end_delegation(meta::Transaction& transaction, const Organization& organization,
                        const Delegation& delegation);
// Whether the account administers any service.
Result<bool> is_delegated(meta::Transaction& transaction, const Organization& organization,
                          std::string_view account);
// By account, with the first time that it was registered; of one service, or of any.
Result<identity::Page<Dated>> list_delegated(meta::Transaction& transaction,
                                             const Organization& organization,
                                             std::optional<std::string_view> service,
                                             const identity::Cursor& cursor);
// By name.
Result<identity::Page<Dated>> list_delegated_services(meta::Transaction& transaction,
                                                      const Organization& organization,
                                                      std::string_view account,
                                                      const identity::Cursor& cursor);

// By key; case counts.
Result<std::vector<identity::Tag>> list_tags(meta::Transaction& transaction,
                                             const Organization& organization,
                                             std::string_view resource);
Result<> set_tags(meta::Transaction& transaction, const Organization& organization,
                  std::string_view resource, const std::vector<identity::Tag>& tags);
Result<> remove_tags(meta::Transaction& transaction, const Organization& organization,
                     std::string_view resource, const std::vector<std::string>& keys);

}  // namespace traccia::organization
