// KMS TagResource, UntagResource, ListResourceTags.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/kms_call.h"

namespace traccia::api::kms_service {
namespace {

constexpr size_t kTagsMax = 50;

constexpr Member kTagInput[] = {kKeyIdMember, {"Tags", &kTags, Presence::Required}};
constexpr Shape kTagRequest = aws::structure_shape(kTagInput);
constexpr std::string_view kTagErrors[] = {kNotFound, kInvalidArn, kInvalidState, kLimitExceeded,
                                           kTagError};
constexpr std::string_view kTagConditions[] = {"aws:TagKeys", "aws:RequestTag"};
constexpr auto kTagResource = change("kms:TagResource", kTagRequest, aws::kEmptyStructure,
                                     kTagErrors, on_key(kTagConditions));

constexpr Shape kTagKeyList = aws::list_shape(kTagKey);
constexpr Member kUntagInput[] = {kKeyIdMember, {"TagKeys", &kTagKeyList, Presence::Required}};
constexpr Shape kUntagRequest = aws::structure_shape(kUntagInput);
constexpr std::string_view kUntagErrors[] = {kNotFound, kInvalidArn, kInvalidState, kTagError};
constexpr std::string_view kUntagConditions[] = {"aws:TagKeys"};
constexpr auto kUntagResource = change("kms:UntagResource", kUntagRequest, aws::kEmptyStructure,
                                       kUntagErrors, on_key(kUntagConditions));

constexpr Member kListInput[] = {kKeyIdMember, kLimitMember, kMarkerMember};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"Tags", &kTags}, kNextMarkerMember, kTruncatedMember};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {kNotFound, kInvalidArn, kInvalidMarker};
constexpr auto kListTags =
    query("kms:ListResourceTags", kListRequest, kListAnswer, kListErrors, on_key());

Result<json::Object> tag(Call& call) {
  TRY_ASSIGN(const auto key, find_key(call, "KeyId"));
  TRY(kms::check_state(key, kms::Needs::Kept));
  TRY(kms::set_tags(call.transaction, key, read_tags(call.input)));
  return json::Object{};
}

Result<json::Object> untag(Call& call) {
  TRY_ASSIGN(const auto key, find_key(call, "KeyId"));
  TRY(kms::check_state(key, kms::Needs::Kept));
  std::vector<std::string> keys;
  for (const auto& one : call.input.at("TagKeys").as_array()) keys.emplace_back(one.as_string());
  TRY(kms::remove_tags(call.transaction, key, keys));
  return json::Object{};
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto key, find_key(call, "KeyId"));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input, kTagsMax, kTagsMax));
  TRY_ASSIGN(const auto tags, kms::list_tags(call.transaction, key));
  identity::Page<identity::Tag> page;
  for (const auto& one : tags) {
    if (one.key > cursor.after) page.items.push_back(one);
  }
  page.cut(cursor);
  json::Array shown;
  for (const auto& one : page.items) {
    shown.push_back(json::Object{{"TagKey", one.key}, {"TagValue", one.value}});
  }
  json::Object out{{"Tags", std::move(shown)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().key);
  return out;
}

}  // namespace

std::span<const Binding> tag_bindings() {
  static const std::array bindings{Binding{&kTagResource, tag}, Binding{&kUntagResource, untag},
                                   Binding{&kListTags, list}};
  return bindings;
}

}  // namespace traccia::api::kms_service
