// Which policies an identity has: inline ones, attached managed ones, the permissions boundary.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/entities.h"
#include "identity/managed_policies.h"
#include "identity/page.h"
#include "identity/policy_cache.h"
#include "meta/database.h"

namespace traccia::identity {

struct AttachedName {
  std::string name;
  std::string arn;
};

// "user_alice_read": what IAM's policy simulator calls an inline policy.
std::string inline_policy_id(EntityKind kind, std::string_view owner, std::string_view name);

// Which identities of an account use a policy.
struct UserFilter {
  std::optional<EntityKind> kind = {};
  PolicyUsage usage = PolicyUsage::Any;
  std::string_view path_prefix = "/";
};

// Thread-safe; state lives in the caller's transaction. Reasons of errors: NoSuchEntity,
// LimitExceeded, MalformedPolicyDocument, InvalidInput (an ARN that is none), UnmodifiableEntity (a
// service-linked role), PolicyNotAttachable (the policy of one); messages are IAM's.
class Attachments {
 public:
  Attachments(ManagedPolicies& policies, PolicyCache& cache) : policies_(policies), cache_(cache) {}

  // Replaces the policy of that name. The quota is of all inline policies together.
  Result<> put_inline(meta::Transaction& transaction, const Entity& entity, std::string_view name,
                      std::string_view document);
  // The document.
  Result<std::string> get_inline(meta::Transaction& transaction, const Entity& entity,
                                 std::string_view name);
  // Names, in their order.
  Result<Page<std::string>> list_inline(meta::Transaction& transaction, const Entity& entity,
                                        const Cursor& cursor);
  Result<> remove_inline(meta::Transaction& transaction, const Entity& entity,
                         std::string_view name);

  // Attaching twice changes nothing.
  Result<> attach(meta::Transaction& transaction, const Entity& entity, std::string_view arn);
  Result<> detach(meta::Transaction& transaction, const Entity& entity, std::string_view arn);
  // By ARN.
  Result<Page<AttachedName>> list_attached(meta::Transaction& transaction, const Entity& entity,
                                           std::string_view path_prefix, const Cursor& cursor);

  Result<> set_boundary(meta::Transaction& transaction, const Entity& entity, std::string_view arn);
  // Nothing happens where there is none.
  Result<> remove_boundary(meta::Transaction& transaction, const Entity& entity);

  // By id; only id, kind, name and path are set.
  Result<Page<Entity>> users_of(meta::Transaction& transaction, const PolicyName& policy,
                                const UserFilter& filter, const Cursor& cursor);

  // What the entity may do, for evaluation; of a group what its members get from it. Policies are
  // called by their ARNs, inline ones by inline_policy_id.
  Result<std::shared_ptr<const PrincipalPolicies>> policies_of(meta::Transaction& transaction,
                                                               std::string_view account_id,
                                                               std::string_view entity_id);
  // A managed policy; nullopt when there is none.
  Result<std::optional<policy::AttachedPolicy>> find_compiled(meta::Transaction& transaction,
                                                              const PolicyName& name);

 private:
  Result<PrincipalPolicies> load(meta::Transaction& transaction, std::string_view account_id,
                                 std::string_view entity_id);
  Result<> check_attachable(meta::Transaction& transaction, const PolicyName& name);
  Result<policy::AttachedPolicy> compile(meta::Transaction& transaction, const PolicyName& name);

  ManagedPolicies& policies_;
  PolicyCache& cache_;
};

}  // namespace traccia::identity
