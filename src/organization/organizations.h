// Organizations of accounts: who leads one, who belongs to it, what it forbids.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "identity/versioned_cache.h"
#include "meta/database.h"
#include "os/os.h"
#include "policy/evaluate.h"

namespace traccia::organization {

// The values are stored.
enum class FeatureSet : uint8_t { All = 0, ConsolidatedBilling = 1 };
enum class JoinedMethod : uint8_t { Invited = 0, Created = 1 };

// "Quotas and service limits for AWS Organizations". Accounts: AWS's default, and for the
// organization of the account that runs the server what this server is made for.
struct Quotas {
  static constexpr int64_t kAccounts = 10;
  static constexpr int64_t kAccountsOfOperator = 20'000;
  static constexpr int64_t kUnits = 2000;
  static constexpr int kUnitDepth = 5;
  static constexpr int64_t kPolicies = 1000;
  static constexpr int64_t kPoliciesPerTarget = 10;
  static constexpr int64_t kOpenInvitations = 20;
  static constexpr int64_t kTags = 50;
};

struct Organization {
  std::string id = {};  // o-…
  std::string management_account = {};
  std::string root = {};  // r-…
  FeatureSet features = FeatureSet::All;
  bool controls_enabled = false;
  Time created = {};

  std::string arn() const;
  // arn:aws:organizations::MANAGEMENT:KIND/o-…/ID, where KIND is "account", "root", "ou", …
  std::string arn_of(std::string_view kind, std::string_view id) const;
};

// What an account's organization means for a decision about its principals. Immutable; empty for
// accounts outside of every organization.
struct Membership {
  std::string organization = {};
  std::string management_account = {};
  std::string path = {};  // aws:PrincipalOrgPaths: "o-…/r-…/ou-…/"
  // From the root to the account; none for the management account, or where the type of policy is
  // not enabled.
  std::vector<policy::ControlLevel> service_control = {};
};

using MembershipCache = identity::VersionedCache<Membership>;

// Thread-safe; state lives in the caller's transaction. Every change of what a membership tells
// goes through changed() inside its transaction. Reasons of errors are Organizations' names, with
// "/REASON" behind where the answer has a Reason.
class Organizations {
 public:
  explicit Organizations(os::Os os) : os_(os) {}

  // With the account as its management account. AlreadyInOrganization.
  Result<Organization> create(meta::Transaction& transaction, std::string_view account,
                              FeatureSet features);
  // The account's. AWSOrganizationsNotInUse.
  Result<Organization> get(meta::Transaction& transaction, std::string_view account);
  Result<std::optional<Organization>> find(meta::Transaction& transaction,
                                           std::string_view account);
  Result<Organization> get_by_id(meta::Transaction& transaction, std::string_view id);
  // OrganizationNotEmpty while there are member accounts.
  Result<> remove(meta::Transaction& transaction, const Organization& organization);
  Result<> set_controls(meta::Transaction& transaction, const Organization& organization,
                        bool enabled);

  // Costs neither SQL nor parsing while no organization changes. DataLoss when a stored policy
  // cannot be read: nothing is allowed then.
  Result<std::shared_ptr<const Membership>> membership_of(meta::Transaction& transaction,
                                                          std::string_view account);
  // What was told of memberships is no longer so.
  void changed() { cache_.forget({}); }

 private:
  static constexpr size_t kDocumentsMax = 1024;
  struct Compiled {
    std::string text;
    std::shared_ptr<const policy::Document> document;
  };

  Result<std::vector<Organization>> select(meta::Transaction& transaction, std::string_view where,
                                           std::string_view argument);
  Result<Membership> load(meta::Transaction& transaction, std::string_view account);
  Result<policy::ControlLevel> load_level(meta::Transaction& transaction, std::string_view node);
  Result<std::shared_ptr<const policy::Document>> compile(std::string_view id,
                                                          std::string_view text);

  os::Os os_;
  MembershipCache cache_;
  Mutex mutex_;
  // Taken only for the text that the caller's transaction read.
  std::map<std::string, Compiled, std::less<>> documents_ GUARDED_BY(mutex_);
};

inline constexpr std::string_view kFullAccess = "p-FullAWSAccess";
inline constexpr std::string_view kFullAccessContent =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";
inline constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz0123456789";

// From the node's parent up to the root, which comes last.
Result<std::vector<std::string>> ancestors(meta::Transaction& transaction, std::string_view parent,
                                           std::string_view root);

}  // namespace traccia::organization
