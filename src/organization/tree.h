// The tree of an organization: its root, organizational units, and accounts as leaves.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "identity/accounts.h"
#include "identity/page.h"
#include "organization/organizations.h"

namespace traccia::organization {

struct Unit {
  std::string id = {};  // ou-ROOT-…
  std::string name = {};
  std::string parent = {};
};

struct Member {
  identity::Account account = {};
  std::string parent = {};
  Time joined = {};
  JoinedMethod method = JoinedMethod::Created;
};

// Thread-safe; state lives in the caller's transaction. Reasons of errors: ParentNotFound,
// OrganizationalUnitNotFound, DuplicateOrganizationalUnit, OrganizationalUnitNotEmpty,
// AccountNotFound, ConstraintViolation/….
class Tree {
 public:
  Tree(os::Os os, Organizations& organizations) : os_(os), organizations_(organizations) {}

  Result<Unit> create_unit(meta::Transaction& transaction, const Organization& organization,
                           std::string_view parent, std::string_view name);
  Result<Unit> get_unit(meta::Transaction& transaction, const Organization& organization,
                        std::string_view id);
  Result<Unit> rename_unit(meta::Transaction& transaction, const Organization& organization,
                           std::string_view id, std::string_view name);
  Result<> remove_unit(meta::Transaction& transaction, const Organization& organization,
                       std::string_view id);
  // By id.
  Result<identity::Page<Unit>> units_of(meta::Transaction& transaction, std::string_view parent,
                                        const identity::Cursor& cursor);
  // ParentNotFound unless it is the root or a unit of the organization.
  Result<> check_parent(meta::Transaction& transaction, const Organization& organization,
                        std::string_view id);

  // ConstraintViolation/ACCOUNT_NUMBER_LIMIT_EXCEEDED. The account must belong to none.
  Result<> add_member(meta::Transaction& transaction, const Organization& organization,
                      std::string_view account, JoinedMethod method);
  Result<Member> get_member(meta::Transaction& transaction, const Organization& organization,
                            std::string_view account);
  // By account id; of one parent, or of the whole organization.
  Result<identity::Page<Member>> members(meta::Transaction& transaction,
                                         const Organization& organization,
                                         std::optional<std::string_view> parent,
                                         const identity::Cursor& cursor);
  Result<> move(meta::Transaction& transaction, const Member& member, std::string_view parent);
  // With its attachments, delegations and tags.
  Result<> remove_member(meta::Transaction& transaction, const Organization& organization,
                         std::string_view account);

 private:
  Result<> attach_full_access(meta::Transaction& transaction, const Organization& organization,
                              std::string_view node);
  Result<> forget_node(meta::Transaction& transaction, const Organization& organization,
                       std::string_view node);
  Result<> check_name(meta::Transaction& transaction, std::string_view parent,
                      std::string_view name, std::string_view except);

  os::Os os_;
  Organizations& organizations_;
};

}  // namespace traccia::organization
