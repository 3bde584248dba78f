// SearchEvents: the event history by combined conditions, newest first.
// SPDX-License-Identifier: Apache-2.0
#include "api/history_event.h"
#include "api/history_scope.h"
#include "api/traccia_operations.h"

namespace traccia::api::traccia_service {
namespace {

using aws::kString;
using aws::kTimestamp;
using aws::Member;
using aws::Shape;

constexpr int64_t kPageDefault = 50;
constexpr int64_t kPageMax = history::kPageRecordsMax;
constexpr size_t kPageBytesMax = 2 << 20;

constexpr Shape kMaxResults = aws::integer_shape(1, kPageMax);
constexpr Member kInput[] = {{"Expression", &kHistoryExpression},
                             {"AccountId", &kHistoryAccount},
                             {"Region", &kString},
                             {"StartTime", &kTimestamp},
                             {"EndTime", &kTimestamp},
                             {"MaxResults", &kMaxResults},
                             {"NextToken", &kString}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {{"Events", &kHistoryEvents}, {"NextToken", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {"InvalidExpressionException", "InvalidTimeRangeException",
                                        "InvalidNextTokenException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "SearchEvents",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "traccia:SearchEvents",
                                    .input = &kRequest,
                                    .output = &kAnswer,
                                    .errors = kErrors};

Result<history::Query> build_query(Call& call) {
  TRY_ASSIGN(auto scope, authorise_scope(call, kOperation.iam_action));
  history::Query query;
  query.account = std::move(scope.account);
  query.region = std::move(scope.region);
  query.expression = std::move(scope.expression);
  TRY_ASSIGN(query.start, optional_time(call.input, "StartTime"));
  TRY_ASSIGN(query.end, optional_time(call.input, "EndTime"));
  if (query.start && query.end && *query.start > *query.end) {
    return fail(ErrorCode::InvalidArgument, "InvalidTimeRange",
                "The start time must not be after the end time.");
  }
  query.count_max =
      static_cast<size_t>(optional_integer(call.input, "MaxResults").value_or(kPageDefault));
  query.bytes_max = kPageBytesMax;
  query.after = optional_string(call.input, "NextToken");
  return query;
}

Result<Output> search(Services& services, const history::Query& query) {
  TRY_ASSIGN(const auto page, services.history.lookup(query));
  TRY_ASSIGN(auto text, render_history_page(page.records, "NextToken", page.next));
  return Output{{}, std::move(text)};
}

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(auto query, build_query(call));
  call.rest = [&services = call.services, query = std::move(query)] {
    return search(services, query);
  };
  return json::Object{};
}

}  // namespace

const Binding kSearchEvents{&kOperation, run, http::RequestClass::Lookup};

}  // namespace traccia::api::traccia_service
