// Service control policies: what an organization forbids its accounts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/page.h"
#include "organization/organizations.h"

namespace traccia::organization {

struct ControlPolicy {
  std::string id = {};  // p-…
  std::string name = {};
  std::string description = {};
  std::string content = {};
  bool aws_managed = false;
};

struct PolicyChanges {
  std::optional<std::string> name, description, content;
};

enum class TargetKind : uint8_t { Root, Unit, Account };
struct Target {
  std::string id = {};
  std::string name = {};
  TargetKind kind = TargetKind::Root;
};

// Thread-safe; state lives in the caller's transaction. Reasons of errors: PolicyNotFound,
// DuplicatePolicy, MalformedPolicyDocument, PolicyInUse, PolicyTypeNotEnabled,
// DuplicatePolicyAttachment, PolicyNotAttached, TargetNotFound, InvalidInput/…,
// ConstraintViolation/….
class ControlPolicies {
 public:
  ControlPolicies(os::Os os, Organizations& organizations)
      : os_(os), organizations_(organizations) {}

  // Takes name, description and content of `wanted`.
  Result<ControlPolicy> create(meta::Transaction& transaction, const Organization& organization,
                               ControlPolicy wanted);
  Result<ControlPolicy> get(meta::Transaction& transaction, const Organization& organization,
                            std::string_view id);
  Result<ControlPolicy> update(meta::Transaction& transaction, const Organization& organization,
                               std::string_view id, const PolicyChanges& changes);
  Result<> remove(meta::Transaction& transaction, const Organization& organization,
                  std::string_view id);
  // By id; of the whole organization, or those attached to a target.
  Result<identity::Page<ControlPolicy>> list(meta::Transaction& transaction,
                                             const Organization& organization,
                                             const identity::Cursor& cursor);
  Result<identity::Page<ControlPolicy>> list_of(meta::Transaction& transaction,
                                                const Organization& organization,
                                                std::string_view target,
                                                const identity::Cursor& cursor);

  Result<Target> get_target(meta::Transaction& transaction, const Organization& organization,
                            std::string_view id);
  // By id.
  Result<identity::Page<Target>> targets_of(meta::Transaction& transaction,
                                            const Organization& organization,
                                            std::string_view policy,
                                            const identity::Cursor& cursor);
  Result<> attach(meta::Transaction& transaction, const Organization& organization,
                  std::string_view policy, std::string_view target);
  Result<> detach(meta::Transaction& transaction, const Organization& organization,
                  std::string_view policy, std::string_view target);

  // Enabling attaches FullAWSAccess to every node, disabling detaches everything ("Enabling and
  // disabling policy types").
  Result<> enable(meta::Transaction& transaction, const Organization& organization);
  Result<> disable(meta::Transaction& transaction, const Organization& organization);

 private:
  Result<> check_name(meta::Transaction& transaction, const Organization& organization,
                      std::string_view name, std::string_view except);
  Result<int64_t> count_of(meta::Transaction& transaction, std::string_view target);
  Result<identity::Page<ControlPolicy>> page(meta::Transaction& transaction,
                                             const std::string& where,
                                             const std::vector<meta::Argument>& arguments,
                                             const identity::Cursor& cursor);

  os::Os os_;
  Organizations& organizations_;
};

}  // namespace traccia::organization
