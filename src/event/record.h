// One CloudTrail record: checked, completed and classified once, on arrival.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
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

// eventCategory's text; empty for Other.
std::string_view category_name(Category category);

struct Resource {
  std::string_view type;  // "AWS::S3::Object"
  std::string_view arn;   // ARN or ARNPrefix member
};

// What simdjson may read behind a record; RecordMemory leaves it.
inline constexpr size_t kPaddingBytes = 64;

// Where records keep their bytes: one for all records of a request, so that no record allocates.
// The text of records that are admitted one after another lies one after another, with a comma
// between, wherever a chunk has the room. Owned by one thread while it grows.
class RecordMemory {
 public:
  // `text_bytes` is what the records have together, about.
  explicit RecordMemory(size_t text_bytes)
      : texts_(text_bytes + text_bytes / 8 + 1024), values_(text_bytes / 4 + 512) {}

  // A copy of text with kPaddingBytes behind it.
  std::string_view keep_padded(std::string_view text);
  Arena& texts() { return texts_; }
  Arena& values() { return values_; }
  uint64_t bytes() const { return texts_.bytes() + values_.bytes(); }

 private:
  Arena texts_;
  Arena values_;
};

// The members that classification, look-ups and selectors need, beside the record's exact bytes.
// Views into the RecordMemory that it was admitted with.
struct Record {
  std::string_view json;  // one line, compact as it will be delivered
  std::string_view event_id;
  Time event_time;
  std::string_view event_source;
  std::string_view event_name;
  std::string_view region;   // awsRegion
  std::string_view account;  // recipientAccountId: the owner
  Category category = Category::Management;
  std::optional<bool> read_only;
  std::string_view event_type;
  std::string_view error_code;
  std::string_view user_name;  // as LookupEvents' Username
  std::string_view access_key_id;
  std::string_view user_arn;    // userIdentity.arn
  std::string_view invoked_by;  // userIdentity.invokedBy
  std::string_view session_credential_from_console;
  std::string_view vpc_endpoint_id;
  std::span<const Resource> resources;
};

inline constexpr size_t kRecordBytesMax = 256 << 10;
inline constexpr size_t kRecordDepthMax = 64;

struct AdmitOptions {
  std::string_view account;         // of the sender
  std::string_view default_region;  // when awsRegion is missing
  Time now;
  // Whether recipientAccountId may differ from the sender's account.
  bool may_import = false;
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
Result<Record> admit(std::string_view json, const AdmitOptions& options, RecordMemory& memory);

// Reads a record that was admitted before: nothing is filled in, times are not checked. `account`
// is its owner as the log knows it, for records that do not say it themselves. `json` is followed
// by kPaddingBytes that may be read, and outlives the record. The reasons of admit.
Result<Record> read_stored(std::string_view json, std::string_view account, RecordMemory& memory);

// Splits a request body into records: NDJSON (blank lines skipped), {"Records":[…]}, or one array.
// `line` counts from 1: the NDJSON line, or the element's place in the array. A body whose outer
// JSON is broken fails as a whole (reason MalformedBody); a bad NDJSON line does not.
struct RawRecord {
  size_t line = 0;
  std::string_view json;  // into the body
};
Result<std::vector<RawRecord>> split_body(std::string_view body, size_t records_max);

}  // namespace traccia::event
