// The life of one call: validate, authorise, run, record.
// SPDX-License-Identifier: Apache-2.0
#include "api/operation_call.h"

#include <memory>
#include <optional>

#include "api/access.h"
#include "api/error_table.h"
#include "api/session_rules.h"
#include "base/log.h"
#include "base/mutex.h"

namespace traccia::api {
namespace {

const json::Value* find_value(const json::Object& input, std::string_view name) {
  const auto* value = json::find(input, name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

AuditEvent describe(const aws::Operation& operation, const Caller& caller,
                    const json::Object& input) {
  AuditEvent event;
  event.source = operation.event_source;
  event.name = operation.name;
  event.region = operation.reach == aws::Reach::Global ? "us-east-1" : caller.region;
  event.api_version = operation.api_version;
  event.read_only = operation.read_only;
  event.category = operation.category == aws::EventCategory::Data ? event::Category::Data
                                                                  : event::Category::Management;
  auto parameters = aws::audit_parameters(*operation.input, input);
  if (!parameters.empty()) event.request_parameters = std::move(parameters);
  return event;
}

// Read-only calls have no responseElements (facts 2.1).
void add_response(AuditEvent& event, const aws::Operation& operation, const json::Object& output) {
  if (operation.read_only && !operation.issues_credentials) return;
  auto elements = aws::audit_parameters(*operation.output, output);
  if (!elements.empty()) event.response_elements = std::move(elements);
}

// How the owner of a resource is told of a caller of another account ("CloudTrail userIdentity
// element", AWSAccount).
json::Object foreign_identity(const identity::Principal& principal) {
  return {{"type", "AWSAccount"},
          {"principalId", principal.principal_id},
          {"accountId", principal.account_id}};
}

// Data events are recorded where a trail takes them.
bool is_recorded(const Services& services, const AuditEvent& event, const ingest::Draft& draft) {
  return event.category != event::Category::Data || services.trails.taken_by_any(draft.record);
}

// What a call that failed was about, by which trails choose data events.
json::Value resources_of(Services& services, const Caller& caller, const aws::Operation& operation,
                         const json::Object& input) {
  json::Array out;
  const auto done = services.database.read([&](meta::Transaction& transaction) -> Result<> {
    Call call{.services = services,
              .caller = caller,
              .input = input,
              .transaction = transaction,
              .now = services.os.clock.now()};
    TRY_ASSIGN(const auto asks, asks_of(call, operation));
    for (const auto& ask : asks) {
      const auto& resource = ask.queue ? ask.queue : ask.topic;
      if (!resource) continue;
      out.push_back(json::Object{{"accountId", resource->account},
                                 {"type", ask.queue ? "AWS::SQS::Queue" : "AWS::SNS::Topic"},
                                 {"ARN", ask.resource}});
    }
    return {};
  });
  // The event is told all the same.
  if (!done) log(LogLevel::Error, "resources of a call", {{"error", done.error().message()}});
  return out.empty() ? json::Value() : json::Value(std::move(out));
}

// The caller's record, and the one of the resource's account when that is another: each with an id
// of its own and one that both have (facts 2.6).
Result<> add_drafts(const Services& services, Time now, const Caller& caller,
                    std::string_view resource_account, AuditEvent& event,
                    std::vector<ingest::Draft>& drafts) {
  const auto& os = services.os;
  const bool shared = !resource_account.empty() && resource_account != caller.principal.account_id;
  if (shared) event.shared_event_id = os.random.uuid();
  TRY_ASSIGN(auto draft, audit_draft(os, now, caller, event));
  if (is_recorded(services, event, draft)) drafts.push_back(std::move(draft));
  if (!shared) return {};
  event.account = resource_account;
  event.user_identity = foreign_identity(caller.principal);
  TRY_ASSIGN(auto copy, audit_draft(os, now, caller, event));
  if (is_recorded(services, event, copy)) drafts.push_back(std::move(copy));
  return {};
}

Result<Output> run_change(Services& services, const Caller& caller, const Binding& binding,
                          const json::Object& input) {
  json::Object output;
  bool trails_changed = false;
  Prepared prepared;
  if (binding.prepare != nullptr) {
    TRY(services.database.read([&](meta::Transaction& transaction) {
      Call call{.services = services,
                .caller = caller,
                .input = input,
                .transaction = transaction,
                .now = services.os.clock.now()};
      return authorise(call, *binding.operation);
    }));
    TRY_ASSIGN(prepared, binding.prepare(services, caller, input));
  }
  TRY(services.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        Call call{.services = services,
                  .caller = caller,
                  .input = input,
                  .transaction = transaction,
                  .now = services.os.clock.now(),
                  .prepared = prepared};
        if (binding.authorised == Authorised::Before) TRY(authorise(call, *binding.operation));
        TRY_ASSIGN(output, binding.run(call));
        auto event = describe(*binding.operation, caller, input);
        event.resources = call.resources;
        add_response(event, *binding.operation, output);
        auto drafts = std::move(call.before_event);
        TRY(add_drafts(services, call.now, caller, call.resource_account, event, drafts));
        for (auto& after : call.after_event) drafts.push_back(std::move(after));
        trails_changed = call.trails_changed;
        return drafts;
      }));
  if (trails_changed) TRY(services.trails.refresh(services.database));
  return Output{std::move(output), {}};
}

// A call that changes nothing is recorded in one of the log's next commits; its answer does not
// wait for that (I4 is about calls that change or are denied). What the log refuses at once is an
// error.
Result<> submit_read(Services& services, std::vector<ingest::Draft> drafts) {
  struct State {
    Mutex mutex;
    bool returned GUARDED_BY(mutex) = false;
    std::optional<Error> refused GUARDED_BY(mutex);
  };
  const auto state = std::make_shared<State>();
  services.ingest.submit(
      std::move(drafts),
      [state](Result<ingest::Outcome> outcome) {
        if (outcome) return;
        const MutexLock lock(state->mutex);
        if (!state->returned) {
          state->refused = std::move(outcome).error();
          return;
        }
        log(LogLevel::Error, "a call that read was answered but not recorded",
            {{"error", outcome.error().message()}});
      },
      wal::Room::Reserve, wal::Haste::None);
  const MutexLock lock(state->mutex);
  state->returned = true;
  if (state->refused) return std::unexpected(*state->refused);
  return {};
}

Result<Output> run_query(Services& services, const Caller& caller, const Binding& binding,
                         const json::Object& input) {
  Output output;
  std::function<Result<Output>()> rest;
  auto recorded = Recorded::Now;
  ReadCall done{caller, *binding.operation, input};
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    Call call{.services = services,
              .caller = caller,
              .input = input,
              .transaction = transaction,
              .now = services.os.clock.now()};
    TRY(authorise(call, *binding.operation));
    TRY_ASSIGN(output.document, binding.run(call));
    done.resources = std::move(call.resources);
    done.resource_account = std::move(call.resource_account);
    rest = std::move(call.rest);
    recorded = call.recorded;
    return {};
  }));
  if (rest) {
    TRY_ASSIGN(output, rest());
  }
  if (recorded == Recorded::Now) TRY(record_read(services, std::move(done)));
  return output;
}

}  // namespace

Result<std::vector<ingest::Draft>> records_of_read(Services& services, Time now, ReadCall call) {
  auto event = describe(call.operation, call.caller, call.input);
  event.event_id = std::move(call.event_id);
  event.resources = std::move(call.resources);
  std::vector<ingest::Draft> drafts;
  TRY(add_drafts(services, now, call.caller, call.resource_account, event, drafts));
  return drafts;
}

Result<> record_read(Services& services, ReadCall call) {
  TRY_ASSIGN(auto drafts, records_of_read(services, services.os.clock.now(), std::move(call)));
  if (drafts.empty()) return {};
  return submit_read(services, std::move(drafts));
}

Error record_error(Services& services, const Caller& caller, const aws::Operation& operation,
                   const json::Object& input, Error error) {
  // The log's own refusal cannot be recorded in the log.
  if (services.ingest.stopped() || error.reason() == kCommittedNotLogged) return error;
  if (auto told = record_failure(services, caller, operation, input, error); !told) {
    return std::move(told).error();
  }
  return error;
}

Result<> record_failure(Services& services, const Caller& caller, const aws::Operation& operation,
                        const json::Object& input, const Error& error) {
  auto event = describe(operation, caller, input);
  const auto shown = to_api_error(error, operation.protocol);
  event.error_code = audit_error_code(shown);
  event.error_message = shown.message;
  if (event.category == event::Category::Data) {
    event.resources = resources_of(services, caller, operation, input);
  }
  TRY_ASSIGN(auto draft, audit_draft(services.os, services.os.clock.now(), caller, event));
  if (!is_recorded(services, event, draft)) return {};
  std::vector<ingest::Draft> drafts;
  drafts.push_back(std::move(draft));
  TRY(services.ingest.submit_and_wait(std::move(drafts)));
  return {};
}

Result<Carried> carry_out(Services& services, meta::Transaction& transaction, const Caller& caller,
                          const Binding& binding, const json::Object& input, std::string event_id) {
  const auto& operation = *binding.operation;
  TRY(check_session_rules(caller.principal, operation));
  TRY(aws::validate(*operation.input, input));
  Call call{.services = services,
            .caller = caller,
            .input = input,
            .transaction = transaction,
            .now = services.os.clock.now(),
            .standing = Standing::Within};
  TRY(authorise(call, operation));
  Carried out;
  TRY_ASSIGN(out.output, binding.run(call));
  if (call.rest) {
    TRY_ASSIGN(auto rest, call.rest());
    out.output = std::move(rest.document);
  }
  auto event = describe(operation, caller, input);
  event.event_id = std::move(event_id);
  event.resources = std::move(call.resources);
  add_response(event, operation, out.output);
  TRY(add_drafts(services, call.now, caller, call.resource_account, event, out.records));
  return out;
}

Result<Output> execute(Services& services, const Caller& caller, const Binding& binding,
                       const json::Object& input) {
  const auto& operation = *binding.operation;
  auto result = [&]() -> Result<Output> {
    TRY(check_session_rules(caller.principal, operation));
    TRY(aws::validate(*operation.input, input));
    return operation.read_only && !operation.issues_credentials
               ? run_query(services, caller, binding, input)
               : run_change(services, caller, binding, input);
  }();
  if (result) return result;
  return std::unexpected(
      record_error(services, caller, operation, input, std::move(result).error()));
}

std::optional<std::string> optional_string(const json::Object& input, std::string_view name) {
  const auto* value = find_value(input, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->as_string());
}

std::string get_string(const json::Object& input, std::string_view name) {
  return optional_string(input, name).value_or("");
}

std::optional<bool> optional_bool(const json::Object& input, std::string_view name) {
  const auto* value = find_value(input, name);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->as_bool();
}

std::optional<int64_t> optional_integer(const json::Object& input, std::string_view name) {
  const auto* value = find_value(input, name);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code code;
  const auto number = value->to_number<int64_t>(code);
  if (code) return std::nullopt;
  return number;
}

Result<std::optional<Time>> optional_time(const json::Object& input, std::string_view name) {
  const auto* value = find_value(input, name);
  if (value == nullptr) return std::nullopt;
  TRY_ASSIGN(const auto time, aws::decode_timestamp(*value));
  return time;
}

}  // namespace traccia::api
