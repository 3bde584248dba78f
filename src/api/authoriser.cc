// Decides who may do what.
// SPDX-License-Identifier: Apache-2.0
#include "api/authoriser.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "api/sns_policy.h"
#include "api/sqs_policy.h"
#include "kms/key_policy.h"
#include "policy/messages.h"
#include "policy/public.h"

namespace traccia::api {
namespace {

using identity::PrincipalType;

// Needs no permission, and no policy denies it ("GetCallerIdentity").
constexpr std::string_view kFreeAction = "sts:GetCallerIdentity";

// What the owner needs to put a policy right that denies the owner too.
constexpr std::string_view kPolicyActions[] = {"s3:GetBucketPolicy", "s3:PutBucketPolicy",
                                               "s3:DeleteBucketPolicy"};

policy::Principal to_policy(const identity::Principal& principal) {
  policy::Principal out;
  switch (principal.type) {
    case PrincipalType::Anonymous:
      return out;
    case PrincipalType::WebIdentity:
      out.kind = policy::PrincipalKind::Federated;
      out.provider = principal.web->provider_arn;
      return out;
    case PrincipalType::AwsService:
      out.kind = policy::PrincipalKind::Service;
      out.services = {principal.service};
      return out;
    case PrincipalType::Root:
      out.kind = policy::PrincipalKind::Root;
      break;
    case PrincipalType::IamUser:
      out.kind = policy::PrincipalKind::User;
      break;
    case PrincipalType::AssumedRole:
      out.kind = policy::PrincipalKind::AssumedRole;
      out.issuer_arn = principal.session->issuer_arn;
      break;
    case PrincipalType::FederatedUser:
      out.kind = policy::PrincipalKind::FederatedUser;
      out.issuer_arn = principal.session->issuer_arn;
      break;
  }
  out.arn = principal.arn;
  out.account = principal.account_id;
  out.unique_id = principal.principal_id;
  out.name = principal.user_name;
  return out;
}

// The fifth part of an ARN.
std::string_view account_of(std::string_view arn) {
  for (int colons = 0; colons < 4; ++colons) {
    const auto at = arn.find(':');
    if (at == arn.npos) return {};
    arn.remove_prefix(at + 1);
  }
  return arn.substr(0, arn.find(':'));
}

std::string_view source_account(const Caller& caller) {
  return caller.source_account.empty() ? account_of(caller.source_arn)
                                       : std::string_view(caller.source_account);
}

void add_request_keys(policy::ContextKeys& keys, const Caller& caller, Time now) {
  keys.set_time("aws:CurrentTime", now);
  keys.set_number("aws:EpochTime", to_unix_seconds(now));
  if (!caller.region.empty()) keys.set("aws:RequestedRegion", caller.region);
  keys.set("aws:UserAgent", caller.user_agent);
  if (caller.principal.type != PrincipalType::AwsService) {
    keys.set("aws:SourceIp", caller.source_ip);
    keys.set_flag("aws:SecureTransport", caller.tls.has_value());
    return;
  }
  // A service of this process: nothing of its request crosses a wire.
  keys.set_flag("aws:SecureTransport", true);
  if (caller.source_arn.empty()) return;
  keys.set("aws:SourceArn", caller.source_arn);
  keys.set("aws:SourceAccount", source_account(caller));
}

// "AWS global condition context keys", properties of the role session and the principal: those of
// temporary credentials. Long-term ones have no aws:MultiFactorAuthPresent.
void add_session_keys(policy::ContextKeys& keys, const identity::Session& session, Time now) {
  keys.set_time("aws:TokenIssueTime", session.issued);
  keys.set_flag("aws:MultiFactorAuthPresent", session.mfa.has_value());
  if (session.mfa) {
    keys.set_number("aws:MultiFactorAuthAge", to_unix_seconds(now) - to_unix_seconds(*session.mfa));
  }
  if (!session.provider.empty()) keys.set("aws:FederatedProvider", session.provider);
  if (!session.source_identity.empty()) keys.set("aws:SourceIdentity", session.source_identity);
}

// The user's or role's tags; those of the session take precedence.
void add_tag_keys(policy::ContextKeys& keys, const identity::Principal& principal,
                  const identity::PrincipalPolicies& own) {
  const auto add = [&](const std::vector<identity::Tag>& tags) {
    for (const auto& tag : tags) {
      keys.set(fmt::format("aws:PrincipalTag/{}", tag.key), tag.value);
    }
  };
  add(own.tags);
  if (principal.session) add(principal.session->session.tags);
}

// The caller's side of a decision.
policy::PoliciesView view(const identity::Principal& principal,
                          const identity::PrincipalPolicies& own) {
  policy::PoliciesView view;
  view.identity = own.identity;
  view.boundary = own.boundary_or_null();
  if (principal.session) {
    view.session = principal.session->policies;
    view.has_session_policies = principal.session->session.limited();
  }
  return view;
}

// `of` is "aws:Principal", "aws:Resource" or "aws:Source".
void add_organization_keys(policy::ContextKeys& keys, std::string_view of,
                           const organization::Membership& membership) {
  if (membership.organization.empty()) return;
  keys.set(fmt::format("{}OrgID", of), membership.organization);
  keys.set(fmt::format("{}OrgPaths", of), membership.path);
}

// The owner's root user, whom AWS lets manage a policy that denies everybody; the account's first
// user stands for it, since this server gives a root user no keys (decision 15).
bool owns(const identity::Principal& principal, const s3::Bucket& bucket) {
  return principal.account_id == bucket.owner_account &&
         (principal.type == PrincipalType::Root || principal.stands_for_root);
}

// RestrictPublicBuckets leaves a public bucket to AWS's services and its owner's account.
bool is_shut_out(const identity::Principal& principal, const s3::S3::PolicedBucket& found,
                 const policy::AttachedPolicy* policy) {
  return policy != nullptr && found.public_access_block &&
         principal.type != PrincipalType::AwsService &&
         principal.account_id != found.bucket.owner_account &&
         blocks_public(*found.public_access_block, "RestrictPublicBuckets") &&
         policy::is_public(*policy->document);
}

std::unexpected<Error> denied(std::string message) {
  return fail(ErrorCode::PermissionDenied, "AccessDenied", std::move(message));
}

// S3 gives reasons to callers of the bucket owner's account only.
std::unexpected<Error> denied_by_s3(const policy::Request& asked,
                                    const policy::Decision& decision) {
  const auto& account = asked.principal.account;
  if (account.empty() || account != asked.resource_account) return denied("Access Denied");
  return denied(
      policy::access_denied_message(asked, decision, policy::NamePolicy::No, policy::Wording::S3));
}

// A ciphertext has words for the key that it names; to who is of the key's account they are of no
// use.
std::string denied_by_key(policy::Request asked, const policy::Decision& decision) {
  asked.resource_words.clear();
  return policy::access_denied_message(asked, decision);
}

// The same, whether there is such a key or not.
std::string denied_by_foreign_key(const policy::Request& asked) {
  const std::string_view what =
      asked.resource_words.empty() ? "this resource" : std::string_view(asked.resource_words);
  auto nameless = asked;
  nameless.resource = "*";
  nameless.resource_words.clear();
  return fmt::format(
      "{} on {} because the resource does not exist in this Region, no resource-based policies "
      "allow access, or a resource-based policy explicitly denies access",
      policy::access_denied_message(nameless), what);
}

}  // namespace

Authoriser::Authoriser(os::Clock& clock, identity::Identity& identity,
                       organization::Organizations& organizations, s3::S3& s3)
    : clock_(clock),
      identity_(identity),
      organizations_(organizations),
      s3_(s3),
      key_policies_(
          [](std::string_view, std::string_view text) { return kms::parse_key_policy(text); }),
      queue_policies_([](std::string_view, std::string_view text) {
        return sqs_service::parse_queue_policy(text);
      }),
      topic_policies_([](std::string_view, std::string_view text) {
        return sns_service::parse_topic_policy(text);
      }) {}

namespace {

// nullptr: there is no policy.
Result<CompiledPolicies::Compiled> compile(CompiledPolicies& policies, std::string_view resource,
                                           std::string_view text) {
  if (text.empty()) return nullptr;
  auto made = policies.find(resource, text);
  if (made) return made;
  return fail(ErrorCode::DataLoss,
              fmt::format("the policy of '{}': {}", resource, made.error().message()));
}

}  // namespace

// As to_policy() and what adds keys take it. The key's id stands for the session's policies, tags
// and times, which its token holds.
std::string fingerprint(const Caller& caller, Time now) {
  const auto& principal = caller.principal;
  std::string out;
  const auto add = [&](std::string_view text) {
    fmt::format_to(std::back_inserter(out), "{}:", text.size());
    out += text;
  };
  fmt::format_to(std::back_inserter(out), "{} {} {} ", static_cast<int>(principal.type),
                 principal.stands_for_root, caller.tls.has_value());
  for (const std::string_view text :
       {std::string_view(principal.account_id), std::string_view(principal.arn),
        std::string_view(principal.principal_id), std::string_view(principal.user_name),
        std::string_view(principal.access_key_id), std::string_view(principal.service),
        principal.web ? std::string_view(principal.web->provider_arn) : std::string_view(),
        std::string_view(caller.region), std::string_view(caller.source_arn),
        std::string_view(caller.source_account), std::string_view(caller.via_service),
        std::string_view(caller.source_ip), std::string_view(caller.user_agent)}) {
    add(text);
  }
  if (principal.session) fmt::format_to(std::back_inserter(out), "{}", to_unix_seconds(now));
  return out;
}

Result<Authoriser::Question> Authoriser::ask(meta::Transaction& transaction,
                                             const AccessRequest& request,
                                             std::string_view resource_account) {
  const auto& principal = request.caller.principal;
  const bool service = principal.type == PrincipalType::AwsService;
  Question out;
  auto& asked = out.asked;
  asked.principal = to_policy(principal);
  asked.action = request.action;
  asked.resource = request.resource;
  asked.resource_words = request.resource_words;
  asked.resource_account = resource_account;
  auto& keys = asked.context;
  policy::set_principal_keys(keys, asked.principal);
  add_request_keys(keys, request.caller, clock_.now());
  if (const auto& live = principal.session) {
    add_session_keys(keys, live->session, identity_.sessions().now());
  }
  if (request.proves_mfa) {
    keys.set_flag("aws:MultiFactorAuthPresent", true);
    keys.set_number("aws:MultiFactorAuthAge", 0);
  }
  keys.set("aws:ResourceAccount", resource_account);
  TRY_ASSIGN(out.own, identity_.policies_of(transaction, principal));
  add_tag_keys(keys, principal, *out.own);
  out.policies = view(principal, *out.own);
  // A service acts for the account of the resource behind its call.
  const auto acting =
      service ? source_account(request.caller) : std::string_view(asked.principal.account);
  TRY_ASSIGN(out.membership, organizations_.membership_of(transaction, acting));
  add_organization_keys(keys, service ? "aws:Source" : "aws:Principal", *out.membership);
  TRY_ASSIGN(const auto of_resource, organizations_.membership_of(transaction, resource_account));
  add_organization_keys(keys, "aws:Resource", *of_resource);
  if (!service) out.policies.service_control = out.membership->service_control;
  out.policies.management_account = out.membership->management_account;
  for (const auto& [name, value] : request.keys) keys.add(name, value);
  return out;
}

Result<> Authoriser::authorise(meta::Transaction& transaction, const AccessRequest& request) {
  if (request.action == kFreeAction) return {};
  TRY_ASSIGN(const auto question, ask(transaction, request, request.caller.principal.account_id));
  const auto& asked = question.asked;
  const auto decision = policy::evaluate(asked, question.policies);
  if (decision.allowed()) return {};
  if (request.action.starts_with("s3:")) return denied_by_s3(asked, decision);
  return denied(policy::access_denied_message(asked, decision));
}

Result<s3::Bucket> Authoriser::authorise_in_bucket(meta::Transaction& transaction,
                                                   std::string_view bucket,
                                                   const AccessRequest& request,
                                                   const std::optional<ObjectName>& object) {
  TRY_ASSIGN(auto found, s3_.get_bucket_and_policy(transaction, bucket));
  const auto& principal = request.caller.principal;
  const bool on_policy =
      std::ranges::find(kPolicyActions, request.action) != std::end(kPolicyActions);
  const bool repairs = on_policy && owns(principal, found.bucket);
  CompiledPolicies::Compiled compiled;
  if (found.policy && !repairs) {
    auto made = bucket_policies_.find(bucket, *found.policy);
    if (!made) {
      return denied(fmt::format("Access Denied: the bucket's policy cannot be read: {}",
                                made.error().message()));
    }
    compiled = std::move(*made);
  }
  const bool listed = found.bucket.ownership != s3::Ownership::Enforced;
  AclAccess acls{.owner = found.bucket.owner_account, .granted = {}};
  if (listed) {
    TRY_ASSIGN(acls, acl_access(transaction, found, request.action, object));
    // The bucket's owner can keep others' objects from being used, not give them away.
    if (acls.owner != found.bucket.owner_account) compiled = denials_of(compiled);
  }
  TRY_ASSIGN(auto question, ask(transaction, request, acls.owner));
  const auto& asked = question.asked;
  auto& policies = question.policies;
  policies.resource = compiled.get();
  const auto decision = policy::evaluate(asked, policies);
  if (!decision.allowed()) {
    if (!listed || decision.outcome != policy::Outcome::ImplicitDeny) {
      return denied_by_s3(asked, decision);
    }
    policies.resource = &acls.granted;
    if (!policy::evaluate(asked, policies).allowed()) return denied_by_s3(asked, decision);
    return std::move(found.bucket);
  }
  if (is_shut_out(principal, found, policies.resource)) return denied("Access Denied");
  if (on_policy && principal.account_id != found.bucket.owner_account) {
    // No policy gives another account a say in it ("PutBucketPolicy").
    return fail(ErrorCode::PermissionDenied, "MethodNotAllowed", "not of the owner's account");
  }
  return std::move(found.bucket);
}

Result<AclAccess> Authoriser::acl_access(meta::Transaction& transaction,
                                         const s3::S3::PolicedBucket& found,
                                         std::string_view action,
                                         const std::optional<ObjectName>& object) {
  std::optional<s3::ObjectInfo> there;
  if (object && is_object_owners(action)) {
    auto got = s3_.get_version(transaction, found.bucket.name, object->key, object->version);
    // That it is not there is for those to know who may.
    const auto code = got ? ErrorCode::Internal : got.error().code();
    if (got) {
      there = std::move(*got);
    } else if (code != ErrorCode::NotFound && code != ErrorCode::InvalidArgument) {
      return std::unexpected(std::move(got).error());
    }
  }
  const bool ignores =
      found.public_access_block && blocks_public(*found.public_access_block, "IgnorePublicAcls");
  return access_by_acls(found.bucket, there ? &*there : nullptr,
                        ignores ? PublicAcls::Ignored : PublicAcls::Counted);
}

Result<> Authoriser::authorise_on_role(meta::Transaction& transaction, const AccessRequest& request,
                                       const RoleTrust& trust) {
  TRY_ASSIGN(auto question, ask(transaction, request, trust.role.account_id));
  const auto& asked = question.asked;
  auto& policies = question.policies;
  policies.resource = &trust.policy;
  policies.resource_rule = policy::ResourceRule::Own;
  const auto decision = policy::evaluate(asked, policies);
  if (decision.allowed()) return {};
  // A role that does not trust the caller looks like one that is not there.
  const bool untold = asked.principal.account != trust.role.account_id ||
                      (decision.type == policy::PolicyType::Trust &&
                       decision.outcome == policy::Outcome::ImplicitDeny);
  return denied(untold ? policy::access_denied_message(asked)
                       : policy::access_denied_message(asked, decision));
}

Result<> Authoriser::authorise_on_key(meta::Transaction& transaction, const AccessRequest& request,
                                      const PolicedAccess& key) {
  TRY_ASSIGN(const auto compiled, compile(key_policies_, request.resource, key.policy));
  TRY_ASSIGN(auto question, ask(transaction, request, key.account));
  auto& asked = question.asked;
  auto& policies = question.policies;
  policies.resource = compiled.get();
  policies.resource_rule = policy::ResourceRule::Own;
  policies.key_grant = key.granted;
  const auto decision = policy::evaluate(asked, policies);
  if (decision.allowed()) return {};
  const bool own = asked.principal.account == key.account;
  return denied(own ? denied_by_key(std::move(asked), decision) : denied_by_foreign_key(asked));
}

Result<> Authoriser::authorise_on_queue(meta::Transaction& transaction,
                                        const AccessRequest& request, const PolicedAccess& queue) {
  return authorise_policed(transaction, request, queue, queue_policies_);
}

Result<> Authoriser::authorise_on_topic(meta::Transaction& transaction,
                                        const AccessRequest& request, const PolicedAccess& topic) {
  return authorise_policed(transaction, request, topic, topic_policies_);
}

Result<> Authoriser::authorise_policed(meta::Transaction& transaction, const AccessRequest& request,
                                       const PolicedAccess& resource, CompiledPolicies& policies) {
  TRY_ASSIGN(const auto compiled, compile(policies, request.resource, resource.policy));
  TRY_ASSIGN(auto question, ask(transaction, request, resource.account));
  question.policies.resource = compiled.get();
  const auto decision = policy::evaluate(question.asked, question.policies);
  if (decision.allowed()) return {};
  // Another account learns nothing of the resource, not even whether there is one.
  const bool own = question.asked.principal.account == resource.account;
  return denied(own ? policy::access_denied_message(question.asked, decision)
                    : policy::access_denied_message(question.asked));
}

Result<> Authoriser::authorise_account(meta::Transaction& transaction, const AccessRequest& request,
                                       std::optional<std::string_view> account) {
  const auto& own = request.caller.principal.account_id;
  if (account == own) return {};
  TRY_ASSIGN(const auto management, identity_.management_account(transaction));
  if (own == management) return {};
  TRY_ASSIGN(const auto question, ask(transaction, request, own));
  return denied(policy::access_denied_message(
      question.asked,
      {.outcome = policy::Outcome::ImplicitDeny, .type = policy::PolicyType::Identity}));
}

Result<bool> Authoriser::authorise_sender(meta::Transaction& transaction, const Caller& caller) {
  const auto& account = caller.principal.account_id;
  TRY_ASSIGN(auto question, ask(transaction, {caller, kPutEventsAction, "*"}, account));
  auto& asked = question.asked;
  const auto decision = policy::evaluate(asked, question.policies);
  if (!decision.allowed()) return denied(policy::access_denied_message(asked, decision));
  asked.action = kImportEventsAction;
  if (!policy::evaluate(asked, question.policies).allowed()) return false;
  TRY_ASSIGN(const auto management, identity_.management_account(transaction));
  return account == management;
}

}  // namespace traccia::api
