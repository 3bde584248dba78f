// Requests and answers of IAM.
// SPDX-License-Identifier: Apache-2.0
#include "api/iam_call.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace traccia::api::iam {
namespace {

constexpr size_t kItemsDefault = 100;
constexpr std::string_view kMarkerVersion = "1:";

}  // namespace

Result<identity::Entity> named_entity(Call& call, EntityKind kind) {
  const auto name = get_string(call.input, name_member(kind));
  return call.services.identity.entities().get(call.transaction,
                                               {call.caller.principal.account_id, kind, name});
}

Result<identity::Entity> named_user_or_caller(Call& call) {
  const auto& principal = call.caller.principal;
  const auto name = optional_string(call.input, "UserName");
  if (!name && principal.user_name.empty()) {
    return fail(ErrorCode::InvalidArgument, "ValidationException",
                "Must specify userName when calling with non-User credentials");
  }
  return call.services.identity.entities().get(
      call.transaction,
      {principal.account_id, EntityKind::User, name ? *name : principal.user_name});
}

Result<identity::Cursor> read_cursor(const json::Object& input) {
  identity::Cursor cursor;
  cursor.items_max =
      static_cast<size_t>(optional_integer(input, "MaxItems").value_or(kItemsDefault));
  const auto marker = optional_string(input, "Marker");
  if (!marker) return cursor;
  const auto decoded = base64_decode(*marker);
  if (!decoded || !decoded->starts_with(kMarkerVersion)) {
    return fail(ErrorCode::InvalidArgument, "ValidationException", "Invalid Marker.");
  }
  cursor.after = decoded->substr(kMarkerVersion.size());
  return cursor;
}

void write_page(json::Object& output, bool more, std::string_view last) {
  output["IsTruncated"] = more;
  if (more) output["Marker"] = base64_encode(std::string(kMarkerVersion) + std::string(last));
}

Result<std::vector<identity::Tag>> read_tags(const json::Object& input) {
  std::vector<identity::Tag> tags;
  const auto* list = json::find(input, "Tags");
  if (list == nullptr || !list->is_array()) return tags;
  for (const auto& tag : list->get_array()) {
    tags.push_back({get_string(tag.as_object(), "Key"), get_string(tag.as_object(), "Value")});
  }
  return tags;
}

json::Array render(const std::vector<identity::Tag>& tags) {
  json::Array out;
  for (const auto& tag : tags) {
    out.push_back(json::Object{{"Key", tag.key}, {"Value", tag.value}});
  }
  return out;
}

json::Object render(const identity::Entity& entity) {
  json::Object out{{"Path", entity.path},
                   {name_member(entity.kind), entity.name},
                   {pick(entity.kind, "UserId", "GroupId", "RoleId"), entity.id},
                   {"Arn", entity.arn()},
                   {"CreateDate", aws::encode_timestamp(floor_seconds(entity.created))}};
  if (entity.kind != EntityKind::Role) return out;
  out["AssumeRolePolicyDocument"] = encode_document(entity.role.trust);
  if (!entity.role.description.empty()) out["Description"] = entity.role.description;
  out["MaxSessionDuration"] = entity.role.session_seconds_max;
  return out;
}

Result<> add_last_signin(Call& call, const identity::Entity& user, json::Object& rendered) {
  TRY_ASSIGN(const auto profile,
             call.services.identity.passwords().find(call.transaction, user.id));
  if (!profile || !profile->used) return {};
  rendered["PasswordLastUsed"] = aws::encode_timestamp(floor_seconds(*profile->used));
  return {};
}

Result<> add_last_use(Call& call, const identity::Entity& role, json::Object& rendered) {
  TRY_ASSIGN(const auto use, call.services.identity.role_last_used(call.transaction, role));
  json::Object out;
  if (use) {
    out["LastUsedDate"] = aws::encode_timestamp(floor_seconds(use->time));
    out["Region"] = use->region;
  }
  rendered["RoleLastUsed"] = std::move(out);
  return {};
}

Result<json::Object> render_in_full(Call& call, const identity::Entity& entity) {
  auto out = render(entity);
  if (entity.boundary) {
    out["PermissionsBoundary"] = json::Object{{"PermissionsBoundaryType", kBoundaryTypes[0]},
                                              {"PermissionsBoundaryArn", *entity.boundary}};
  }
  if (entity.kind == EntityKind::User) TRY(add_last_signin(call, entity, out));
  if (entity.kind == EntityKind::Role) TRY(add_last_use(call, entity, out));
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, entity.id, {}));
  if (!tags.items.empty()) out["Tags"] = render(tags.items);
  return out;
}

json::Object render(const identity::ManagedPolicy& policy) {
  return {{"PolicyName", policy.name},
          {"PolicyId", policy.id},
          {"Arn", policy.arn},
          {"Path", policy.path},
          {"DefaultVersionId", fmt::format("v{}", policy.default_version)},
          {"AttachmentCount", policy.attachments},
          {"PermissionsBoundaryUsageCount", policy.boundaries},
          {"IsAttachable", true},
          {"CreateDate", aws::encode_timestamp(floor_seconds(policy.created))},
          {"UpdateDate", aws::encode_timestamp(floor_seconds(policy.updated))}};
}

std::string version_id(const identity::PolicyVersion& version) {
  return fmt::format("v{}", version.number);
}

json::Object render(const identity::PolicyVersion& version) {
  return {{"VersionId", version_id(version)},
          {"IsDefaultVersion", version.is_default},
          {"CreateDate", aws::encode_timestamp(floor_seconds(version.created))}};
}

std::string encode_document(std::string_view document) {
  return percent_encode(document, KeepSlash::No);
}

}  // namespace traccia::api::iam
