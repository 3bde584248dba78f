// Which keys a call of KMS is authorised on, and by which condition keys.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/access.h"
#include "api/kms_call.h"
#include "api/kms_grant.h"
#include "base/bytes.h"
#include "kms/aliases.h"

namespace traccia::api::kms_service {
namespace {

// "Allowing users in other accounts to use a KMS key": what else another account's key policy
// allows has no effect.
constexpr std::string_view kAcrossAccounts[] = {"kms:DescribeKey",
                                                "kms:Encrypt",
                                                "kms:Decrypt",
                                                "kms:ReEncryptFrom",
                                                "kms:ReEncryptTo",
                                                "kms:GenerateDataKey",
                                                "kms:GenerateDataKeyWithoutPlaintext",
                                                "kms:GetKeyRotationStatus",
                                                "kms:GenerateMac",
                                                "kms:VerifyMac",
                                                "kms:Sign",
                                                "kms:Verify",
                                                "kms:GetPublicKey",
                                                "kms:GenerateDataKeyPair",
                                                "kms:GenerateDataKeyPairWithoutPlaintext",
                                                "kms:DeriveSharedSecret",
                                                "kms:CreateGrant",
                                                "kms:ListGrants",
                                                "kms:RetireGrant",
                                                "kms:RevokeGrant"};
constexpr std::string_view kOfCiphertext = "the resource associated with this ciphertext";

// A key as a request names it, and what is asked for it.
struct Wanted {
  std::string_view action;
  std::string_view name;
  // The members that have these.
  std::string_view context = "EncryptionContext";
  std::string_view algorithm = "EncryptionAlgorithm";
};

void add_facts(const Call& call, const kms::Key& key, Ask& ask) {
  const auto& caller = call.caller;
  if (caller.principal.type != identity::PrincipalType::AwsService) {
    ask.add_key("kms:CallerAccount", caller.principal.account_id);
  }
  if (!caller.via_service.empty()) {
    ask.add_key("kms:ViaService",
                fmt::format("{}.{}.amazonaws.com", caller.via_service, caller.region));
  }
  ask.add_key("kms:KeySpec", key.spec);
  ask.add_key("kms:KeyUsage", key.usage);
  ask.add_key("kms:KeyOrigin", key.origin);
  ask.add_key("kms:MultiRegion", key.is_multi_region() ? "true" : "false");
  if (key.is_multi_region()) {
    ask.add_key("kms:MultiRegionKeyType", key.is_primary() ? "PRIMARY" : "REPLICA");
  }
}

Result<> add_tags(Call& call, const kms::Key& key, Ask& ask) {
  TRY_ASSIGN(const auto aliases, kms::aliases_of(call.transaction, key));
  for (const auto& alias : aliases) ask.add_key("kms:ResourceAliases", alias);
  TRY_ASSIGN(const auto tags, kms::list_tags(call.transaction, key));
  for (const auto& tag : tags) ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
  return {};
}

Result<> add_context(const json::Object& input, std::string_view member, Ask& ask) {
  TRY_ASSIGN(const auto context, read_context(input, member));
  for (const auto& [key, value] : context) ask.add_key("kms:EncryptionContext:" + key, value);
  for (const auto& [key, value] : context) ask.add_key("kms:EncryptionContextKeys", key);
  return {};
}

void add_algorithm(const Call& call, const aws::Operation& operation, const Wanted& wanted,
                   Ask& ask) {
  if (!takes_key(operation, "kms:EncryptionAlgorithm")) return;
  ask.add_key("kms:EncryptionAlgorithm",
              optional_string(call.input, wanted.algorithm).value_or(std::string(kms::kSymmetric)));
}

// Of CreateGrant.
Result<> add_grant(const json::Object& input, Ask& ask) {
  TRY_ASSIGN(const auto made, read_grant(input));
  for (const auto& operation : made.operations) ask.add_key("kms:GrantOperations", operation);
  if (made.rule == kms::GrantRule::Any) return {};
  ask.add_key("kms:GrantConstraintType", made.rule == kms::GrantRule::Subset ? kSubset : kEquals);
  for (const auto& [key, value] : made.context) ask.add_key("kms:EncryptionContext:" + key, value);
  for (const auto& [key, value] : made.context) ask.add_key("kms:EncryptionContextKeys", key);
  return {};
}

// Whether a grant of the key covers the request.
Result<bool> is_granted(Call& call, const aws::Operation& operation, const kms::Key& key,
                        const Wanted& wanted) {
  const auto& principal = call.caller.principal;
  kms::GrantCaller caller{principal.principal_id, principal.arn, {}};
  if (principal.type == identity::PrincipalType::AssumedRole) {
    caller.role_id = principal.session->session.issuer_id;
  }
  kms::GrantedUse use{.operation = wanted.action.substr(wanted.action.find(':') + 1)};
  if (use.operation == "RetireGrant") {
    return kms::is_granted(call.transaction, key, caller, use, read_retired(call.input).id);
  }
  if (use.operation == "CreateGrant") {
    TRY_ASSIGN(const auto made, read_grant(call.input));
    use.made = &made;
    return kms::is_granted(call.transaction, key, caller, use);
  }
  TRY_ASSIGN(const auto context, read_context(call.input, wanted.context));
  if (takes_key(operation, "kms:EncryptionContext")) use.context = &context;
  return kms::is_granted(call.transaction, key, caller, use);
}

// `ask` has the action.
Result<Ask> ask_on_named(Call& call, const aws::Operation& operation, const Wanted& wanted,
                         const kms::KeyName& name, Ask ask) {
  const bool foreign = name.account != call.caller.principal.account_id;
  ask.resource = name.arn;
  if (foreign) ask.key = Ask::OnResource{.account = name.account};
  if (takes_key(operation, "kms:EncryptionContext")) {
    TRY(add_context(call.input, wanted.context, ask));
  }
  if (takes_key(operation, "kms:GrantOperations")) TRY(add_grant(call.input, ask));
  TRY_ASSIGN(const auto key, call.services.keys.find(call.transaction, name));
  if (!key) return ask;
  ask.resource = key->arn;
  const auto* across = std::ranges::find(kAcrossAccounts, wanted.action);
  const bool of_no_use = foreign && across == std::end(kAcrossAccounts);
  ask.key = Ask::OnResource{.account = key->place.account};
  if (!of_no_use) {
    ask.key->policy = key->policy;
    TRY_ASSIGN(ask.key->granted, is_granted(call, operation, *key, wanted));
  }
  add_facts(call, *key, ask);
  TRY(add_tags(call, *key, ask));
  if (name.kind == kms::NameKind::Alias) {
    ask.add_key("kms:RequestAlias", name.arn.substr(name.arn.find(":alias/") + 1));
  }
  return ask;
}

// What names no key is asked for as if it were a key's id: the operation says what is wrong with it
// to whom it concerns.
Result<Ask> ask_on_key(Call& call, const aws::Operation& operation, const Wanted& wanted) {
  const bool by_alias = takes_key(operation, "kms:RequestAlias");
  const auto own = place_of(call);
  const auto name = kms::parse_key_name(
      wanted.name, own, by_alias ? kms::AliasesAre::Allowed : kms::AliasesAre::Refused);
  Ask ask{.action = wanted.action};
  add_algorithm(call, operation, wanted, ask);
  if (!name) {
    const bool arn = wanted.name.starts_with("arn:");
    ask.resource = arn ? std::string(wanted.name) : kms::key_arn(own, wanted.name);
    return ask;
  }
  return ask_on_named(call, operation, wanted, *name, std::move(ask));
}

// The key that the request names beside the ciphertext, or that the ciphertext names.
Result<Ask> ask_on_source(Call& call, const aws::Operation& operation, Wanted wanted,
                          std::string_view blob, std::string_view key_member) {
  const auto named = get_string(call.input, key_member);
  if (!named.empty()) {
    wanted.name = named;
    return ask_on_key(call, operation, wanted);
  }
  const auto bytes = base64_decode(blob);
  const auto ciphertext = bytes ? kms::decode_ciphertext(*bytes)
                                : Result<kms::CiphertextView>(kms::invalid_ciphertext());
  const auto own = place_of(call);
  // Whoever may open nothing is not told whether these are bytes that could be opened.
  if (!ciphertext) {
    Ask ask{.action = wanted.action, .resource = kms::key_arn(own, "*")};
    add_algorithm(call, operation, wanted, ask);
    return ask;
  }
  const auto arn = kms::key_arn({std::string(ciphertext->account), own.region}, ciphertext->key_id);
  wanted.name = arn;
  TRY_ASSIGN(auto ask, ask_on_key(call, operation, wanted));
  ask.words = kOfCiphertext;
  return ask;
}

Result<> resolve_ciphertext(Call& call, const aws::Operation& operation, std::string_view blob,
                            std::vector<Ask>& asks) {
  const auto destination = get_string(call.input, "DestinationKeyId");
  if (destination.empty()) {
    TRY_ASSIGN(auto ask,
               ask_on_source(call, operation, {.action = operation.iam_action, .name = {}}, blob,
                             "KeyId"));
    asks.push_back(std::move(ask));
    return {};
  }
  TRY_ASSIGN(auto from, ask_on_source(call, operation,
                                      {.action = operation.iam_action,
                                       .name = {},
                                       .context = "SourceEncryptionContext",
                                       .algorithm = "SourceEncryptionAlgorithm"},
                                      blob, "SourceKeyId"));
  TRY_ASSIGN(auto to, ask_on_key(call, operation,
                                 {.action = "kms:ReEncryptTo",
                                  .name = destination,
                                  .context = "DestinationEncryptionContext",
                                  .algorithm = "DestinationEncryptionAlgorithm"}));
  const std::string_view same = from.resource == to.resource ? "true" : "false";
  from.add_key("kms:ReEncryptOnSameKey", same);
  to.add_key("kms:ReEncryptOnSameKey", same);
  asks.push_back(std::move(from));
  asks.push_back(std::move(to));
  return {};
}

// "ReplicateKey", "UpdatePrimaryRegion": what else they need beside their action on the primary
// key.
Result<> resolve_other_region(Call& call, const aws::Operation& operation, std::vector<Ask>& asks) {
  if (operation.name == "ReplicateKey") {
    asks.push_back({.action = "kms:CreateKey", .resource = "*"});
    return {};
  }
  if (operation.name != "UpdatePrimaryRegion") return {};
  const auto own = place_of(call);
  const auto name =
      kms::parse_key_name(get_string(call.input, "KeyId"), own, kms::AliasesAre::Refused);
  if (!name) return {};
  const auto id = name->arn.substr(name->arn.rfind('/') + 1);
  const kms::Place place{name->account, get_string(call.input, "PrimaryRegion")};
  const kms::KeyName replica{.arn = kms::key_arn(place, id), .account = place.account};
  TRY_ASSIGN(auto ask, ask_on_named(call, operation, {operation.iam_action, replica.arn}, replica,
                                    {.action = operation.iam_action}));
  asks.push_back(std::move(ask));
  return {};
}

}  // namespace

Result<> resolve_key(Call& call, const aws::Operation& operation, std::string_view name,
                     std::vector<Ask>& asks) {
  if (operation.access.named_by == "CiphertextBlob") {
    return resolve_ciphertext(call, operation, name, asks);
  }
  const auto retired = operation.name == "RetireGrant" ? read_retired(call.input).key : "";
  TRY_ASSIGN(auto ask,
             ask_on_key(call, operation, {operation.iam_action, retired.empty() ? name : retired}));
  asks.push_back(std::move(ask));
  return resolve_other_region(call, operation, asks);
}

// The alias, by the account's own policies only, and each key that it leads or shall lead to
// ("Controlling access to aliases").
Result<> resolve_alias(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks) {
  const auto arn = kms::alias_arn(place_of(call), name);
  asks.push_back({.action = operation.iam_action, .resource = arn});
  if (operation.access.existence == aws::Existence::Existing) {
    TRY_ASSIGN(const auto alias, kms::find_alias(call.transaction, arn));
    if (alias) TRY(resolve_key(call, operation, alias->key_arn, asks));
  }
  const auto target = get_string(call.input, "TargetKeyId");
  if (target.empty()) return {};
  return resolve_key(call, operation, target, asks);
}

}  // namespace traccia::api::kms_service
