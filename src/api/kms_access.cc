// Which keys a call of KMS is authorised on, and by which condition keys.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/access.h"
#include "api/kms_call.h"
#include "api/kms_grant.h"
#include "api/kms_use.h"
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

// What is asked for a key by the operation's own action.
Result<KeyUse> read_asked(const json::Object& input, const aws::Operation& operation,
                          std::string_view key) {
  TRY_ASSIGN(auto use, read_use(input, key));
  use.action = operation.iam_action;
  return use;
}

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

void add_tags(const kms::KnownKey& known, Ask& ask) {
  for (const auto& alias : known.aliases) ask.add_key("kms:ResourceAliases", alias);
  for (const auto& tag : known.tags) ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
}

void add_context(const kms::EncryptionContext& context, Ask& ask) {
  for (const auto& [key, value] : context) ask.add_key("kms:EncryptionContext:" + key, value);
  for (const auto& [key, value] : context) ask.add_key("kms:EncryptionContextKeys", key);
}

// Of CreateGrant.
Result<> add_grant(const json::Object& input, Ask& ask) {
  TRY_ASSIGN(const auto made, read_grant(input));
  for (const auto& operation : made.operations) ask.add_key("kms:GrantOperations", operation);
  if (made.rule == kms::GrantRule::Any) return {};
  ask.add_key("kms:GrantConstraintType", made.rule == kms::GrantRule::Subset ? kSubset : kEquals);
  add_context(made.context, ask);
  return {};
}

void add_algorithm(const aws::Operation& operation, const KeyUse& use, Ask& ask) {
  if (takes_key(operation, "kms:EncryptionAlgorithm")) {
    ask.add_key("kms:EncryptionAlgorithm", use.algorithm);
  }
}

// Whether a grant of the key covers the request.
Result<bool> is_granted(Call& call, const aws::Operation& operation, const kms::KnownKey& known,
                        const KeyUse& asked) {
  if (!known.has_grants) return false;
  const auto& key = known.key;
  const auto& principal = call.caller.principal;
  kms::GrantCaller caller{principal.principal_id, principal.arn, {}};
  if (principal.type == identity::PrincipalType::AssumedRole) {
    caller.role_id = principal.session->session.issuer_id;
  }
  kms::GrantedUse use{.operation = asked.action.substr(asked.action.find(':') + 1)};
  if (use.operation == "RetireGrant") {
    return kms::is_granted(call.transaction, key, caller, use, read_retired(call.input).id);
  }
  if (use.operation == "CreateGrant") {
    TRY_ASSIGN(const auto made, read_grant(call.input));
    use.made = &made;
    return kms::is_granted(call.transaction, key, caller, use);
  }
  if (takes_key(operation, "kms:EncryptionContext")) use.context = &asked.context;
  return kms::is_granted(call.transaction, key, caller, use);
}

// `asked` has the action.
Result<AskedKey> ask_on_named(Call& call, const aws::Operation& operation, const KeyUse& use,
                              const kms::KeyName& name, AskedKey asked) {
  auto& ask = asked.ask;
  const bool foreign = name.account != call.caller.principal.account_id;
  ask.resource = name.arn;
  if (foreign) ask.key = Ask::OnResource{.account = name.account};
  if (takes_key(operation, "kms:EncryptionContext")) {
    TRY(check_context(use.context, use.context_member));
    add_context(use.context, ask);
  }
  if (takes_key(operation, "kms:GrantOperations")) TRY(add_grant(call.input, ask));
  TRY_ASSIGN(asked.known, call.services.keys.know(call.transaction, name, use.writes));
  if (!asked.known) return asked;
  const auto& key = asked.known->key;
  ask.resource = key.arn;
  const auto* across = std::ranges::find(kAcrossAccounts, use.action);
  const bool of_no_use = foreign && across == std::end(kAcrossAccounts);
  ask.key = Ask::OnResource{.account = key.place.account};
  if (!of_no_use) {
    ask.key->policy = key.policy;
    TRY_ASSIGN(ask.key->granted, is_granted(call, operation, *asked.known, use));
  }
  add_facts(call, key, ask);
  add_tags(*asked.known, ask);
  if (name.kind == kms::NameKind::Alias) {
    ask.add_key("kms:RequestAlias", name.arn.substr(name.arn.find(":alias/") + 1));
  }
  return asked;
}

// The key that the request names beside the ciphertext, or that the ciphertext names.
Result<Ask> ask_on_source(Call& call, const aws::Operation& operation, KeyUse use,
                          std::string_view blob, std::string_view key_member) {
  const auto named = get_string(call.input, key_member);
  if (!named.empty()) {
    use.key = named;
    TRY_ASSIGN(auto asked, ask_on_key(call, operation, use));
    return std::move(asked.ask);
  }
  const auto bytes = base64_decode(blob);
  const auto ciphertext = bytes ? kms::decode_ciphertext(*bytes)
                                : Result<kms::CiphertextView>(kms::invalid_ciphertext());
  const auto own = place_of(call);
  // Whoever may open nothing is not told whether these are bytes that could be opened.
  if (!ciphertext) {
    Ask ask{.action = use.action, .resource = kms::key_arn(own, "*")};
    add_algorithm(operation, use, ask);
    return ask;
  }
  const auto arn = kms::key_arn({std::string(ciphertext->account), own.region}, ciphertext->key_id);
  use.key = arn;
  TRY_ASSIGN(auto asked, ask_on_key(call, operation, use));
  asked.ask.words = kOfCiphertext;
  return std::move(asked.ask);
}

Result<> resolve_ciphertext(Call& call, const aws::Operation& operation, std::string_view blob,
                            std::vector<Ask>& asks) {
  const auto destination = get_string(call.input, "DestinationKeyId");
  if (destination.empty()) {
    TRY_ASSIGN(auto use, read_asked(call.input, operation, {}));
    TRY_ASSIGN(auto ask, ask_on_source(call, operation, std::move(use), blob, "KeyId"));
    asks.push_back(std::move(ask));
    return {};
  }
  TRY_ASSIGN(auto source,
             read_use(call.input, {}, {"SourceEncryptionContext", "SourceEncryptionAlgorithm"}));
  source.action = operation.iam_action;
  TRY_ASSIGN(auto from, ask_on_source(call, operation, std::move(source), blob, "SourceKeyId"));
  TRY_ASSIGN(auto target,
             read_use(call.input, destination,
                      {"DestinationEncryptionContext", "DestinationEncryptionAlgorithm"}));
  target.action = "kms:ReEncryptTo";
  TRY_ASSIGN(auto asked, ask_on_key(call, operation, target));
  auto to = std::move(asked.ask);
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
  const KeyUse use{.key = replica.arn, .action = operation.iam_action};
  TRY_ASSIGN(auto asked, ask_on_named(call, operation, use, replica, {{.action = use.action}}));
  asks.push_back(std::move(asked.ask));
  return {};
}

}  // namespace

// What names no key is asked for as if it were a key's id: the operation says what is wrong with it
// to whom it concerns.
Result<AskedKey> ask_on_key(Call& call, const aws::Operation& operation, const KeyUse& use) {
  const bool by_alias = takes_key(operation, "kms:RequestAlias");
  const auto own = place_of(call);
  const auto name = kms::parse_key_name(
      use.key, own, by_alias ? kms::AliasesAre::Allowed : kms::AliasesAre::Refused);
  AskedKey asked{{.action = use.action}};
  add_algorithm(operation, use, asked.ask);
  if (!name) {
    const bool arn = use.key.starts_with("arn:");
    asked.ask.resource = arn ? std::string(use.key) : kms::key_arn(own, use.key);
    return asked;
  }
  return ask_on_named(call, operation, use, *name, std::move(asked));
}

Result<> resolve_key(Call& call, const aws::Operation& operation, std::string_view name,
                     std::vector<Ask>& asks) {
  if (operation.access.named_by == "CiphertextBlob") {
    return resolve_ciphertext(call, operation, name, asks);
  }
  const auto retired = operation.name == "RetireGrant" ? read_retired(call.input).key : "";
  TRY_ASSIGN(const auto use, read_asked(call.input, operation, retired.empty() ? name : retired));
  TRY_ASSIGN(auto asked, ask_on_key(call, operation, use));
  asks.push_back(std::move(asked.ask));
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
