// TailEvents: management events as they arrive, by long polling.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/history_event.h"
#include "api/history_scope.h"
#include "api/tail.h"
#include "api/traccia_operations.h"

namespace traccia::api::traccia_service {
namespace {

using aws::kString;
using aws::Member;
using aws::Shape;

constexpr int64_t kPageDefault = 100;
constexpr size_t kPageBytesMax = 2 << 20;
constexpr int64_t kWaitSecondsMax = 5;
// One event tells that a tail begins, and one each hour that it goes on: were each call an event, a
// tail would follow itself.
constexpr int64_t kRecordedEverySeconds = 3600;

constexpr Shape kMaxResults = aws::integer_shape(1, history::kPageRecordsMax);
constexpr Shape kWaitSeconds = aws::integer_shape(0, kWaitSecondsMax);
constexpr Member kInput[] = {{"Expression", &kHistoryExpression},
                             {"AccountId", &kHistoryAccount},
                             {"Region", &kString},
                             {"Cursor", &kString},
                             {"WaitSeconds", &kWaitSeconds},
                             {"MaxResults", &kMaxResults}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {{"Events", &kHistoryEvents}, {"Cursor", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {"InvalidExpressionException", "InvalidCursorException",
                                        "TailTooOldException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "TailEvents",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "traccia:TailEvents",
                                    .input = &kRequest,
                                    .output = &kAnswer,
                                    .errors = kErrors};

// Who follows what, as cursors are bound to it.
std::string scope_text(const Call& call, const HistoryScope& scope) {
  return fmt::format(
      "{}/{}/{}/{}", call.caller.principal.arn, scope.account.value_or(std::string(kEvery)),
      scope.region.value_or(std::string(kEvery)), history::to_string(scope.expression));
}

Result<Output> follow(Services& services, const history::TailQuery& query, Duration wait,
                      int64_t recorded, const std::string& scope) {
  services.tail.wait(query.from, wait);
  TRY_ASSIGN(const auto page, services.history.tail(query));
  TRY_ASSIGN(auto text, render_history_page(page.records, "Cursor",
                                            services.tail.encode({page.next, recorded}, scope)));
  return Output{{}, std::move(text)};
}

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(auto scope, authorise_scope(call, kOperation.iam_action));
  const auto text = scope_text(call, scope);
  const auto now = to_unix_seconds(call.now);
  Tail::Place place{call.services.history.end(), now};
  if (const auto cursor = optional_string(call.input, "Cursor")) {
    TRY_ASSIGN(place, call.services.tail.decode(*cursor, text));
    const auto age = now - place.recorded;
    if (age >= 0 && age < kRecordedEverySeconds) {
      call.recorded = Recorded::Before;
    } else {
      place.recorded = now;
    }
  }
  history::TailQuery query;
  query.account = std::move(scope.account);
  query.region = std::move(scope.region);
  query.expression = std::move(scope.expression);
  query.from = place.at;
  query.bytes_max = kPageBytesMax;
  query.count_max =
      static_cast<size_t>(optional_integer(call.input, "MaxResults").value_or(kPageDefault));
  const std::chrono::seconds wait(optional_integer(call.input, "WaitSeconds").value_or(0));
  call.rest = [&services = call.services, query = std::move(query), wait, recorded = place.recorded,
               text] { return follow(services, query, wait, recorded, text); };
  return json::Object{};
}

}  // namespace

const Binding kTailEvents{&kOperation, run, http::RequestClass::Tail};

}  // namespace traccia::api::traccia_service
