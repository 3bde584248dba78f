// CloudTrail AddTags, ListTags and RemoveTags, of trails.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr size_t kResourcesMax = 20;

constexpr Member kChangeInput[] = {{"ResourceId", &kString, Presence::Required},
                                   {"TagsList", &kTags, Presence::Required}};
constexpr Shape kChangeRequest = aws::structure_shape(kChangeInput);
constexpr Member kListInput[] = {{"ResourceIdList", &kStrings, Presence::Required},
                                 {"NextToken", &kString}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kEntryMembers[] = {{"ResourceId", &kString}, {"TagsList", &kTags}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kListOutput[] = {{"ResourceTagList", &kEntries}, {"NextToken", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kChangeErrors[] = {
    "ResourceNotFoundException", "CloudTrailARNInvalidException", "TagsLimitExceededException",
    "InvalidTagParameterException"};
constexpr std::string_view kRemoveErrors[] = {
    "ResourceNotFoundException", "CloudTrailARNInvalidException", "InvalidTagParameterException"};
constexpr std::string_view kListErrors[] = {
    "ResourceNotFoundException", "CloudTrailARNInvalidException", "InvalidTokenException"};
constexpr aws::Operation kAdd{.service = kService,
                              .event_source = kSource,
                              .name = "AddTags",
                              .api_version = kVersion,
                              .iam_action = "cloudtrail:AddTags",
                              .access = on_trail("ResourceId", kTagsInRequest),
                              .input = &kChangeRequest,
                              .errors = kChangeErrors};
constexpr aws::Operation kRemove{.service = kService,
                                 .event_source = kSource,
                                 .name = "RemoveTags",
                                 .api_version = kVersion,
                                 .iam_action = "cloudtrail:RemoveTags",
                                 .access = on_trail("ResourceId", kTagKeysInRequest),
                                 .input = &kChangeRequest,
                                 .errors = kRemoveErrors};
constexpr aws::Operation kList{.service = kService,
                               .event_source = kSource,
                               .name = "ListTags",
                               .api_version = kVersion,
                               .read_only = true,
                               .iam_action = "cloudtrail:ListTags",
                               .access = on_trail("ResourceIdList"),
                               .input = &kListRequest,
                               .output = &kListAnswer,
                               .errors = kListErrors};

Result<json::Object> add(Call& call) {
  TRY_ASSIGN(const auto tags, parse_tags(call.input, "TagsList"));
  TRY(call.services.trails.add_tags(call.transaction, call.scope(),
                                    get_string(call.input, "ResourceId"), tags));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  std::vector<std::string> keys;
  for (const auto& tag : call.input.at("TagsList").as_array()) {
    keys.push_back(get_string(tag.as_object(), "Key"));
  }
  TRY(call.services.trails.remove_tags(call.transaction, call.scope(),
                                       get_string(call.input, "ResourceId"), keys));
  return json::Object{};
}

Result<json::Object> list(Call& call) {
  const auto& ids = call.input.at("ResourceIdList").as_array();
  if (ids.size() > kResourcesMax) {
    return fail(ErrorCode::InvalidArgument, "ValidationException",
                "ResourceIdList cannot have more than 20 members.");
  }
  // All tags of at most 20 trails fit one page, so no token was ever given out.
  if (!get_string(call.input, "NextToken").empty()) {
    return fail(ErrorCode::InvalidArgument, "InvalidToken", "The token is not valid.");
  }
  json::Array entries;
  for (const auto& id : ids) {
    TRY_ASSIGN(const auto tags,
               call.services.trails.list_tags(call.transaction, call.scope(), id.as_string()));
    json::Array rendered;
    for (const auto& tag : tags) {
      rendered.push_back(json::Object{{"Key", tag.key}, {"Value", tag.value}});
    }
    entries.push_back(json::Object{{"ResourceId", id}, {"TagsList", std::move(rendered)}});
  }
  return json::Object{{"ResourceTagList", std::move(entries)}};
}

}  // namespace

const Binding kAddTags{&kAdd, add};
const Binding kRemoveTags{&kRemove, remove};
const Binding kListTags{&kList, list};

}  // namespace traccia::api::cloudtrail
