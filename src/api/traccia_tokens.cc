// CreateIngestToken, ListIngestTokens, RevokeIngestToken: tokens for sending events.
// SPDX-License-Identifier: Apache-2.0
#include "api/traccia_operations.h"

namespace traccia::api::traccia_service {
namespace {

using aws::kString;
using aws::kTimestamp;
using aws::Presence;
using aws::Sensitivity;

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
                                 .input = &kRevokeRequest,
                                 .errors = kRevokeErrors};

// The account that the request names, or the caller's. AccessDenied for another one's, unless the
// management account asks.
Result<std::string> named_account(Call& call, const aws::Operation& operation) {
  auto account =
      optional_string(call.input, "AccountId").value_or(call.caller.principal.account_id);
  TRY(call.services.authoriser.authorise_account(
      call.transaction, {call.caller, operation.iam_action, "*"}, account));
  return account;
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto expires, optional_time(call.input, "ExpiresAt"));
  if (expires && *expires <= call.now) {
    return fail(ErrorCode::InvalidArgument, "ValidationException",
                "ExpiresAt must lie in the future.");
  }
  TRY_ASSIGN(const auto account, named_account(call, kCreate));
  TRY_ASSIGN(const auto made,
             call.services.identity.create_token(call.transaction, account, expires));
  json::Object out{{"TokenId", made.token.id}, {"AccountId", made.token.account_id}};
  if (expires) out["ExpiresAt"] = aws::encode_timestamp(*expires);
  out["Token"] = made.secret;
  return out;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto account, named_account(call, kList));
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
  TRY_ASSIGN(const auto account, named_account(call, kRevoke));
  TRY(call.services.identity.revoke_token(call.transaction, account,
                                          get_string(call.input, "TokenId")));
  return json::Object{};
}

}  // namespace

const Binding kCreateIngestToken{&kCreate, create};
const Binding kListIngestTokens{&kList, list};
const Binding kRevokeIngestToken{&kRevoke, revoke};

}  // namespace traccia::api::traccia_service
