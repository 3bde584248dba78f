// KMS CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey, ScheduleKeyDeletion,
// CancelKeyDeletion, UpdateKeyDescription.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/kms_metadata.h"
#include "api/kms_policy.h"
#include "api/kms_upkeep.h"
#include "kms/key_policy.h"
#include "kms/multi_region.h"

namespace traccia::api::kms_service {
namespace {

constexpr int64_t kWindowDaysMin = 7;
constexpr int64_t kWindowDaysMax = 30;
constexpr size_t kKeysDefault = 100;
constexpr size_t kKeysMax = 1000;

constexpr Shape kWindow = aws::integer_shape(1, 365);

constexpr Member kMetadataOutput[] = {{"KeyMetadata", &kMetadata}};
constexpr Shape kMetadataAnswer = aws::structure_shape(kMetadataOutput);

constexpr Member kCreateInput[] = {{"Policy", &kPolicy},
                                   {"Description", &kDescription},
                                   {"KeyUsage", &kKeyUsage},
                                   {"CustomerMasterKeySpec", &kMasterKeySpec},
                                   {"KeySpec", &kKeySpec},
                                   {"Origin", &kOrigin},
                                   {"CustomKeyStoreId", &kString},
                                   {"BypassPolicyLockoutSafetyCheck", &kBoolean},
                                   {"Tags", &kTags},
                                   {"MultiRegion", &kBoolean},
                                   {"XksKeyId", &kString}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kMalformedPolicy, kInvalidArn,
                                              kUnsupported,     kLimitExceeded,
                                              kTagError,        "CustomKeyStoreNotFoundException"};
constexpr std::string_view kCreateKeys[] = {"kms:KeySpec",     "kms:KeyUsage", "kms:KeyOrigin",
                                            "kms:MultiRegion", kBypassKey,     "aws:TagKeys",
                                            "aws:RequestTag"};
constexpr auto kCreate = change("kms:CreateKey", kCreateRequest, kMetadataAnswer, kCreateErrors,
                                {.keys = kCreateKeys, .tag_action = "kms:TagResource"});

constexpr Member kDescribeInput[] = {kKeyIdMember, kGrantTokensMember};
constexpr Shape kDescribeRequest = aws::structure_shape(kDescribeInput);
constexpr std::string_view kFindErrors[] = {kNotFound, kInvalidArn};
constexpr auto kDescribe =
    query("kms:DescribeKey", kDescribeRequest, kMetadataAnswer, kFindErrors, on_key(kAliasKeys));

constexpr std::string_view kOwners[] = {"SELF", "OTHER_ACCOUNTS_VIA_RAM"};
constexpr Shape kOwner = aws::enum_shape(kOwners);
constexpr Shape kOwnerList = aws::list_shape(kOwner, 1, 2);
constexpr Member kListInput[] = {kLimitMember, kMarkerMember, {"ResourceOwners", &kOwnerList}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kEntryMembers[] = {{"KeyId", &kString}, {"KeyArn", &kString}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kListOutput[] = {{"Keys", &kEntries}, kNextMarkerMember, kTruncatedMember};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {kInvalidMarker};
constexpr auto kList = query("kms:ListKeys", kListRequest, kListAnswer, kListErrors, {});

constexpr Member kKeyInput[] = {kKeyIdMember};
constexpr Shape kKeyRequest = aws::structure_shape(kKeyInput);
constexpr std::string_view kStateErrors[] = {kNotFound, kInvalidArn, kInvalidState};
constexpr auto kEnable =
    change("kms:EnableKey", kKeyRequest, aws::kEmptyStructure, kStateErrors, on_key());
constexpr auto kDisable =
    change("kms:DisableKey", kKeyRequest, aws::kEmptyStructure, kStateErrors, on_key());

constexpr Member kScheduleInput[] = {kKeyIdMember, {"PendingWindowInDays", &kWindow}};
constexpr Shape kScheduleRequest = aws::structure_shape(kScheduleInput);
constexpr Member kScheduleOutput[] = {{"KeyId", &kString},
                                      {"DeletionDate", &kTimestamp},
                                      {"KeyState", &kKeyState},
                                      {"PendingWindowInDays", &aws::kInteger}};
constexpr Shape kScheduleAnswer = aws::structure_shape(kScheduleOutput);
constexpr std::string_view kScheduleKeys[] = {"kms:ScheduleKeyDeletionPendingWindowInDays"};
constexpr auto kSchedule = change("kms:ScheduleKeyDeletion", kScheduleRequest, kScheduleAnswer,
                                  kStateErrors, on_key(kScheduleKeys));

constexpr Member kCancelOutput[] = {{"KeyId", &kString}};
constexpr Shape kCancelAnswer = aws::structure_shape(kCancelOutput);
constexpr auto kCancel =
    change("kms:CancelKeyDeletion", kKeyRequest, kCancelAnswer, kStateErrors, on_key());

constexpr Member kDescriptionInput[] = {kKeyIdMember,
                                        {"Description", &kDescription, Presence::Required}};
constexpr Shape kDescriptionRequest = aws::structure_shape(kDescriptionInput);
constexpr auto kUpdateDescription = change("kms:UpdateKeyDescription", kDescriptionRequest,
                                           aws::kEmptyStructure, kStateErrors, on_key());

Result<json::Object> answer(const Services& services, meta::Transaction& transaction,
                            const kms::Key& key) {
  TRY_ASSIGN(auto metadata, render_metadata(services, transaction, key));
  return json::Object{{"KeyMetadata", std::move(metadata)}};
}

// What key is to be made; refuses what this server has no keys of.
Result<const kms::KeyKind*> read_kind(const json::Object& input) {
  const auto spec = optional_string(input, "KeySpec");
  const auto old_spec = optional_string(input, "CustomerMasterKeySpec");
  if (spec && old_spec) {
    return invalid(
        "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
        "CustomerMasterKeySpec is deprecated.");
  }
  if (optional_string(input, "CustomKeyStoreId")) {
    return fail(ErrorCode::NotFound, "CustomKeyStoreNotFound", "");
  }
  const auto wanted = spec ? *spec : old_spec.value_or(std::string(kms::kSymmetric));
  const auto usage = optional_string(input, "KeyUsage");
  if (!usage && wanted != kms::kSymmetric) {
    return invalid(
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
  }
  if (!kms::is_spec(wanted))
    return unsupported(fmt::format("KeySpec {} is not supported.", wanted));
  const auto* kind = kms::find_kind(wanted, usage.value_or(std::string(kms::kEncryptDecrypt)));
  if (kind == nullptr) {
    return invalid(fmt::format("KeyUsage {} is not compatible with KeySpec {}", *usage, wanted));
  }
  const auto origin = optional_string(input, "Origin").value_or("AWS_KMS");
  const bool ours = origin == kms::kFromKms || origin == kms::kExternal;
  if (!ours || optional_string(input, "XksKeyId")) {
    return unsupported(fmt::format("Origin {} is not supported.", origin));
  }
  return kind;
}

// Pairs take up to seconds to make, which the store must not wait for.
Result<Prepared> prepare_create(Services& services, const Caller&, const json::Object& input) {
  TRY_ASSIGN(const auto* kind, read_kind(input));
  if (!kind->pair || get_string(input, "Origin") == kms::kExternal) return Prepared{};
  return Prepared{.key_material = kms::make_material(services.os.random, *kind)};
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto* kind, read_kind(call.input));
  const auto place = place_of(call);
  const auto policy = optional_string(call.input, "Policy");
  kms::NewKey wanted{
      .place = place,
      .spec = std::string(kind->spec),
      .usage = std::string(kind->usage),
      .description = get_string(call.input, "Description"),
      .material = call.prepared.key_material,
      .origin = optional_string(call.input, "Origin").value_or(std::string(kms::kFromKms))};
  if (optional_bool(call.input, "MultiRegion").value_or(false)) {
    wanted.regions = kms::Regions::Many;
  }
  wanted.policy = policy.value_or(kms::default_policy(place.account));
  TRY_ASSIGN(wanted.policy, kms::bind_policy(call.transaction, wanted.policy));
  TRY_ASSIGN(const auto key, call.services.keys.create(call.transaction, std::move(wanted)));
  if (policy) TRY(check_lockout(call, key));
  TRY(kms::set_tags(call.transaction, key, read_tags(call.input)));
  note_resource(call, place.account, key.arn);
  return answer(call.services, call.transaction, key);
}

// What a service's alias names where the service has no key yet.
Result<const kms::ManagedService*> find_unmade(Call& call) {
  const auto own = place_of(call);
  TRY_ASSIGN(const auto name,
             kms::parse_key_name(get_string(call.input, "KeyId"), own, kms::AliasesAre::Allowed));
  if (name.kind != kms::NameKind::Alias || name.account != own.account) return nullptr;
  TRY_ASSIGN(const auto found, call.services.keys.find(call.transaction, name));
  if (found) return nullptr;
  return kms::find_managed_service(std::string_view(name.arn).substr(name.arn.find("alias/")));
}

// "DescribeKey": of a predefined alias without a key, it makes the key.
Result<json::Object> describe(Call& call) {
  TRY_ASSIGN(const auto* service, find_unmade(call));
  if (service == nullptr || call.standing == Standing::Within) {
    TRY_ASSIGN(const auto key, find_key(call, "KeyId", kms::AliasesAre::Allowed));
    return answer(call.services, call.transaction, key);
  }
  call.rest = [&services = call.services, service, place = place_of(call)]() -> Result<Output> {
    TRY_ASSIGN(const auto key, find_managed_key(services, *service, place));
    Output out;
    TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(out.document, answer(services, transaction, key));
      return {};
    }));
    return out;
  };
  return json::Object{};
}

// Nobody shares keys of other accounts through AWS RAM here.
bool wants_own(const json::Object& input) {
  const auto* owners = json::find(input, "ResourceOwners");
  if (owners == nullptr || !owners->is_array()) return true;
  return std::ranges::any_of(owners->get_array(),
                             [](const json::Value& owner) { return owner.as_string() == "SELF"; });
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input, kKeysDefault, kKeysMax));
  identity::Page<kms::Key> page;
  if (wants_own(call.input)) {
    TRY_ASSIGN(page, call.services.keys.list(call.transaction, place_of(call), cursor));
  }
  json::Array keys;
  for (const auto& key : page.items) {
    keys.push_back(json::Object{{"KeyId", key.id}, {"KeyArn", key.arn}});
  }
  json::Object out{{"Keys", std::move(keys)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

Result<json::Object> set_state(Call& call, kms::KeyState state) {
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  TRY(kms::check_state(key, kms::Needs::Material));
  key.state = state;
  TRY(call.services.keys.update(call.transaction, key));
  return json::Object{};
}

Result<json::Object> enable(Call& call) {
  return set_state(call, kms::KeyState::Enabled);
}

Result<json::Object> disable(Call& call) {
  return set_state(call, kms::KeyState::Disabled);
}

Result<json::Object> schedule(Call& call) {
  const auto days = optional_integer(call.input, "PendingWindowInDays").value_or(kWindowDaysMax);
  if (days < kWindowDaysMin || days > kWindowDaysMax) {
    return invalid(fmt::format("PendingWindowInDays must be between {} and {} days.",
                               kWindowDaysMin, kWindowDaysMax));
  }
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  TRY(kms::check_state(key, kms::Needs::Kept));
  json::Object out{{"KeyId", key.arn}, {"PendingWindowInDays", days}};
  if (key.is_primary()) {
    TRY_ASSIGN(const auto related, kms::related_keys(call.transaction, key, call.now));
    if (related.size() > 1) {
      // "Deleting multi-Region keys": only when the replicas are gone does the window begin.
      key.state = kms::KeyState::PendingReplicaDeletion;
      key.window_days = days;
    }
  }
  if (key.state != kms::KeyState::PendingReplicaDeletion) {
    key.state = kms::KeyState::PendingDeletion;
    key.deletion = call.now + std::chrono::days(days);
    out["DeletionDate"] = render(*key.deletion);
  }
  out["KeyState"] = kms::name_of(key.state);
  TRY(call.services.keys.update(call.transaction, key));
  return out;
}

Result<json::Object> cancel(Call& call) {
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  TRY(kms::check_state(key, kms::Needs::PendingDeletion));
  key.state = kms::KeyState::Disabled;  // "CancelKeyDeletion"
  if (key.origin == kms::kExternal) {
    TRY_ASSIGN(const bool there, call.services.keys.has_material(call.transaction, key));
    if (!there) key.state = kms::KeyState::PendingImport;
  }
  key.deletion.reset();
  key.window_days = 0;
  TRY(call.services.keys.update(call.transaction, key));
  return json::Object{{"KeyId", key.arn}};
}

Result<json::Object> update_description(Call& call) {
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  TRY(kms::check_state(key, kms::Needs::Kept));
  key.description = get_string(call.input, "Description");
  TRY(call.services.keys.update(call.transaction, key));
  return json::Object{};
}

}  // namespace

std::span<const Binding> key_bindings() {
  static const std::array bindings{
      Binding{.operation = &kCreate, .run = create, .prepare = prepare_create},
      Binding{&kDescribe, describe},
      Binding{&kList, list},
      Binding{&kEnable, enable},
      Binding{&kDisable, disable},
      Binding{&kSchedule, schedule},
      Binding{&kCancel, cancel},
      Binding{&kUpdateDescription, update_description}};
  return bindings;
}

}  // namespace traccia::api::kms_service
