// Users, groups and roles: IAM's identities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/page.h"
#include "identity/policy_cache.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

// No role made with CreateRole has such a path.
inline constexpr std::string_view kServiceRolePath = "/aws-service-role/";

// The values are stored.
// Root is an account's root user: one, under the account's id, once it has got credentials.
enum class EntityKind : uint8_t { User = 0, Group = 1, Role = 2, Root = 3 };
inline constexpr std::string_view kRootName = "root";
std::string_view word_of(EntityKind kind);   // "user"
std::string_view title_of(EntityKind kind);  // "User"

// "IAM and AWS STS quotas" and posture 3.6. Sizes in characters, white space not counted.
struct Quotas {
  static constexpr int64_t kUsers = 5000;
  static constexpr int64_t kGroups = 300;
  static constexpr int64_t kRoles = 1000;
  static constexpr int64_t kPolicies = 1500;
  static constexpr int64_t kMfaDevices = 5000;  // one a user that an account may have
  static constexpr int64_t kGroupsPerUser = 10;
  static constexpr int64_t kKeysPerUser = 2;
  static constexpr int64_t kVersionsPerPolicy = 5;
  static constexpr int64_t kTags = 50;
  static constexpr int64_t kTrustPolicySize = 2048;
  static constexpr int64_t kManagedPolicySize = 6144;
};
int64_t entities_max(EntityKind kind);            // an account
int64_t inline_policy_size_max(EntityKind kind);  // together
int64_t attached_policies_max(EntityKind kind);

// How callers name an entity; names are the same whatever their case.
struct EntityName {
  std::string_view account_id;
  EntityKind kind = EntityKind::User;
  std::string_view name;
};

// What roles have beside the rest.
struct RoleDetails {
  std::string trust = {};  // the trust policy, with the ARNs of principals that exist
  std::string description = {};
  int64_t session_seconds_max = 3600;
};

struct Entity {
  std::string id = {};  // AIDA…, AGPA…, AROA…
  EntityKind kind = EntityKind::User;
  std::string account_id = {};
  std::string name = {};
  std::string path = "/";
  Time created = {};
  std::optional<std::string> boundary = {};  // ARN of the permissions boundary
  RoleDetails role = {};

  std::string arn() const;  // arn:aws:iam::ACCOUNT:user/path/name
  bool service_linked() const {
    return kind == EntityKind::Role && path.starts_with(kServiceRolePath);
  }
};

// Reason UnmodifiableEntity for a role that only its service may change.
Result<> check_modifiable(const Entity& entity);

// Thread-safe; state lives in the caller's transaction. Reasons of errors: NoSuchEntity,
// EntityAlreadyExists, LimitExceeded, DeleteConflict, MalformedPolicyDocument, UnmodifiableEntity;
// messages are IAM's.
class Entities {
 public:
  Entities(os::Os os, PolicyCache& cache) : os_(os), cache_(cache) {}

  // Takes account, kind, name, path and role of `wanted`; gives it an id and the time.
  Result<Entity> create(meta::Transaction& transaction, Entity wanted);
  Result<Entity> get(meta::Transaction& transaction, const EntityName& name);
  // nullopt instead of NoSuchEntity.
  Result<std::optional<Entity>> find(meta::Transaction& transaction, const EntityName& name);
  // By name.
  Result<Page<Entity>> list(meta::Transaction& transaction, std::string_view account_id,
                            EntityKind kind, std::string_view path_prefix, const Cursor& cursor);
  Result<int64_t> count(meta::Transaction& transaction, std::string_view account_id,
                        EntityKind kind);
  // By id, of any kind. NotFound.
  Result<Entity> get_by_id(meta::Transaction& transaction, std::string_view id);
  // The account's root user, made when it is not there yet.
  Result<Entity> root_user(meta::Transaction& transaction, std::string_view account_id);
  // What is empty stays. The new name may be the old one in another case.
  Result<> rename(meta::Transaction& transaction, const Entity& entity, std::string_view new_name,
                  std::string_view new_path);
  // DeleteConflict while it has access keys, policies, groups or members.
  Result<> remove(meta::Transaction& transaction, const Entity& entity);

  // Without asking whether it may be: for who has taken care of that.
  Result<> erase(meta::Transaction& transaction, const Entity& entity);

  // The description and session length of a role; of a service-linked one the description only.
  Result<> update_role(meta::Transaction& transaction, const Entity& role);
  Result<> set_trust(meta::Transaction& transaction, const Entity& role, std::string_view document);
  // The trust policy as it is stored, with unique ids (trust.h): what decides.
  Result<std::string> stored_trust(meta::Transaction& transaction, std::string_view role_id);

  // Adding a member twice, or removing one that is none, changes nothing.
  Result<> add_to_group(meta::Transaction& transaction, const Entity& user, const Entity& group);
  Result<> remove_from_group(meta::Transaction& transaction, const Entity& user,
                             const Entity& group);
  // By name.
  Result<Page<Entity>> members(meta::Transaction& transaction, const Entity& group,
                               const Cursor& cursor);
  Result<Page<Entity>> groups_of(meta::Transaction& transaction, const Entity& user,
                                 const Cursor& cursor);

 private:
  Result<> check_removable(meta::Transaction& transaction, const Entity& entity);

  os::Os os_;
  PolicyCache& cache_;
};

}  // namespace traccia::identity
