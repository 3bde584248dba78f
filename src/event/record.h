// One CloudTrail record: checked, completed and classified once, on arrival.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace traccia::event {

enum class Category : uint8_t {
  Management = 0,
  Data = 1,
  NetworkActivity = 2,
  Insight = 3,
  Other = 4
};

struct Resource {
  std::string type;  // "AWS::S3::Object"
  std::string arn;   // ARN or ARNPrefix member
};

// The members that classification, look-ups and selectors need, beside the record's exact bytes.
struct Record {
  std::string json;  // one line, compact as it will be delivered
  std::string event_id;
  Time event_time;
  std::string event_source;
  std::string event_name;
  std::string region;   // awsRegion
  std::string account;  // recipientAccountId: the owner
  Category category = Category::Management;
  std::optional<bool> read_only;
  std::string event_type;
  std::string error_code;
  std::string user_name;  // as LookupEvents' Username
  std::string access_key_id;
  std::string user_arn;    // userIdentity.arn
  std::string invoked_by;  // userIdentity.invokedBy
  std::string session_credential_from_console;
  std::string vpc_endpoint_id;
  std::vector<Resource> resources;
};

inline constexpr size_t kRecordBytesMax = 256 << 10;
inline constexpr size_t kRecordDepthMax = 64;

struct AdmitOptions {
  std::string_view account;         // of the sender
  std::string_view default_region;  // when awsRegion is missing
  Time now;
  // Whether recipientAccountId may differ from the sender's account.
  bool may_import = false;
  // Reads a stored record: nothing is filled in, times are not checked against now. `account` is
  // then its owner as the log knows it, for records that do not say it themselves.
  bool stored = false;
  std::function<bool(std::string_view region)> region_known;
  std::function<std::string()> new_event_id;
};

// Parses one record (no surrounding whitespace needed, newlines inside are removed), checks limits,
// fills in what the emitter left out (eventVersion, eventID, awsRegion, eventType,
// recipientAccountId, eventCategory, managementEvent is left alone) and classifies. Existing
// members keep their bytes and order; members filled in are appended at the end.
// Reasons (the `code` of a rejection): MalformedJSON, NotAnObject, RecordTooLarge, TooDeep,
// DuplicateMember, MissingEventTime, InvalidEventTime, EventTimeInFuture (> 5 min),
// MissingEventName, InvalidMember (wrong type or length of a known member), UnknownRegion,
// InvalidAccount, AccountMismatch, InvalidEventId.
Result<Record> admit(std::string_view json, const AdmitOptions& options);

// Splits a request body into records: NDJSON (blank lines skipped), {"Records":[…]}, or one array.
// `line` counts from 1: the NDJSON line, or the element's place in the array. A body whose outer
// JSON is broken fails as a whole (reason MalformedBody); a bad NDJSON line does not.
struct RawRecord {
  size_t line = 0;
  std::string_view json;  // into the body
};
Result<std::vector<RawRecord>> split_body(std::string_view body, size_t records_max);

}  // namespace traccia::event
