// Service-linked roles: what services of this server may have in an account. Source of the rules:
// IAM user guide, "Create a service-linked role", and the services' own pages on theirs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/entities.h"
#include "identity/policy_cache.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

// A service that has a role of its own.
struct LinkedService {
  std::string_view principal;   // "cloudtrail.amazonaws.com"
  std::string_view role_name;   // "AWSServiceRoleForCloudTrail"
  std::string_view policy_arn;  // the one policy of the role
};
std::span<const LinkedService> linked_services();
// nullptr: the service has none here.
const LinkedService* find_linked_service(std::string_view principal);
// "/aws-service-role/cloudtrail.amazonaws.com/"
std::string linked_role_path(std::string_view service_principal);

// How a request to delete such a role ended.
struct RoleDeletion {
  std::string task_id;        // "task/aws-service-role/SERVICE/ROLE/UUID"
  std::string obstacle = {};  // why it failed; empty: the role is gone
};

// The newest requests of an account that can be asked about.
inline constexpr int64_t kRoleDeletionsMax = 100;

// Thread-safe; state lives in the caller's transaction. Reasons of errors: InvalidInput (no such
// service, a suffix, a role that is there, a task id that is none), NoSuchEntity, LimitExceeded.
class ServiceLinkedRoles {
 public:
  ServiceLinkedRoles(os::Os os, Entities& entities, PolicyCache& cache)
      : os_(os), entities_(entities), cache_(cache) {}

  // The role with its policy, trusting the service alone.
  Result<Entity> create(meta::Transaction& transaction, std::string_view account_id,
                        std::string_view service_principal, std::string_view suffix,
                        std::string_view description);
  // Removes the role unless there is an obstacle; either way the outcome can be asked for.
  Result<RoleDeletion> remove(meta::Transaction& transaction, const Entity& role,
                              std::string_view obstacle);
  Result<RoleDeletion> find_deletion(meta::Transaction& transaction, std::string_view account_id,
                                     std::string_view task_id);

 private:
  os::Os os_;
  Entities& entities_;
  PolicyCache& cache_;
};

}  // namespace traccia::identity
