// IAM CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion,
// DeletePolicyVersion. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr bool is_version_id(std::string_view text) {
  return text.size() >= 2 && text[0] == 'v' && text[1] >= '1' && text[1] <= '9' &&
         aws::only_characters(text.substr(2, text.substr(2).find('.')), "0-9") &&
         aws::only_characters(text, "a-zA-Z0-9.-");
}

constexpr Shape kVersionId =
    aws::string_shape({}, {}, {"v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?", is_version_id});
constexpr Member kOneOutput[] = {{"PolicyVersion", &kVersion}};
constexpr Shape kOneAnswer = aws::structure_shape(kOneOutput);
constexpr Member kNameInput[] = {{"PolicyArn", &kArn, Presence::Required},
                                 {"VersionId", &kVersionId, Presence::Required}};
constexpr Shape kNameRequest = aws::structure_shape(kNameInput);
constexpr std::string_view kErrors[] = {kNoSuchEntity, kInvalidInput};

constexpr Member kCreateInput[] = {{"PolicyArn", &kArn, Presence::Required},
                                   {"PolicyDocument", &kDocument, Presence::Required},
                                   {"SetAsDefault", &kBoolean}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kNoSuchEntity, kMalformedDocument, kInvalidInput,
                                              kLimitExceeded};
constexpr auto kCreate =
    change("iam:CreatePolicyVersion", on_policy(), kCreateRequest, kOneAnswer, kCreateErrors);

constexpr auto kGet = query("iam:GetPolicyVersion", on_policy(), kNameRequest, kOneAnswer, kErrors);

constexpr Member kListInput[] = {
    {"PolicyArn", &kArn, Presence::Required}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {
    {"Versions", &kVersions}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList =
    query("iam:ListPolicyVersions", on_policy(), kListRequest, kListAnswer, kErrors);

constexpr auto kSetDefault =
    change("iam:SetDefaultPolicyVersion", on_policy(), kNameRequest, aws::kEmptyStructure, kErrors);

constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kInvalidInput, kDeleteConflict};
constexpr auto kDelete = change("iam:DeletePolicyVersion", on_policy(), kNameRequest,
                                aws::kEmptyStructure, kDeleteErrors);

Result<json::Object> create(Call& call) {
  const auto arn = get_string(call.input, "PolicyArn");
  const bool make_default = optional_bool(call.input, "SetAsDefault").value_or(false);
  TRY_ASSIGN(const auto version,
             call.services.identity.policies().create_version(
                 call.transaction, {call.caller.principal.account_id, arn},
                 get_string(call.input, "PolicyDocument"),
                 make_default ? identity::MakeDefault::Yes : identity::MakeDefault::No));
  return json::Object{{"PolicyVersion", render(version)}};
}

Result<json::Object> get(Call& call) {
  const auto arn = get_string(call.input, "PolicyArn");
  TRY_ASSIGN(const auto version, call.services.identity.policies().get_version(
                                     call.transaction, {call.caller.principal.account_id, arn},
                                     get_string(call.input, "VersionId")));
  auto rendered = render(version);
  rendered["Document"] = encode_document(version.document);
  return json::Object{{"PolicyVersion", std::move(rendered)}};
}

// There are five at most; a page ends behind the version that its marker names.
Result<json::Object> list(Call& call) {
  const auto arn = get_string(call.input, "PolicyArn");
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto all, call.services.identity.policies().list_versions(
                                 call.transaction, {call.caller.principal.account_id, arn}));
  const auto last = std::ranges::find(all, cursor.after, version_id);
  auto at = last == all.end() ? all.begin() : std::next(last);
  json::Array versions;
  std::string after;
  for (; at != all.end() && versions.size() < cursor.items_max; ++at) {
    versions.push_back(render(*at));
    after = version_id(*at);
  }
  json::Object out{{"Versions", std::move(versions)}};
  write_page(out, at != all.end(), after);
  return out;
}

Result<json::Object> set_default(Call& call) {
  const auto arn = get_string(call.input, "PolicyArn");
  TRY(call.services.identity.policies().set_default_version(call.transaction,
                                                            {call.caller.principal.account_id, arn},
                                                            get_string(call.input, "VersionId")));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  const auto arn = get_string(call.input, "PolicyArn");
  TRY(call.services.identity.policies().remove_version(call.transaction,
                                                       {call.caller.principal.account_id, arn},
                                                       get_string(call.input, "VersionId")));
  return json::Object{};
}

}  // namespace

std::span<const Binding> policy_version_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kGet, get},
                                   Binding{&kList, list}, Binding{&kSetDefault, set_default},
                                   Binding{&kDelete, remove}};
  return bindings;
}

}  // namespace traccia::api::iam
