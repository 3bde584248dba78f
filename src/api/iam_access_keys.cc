// IAM CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr std::string_view kStatusNames[] = {"Active", "Inactive", "Expired"};
constexpr Shape kStatus = aws::enum_shape(kStatusNames);

constexpr Member kUserInput[] = {{"UserName", &kName128}};
constexpr Shape kUserRequest = aws::structure_shape(kUserInput);
constexpr Member kKeyMembers[] = {
    {"UserName", &kString, Presence::Required},
    {"AccessKeyId", &kString, Presence::Required},
    {"Status", &kStatus, Presence::Required},
    {"SecretAccessKey", &kString, Presence::Required, Sensitivity::Secret},
    {"CreateDate", &kTimestamp}};
constexpr Shape kKey = aws::structure_shape(kKeyMembers);
constexpr Member kCreateOutput[] = {{"AccessKey", &kKey, Presence::Required}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {kNoSuchEntity, kLimitExceeded};
constexpr auto kCreate =
    change("iam:CreateAccessKey", on(EntityKind::User), kUserRequest, kCreateAnswer, kCreateErrors);

constexpr Member kListInput[] = {
    {"UserName", &kName128}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kMetadataMembers[] = {{"UserName", &kString},
                                       {"AccessKeyId", &kString},
                                       {"Status", &kStatus},
                                       {"CreateDate", &kTimestamp}};
constexpr Shape kMetadata = aws::structure_shape(kMetadataMembers);
constexpr Shape kMetadataList = aws::list_shape(kMetadata);
constexpr Member kListOutput[] = {{"AccessKeyMetadata", &kMetadataList, Presence::Required},
                                  {"IsTruncated", &kBoolean},
                                  {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList =
    query("iam:ListAccessKeys", on(EntityKind::User), kListRequest, kListAnswer, kReadErrors);

constexpr Member kUpdateInput[] = {{"UserName", &kName128},
                                   {"AccessKeyId", &kKeyId, Presence::Required},
                                   {"Status", &kStatus, Presence::Required}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr std::string_view kUpdateErrors[] = {kNoSuchEntity, kInvalidInput};
constexpr auto kUpdate = change("iam:UpdateAccessKey", on(EntityKind::User), kUpdateRequest,
                                aws::kEmptyStructure, kUpdateErrors);

constexpr Member kDeleteInput[] = {{"UserName", &kName128},
                                   {"AccessKeyId", &kKeyId, Presence::Required}};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr auto kDelete = change("iam:DeleteAccessKey", on(EntityKind::User), kDeleteRequest,
                                aws::kEmptyStructure, kReadErrors);

constexpr Member kLastUsedInput[] = {{"AccessKeyId", &kKeyId, Presence::Required}};
constexpr Shape kLastUsedRequest = aws::structure_shape(kLastUsedInput);
constexpr Member kLastUsedMembers[] = {{"LastUsedDate", &kTimestamp},
                                       {"ServiceName", &kString, Presence::Required},
                                       {"Region", &kString, Presence::Required}};
constexpr Shape kLastUsed = aws::structure_shape(kLastUsedMembers);
constexpr Member kLastUsedOutput[] = {{"UserName", &kString}, {"AccessKeyLastUsed", &kLastUsed}};
constexpr Shape kLastUsedAnswer = aws::structure_shape(kLastUsedOutput);
constexpr aws::Access kOnUserOfKey{.resource = "user", .named_by = "AccessKeyId"};
constexpr auto kGetLastUsed =
    query("iam:GetAccessKeyLastUsed", kOnUserOfKey, kLastUsedRequest, kLastUsedAnswer);

json::Object render(const identity::KeyMetadata& key) {
  return {{"UserName", key.user_name},
          {"AccessKeyId", key.id},
          {"Status", key.active ? "Active" : "Inactive"},
          {"CreateDate", aws::encode_timestamp(floor_seconds(key.created))}};
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY_ASSIGN(const auto made, call.services.identity.keys().create(call.transaction, user));
  auto key = render(made.metadata);
  key["SecretAccessKey"] = made.secret;
  return json::Object{{"AccessKey", std::move(key)}};
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page, call.services.identity.keys().list(call.transaction, user, cursor));
  json::Array keys;
  for (const auto& key : page.items) keys.push_back(render(key));
  json::Object out{{"AccessKeyMetadata", std::move(keys)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

Result<json::Object> update(Call& call) {
  const auto status = get_string(call.input, "Status");
  if (status == "Expired") {
    return fail(ErrorCode::InvalidArgument, "InvalidInput",
                "The status of an access key can be set to Active or Inactive only.");
  }
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY(call.services.identity.keys().set_status(
      call.transaction, user, get_string(call.input, "AccessKeyId"),
      status == "Active" ? identity::KeyStatus::Active : identity::KeyStatus::Inactive));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY(call.services.identity.keys().remove(call.transaction, user,
                                           get_string(call.input, "AccessKeyId")));
  return json::Object{};
}

// Keys of other accounts, and those that are not, are denied alike, as AWS does.
Result<json::Object> last_used(Call& call) {
  const auto key_id = get_string(call.input, "AccessKeyId");
  const auto found = call.services.identity.keys().last_used(call.transaction, key_id);
  if (!found && found.error().reason() != "NoSuchEntity") return std::unexpected(found.error());
  if (!found || found->account_id != call.caller.principal.account_id) {
    return fail(ErrorCode::PermissionDenied, "AccessDenied",
                fmt::format("User: {} is not authorized to perform: iam:GetAccessKeyLastUsed on "
                            "resource: access key {}",
                            call.caller.principal.arn, key_id));
  }
  json::Object use{{"ServiceName", found->use ? found->use->service : "N/A"},
                   {"Region", found->use ? found->use->region : "N/A"}};
  if (found->use) {
    use["LastUsedDate"] = aws::encode_timestamp(floor_seconds(found->use->time));
  }
  return json::Object{{"UserName", found->user_name}, {"AccessKeyLastUsed", std::move(use)}};
}

}  // namespace

std::span<const Binding> access_key_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kList, list},
                                   Binding{&kUpdate, update}, Binding{&kDelete, remove},
                                   Binding{&kGetLastUsed, last_used}};
  return bindings;
}

}  // namespace traccia::api::iam
