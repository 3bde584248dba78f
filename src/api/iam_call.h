// What IAM's operations do alike: find who is meant, read and write pages, render.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/iam_shapes.h"
#include "api/operation_call.h"
#include "identity/identity.h"
#include "identity/tags.h"

namespace traccia::api::iam {

// Every operation, by family.
std::span<const Binding> user_bindings();
std::span<const Binding> access_key_bindings();
std::span<const Binding> group_bindings();
std::span<const Binding> role_bindings();
std::span<const Binding> service_linked_role_bindings();
std::span<const Binding> tag_bindings();
std::span<const Binding> inline_policy_bindings();
std::span<const Binding> attached_policy_bindings();
std::span<const Binding> policy_bindings();
std::span<const Binding> policy_version_bindings();
std::span<const Binding> boundary_bindings();
std::span<const Binding> account_bindings();
std::span<const Binding> simulate_bindings();
std::span<const Binding> account_details_bindings();
std::span<const Binding> password_bindings();
std::span<const Binding> password_policy_bindings();
std::span<const Binding> credential_report_bindings();
std::span<const Binding> mfa_device_bindings();
std::span<const Binding> oidc_provider_bindings();

// The entity that the request names with UserName, GroupName or RoleName.
Result<identity::Entity> named_entity(Call& call, EntityKind kind);
// The user that the request names, or who calls. ValidationError when that is no user.
Result<identity::Entity> named_user_or_caller(Call& call);

// Marker and MaxItems. ValidationError for a marker that was not given out.
Result<identity::Cursor> read_cursor(const json::Object& input);
// IsTruncated, and Marker behind `last` when there is more.
void write_page(json::Object& output, bool more, std::string_view last);

Result<std::vector<identity::Tag>> read_tags(const json::Object& input);
json::Array render(const std::vector<identity::Tag>& tags);

// As lists show them; `name_member` and what only roles have are added by kind.
json::Object render(const identity::Entity& entity);
// A user's PasswordLastUsed, where it ever signed in.
Result<> add_last_signin(Call& call, const identity::Entity& user, json::Object& rendered);
// RoleLastUsed, empty when the role never was.
Result<> add_last_use(Call& call, const identity::Entity& role, json::Object& rendered);
// With PermissionsBoundary, Tags, PasswordLastUsed and RoleLastUsed, as the operations on a single
// one show them.
Result<json::Object> render_in_full(Call& call, const identity::Entity& entity);

// Without description and tags, which lists do not show.
json::Object render(const identity::ManagedPolicy& policy);
// Without the document.
json::Object render(const identity::PolicyVersion& version);
std::string version_id(const identity::PolicyVersion& version);  // "v1"

// Documents in answers are percent-encoded, as in AWS's.
std::string encode_document(std::string_view document);

}  // namespace traccia::api::iam
