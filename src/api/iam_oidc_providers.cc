// IAM's OpenID Connect providers: Create, Get, List, Delete, AddClientID, RemoveClientID,
// UpdateThumbprint.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/access.h"
#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr Shape kUrl = aws::string_shape(1, 255);
constexpr Shape kClientId = aws::string_shape(1, 255);
constexpr Shape kClientIds = aws::list_shape(kClientId);
constexpr Shape kThumbprint = aws::string_shape(40, 40);
constexpr Shape kThumbprints = aws::list_shape(kThumbprint);
constexpr std::string_view kArnMember = "OpenIDConnectProviderArn";

constexpr aws::Access kMakes{.resource = "oidc-provider",
                             .named_by = "Url",
                             .existence = aws::Existence::Made,
                             .keys = kTagsInRequest,
                             .tag_action = "iam:TagOpenIDConnectProvider"};
constexpr aws::Access kNamed{.resource = "oidc-provider", .named_by = kArnMember};
constexpr Member kCreateInput[] = {{"Url", &kUrl, Presence::Required},
                                   {"ClientIDList", &kClientIds},
                                   {"ThumbprintList", &kThumbprints},
                                   {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr Member kCreateOutput[] = {{kArnMember, &kArn}, {"Tags", &kTags}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {kInvalidInput, kAlreadyExists, kLimitExceeded};
constexpr auto kCreate =
    change("iam:CreateOpenIDConnectProvider", kMakes, kCreateRequest, kCreateAnswer, kCreateErrors);

constexpr Member kArnInput[] = {{kArnMember, &kArn, Presence::Required}};
constexpr Shape kArnRequest = aws::structure_shape(kArnInput);
constexpr Member kGetOutput[] = {{"Url", &kUrl},
                                 {"ClientIDList", &kClientIds},
                                 {"ThumbprintList", &kThumbprints},
                                 {"CreateDate", &kTimestamp},
                                 {"Tags", &kTags}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr auto kGet =
    query("iam:GetOpenIDConnectProvider", kNamed, kArnRequest, kGetAnswer, kReadErrors);
constexpr auto kDelete = change("iam:DeleteOpenIDConnectProvider", kNamed, kArnRequest,
                                aws::kEmptyStructure, kReadErrors);

constexpr Member kEntryMembers[] = {{"Arn", &kArn}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kListOutput[] = {{"OpenIDConnectProviderList", &kEntries}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList =
    query("iam:ListOpenIDConnectProviders", kOnAll, aws::kEmptyStructure, kListAnswer);

constexpr Member kClientInput[] = {{kArnMember, &kArn, Presence::Required},
                                   {"ClientID", &kClientId, Presence::Required}};
constexpr Shape kClientRequest = aws::structure_shape(kClientInput);
constexpr std::string_view kAddErrors[] = {kNoSuchEntity, kLimitExceeded};
constexpr auto kAdd = change("iam:AddClientIDToOpenIDConnectProvider", kNamed, kClientRequest,
                             aws::kEmptyStructure, kAddErrors);
constexpr auto kRemove = change("iam:RemoveClientIDFromOpenIDConnectProvider", kNamed,
                                kClientRequest, aws::kEmptyStructure, kReadErrors);

constexpr Member kThumbprintInput[] = {{kArnMember, &kArn, Presence::Required},
                                       {"ThumbprintList", &kThumbprints, Presence::Required}};
constexpr Shape kThumbprintRequest = aws::structure_shape(kThumbprintInput);
constexpr std::string_view kUpdateErrors[] = {kNoSuchEntity, kInvalidInput};
constexpr auto kUpdate = change("iam:UpdateOpenIDConnectProviderThumbprint", kNamed,
                                kThumbprintRequest, aws::kEmptyStructure, kUpdateErrors);

std::vector<std::string> read_texts(const json::Object& input, std::string_view name) {
  std::vector<std::string> out;
  const auto* list = json::find(input, name);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->get_array()) out.emplace_back(item.as_string());
  return out;
}

json::Array texts(const std::vector<std::string>& list) {
  json::Array out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

Result<identity::OidcProvider> named(Call& call) {
  return call.services.identity.oidc().get(call.transaction, call.caller.principal.account_id,
                                           get_string(call.input, kArnMember));
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY_ASSIGN(const auto made,
             call.services.identity.oidc().create(
                 call.transaction, {.account_id = call.caller.principal.account_id,
                                    .url = get_string(call.input, "Url"),
                                    .client_ids = read_texts(call.input, "ClientIDList"),
                                    .thumbprints = read_texts(call.input, "ThumbprintList")}));
  TRY(identity::set_tags(call.transaction, made.arn, tags));
  json::Object out{{kArnMember, made.arn}};
  if (!tags.empty()) out["Tags"] = render(tags);
  return out;
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto provider, named(call));
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, provider.arn, {}));
  return json::Object{{"Url", provider.url},
                      {"ClientIDList", texts(provider.client_ids)},
                      {"ThumbprintList", texts(provider.thumbprints)},
                      {"CreateDate", aws::encode_timestamp(floor_seconds(provider.created))},
                      {"Tags", render(tags.items)}};
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto arns, call.services.identity.oidc().list(call.transaction,
                                                                 call.caller.principal.account_id));
  json::Array out;
  for (const auto& arn : arns) out.push_back(json::Object{{"Arn", arn}});
  return json::Object{{"OpenIDConnectProviderList", std::move(out)}};
}

Result<json::Object> remove(Call& call) {
  TRY(call.services.identity.oidc().remove(call.transaction, call.caller.principal.account_id,
                                           get_string(call.input, kArnMember)));
  return json::Object{};
}

// Adding one that is there, or removing one that is not, changes nothing.
enum class Edit : uint8_t { Add, Remove };
template <Edit edit>
Result<json::Object> edit_clients(Call& call) {
  TRY_ASSIGN(auto provider, named(call));
  const auto id = get_string(call.input, "ClientID");
  std::erase(provider.client_ids, id);
  if (edit == Edit::Add) provider.client_ids.push_back(id);
  TRY(call.services.identity.oidc().update(call.transaction, provider));
  return json::Object{};
}

Result<json::Object> update(Call& call) {
  TRY_ASSIGN(auto provider, named(call));
  provider.thumbprints = read_texts(call.input, "ThumbprintList");
  TRY(call.services.identity.oidc().update(call.transaction, provider));
  return json::Object{};
}

}  // namespace

// By ARN, or by the URL of what is to be made.
Result<> resolve_oidc_provider(Call& call, const aws::Operation& operation, std::string_view name,
                               std::vector<Ask>& asks) {
  Ask ask{.action = operation.iam_action, .resource = std::string(name)};
  if (operation.access.existence == aws::Existence::Made) {
    constexpr std::string_view kScheme = "https://";
    const auto url = name.starts_with(kScheme) ? name.substr(kScheme.size()) : name;
    ask.resource =
        fmt::format("arn:aws:iam::{}:oidc-provider/{}", call.caller.principal.account_id, url);
  }
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, ask.resource, {}));
  for (const auto& tag : tags.items) {
    ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
    ask.add_key("iam:ResourceTag/" + tag.key, tag.value);
  }
  asks.push_back(std::move(ask));
  return {};
}

std::span<const Binding> oidc_provider_bindings() {
  static const std::array bindings{Binding{&kCreate, create},
                                   Binding{&kGet, get},
                                   Binding{&kList, list},
                                   Binding{&kDelete, remove},
                                   Binding{&kAdd, edit_clients<Edit::Add>},
                                   Binding{&kRemove, edit_clients<Edit::Remove>},
                                   Binding{&kUpdate, update}};
  return bindings;
}

}  // namespace traccia::api::iam
