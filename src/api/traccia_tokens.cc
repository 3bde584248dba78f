// CreateIngestToken, ListIngestTokens, RevokeIngestToken: tokens for sending events.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/access.h"
#include "api/traccia_operations.h"

namespace traccia::api::traccia_service {
namespace {

using aws::kString;
using aws::kTimestamp;
using aws::Presence;
using aws::Sensitivity;

constexpr aws::Access kOnToken{.resource = "token", .named_by = "TokenId"};

constexpr aws::Shape kAccountId = aws::string_shape(12, 12);
constexpr aws::Member kCreateInput[] = {{"AccountId", &kAccountId}, {"ExpiresAt", &kTimestamp}};
constexpr aws::Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr aws::Member kCreateOutput[] = {
    {"TokenId", &kString},
    {"AccountId", &kString},
    {"ExpiresAt", &kTimestamp},
    {"Token", &kString, Presence::Optional, Sensitivity::Secret}};
constexpr aws::Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {"AccountNotFoundException"};
constexpr aws::Operation kCreate{.service = kService,
                                 .event_source = kSource,
                                 .name = "CreateIngestToken",
                                 .api_version = kVersion,
                                 .iam_action = "traccia:CreateIngestToken",
                                 .access = kOnToken,
                                 .input = &kCreateRequest,
                                 .output = &kCreateAnswer,
                                 .errors = kCreateErrors};

constexpr aws::Member kListInput[] = {{"AccountId", &kAccountId}};
constexpr aws::Shape kListRequest = aws::structure_shape(kListInput);
constexpr aws::Member kEntryMembers[] = {{"TokenId", &kString},
                                         {"AccountId", &kString},
                                         {"CreatedAt", &kTimestamp},
                                         {"ExpiresAt", &kTimestamp},
                                         {"Revoked", &aws::kBoolean}};
constexpr aws::Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr aws::Shape kEntries = aws::list_shape(kEntry);
constexpr aws::Member kListOutput[] = {{"Tokens", &kEntries}};
constexpr aws::Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr aws::Operation kList{.service = kService,
                               .event_source = kSource,
                               .name = "ListIngestTokens",
                               .api_version = kVersion,
                               .read_only = true,
                               .iam_action = "traccia:ListIngestTokens",
                               .access = kOnToken,
                               .input = &kListRequest,
                               .output = &kListAnswer};

constexpr aws::Member kRevokeInput[] = {{"TokenId", &kString, Presence::Required},
                                        {"AccountId", &kAccountId}};
constexpr aws::Shape kRevokeRequest = aws::structure_shape(kRevokeInput);
constexpr std::string_view kRevokeErrors[] = {"TokenNotFoundException"};
constexpr aws::Operation kRevoke{.service = kService,
                                 .event_source = kSource,
                                 .name = "RevokeIngestToken",
                                 .api_version = kVersion,
                                 .iam_action = "traccia:RevokeIngestToken",
                                 .access = kOnToken,
                                 .input = &kRevokeRequest,
                                 .errors = kRevokeErrors};

std::string token_account(const Call& call) {
  return optional_string(call.input, "AccountId").value_or(call.caller.principal.account_id);
}

// The account that the request names, or the caller's. Reason AccessDenied.
Result<std::string> account_of(Call& call, std::string_view action) {
  auto account = token_account(call);
  TRY(call.services.authoriser.authorise_account(call.transaction, {call.caller, action, "*"},
                                                 account));
  return account;
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto expires, optional_time(call.input, "ExpiresAt"));
  if (expires && *expires <= call.now) {
    return fail(ErrorCode::InvalidArgument, "ValidationException",
                "ExpiresAt must lie in the future.");
  }
  TRY_ASSIGN(const auto account, account_of(call, kCreate.iam_action));
  TRY_ASSIGN(const auto made,
             call.services.identity.create_token(call.transaction, account, expires));
  json::Object out{{"TokenId", made.token.id}, {"AccountId", made.token.account_id}};
  if (expires) out["ExpiresAt"] = aws::encode_timestamp(*expires);
  out["Token"] = made.secret;
  return out;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto account, account_of(call, kList.iam_action));
  TRY_ASSIGN(const auto tokens, call.services.identity.list_tokens(call.transaction, account));
  json::Array entries;
  for (const auto& token : tokens) {
    json::Object entry{{"TokenId", token.id},
                       {"AccountId", token.account_id},
                       {"CreatedAt", aws::encode_timestamp(floor_seconds(token.created))},
                       {"Revoked", token.revoked}};
    if (token.expires) entry["ExpiresAt"] = aws::encode_timestamp(*token.expires);
    entries.push_back(std::move(entry));
  }
  return json::Object{{"Tokens", std::move(entries)}};
}

Result<json::Object> revoke(Call& call) {
  TRY_ASSIGN(const auto account, account_of(call, kRevoke.iam_action));
  TRY(call.services.identity.revoke_token(call.transaction, account,
                                          get_string(call.input, "TokenId")));
  return json::Object{};
}

}  // namespace

// arn:aws:traccia::ACCOUNT:token/ID; of operations that name none every token of the account.
Result<> resolve_token(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks) {
  asks.push_back({.action = operation.iam_action,
                  .resource = fmt::format("arn:aws:traccia::{}:token/{}", token_account(call),
                                          name.empty() ? "*" : name)});
  return {};
}

const Binding kCreateIngestToken{&kCreate, create};
const Binding kListIngestTokens{&kList, list};
const Binding kRevokeIngestToken{&kRevoke, revoke};

}  // namespace traccia::api::traccia_service
