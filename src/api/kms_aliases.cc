// KMS CreateAlias, UpdateAlias, DeleteAlias, ListAliases.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/kms_call.h"
#include "kms/aliases.h"

namespace traccia::api::kms_service {
namespace {

constexpr size_t kAliasesDefault = 50;
constexpr size_t kAliasesMax = 100;
constexpr std::string_view kPrefix = "alias/";
constexpr std::string_view kReservedPrefix = "alias/aws/";

constexpr aws::Access on_alias(aws::Existence existence) {
  return {.resource = "alias", .named_by = "AliasName", .existence = existence};
}

constexpr Member kPointInput[] = {{"AliasName", &kAliasName, Presence::Required},
                                  {"TargetKeyId", &kKeyId, Presence::Required}};
constexpr Shape kPointRequest = aws::structure_shape(kPointInput);
constexpr std::string_view kCreateErrors[] = {"AlreadyExistsException", kNotFound, kLimitExceeded,
                                              kInvalidState};
constexpr auto kCreate = change("kms:CreateAlias", kPointRequest, aws::kEmptyStructure,
                                kCreateErrors, on_alias(aws::Existence::Made));
constexpr std::string_view kUpdateErrors[] = {kNotFound, kLimitExceeded, kInvalidState};
constexpr auto kUpdate = change("kms:UpdateAlias", kPointRequest, aws::kEmptyStructure,
                                kUpdateErrors, on_alias(aws::Existence::Existing));
constexpr Member kDeleteInput[] = {{"AliasName", &kAliasName, Presence::Required}};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr std::string_view kDeleteErrors[] = {kNotFound};
constexpr auto kDelete = change("kms:DeleteAlias", kDeleteRequest, aws::kEmptyStructure,
                                kDeleteErrors, on_alias(aws::Existence::Existing));

constexpr Member kListInput[] = {{"KeyId", &kKeyId}, kLimitMember, kMarkerMember};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kEntryMembers[] = {{"AliasName", &kAliasName},
                                    {"AliasArn", &kString},
                                    {"TargetKeyId", &kString},
                                    {"CreationDate", &kTimestamp},
                                    {"LastUpdatedDate", &kTimestamp}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kListOutput[] = {{"Aliases", &kEntries}, kNextMarkerMember, kTruncatedMember};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {kInvalidMarker, kInvalidArn, kNotFound};
constexpr auto kList = query("kms:ListAliases", kListRequest, kListAnswer, kListErrors, {});

Result<std::string> read_name(const json::Object& input) {
  auto name = get_string(input, "AliasName");
  if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) {
    return invalid(
        "Alias must start with the prefix \"alias/\". Please see "
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
  }
  if (name.starts_with(kReservedPrefix)) {
    return fail(ErrorCode::PermissionDenied, "NotAuthorized", "");
  }
  if (name.contains(':')) return invalid(name + " contains invalid characters for an alias");
  return name;
}

// Aliases lead to keys of their own account and region.
Result<kms::Key> find_target(Call& call) {
  if (get_string(call.input, "TargetKeyId").contains(kPrefix)) {
    return invalid("Aliases must refer to keys. Not aliases");
  }
  TRY_ASSIGN(auto key, find_key(call, "TargetKeyId"));
  TRY(kms::check_state(key, kms::Needs::Kept));
  return key;
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto name, read_name(call.input));
  TRY_ASSIGN(const auto key, find_target(call));
  TRY(kms::create_alias(call.transaction, name, key, call.now));
  note_resource(call, key.place.account, kms::alias_arn(key.place, name));
  return json::Object{};
}

Result<json::Object> update(Call& call) {
  TRY_ASSIGN(const auto name, read_name(call.input));
  TRY_ASSIGN(const auto alias,
             kms::get_alias(call.transaction, kms::alias_arn(place_of(call), name)));
  TRY_ASSIGN(const auto key, find_target(call));
  TRY(kms::point_alias(call.transaction, alias, key, call.now));
  note_resource(call, key.place.account, alias.arn);
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto name, read_name(call.input));
  const auto place = place_of(call);
  TRY_ASSIGN(const auto alias, kms::get_alias(call.transaction, kms::alias_arn(place, name)));
  TRY(kms::remove_alias(call.transaction, alias));
  note_resource(call, place.account, alias.key_arn);
  note_resource(call, place.account, alias.arn);
  return json::Object{};
}

// ListAliases is authorised on no key: what other accounts have is not told.
Result<std::string> find_own_key(Call& call) {
  const auto own = place_of(call);
  TRY_ASSIGN(const auto name,
             kms::parse_key_name(get_string(call.input, "KeyId"), own, kms::AliasesAre::Refused));
  if (name.account != own.account) return kms::not_found(name);
  TRY_ASSIGN(const auto key, call.services.keys.get(call.transaction, name));
  return key.arn;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input, kAliasesDefault, kAliasesMax));
  std::string key_arn;
  if (optional_string(call.input, "KeyId")) {
    TRY_ASSIGN(key_arn, find_own_key(call));
  }
  TRY_ASSIGN(const auto page, kms::list_aliases(call.transaction, place_of(call), key_arn, cursor));
  json::Array aliases;
  for (const auto& alias : page.items) {
    aliases.push_back(json::Object{{"AliasName", alias.name},
                                   {"AliasArn", alias.arn},
                                   {"TargetKeyId", alias.key_id()},
                                   {"CreationDate", render(alias.created)},
                                   {"LastUpdatedDate", render(alias.updated)}});
  }
  json::Object out{{"Aliases", std::move(aliases)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().name);
  return out;
}

}  // namespace

std::span<const Binding> alias_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kUpdate, update},
                                   Binding{&kDelete, remove}, Binding{&kList, list}};
  return bindings;
}

}  // namespace traccia::api::kms_service
