// CloudTrail LookupEvents: the last 90 days of management events in the request's region.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/history_event.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr int64_t kPageMax = 50;
constexpr size_t kValueCharactersMax = 2000;

constexpr std::string_view kKeys[] = {"EventId",      "EventName",    "ReadOnly",    "Username",
                                      "ResourceType", "ResourceName", "EventSource", "AccessKeyId"};
constexpr history::Attribute kAttributes[] = {
    history::Attribute::EventId,      history::Attribute::EventName,
    history::Attribute::ReadOnly,     history::Attribute::Username,
    history::Attribute::ResourceType, history::Attribute::ResourceName,
    history::Attribute::EventSource,  history::Attribute::AccessKeyId};
static_assert(std::size(kKeys) == std::size(kAttributes));

constexpr Shape kKey = aws::enum_shape(kKeys);
constexpr Shape kValue = aws::string_shape(1, kValueCharactersMax);
constexpr Member kAttributeMembers[] = {{"AttributeKey", &kKey, Presence::Required},
                                        {"AttributeValue", &kValue, Presence::Required}};
constexpr Shape kAttribute = aws::structure_shape(kAttributeMembers);
constexpr Shape kAttributeList = aws::list_shape(kAttribute);
constexpr Member kInput[] = {
    {"LookupAttributes", &kAttributeList}, {"StartTime", &kTimestamp},     {"EndTime", &kTimestamp},
    {"EventCategory", &kString},           {"MaxResults", &aws::kInteger}, {"NextToken", &kString}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {{"Events", &kHistoryEvents}, {"NextToken", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {
    "InvalidLookupAttributesException", "InvalidTimeRangeException", "InvalidMaxResultsException",
    "InvalidNextTokenException", "InvalidEventCategoryException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "LookupEvents",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "cloudtrail:LookupEvents",
                                    .input = &kRequest,
                                    .output = &kAnswer,
                                    .errors = kErrors};

std::unexpected<Error> refuse(std::string_view reason, std::string message) {
  return fail(ErrorCode::InvalidArgument, reason, std::move(message));
}

Result<> add_attribute(const json::Object& input, history::Query& query) {
  const auto* list = json::find(input, "LookupAttributes");
  if (list == nullptr || !list->is_array() || list->as_array().empty()) return {};
  if (list->as_array().size() > 1) {
    return refuse("InvalidLookupAttributes", "Only one lookup attribute can be specified.");
  }
  const auto& attribute = list->as_array().front().as_object();
  const auto key = get_string(attribute, "AttributeKey");
  const auto at = std::ranges::find(kKeys, key);
  query.expression = history::Expression::is(kAttributes[at - std::begin(kKeys)],
                                             get_string(attribute, "AttributeValue"));
  return {};
}

// A token is good for the same question only.
std::string fingerprint_of(const json::Object& input) {
  auto question = input;
  question.erase("NextToken");
  return crypto::sha256_hex(json::serialize(question)).substr(0, 16);
}

Result<> add_token(const json::Object& input, history::Query& query) {
  const auto token = optional_string(input, "NextToken");
  if (!token) return {};
  const auto text = base64_decode(*token);
  const auto print = fingerprint_of(input);
  if (!text || !text->starts_with(print + ".")) {
    return refuse("InvalidNextToken",
                  "The token is not valid, or it was given for other parameters.");
  }
  query.after = text->substr(print.size() + 1);
  return {};
}

Result<history::Query> build_query(const Call& call) {
  const auto& input = call.input;
  history::Query query;
  query.account = call.caller.principal.account_id;
  query.region = call.caller.region;
  TRY(add_attribute(input, query));
  TRY_ASSIGN(query.start, optional_time(input, "StartTime"));
  TRY_ASSIGN(query.end, optional_time(input, "EndTime"));
  if (query.start && query.end && *query.start > *query.end) {
    return refuse("InvalidTimeRange", "The start time must not be after the end time.");
  }
  const auto count = optional_integer(input, "MaxResults").value_or(kPageMax);
  if (count < 1 || count > kPageMax) {
    return refuse("InvalidMaxResults", "MaxResults must be between 1 and 50.");
  }
  query.count_max = static_cast<size_t>(count);
  if (const auto category = optional_string(input, "EventCategory")) {
    if (*category != "insight") {
      return refuse("InvalidEventCategory",
                    fmt::format("EventCategory '{}' is not valid; the only value is insight.",
                                category->substr(0, 64)));
    }
    query.count_max = 0;  // this server records no Insights events yet
  }
  TRY(add_token(input, query));
  return query;
}

Result<Output> look_up(Services& services, const json::Object& input, const history::Query& query) {
  history::Page page;
  if (query.count_max > 0) {
    TRY_ASSIGN(page, services.history.lookup(query));
  }
  if (page.next) {
    page.next = base64_encode(fmt::format("{}.{}", fingerprint_of(input), *page.next));
  }
  TRY_ASSIGN(auto text, render_history_page(page.records, "NextToken", page.next));
  return Output{{}, std::move(text)};
}

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(auto query, build_query(call));
  call.rest = [&services = call.services, &input = call.input, query = std::move(query)] {
    return look_up(services, input, query);
  };
  return json::Object{};
}

}  // namespace

const Binding kLookupEvents{&kOperation, run, http::RequestClass::Lookup};

}  // namespace traccia::api::cloudtrail
