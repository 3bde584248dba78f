// One described operation being carried out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/audit.h"
#include "api/services.h"
#include "aws/operation.h"
#include "http/message.h"
#include "json/json.h"

namespace traccia::api {

// Whether a read-only call is an event of its own, or belongs to one recorded before.
enum class Recorded : uint8_t { Now, Before };

// Whether a call is one by itself, or part of another (carry_out).
enum class Standing : uint8_t { Alone, Within };

// What an operation answers: a document, or the same as JSON text where it is long.
struct Output {
  json::Object document;
  std::string text;  // instead of `document` unless it is empty
};

// What an operation's Prepare made: the hashes of passwords, the private key of a pair. Those that
// only look at what lies outside make nothing.
struct Prepared {
  std::optional<identity::HashedPassword> password = {}, old_password = {};
  std::string key_material = {};
};

// What an operation's function works with. Lives as long as the operation's transaction.
struct Call {
  Services& services;
  const Caller& caller;
  const json::Object& input;  // validated against the description
  meta::Transaction& transaction;
  Time now;

  // Log records that commit with the change: TrailChange records before or after the call's own
  // event, and events of the service's acts on the caller's behalf.
  std::vector<ingest::Draft> before_event = {};
  std::vector<ingest::Draft> after_event = {};
  json::Value resources = {};  // of the call's event: array or null
  // The account of the resource when it is not the caller's: it is told of the call too.
  std::string resource_account = {};
  bool trails_changed = false;
  // Of a read-only operation: gives the answer once the transaction is over, so that long work does
  // not hold the store. What run() returned is not used then. Within another call the transaction
  // goes on: it must not need the store.
  std::function<Result<Output>()> rest = {};
  Recorded recorded = Recorded::Now;
  Prepared prepared = {};
  Standing standing = Standing::Alone;

  trail::Scope scope() const { return {caller.principal.account_id, caller.region}; }
};

using Run = Result<json::Object> (*)(Call&);
// Work that takes long, before the transaction of an operation that changes something. The caller
// is authorised by then, and will be once more.
using Prepare = Result<Prepared> (*)(Services&, const Caller&, const json::Object& input);

// Where a call is authorised: before it runs, or by its own function, which must then do so before
// anything else: AssumeRole's resource has a policy.
enum class Authorised : uint8_t { Before, InRun };

struct Binding {
  const aws::Operation* operation;
  Run run;
  http::RequestClass request_class = http::RequestClass::Other;
  Prepare prepare = nullptr;
  Authorised authorised = Authorised::Before;
};

// Every operation this server answers with JSON 1.1 or Query, by service.
std::span<const Binding> cloudtrail_bindings();
std::span<const Binding> iam_bindings();
std::span<const Binding> kms_bindings();
std::span<const Binding> organizations_bindings();
std::span<const Binding> sns_bindings();
std::span<const Binding> sqs_bindings();
std::span<const Binding> sts_bindings();
std::span<const Binding> traccia_bindings();

// Validates, authorises, runs in a transaction, records. The event of the call is durable in the
// log before this returns, whatever the outcome. Errors carry an AWS error name as reason, or one
// that error_table.h knows.
Result<Output> execute(Services& services, const Caller& caller, const Binding& binding,
                       const json::Object& input);

// A call that is part of another and happens if that one does: the caller commits its records with
// what it is for. Of one that fails nothing is recorded.
struct Carried {
  json::Object output;
  std::vector<ingest::Draft> records;
};
// `event_id`: of the call's event; made when empty.
Result<Carried> carry_out(Services& services, meta::Transaction& transaction, const Caller& caller,
                          const Binding& binding, const json::Object& input,
                          std::string event_id = {});

// A call that only reads and succeeded, for its event; and what it was about.
struct ReadCall {
  const Caller& caller;
  const aws::Operation& operation;
  const json::Object& input;
  json::Value resources = {};         // array or null
  std::string resource_account = {};  // as Call has it
  std::string event_id = {};          // made when empty
};
// To commit with what the call is part of.
Result<std::vector<ingest::Draft>> records_of_read(Services& services, Time now, ReadCall call);
// Recorded in one of the log's next commits, for which this does not wait.
Result<> record_read(Services& services, ReadCall call);

// Records that a call failed, where the log can have that; the error that the call then has.
Error record_error(Services& services, const Caller& caller, const aws::Operation& operation,
                   const json::Object& input, Error error);
// Records a call that failed before it could run (a denied or malformed one).
Result<> record_failure(Services& services, const Caller& caller, const aws::Operation& operation,
                        const json::Object& input, const Error& error);

// Decoding of validated input: absent and null alike are missing.
std::optional<std::string> optional_string(const json::Object& input, std::string_view name);
std::string get_string(const json::Object& input, std::string_view name);
std::optional<bool> optional_bool(const json::Object& input, std::string_view name);
std::optional<int64_t> optional_integer(const json::Object& input, std::string_view name);
Result<std::optional<Time>> optional_time(const json::Object& input, std::string_view name);

}  // namespace traccia::api
