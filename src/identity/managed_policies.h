// Managed policies and their versions: an account's own in the store, AWS's with the server.
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

struct ManagedPolicy {
  std::string arn = {};
  std::string id = {};  // ANPA…
  std::string name = {};
  std::string path = "/";
  std::string description = {};
  Time created = {};
  Time updated = {};
  int64_t default_version = 1;
  // By the account that asks.
  int64_t attachments = 0;
  int64_t boundaries = 0;
};

struct PolicyVersion {
  int64_t number = 1;
  bool is_default = false;
  Time created = {};
  std::string document = {};
};

struct NewPolicy {
  std::string_view account_id;
  std::string_view name;
  std::string_view path = "/";
  std::string_view description;
  std::string_view document;
};

enum class PolicyScope : uint8_t { All, Aws, Local };
enum class PolicyUsage : uint8_t { Any, Permissions, Boundary };
struct PolicyFilter {
  PolicyScope scope = PolicyScope::All;
  bool only_attached = false;
  PolicyUsage usage = PolicyUsage::Any;  // used in this way
  std::string_view path_prefix = "/";
};

// An account sees its own policies and AWS's; those of others do not exist for it.
struct PolicyName {
  std::string_view account_id;
  std::string_view arn;
};

enum class MakeDefault : uint8_t { No, Yes };

// Thread-safe; state lives in the caller's transaction. Reasons of errors: NoSuchEntity,
// EntityAlreadyExists, LimitExceeded, DeleteConflict, InvalidInput (an ARN that is none),
// MalformedPolicyDocument, AccessDenied (a change of AWS's); messages are IAM's.
class ManagedPolicies {
 public:
  ManagedPolicies(os::Os os, PolicyCache& cache) : os_(os), cache_(cache) {}

  Result<ManagedPolicy> create(meta::Transaction& transaction, const NewPolicy& wanted);
  Result<ManagedPolicy> get(meta::Transaction& transaction, const PolicyName& name);
  // For changes: AccessDenied for one of AWS's.
  Result<ManagedPolicy> get_own(meta::Transaction& transaction, const PolicyName& name);
  // By ARN: the account's own come first.
  Result<Page<ManagedPolicy>> list(meta::Transaction& transaction, std::string_view account_id,
                                   const PolicyFilter& filter, const Cursor& cursor);
  Result<int64_t> count(meta::Transaction& transaction, std::string_view account_id);
  // Versions of all policies of the account.
  Result<int64_t> count_versions(meta::Transaction& transaction, std::string_view account_id);
  // DeleteConflict while it is attached, is a boundary, or has versions beside the default one.
  Result<> remove(meta::Transaction& transaction, const PolicyName& name);

  Result<PolicyVersion> create_version(meta::Transaction& transaction, const PolicyName& name,
                                       std::string_view document, MakeDefault make_default);
  Result<PolicyVersion> get_version(meta::Transaction& transaction, const PolicyName& name,
                                    std::string_view version_id);
  // The newest first, without documents.
  Result<std::vector<PolicyVersion>> list_versions(meta::Transaction& transaction,
                                                   const PolicyName& name);
  Result<> set_default_version(meta::Transaction& transaction, const PolicyName& name,
                               std::string_view version_id);
  Result<> remove_version(meta::Transaction& transaction, const PolicyName& name,
                          std::string_view version_id);

 private:
  Result<std::optional<ManagedPolicy>> find(meta::Transaction& transaction, const PolicyName& name);

  os::Os os_;
  PolicyCache& cache_;
};

// InvalidInput unless it is the ARN of a managed policy.
Result<> check_policy_arn(std::string_view arn);

}  // namespace traccia::identity
