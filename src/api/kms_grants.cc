// KMS CreateGrant, ListGrants, RetireGrant, RevokeGrant, ListRetirableGrants.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_grant.h"
#include "base/bytes.h"

namespace traccia::api::kms_service {
namespace {

constexpr size_t kGrantsDefault = 50;
constexpr size_t kGrantsMax = 100;
constexpr std::string_view kTokenVersion = "g1:";

constexpr aws::Pattern kPrincipalPattern{"^[\\w+=,.@:/-]+$", [](std::string_view text) {
                                           return !text.empty() &&
                                                  aws::only_characters(text, "a-zA-Z0-9_+=,.@:/-");
                                         }};
constexpr Shape kPrincipal = aws::string_shape(1, 256, kPrincipalPattern);
constexpr Shape kServicePrincipal = aws::string_shape(1, 128);
constexpr Shape kGrantName = aws::string_shape(1, 256, kAliasPattern);
constexpr Shape kGrantId = aws::string_shape(1, 128);
constexpr std::string_view kOperations[] = {"Decrypt",
                                            "Encrypt",
                                            "GenerateDataKey",
                                            "GenerateDataKeyWithoutPlaintext",
                                            "ReEncryptFrom",
                                            "ReEncryptTo",
                                            "Sign",
                                            "Verify",
                                            "GetPublicKey",
                                            "CreateGrant",
                                            "RetireGrant",
                                            "DescribeKey",
                                            "GenerateDataKeyPair",
                                            "GenerateDataKeyPairWithoutPlaintext",
                                            "GenerateMac",
                                            "VerifyMac",
                                            "DeriveSharedSecret",
                                            "Encapsulate",
                                            "Decapsulate"};
constexpr Shape kGrantOperation = aws::enum_shape(kOperations);
constexpr Shape kGrantOperationList = aws::list_shape(kGrantOperation);
constexpr Member kConstraintMembers[] = {
    {kSubset, &kEncryptionContext}, {kEquals, &kEncryptionContext}, {"SourceArn", &kString}};
constexpr Shape kConstraintShape = aws::structure_shape(kConstraintMembers);

constexpr Member kCreateInput[] = {kKeyIdMember,
                                   {"GranteePrincipal", &kPrincipal},
                                   {"RetiringPrincipal", &kPrincipal},
                                   {"Operations", &kGrantOperationList, Presence::Required},
                                   {"Constraints", &kConstraintShape},
                                   kGrantTokensMember,
                                   {"Name", &kGrantName},
                                   kDryRunMember,
                                   {"GranteeServicePrincipal", &kServicePrincipal},
                                   {"RetiringServicePrincipal", &kServicePrincipal}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr Member kCreateOutput[] = {
    {"GrantToken", &kGrantToken, Presence::Optional, Sensitivity::Secret}, {"GrantId", &kGrantId}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {kNotFound,      kDisabled,     kInvalidArn,
                                              kLimitExceeded, kInvalidState, kDryRun};
constexpr std::string_view kCreateKeys[] = {"kms:GrantOperations",       "kms:GrantConstraintType",
                                            "kms:GranteePrincipal",      "kms:RetiringPrincipal",
                                            "kms:GrantIsForAWSResource", "kms:EncryptionContext",
                                            "kms:EncryptionContextKeys"};
constexpr auto kCreate =
    change("kms:CreateGrant", kCreateRequest, kCreateAnswer, kCreateErrors, on_key(kCreateKeys));

constexpr Member kEntryMembers[] = {{"KeyId", &kString},
                                    {"GrantId", &kGrantId},
                                    {"Name", &kGrantName},
                                    {"CreationDate", &kTimestamp},
                                    {"GranteePrincipal", &kPrincipal},
                                    {"RetiringPrincipal", &kPrincipal},
                                    {"IssuingAccount", &kPrincipal},
                                    {"Operations", &kGrantOperationList},
                                    {"Constraints", &kConstraintShape},
                                    {"GranteeServicePrincipal", &kServicePrincipal},
                                    {"RetiringServicePrincipal", &kServicePrincipal}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kListOutput[] = {{"Grants", &kEntries}, kNextMarkerMember, kTruncatedMember};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kForAwsKeys[] = {"kms:GrantIsForAWSResource"};

constexpr Member kListInput[] = {kLimitMember,
                                 kMarkerMember,
                                 kKeyIdMember,
                                 {"GrantId", &kGrantId},
                                 {"GranteePrincipal", &kPrincipal},
                                 {"GranteeServicePrincipal", &kServicePrincipal}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr std::string_view kListErrors[] = {kNotFound, kInvalidMarker, kInvalidArn};
constexpr auto kList =
    query("kms:ListGrants", kListRequest, kListAnswer, kListErrors, on_key(kForAwsKeys));

constexpr Member kRetirableInput[] = {kLimitMember,
                                      kMarkerMember,
                                      {"RetiringPrincipal", &kPrincipal},
                                      {"RetiringServicePrincipal", &kServicePrincipal}};
constexpr Shape kRetirableRequest = aws::structure_shape(kRetirableInput);
constexpr std::string_view kRetirableErrors[] = {kInvalidMarker, kInvalidArn};
constexpr auto kRetirable =
    query("kms:ListRetirableGrants", kRetirableRequest, kListAnswer, kRetirableErrors, {});

constexpr Member kRetireInput[] = {
    {"GrantToken", &kGrantToken, Presence::Optional, Sensitivity::Secret},
    {"KeyId", &kKeyId},
    {"GrantId", &kGrantId},
    kDryRunMember};
constexpr Shape kRetireRequest = aws::structure_shape(kRetireInput);
constexpr std::string_view kRetireErrors[] = {"InvalidGrantTokenException", kInvalidArn, kNotFound,
                                              kDryRun};
constexpr auto kRetire =
    change("kms:RetireGrant", kRetireRequest, aws::kEmptyStructure, kRetireErrors, on_key());

constexpr Member kRevokeInput[] = {
    kKeyIdMember, {"GrantId", &kGrantId, Presence::Required}, kDryRunMember};
constexpr Shape kRevokeRequest = aws::structure_shape(kRevokeInput);
constexpr std::string_view kRevokeErrors[] = {kNotFound, kInvalidArn, kDryRun};
constexpr auto kRevoke = change("kms:RevokeGrant", kRevokeRequest, aws::kEmptyStructure,
                                kRevokeErrors, on_key(kForAwsKeys));

// A token only says which grant: it gives no right by itself.
std::string token_of(const kms::Grant& grant) {
  return base64_encode(fmt::format("{}{} {}", kTokenVersion, grant.key_arn, grant.id));
}

// What this server has no principals of.
Result<> check_principals(const json::Object& input) {
  for (const auto* member : {"GranteeServicePrincipal", "RetiringServicePrincipal"}) {
    if (optional_string(input, member)) return invalid(fmt::format("{} is not supported.", member));
  }
  return {};
}

Result<json::Object> create(Call& call) {
  TRY(check_principals(call.input));
  TRY_ASSIGN(const auto key, find_key(call, "KeyId"));
  TRY(kms::check_state(key, kms::Needs::Enabled));
  if (!optional_string(call.input, "GranteePrincipal")) {
    return invalid("GranteePrincipal is required.");
  }
  TRY_ASSIGN(auto grant, read_grant(call.input));
  if (grant.operations.empty()) return invalid("Operations is required.");
  grant.key_arn = key.arn;
  grant.issuing_account = fmt::format("arn:aws:iam::{}:root", call.caller.principal.account_id);
  TRY_ASSIGN(grant.grantee, kms::bind_grant_principal(call.transaction,
                                                      get_string(call.input, "GranteePrincipal")));
  if (const auto retiring = optional_string(call.input, "RetiringPrincipal")) {
    TRY_ASSIGN(grant.retiring, kms::bind_grant_principal(call.transaction, *retiring));
  }
  TRY(check_dry_run(call));
  TRY_ASSIGN(grant, kms::create_grant(call.transaction, call.services.os, std::move(grant)));
  return json::Object{{"GrantToken", token_of(grant)}, {"GrantId", grant.id}};
}

json::Object render(const kms::Grant& grant) {
  json::Array operations;
  for (const auto& operation : grant.operations) operations.emplace_back(operation);
  json::Object out{{"KeyId", grant.key_arn},
                   {"GrantId", grant.id},
                   {"Name", grant.name},
                   {"CreationDate", kms_service::render(grant.created)},
                   {"GranteePrincipal", grant.grantee.arn},
                   {"IssuingAccount", grant.issuing_account},
                   {"Operations", std::move(operations)}};
  if (!grant.retiring.arn.empty()) out["RetiringPrincipal"] = grant.retiring.arn;
  if (grant.rule == kms::GrantRule::Any) return out;
  json::Object pairs;
  for (const auto& [key, value] : grant.context) pairs[key] = value;
  const auto member = grant.rule == kms::GrantRule::Subset ? kSubset : kEquals;
  out["Constraints"] = json::Object{{member, std::move(pairs)}};
  return out;
}

json::Object render(const identity::Page<kms::Grant>& page) {
  json::Array grants;
  for (const auto& grant : page.items) grants.push_back(render(grant));
  json::Object out{{"Grants", std::move(grants)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto key, find_key(call, "KeyId"));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input, kGrantsDefault, kGrantsMax));
  if (optional_string(call.input, "GranteeServicePrincipal")) {
    return render(identity::Page<kms::Grant>{});
  }
  if (const auto id = optional_string(call.input, "GrantId")) {
    TRY_ASSIGN(auto grant, kms::get_grant(call.transaction, key, *id));
    return render(identity::Page<kms::Grant>{{std::move(grant)}, false});
  }
  TRY_ASSIGN(const auto page, kms::list_grants(call.transaction, key,
                                               get_string(call.input, "GranteePrincipal"), cursor));
  return render(page);
}

Result<json::Object> list_retirable(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input, kGrantsDefault, kGrantsMax));
  const auto retiring = optional_string(call.input, "RetiringPrincipal");
  if (!retiring) return invalid("RetiringPrincipal is required.");
  TRY_ASSIGN(const auto page,
             kms::list_retirable_grants(call.transaction, place_of(call), *retiring, cursor));
  return render(page);
}

Result<json::Object> remove(Call& call, std::string_view key_name, std::string_view id) {
  TRY_ASSIGN(const auto name,
             kms::parse_key_name(key_name, place_of(call), kms::AliasesAre::Refused));
  TRY_ASSIGN(const auto key, call.services.keys.get(call.transaction, name));
  note_resource(call, key.place.account, key.arn);
  call.resource_account = key.place.account;
  TRY_ASSIGN(const auto grant, kms::get_grant(call.transaction, key, id));
  TRY(check_dry_run(call));
  TRY(kms::remove_grant(call.transaction, grant));
  return json::Object{};
}

Result<json::Object> retire(Call& call) {
  const auto named = read_retired(call.input);
  if (named.key.empty() || named.id.empty()) {
    if (optional_string(call.input, "GrantToken")) {
      return fail(ErrorCode::InvalidArgument, "InvalidGrantToken", "");
    }
    return invalid("Either a grant token, or a key and a grant ID, is required.");
  }
  return remove(call, named.key, named.id);
}

Result<json::Object> revoke(Call& call) {
  return remove(call, get_string(call.input, "KeyId"), get_string(call.input, "GrantId"));
}

}  // namespace

Result<kms::Grant> read_grant(const json::Object& input) {
  kms::Grant grant;
  for (const auto& operation : input.at("Operations").as_array()) {
    grant.operations.emplace_back(operation.as_string());
  }
  grant.name = get_string(input, "Name");
  std::ranges::sort(grant.operations);
  const auto* constraints = json::find(input, "Constraints");
  if (constraints == nullptr || !constraints->is_object()) return grant;
  const auto& rules = constraints->get_object();
  const bool subset = json::find(rules, kSubset) != nullptr;
  const bool equals = json::find(rules, kEquals) != nullptr;
  if (optional_string(rules, "SourceArn")) return invalid("SourceArn is not supported.");
  if (subset && equals) {
    return invalid("Only one of EncryptionContextSubset and EncryptionContextEquals may be given.");
  }
  if (subset) grant.rule = kms::GrantRule::Subset;
  if (equals) grant.rule = kms::GrantRule::Equals;
  TRY_ASSIGN(grant.context, read_context(rules, equals ? kEquals : kSubset));
  return grant;
}

RetiredGrant read_retired(const json::Object& input) {
  const auto token = optional_string(input, "GrantToken");
  if (!token) return {get_string(input, "KeyId"), get_string(input, "GrantId")};
  const auto decoded = base64_decode(*token);
  if (!decoded || !decoded->starts_with(kTokenVersion)) return {};
  const auto space = decoded->find(' ');
  if (space == decoded->npos) return {};
  return {decoded->substr(kTokenVersion.size(), space - kTokenVersion.size()),
          decoded->substr(space + 1)};
}

std::span<const Binding> grant_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kList, list},
                                   Binding{&kRetirable, list_retirable}, Binding{&kRetire, retire},
                                   Binding{&kRevoke, revoke}};
  return bindings;
}

}  // namespace traccia::api::kms_service
