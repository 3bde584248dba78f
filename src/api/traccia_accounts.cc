// CreateAccount, ListAccounts: the platform operator's view of the server's tenants.
// SPDX-License-Identifier: Apache-2.0
#include "api/traccia_operations.h"
#include "base/bytes.h"

namespace traccia::api::traccia_service {
namespace {

using aws::kString;
using aws::kTimestamp;
using aws::Presence;
using aws::Sensitivity;

constexpr size_t kAccountsPerPage = 100;

constexpr bool is_account_id(std::string_view text) {
  return aws::only_characters(text, "0-9");
}
// Something, "@", and something with a dot.
constexpr bool is_email(std::string_view text) {
  const auto at = text.find('@');
  const auto dot = text.rfind('.');
  return aws::only_characters(text, "!-~") && at != text.npos && at > 0 && text.rfind('@') == at &&
         dot != text.npos && dot > at + 1 && dot + 1 < text.size();
}
constexpr bool is_printable(std::string_view text) {
  return aws::only_characters(text, " -~");
}

// The bounds of Organizations' CreateAccount.
constexpr aws::Shape kAccountId = aws::string_shape(12, 12, {"\\d{12}", is_account_id});
constexpr aws::Shape kName = aws::string_shape(1, 50, {"[\\u0020-\\u007E]+", is_printable});
constexpr aws::Shape kEmail = aws::string_shape(6, 64, {"[^\\s@]+@[^\\s@]+\\.[^\\s@]+", is_email});

constexpr aws::Member kCreateInput[] = {{"AccountName", &kName, Presence::Required},
                                        {"Email", &kEmail, Presence::Required},
                                        {"AccountId", &kAccountId}};
constexpr aws::Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr aws::Member kCreateOutput[] = {
    {"AccountId", &kString},
    {"AccountName", &kString},
    {"Email", &kString},
    {"UserName", &kString},
    {"AccessKeyId", &kString},
    {"SecretAccessKey", &kString, Presence::Optional, Sensitivity::Secret}};
constexpr aws::Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {"AccountAlreadyExistsException",
                                              "EmailAlreadyExistsException"};
constexpr aws::Operation kCreate{.service = kService,
                                 .event_source = kSource,
                                 .name = "CreateAccount",
                                 .api_version = kVersion,
                                 .iam_action = "traccia:CreateAccount",
                                 .input = &kCreateRequest,
                                 .output = &kCreateAnswer,
                                 .errors = kCreateErrors};

constexpr aws::Shape kToken = aws::string_shape(1, 1024);
constexpr aws::Shape kMaxResults = aws::integer_shape(1, 1000);
constexpr aws::Member kListInput[] = {{"NextToken", &kToken}, {"MaxResults", &kMaxResults}};
constexpr aws::Shape kListRequest = aws::structure_shape(kListInput);
constexpr aws::Member kEntryMembers[] = {{"AccountId", &kString},
                                         {"AccountName", &kString},
                                         {"Email", &kString},
                                         {"State", &kString},
                                         {"CreatedAt", &kTimestamp}};
constexpr aws::Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr aws::Shape kEntries = aws::list_shape(kEntry);
constexpr aws::Member kListOutput[] = {{"Accounts", &kEntries}, {"NextToken", &kString}};
constexpr aws::Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {"InvalidNextTokenException"};
constexpr aws::Operation kList{.service = kService,
                               .event_source = kSource,
                               .name = "ListAccounts",
                               .api_version = kVersion,
                               .read_only = true,
                               .iam_action = "traccia:ListAccounts",
                               .input = &kListRequest,
                               .output = &kListAnswer,
                               .errors = kListErrors};

// Accounts are the management account's affair, whatever another account's policies allow.
Result<> authorise_operator(Call& call, const aws::Operation& operation) {
  return call.services.authoriser.authorise_account(
      call.transaction, {call.caller, operation.iam_action, "*"}, std::nullopt);
}

Result<json::Object> create(Call& call) {
  TRY(authorise_operator(call, kCreate));
  auto& identity = call.services.identity;
  const auto name = get_string(call.input, "AccountName");
  const auto email = get_string(call.input, "Email");
  TRY_ASSIGN(const auto account,
             identity.accounts().create(call.transaction,
                                        {name, email, optional_string(call.input, "AccountId")}));
  TRY_ASSIGN(const auto first, identity.create_administrator(call.transaction, account.id));
  return json::Object{{"AccountId", account.id},
                      {"AccountName", account.name},
                      {"Email", account.email},
                      {"UserName", first.user_name},
                      {"AccessKeyId", first.access_key_id},
                      {"SecretAccessKey", first.secret_access_key}};
}

// Behind which account the page begins. Reason InvalidNextToken.
Result<identity::Cursor> read_cursor(const json::Object& input) {
  identity::Cursor cursor;
  cursor.items_max =
      static_cast<size_t>(optional_integer(input, "MaxResults").value_or(kAccountsPerPage));
  const auto token = optional_string(input, "NextToken");
  if (!token) return cursor;
  const auto decoded = base64_decode(*token);
  if (!decoded || !identity::valid_account_id(*decoded)) {
    return fail(ErrorCode::InvalidArgument, "InvalidNextToken",
                "NextToken is none that this server gave out.");
  }
  cursor.after = *decoded;
  return cursor;
}

std::string_view state_name(identity::AccountState state) {
  return state == identity::AccountState::Active ? "ACTIVE" : "CLOSED";
}

Result<json::Object> list(Call& call) {
  TRY(authorise_operator(call, kList));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page, call.services.identity.accounts().list(call.transaction, cursor));
  json::Array entries;
  for (const auto& account : page.items) {
    entries.push_back(
        json::Object{{"AccountId", account.id},
                     {"AccountName", account.name},
                     {"Email", account.email},
                     {"State", state_name(account.state)},
                     {"CreatedAt", aws::encode_timestamp(floor_seconds(account.created))}});
  }
  json::Object out{{"Accounts", std::move(entries)}};
  if (page.more) out["NextToken"] = base64_encode(page.items.back().id);
  return out;
}

}  // namespace

const Binding kCreateAccount{&kCreate, create};
const Binding kListAccounts{&kList, list};

}  // namespace traccia::api::traccia_service
