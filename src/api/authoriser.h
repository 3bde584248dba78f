// The one seam through which every access decision goes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/acl_access.h"
#include "api/audit.h"
#include "api/bucket_policies.h"
#include "api/compiled_policies.h"
#include "base/error.h"
#include "identity/identity.h"
#include "meta/database.h"
#include "organization/organizations.h"
#include "os/os.h"
#include "policy/evaluate.h"
#include "s3/s3.h"

namespace traccia::api {

// What sending events takes, and sending those of other accounts.
inline constexpr std::string_view kPutEventsAction = "traccia:PutEvents";
inline constexpr std::string_view kImportEventsAction = "traccia:ImportEvents";

struct AccessRequest {
  const Caller& caller;
  std::string_view action;    // "s3:PutObject"
  std::string_view resource;  // ARN, or "*"
  // Beside the keys that every request has. Entries of one name are values of one key.
  std::span<const ContextKey> keys = {};
  std::string_view resource_words = {};  // as policy::Request has them
  bool proves_mfa = false;               // the caller's device, with this very request
};

// Of an object, or of one of its versions.
struct ObjectName {
  std::string_view key;
  std::optional<std::string_view> version = std::nullopt;
};

// What is asked for access to a role: itself, and its trust policy.
struct RoleTrust {
  const identity::Entity& role;
  const policy::AttachedPolicy& policy;
};

// What is asked for access to what has a policy of its own: whose it is, and the policy, as it is
// stored. An empty one: there is no such key or queue, it has none, or the operation is not for
// other accounts.
struct PolicedAccess {
  std::string_view account;
  std::string_view policy;
  bool granted = false;  // a grant covers the request
};

// What a decision takes of who asks, beside the time, to the second, and what is set up. No two
// callers of whom a policy could tell one from the other have the same.
std::string fingerprint(const Caller& caller, Time now);

// Thread-safe. Decides as `policy::evaluate` does over the caller's identity policies, the service
// control policies over its account and the policy of the bucket or key, with the keys that AWS
// fills: of the principal, of the request (aws:SourceIp, aws:SecureTransport, aws:UserAgent,
// aws:RequestedRegion, aws:CurrentTime, aws:EpochTime, aws:ResourceAccount), of temporary
// credentials (aws:TokenIssueTime, aws:MultiFactorAuthPresent and -Age, aws:SourceIdentity),
// aws:PrincipalTag/… of the user, role and session, of the organizations of principal and resource
// (aws:PrincipalOrgID, aws:PrincipalOrgPaths, aws:ResourceOrgID, aws:ResourceOrgPaths), and of a
// service's call aws:SourceArn, aws:SourceAccount, aws:SourceOrgID and aws:SourceOrgPaths, but no
// aws:SourceIp. What was passed for a session limits it.
class Authoriser {
 public:
  Authoriser(os::Clock& clock, identity::Identity& identity,
             organization::Organizations& organizations, s3::S3& s3);

  // Of operations on resources that have no policy of their own. Reason AccessDenied.
  Result<> authorise(meta::Transaction& transaction, const AccessRequest& request);
  // Of S3's operations on a bucket or what lies in it; gives the bucket. ACLs count where the
  // bucket's ownership lets them; objects of other accounts are then these accounts' to give.
  // Reasons: NoSuchBucket; AccessDenied, in S3's words. A policy text that does not parse (stored
  // before policies were checked) denies all but its replacement.
  Result<s3::Bucket> authorise_in_bucket(meta::Transaction& transaction, std::string_view bucket,
                                         const AccessRequest& request,
                                         const std::optional<ObjectName>& object = std::nullopt);
  // Of STS's operations on a role, in the role's account or another. Reason AccessDenied; the text
  // says why where that tells nothing of a role to who may not see it.
  Result<> authorise_on_role(meta::Transaction& transaction, const AccessRequest& request,
                             const RoleTrust& trust);
  // Of KMS's operations on a key, named by `request.resource`. The key's policy must allow, by
  // itself or by handing over to its account ("Key policies in AWS KMS"). Reason AccessDenied; who
  // is of another account does not learn whether there is such a key.
  Result<> authorise_on_key(meta::Transaction& transaction, const AccessRequest& request,
                            const PolicedAccess& key);
  // Of SQS's operations on a queue, of SNS's on a topic: one of its policy and the caller's
  // suffices within an account. Reason AccessDenied.
  Result<> authorise_on_queue(meta::Transaction& transaction, const AccessRequest& request,
                              const PolicedAccess& queue);
  Result<> authorise_on_topic(meta::Transaction& transaction, const AccessRequest& request,
                              const PolicedAccess& topic);
  // Beside authorise(), for what belongs to accounts, their event history and tokens: everybody's
  // own; any other, and all, for the management account only. Reason AccessDenied.
  Result<> authorise_account(meta::Transaction& transaction, const AccessRequest& request,
                             std::optional<std::string_view> account);
  // Of who sends events with a signature: traccia:PutEvents, else reason AccessDenied. Whether
  // traccia:ImportEvents lets events of other accounts in too, which the management account alone
  // may send. Costs no SQL while policies stay as they are.
  Result<bool> authorise_sender(meta::Transaction& transaction, const Caller& caller);

 private:
  // What a decision needs, of which `policies` is a view.
  struct Question {
    policy::Request asked;
    std::shared_ptr<const identity::PrincipalPolicies> own;
    std::shared_ptr<const organization::Membership> membership;  // the principal's
    policy::PoliciesView policies;
  };
  Result<Question> ask(meta::Transaction& transaction, const AccessRequest& request,
                       std::string_view resource_account);
  Result<AclAccess> acl_access(meta::Transaction& transaction, const s3::S3::PolicedBucket& found,
                               std::string_view action, const std::optional<ObjectName>& object);
  Result<> authorise_policed(meta::Transaction& transaction, const AccessRequest& request,
                             const PolicedAccess& resource, CompiledPolicies& policies);

  os::Clock& clock_;
  identity::Identity& identity_;
  organization::Organizations& organizations_;
  s3::S3& s3_;
  CompiledPolicies bucket_policies_{parse_bucket_policy};
  CompiledPolicies key_policies_;
  CompiledPolicies queue_policies_;
  CompiledPolicies topic_policies_;
};

}  // namespace traccia::api
