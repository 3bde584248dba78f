// IAM's MFA devices: CreateVirtualMFADevice, DeleteVirtualMFADevice, ListVirtualMFADevices,
// EnableMFADevice, DeactivateMFADevice, ResyncMFADevice, GetMFADevice, ListMFADevices.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/access.h"
#include "api/iam_call.h"
#include "base/bytes.h"
#include "crypto/totp.h"
#include "qr/qr.h"

namespace traccia::api::iam {
namespace {

using identity::MfaAssignment;
using identity::MfaDevice;

constexpr std::string_view kInvalidCode = "InvalidAuthenticationCodeException";

constexpr Shape kDeviceName = aws::string_shape(1, 226, kNamePattern);
constexpr Shape kUserName = aws::string_shape(1, 64, kNamePattern);
constexpr Shape kCode = aws::string_shape(
    6, 6, {"[\\d]+", [](std::string_view text) { return aws::only_characters(text, "0-9"); }});

constexpr Member kVirtualMembers[] = {
    {"SerialNumber", &kSerialNumber, Presence::Required},
    {"Base32StringSeed", &aws::kBlob, Presence::Optional, Sensitivity::Secret},
    {"QRCodePNG", &aws::kBlob, Presence::Optional, Sensitivity::Secret},
    {"User", &kUser},
    {"EnableDate", &kTimestamp},
    {"Tags", &kTags}};
constexpr Shape kVirtual = aws::structure_shape(kVirtualMembers);
constexpr Shape kVirtuals = aws::list_shape(kVirtual);
constexpr Member kDeviceMembers[] = {{"UserName", &kUserName, Presence::Required},
                                     {"SerialNumber", &kSerialNumber, Presence::Required},
                                     {"EnableDate", &kTimestamp, Presence::Required}};
constexpr Shape kDevice = aws::structure_shape(kDeviceMembers);
constexpr Shape kDevices = aws::list_shape(kDevice);

constexpr aws::Access kMakes{.resource = "mfa",
                             .named_by = "VirtualMFADeviceName",
                             .existence = aws::Existence::Made,
                             .keys = kTagsInRequest};
constexpr Member kCreateInput[] = {
    {"Path", &kPath}, {"VirtualMFADeviceName", &kDeviceName, Presence::Required}, {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr Member kCreateOutput[] = {{"VirtualMFADevice", &kVirtual, Presence::Required}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {kLimitExceeded, kInvalidInput, kAlreadyExists};
constexpr auto kCreate =
    change("iam:CreateVirtualMFADevice", kMakes, kCreateRequest, kCreateAnswer, kCreateErrors);

constexpr Member kSerialInput[] = {{"SerialNumber", &kSerialNumber, Presence::Required}};
constexpr Shape kSerialRequest = aws::structure_shape(kSerialInput);
constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kDeleteConflict};
constexpr auto kDelete = change("iam:DeleteVirtualMFADevice", on_mfa_device(), kSerialRequest,
                                aws::kEmptyStructure, kDeleteErrors);

constexpr std::string_view kStatuses[] = {"Assigned", "Unassigned", "Any"};
constexpr Shape kStatus = aws::enum_shape(kStatuses);
constexpr Member kListVirtualInput[] = {
    {"AssignmentStatus", &kStatus}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListVirtualRequest = aws::structure_shape(kListVirtualInput);
constexpr Member kListVirtualOutput[] = {{"VirtualMFADevices", &kVirtuals, Presence::Required},
                                         {"IsTruncated", &kBoolean},
                                         {"Marker", &kString}};
constexpr Shape kListVirtualAnswer = aws::structure_shape(kListVirtualOutput);
constexpr auto kListVirtual =
    query("iam:ListVirtualMFADevices", kOnAll, kListVirtualRequest, kListVirtualAnswer);

constexpr Member kCodesInput[] = {
    {"UserName", &kName128, Presence::Required},
    {"SerialNumber", &kSerialNumber, Presence::Required},
    {"AuthenticationCode1", &kCode, Presence::Required, Sensitivity::Secret},
    {"AuthenticationCode2", &kCode, Presence::Required, Sensitivity::Secret}};
constexpr Shape kCodesRequest = aws::structure_shape(kCodesInput);
constexpr std::string_view kEnableErrors[] = {kAlreadyExists, kInvalidCode, kLimitExceeded,
                                              kNoSuchEntity};
constexpr auto kEnable = change("iam:EnableMFADevice", on(EntityKind::User), kCodesRequest,
                                aws::kEmptyStructure, kEnableErrors);
constexpr std::string_view kResyncErrors[] = {kInvalidCode, kNoSuchEntity};
constexpr auto kResync = change("iam:ResyncMFADevice", on(EntityKind::User), kCodesRequest,
                                aws::kEmptyStructure, kResyncErrors);

constexpr Member kDeactivateInput[] = {{"UserName", &kName128},
                                       {"SerialNumber", &kSerialNumber, Presence::Required}};
constexpr Shape kDeactivateRequest = aws::structure_shape(kDeactivateInput);
constexpr auto kDeactivate = change("iam:DeactivateMFADevice", on(EntityKind::User),
                                    kDeactivateRequest, aws::kEmptyStructure, kReadErrors);

constexpr Member kGetInput[] = {{"SerialNumber", &kSerialNumber, Presence::Required},
                                {"UserName", &kUserName}};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Shape kCertifications = aws::map_shape(kString, kString);
constexpr Member kGetOutput[] = {{"UserName", &kUserName},
                                 {"SerialNumber", &kSerialNumber, Presence::Required},
                                 {"EnableDate", &kTimestamp},
                                 {"Certifications", &kCertifications}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr auto kGet =
    query("iam:GetMFADevice", on(EntityKind::User), kGetRequest, kGetAnswer, kReadErrors);

constexpr Member kListInput[] = {
    {"UserName", &kName128}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"MFADevices", &kDevices, Presence::Required},
                                  {"IsTruncated", &kBoolean},
                                  {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList =
    query("iam:ListMFADevices", on(EntityKind::User), kListRequest, kListAnswer, kReadErrors);

identity::MfaDevices& devices_of(Call& call) {
  return call.services.identity.mfa();
}

// "CreateVirtualMFADevice", QRCodePNG: the text that authenticator apps read.
Result<std::string> provisioning_text(Call& call, std::string_view name, std::string_view seed) {
  const auto& account = call.caller.principal.account_id;
  TRY_ASSIGN(const auto alias, call.services.identity.account_alias(call.transaction, account));
  return fmt::format(
      "otpauth://totp/{}?secret={}",
      percent_encode(fmt::format("{}@{}", name, alias.empty() ? account : alias), KeepSlash::No),
      seed);
}

Result<json::Object> create(Call& call) {
  const auto name = get_string(call.input, "VirtualMFADeviceName");
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY_ASSIGN(const auto made,
             devices_of(call).create(call.transaction, call.caller.principal.account_id,
                                     optional_string(call.input, "Path").value_or("/"), name));
  TRY(identity::set_tags(call.transaction, made.device.serial, tags));
  const auto seed = crypto::base32_encode(made.seed);
  TRY_ASSIGN(const auto text, provisioning_text(call, name, seed));
  TRY_ASSIGN(const auto picture, qr::png(text));
  json::Object device{{"SerialNumber", made.device.serial},
                      {"Base32StringSeed", base64_encode(seed)},
                      {"QRCodePNG", base64_encode(picture)}};
  if (!tags.empty()) device["Tags"] = render(tags);
  return json::Object{{"VirtualMFADevice", std::move(device)}};
}

Result<json::Object> remove(Call& call) {
  TRY(devices_of(call).remove(call.transaction, call.caller.principal.account_id,
                              get_string(call.input, "SerialNumber")));
  return json::Object{};
}

MfaAssignment read_assignment(const json::Object& input) {
  const auto status = get_string(input, "AssignmentStatus");
  if (status == "Assigned") return MfaAssignment::Assigned;
  return status == "Unassigned" ? MfaAssignment::Unassigned : MfaAssignment::Any;
}

Result<json::Object> list_virtual(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page,
             devices_of(call).list(call.transaction, call.caller.principal.account_id,
                                   read_assignment(call.input), cursor));
  json::Array shown;
  for (const auto& device : page.items) {
    json::Object one{{"SerialNumber", device.serial}};
    if (!device.user_id.empty()) {
      TRY_ASSIGN(const auto user,
                 call.services.identity.entities().get(
                     call.transaction, {device.account_id, EntityKind::User, device.user_name}));
      one["User"] = render(user);
      one["EnableDate"] = aws::encode_timestamp(floor_seconds(*device.enabled));
    }
    shown.push_back(std::move(one));
  }
  json::Object out{{"VirtualMFADevices", std::move(shown)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().serial);
  return out;
}

// The root user names itself by its account's id, since it has no name.
Result<identity::Entity> device_user(Call& call) {
  const auto& principal = call.caller.principal;
  const auto name = optional_string(call.input, "UserName");
  const bool root = principal.type == identity::PrincipalType::Root;
  if (root && (!name || *name == principal.account_id)) {
    return call.services.identity.entities().root_user(call.transaction, principal.account_id);
  }
  return named_user_or_caller(call);
}

// Enables or resynchronises.
template <auto Function>
Result<json::Object> with_codes(Call& call) {
  TRY_ASSIGN(const auto user, device_user(call));
  const auto first = get_string(call.input, "AuthenticationCode1");
  const auto second = get_string(call.input, "AuthenticationCode2");
  TRY((devices_of(call).*Function)(call.transaction, user, get_string(call.input, "SerialNumber"),
                                   identity::CodePair{first, second}));
  return json::Object{};
}

Result<json::Object> deactivate(Call& call) {
  TRY_ASSIGN(const auto user, device_user(call));
  TRY(devices_of(call).deactivate(call.transaction, user, get_string(call.input, "SerialNumber")));
  return json::Object{};
}

json::Object render(const MfaDevice& device) {
  json::Object out{{"SerialNumber", device.serial}};
  if (device.user_id.empty()) return out;
  out["UserName"] = device.user_name;
  out["EnableDate"] = aws::encode_timestamp(floor_seconds(*device.enabled));
  return out;
}

Result<json::Object> get(Call& call) {
  const auto& account = call.caller.principal.account_id;
  const auto serial = get_string(call.input, "SerialNumber");
  TRY_ASSIGN(const auto device, devices_of(call).get(call.transaction, account, serial));
  if (const auto name = optional_string(call.input, "UserName")) {
    TRY_ASSIGN(const auto user, call.services.identity.entities().get(
                                    call.transaction, {account, EntityKind::User, *name}));
    if (user.id != device.user_id) {
      return fail(ErrorCode::NotFound, "NoSuchEntity", "MFA Device invalid for user.");
    }
  }
  return render(device);
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page, devices_of(call).list_of(call.transaction, user, cursor));
  json::Array shown;
  for (const auto& device : page.items) shown.push_back(render(device));
  json::Object out{{"MFADevices", std::move(shown)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().serial);
  return out;
}

}  // namespace

// By serial number, or by the name of what is to be made.
Result<> resolve_mfa_device(Call& call, const aws::Operation& operation, std::string_view name,
                            std::vector<Ask>& asks) {
  Ask ask{.action = operation.iam_action, .resource = std::string(name)};
  if (operation.access.existence == aws::Existence::Made) {
    ask.resource = fmt::format("arn:aws:iam::{}:mfa{}{}", call.caller.principal.account_id,
                               optional_string(call.input, "Path").value_or("/"), name);
  }
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, ask.resource, {}));
  for (const auto& tag : tags.items) {
    ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
    ask.add_key("iam:ResourceTag/" + tag.key, tag.value);
  }
  asks.push_back(std::move(ask));
  return {};
}

std::span<const Binding> mfa_device_bindings() {
  using identity::MfaDevices;
  static const std::array bindings{Binding{&kCreate, create},
                                   Binding{&kDelete, remove},
                                   Binding{&kListVirtual, list_virtual},
                                   Binding{&kEnable, with_codes<&MfaDevices::enable>},
                                   Binding{&kResync, with_codes<&MfaDevices::resync>},
                                   Binding{&kDeactivate, deactivate},
                                   Binding{&kGet, get},
                                   Binding{&kList, list}};
  return bindings;
}

}  // namespace traccia::api::iam
