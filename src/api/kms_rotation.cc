// KMS EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand,
// ListKeyRotations.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_call.h"
#include "api/kms_upkeep.h"

namespace traccia::api::kms_service {
namespace {

constexpr size_t kRotationsDefault = 100;
constexpr size_t kRotationsMax = 1000;
constexpr int64_t kDaysDefault = 365;
constexpr std::string_view kAllMaterial = "ALL_KEY_MATERIAL";

constexpr Shape kDays = aws::integer_shape(90, 2560);
constexpr std::string_view kErrors[] = {kNotFound, kDisabled, kInvalidArn, kInvalidState,
                                        kUnsupported};
constexpr Member kEnableInput[] = {kKeyIdMember, {"RotationPeriodInDays", &kDays}};
constexpr Shape kEnableRequest = aws::structure_shape(kEnableInput);
constexpr std::string_view kEnableKeys[] = {"kms:RotationPeriodInDays"};
constexpr auto kEnable = change("kms:EnableKeyRotation", kEnableRequest, aws::kEmptyStructure,
                                kErrors, on_key(kEnableKeys));

constexpr Member kKeyInput[] = {kKeyIdMember};
constexpr Shape kKeyRequest = aws::structure_shape(kKeyInput);
constexpr auto kDisable =
    change("kms:DisableKeyRotation", kKeyRequest, aws::kEmptyStructure, kErrors, on_key());

constexpr Member kStatusOutput[] = {{"KeyRotationEnabled", &kBoolean},
                                    {"KeyId", &kString},
                                    {"RotationPeriodInDays", &kDays},
                                    {"NextRotationDate", &kTimestamp},
                                    {"OnDemandRotationStartDate", &kTimestamp}};
constexpr Shape kStatusAnswer = aws::structure_shape(kStatusOutput);
constexpr std::string_view kStatusErrors[] = {kNotFound, kInvalidArn, kInvalidState, kUnsupported};
constexpr auto kStatus =
    query("kms:GetKeyRotationStatus", kKeyRequest, kStatusAnswer, kStatusErrors, on_key());

constexpr Member kRotateOutput[] = {{"KeyId", &kString}};
constexpr Shape kRotateAnswer = aws::structure_shape(kRotateOutput);
constexpr std::string_view kRotateErrors[] = {kNotFound,     kDisabled,    kInvalidArn,
                                              kInvalidState, kUnsupported, kLimitExceeded};
constexpr auto kRotate =
    change("kms:RotateKeyOnDemand", kKeyRequest, kRotateAnswer, kRotateErrors, on_key());

constexpr std::string_view kIncludes[] = {kAllMaterial, "ROTATIONS_ONLY"};
constexpr Shape kInclude = aws::enum_shape(kIncludes);
constexpr Member kListInput[] = {
    kKeyIdMember, {"IncludeKeyMaterial", &kInclude}, kLimitMember, kMarkerMember};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr std::string_view kImportStates[] = {"IMPORTED", "PENDING_IMPORT"};
constexpr Shape kImportState = aws::enum_shape(kImportStates);
constexpr std::string_view kMaterialStates[] = {"NON_CURRENT", "CURRENT", "PENDING_ROTATION",
                                                "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"};
constexpr Shape kMaterialState = aws::enum_shape(kMaterialStates);
constexpr std::string_view kRotationTypes[] = {"AUTOMATIC", "ON_DEMAND"};
constexpr Shape kRotationType = aws::enum_shape(kRotationTypes);
constexpr Member kEntryMembers[] = {{"KeyId", &kString},
                                    {"KeyMaterialId", &kString},
                                    {"KeyMaterialDescription", &kString},
                                    {"ImportState", &kImportState},
                                    {"KeyMaterialState", &kMaterialState},
                                    {"ExpirationModel", &kExpirationModel},
                                    {"ValidTo", &kTimestamp},
                                    {"RotationDate", &kTimestamp},
                                    {"RotationType", &kRotationType}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kListOutput[] = {{"Rotations", &kEntries}, kNextMarkerMember, kTruncatedMember};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {kNotFound, kInvalidArn, kInvalidMarker, kInvalidState,
                                            kUnsupported};
constexpr auto kList =
    query("kms:ListKeyRotations", kListRequest, kListAnswer, kListErrors, on_key());

// Keys of other kinds have their first material for ever ("Rotating AWS KMS keys").
Result<kms::Key> find_rotating(Call& call) {
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  if (key.spec != kms::kSymmetric) return unsupported_spec(key);
  return key;
}

// Rotation is the primary's, for all related keys ("Rotating multi-Region keys").
Result<kms::Key> find_changing(Call& call) {
  TRY_ASSIGN(auto key, find_rotating(call));
  TRY(kms::check_state(key, kms::Needs::Enabled));
  if (key.origin != kms::kFromKms) return unsupported_origin(key);
  if (key.is_multi_region()) TRY(check_primary(key));
  return key;
}

Result<json::Object> enable(Call& call) {
  TRY_ASSIGN(const auto key, find_changing(call));
  const auto days = optional_integer(call.input, "RotationPeriodInDays").value_or(kDaysDefault);
  TRY_ASSIGN(const auto before, kms::find_rotation(call.transaction, key));
  if (before && before->days == days) return json::Object{};
  TRY(kms::set_rotation(call.transaction, key, {days, call.now + std::chrono::days(days)}));
  return json::Object{};
}

Result<json::Object> disable(Call& call) {
  TRY_ASSIGN(const auto key, find_changing(call));
  TRY(kms::end_rotation(call.transaction, key));
  return json::Object{};
}

Result<json::Object> status(Call& call) {
  TRY_ASSIGN(const auto key, find_rotating(call));
  auto rotating = key;
  if (key.is_multi_region()) {
    rotating.arn = kms::key_arn({key.place.account, key.primary_region}, key.id);
  }
  TRY_ASSIGN(const auto rotation, kms::find_rotation(call.transaction, rotating));
  // While a key waits for its deletion nothing rotates it ("GetKeyRotationStatus").
  const bool on = rotation && !kms::is_pending_deletion(key.state);
  json::Object out{{"KeyRotationEnabled", on}, {"KeyId", key.arn}};
  if (!on) return out;
  out["RotationPeriodInDays"] = rotation->days;
  out["NextRotationDate"] = render(rotation->next);
  return out;
}

Result<json::Object> rotate(Call& call) {
  TRY_ASSIGN(auto key, find_changing(call));
  TRY_ASSIGN(key, call.services.keys.rotate(call.transaction, std::move(key),
                                            kms::MaterialOrigin::OnDemand));
  TRY_ASSIGN(auto draft, rotation_event(call.services, call.now, key, "ON_DEMAND"));
  call.after_event.push_back(std::move(draft));
  return json::Object{{"KeyId", key.arn}};
}

json::Object render(const kms::Key& key, const kms::MaterialVersion& version) {
  json::Object out{
      {"KeyId", key.id},
      {"KeyMaterialId", version.id},
      {"KeyMaterialState", version.version == key.material ? "CURRENT" : "NON_CURRENT"}};
  if (version.origin == kms::MaterialOrigin::Created) return out;
  out["RotationDate"] = kms_service::render(version.created);
  out["RotationType"] =
      version.origin == kms::MaterialOrigin::Automatic ? "AUTOMATIC" : "ON_DEMAND";
  return out;
}

// Markers are versions, with zeros before so that they sort as text.
std::string marker_of(const kms::MaterialVersion& version) {
  return fmt::format("{:019}", version.version);
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto key, find_rotating(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input, kRotationsDefault, kRotationsMax));
  const bool all = get_string(call.input, "IncludeKeyMaterial") == kAllMaterial;
  TRY_ASSIGN(const auto versions, kms::list_material(call.transaction, key));
  identity::Page<kms::MaterialVersion> page;
  for (const auto& version : versions) {
    const bool wanted = all || version.origin != kms::MaterialOrigin::Created;
    if (wanted && marker_of(version) > cursor.after) page.items.push_back(version);
  }
  page.cut(cursor);
  json::Array rotations;
  for (const auto& version : page.items) rotations.push_back(render(key, version));
  json::Object out{{"Rotations", std::move(rotations)}};
  write_page(out, page.more, page.items.empty() ? "" : marker_of(page.items.back()));
  return out;
}

}  // namespace

std::span<const Binding> rotation_bindings() {
  static const std::array bindings{Binding{&kEnable, enable}, Binding{&kDisable, disable},
                                   Binding{&kStatus, status}, Binding{&kRotate, rotate},
                                   Binding{&kList, list}};
  return bindings;
}

}  // namespace traccia::api::kms_service
