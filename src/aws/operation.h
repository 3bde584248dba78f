// Operations described as data: one table per operation gives decoding, validation, authorisation,
// the audit event's parameters and documentation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "json/json.h"

namespace traccia::aws {

// Tables are constants of static storage; everything here is a view into them. A typical table:
//
//   constexpr Shape kTagKey = string_shape(1, 128);
//   constexpr Member kTagMembers[] = {{"Key", &kTagKey, Required}, {"Value", &kTagValue}};
//   constexpr Shape kTag = structure_shape(kTagMembers);
//   constexpr Shape kTags = list_shape(kTag, 0, 200);
//   constexpr Member kAddTagsInput[] = {{"ResourceId", &kString, Required},
//                                       {"TagsList", &kTags, Required}};
//   constexpr Shape kAddTagsRequest = structure_shape(kAddTagsInput);

enum class Protocol { Json11, Query, RestXml, RestJson };
enum class MemberType {
  String,
  Integer,
  Long,
  Float,
  Boolean,
  Timestamp,
  Blob,
  List,
  Map,
  Structure
};
enum class Presence { Optional, Required };
// Masked: CloudTrail shows "****", as Organizations has it of names and addresses. Unseen: a secret
// of which events do not even tell that it was there, as KMS's have it.
enum class Sensitivity { Plain, Secret, Masked, Unseen };
// Which selectors take the operation's event.
enum class EventCategory { Management, Data };
// Global: recorded in us-east-1, whatever region the request was signed for.
enum class Reach { Regional, Global };

// The regular expression as AWS prints it in the message, and the function that decides.
struct Pattern {
  std::string_view text;
  bool (*matches)(std::string_view) = nullptr;  // nullptr: any text
  // A service's own words, "It must contain only …", in place of the pattern: IAM has them.
  std::string_view words = {};
};

struct Member;

// The constraints of a value. `min` and `max` bound a string's length in characters, a number's
// value, or the count of a list's or map's items. immutable.
struct Shape {
  MemberType type = MemberType::String;
  std::optional<int64_t> min = {};
  std::optional<int64_t> max = {};
  Pattern pattern = {};
  std::span<const std::string_view> values = {};  // of an enumeration; empty: any
  const Shape* element = nullptr;                 // of a list; the value of a map
  const Shape* key = nullptr;                     // of a map; nullptr: any string
  std::span<const Member> members = {};           // of a structure
  // What the Query protocol calls a map's entries.
  std::string_view entry_key = "key";
  std::string_view entry_value = "value";
};

struct Member {
  std::string_view name;  // as on the wire
  const Shape* shape = nullptr;
  Presence presence = Presence::Optional;
  Sensitivity sensitivity = Sensitivity::Plain;
  std::string_view audit_name = {};  // where audit_name(name) is not what CloudTrail writes
  // Of a list or map that the Query protocol flattens: what each of its items is called.
  std::string_view flat = {};
};

inline constexpr Shape kString{.type = MemberType::String};
inline constexpr Shape kInteger{.type = MemberType::Integer};
inline constexpr Shape kLong{.type = MemberType::Long};
inline constexpr Shape kFloat{.type = MemberType::Float};
inline constexpr Shape kBoolean{.type = MemberType::Boolean};
inline constexpr Shape kTimestamp{.type = MemberType::Timestamp};
inline constexpr Shape kBlob{.type = MemberType::Blob};
inline constexpr Shape kEmptyStructure{.type = MemberType::Structure};

using Bound = std::optional<int64_t>;

constexpr Shape string_shape(Bound min, Bound max, Pattern pattern = {}) {
  return {.type = MemberType::String, .min = min, .max = max, .pattern = pattern};
}
constexpr Shape enum_shape(std::span<const std::string_view> values) {
  return {.type = MemberType::String, .values = values};
}
constexpr Shape integer_shape(Bound min, Bound max) {
  return {.type = MemberType::Integer, .min = min, .max = max};
}
constexpr Shape list_shape(const Shape& element, Bound min = {}, Bound max = {}) {
  return {.type = MemberType::List, .min = min, .max = max, .element = &element};
}
constexpr Shape map_shape(const Shape& key, const Shape& value, Bound min = {}, Bound max = {}) {
  return {.type = MemberType::Map, .min = min, .max = max, .element = &value, .key = &key};
}
constexpr Shape structure_shape(std::span<const Member> members) {
  return {.type = MemberType::Structure, .members = members};
}

// True when every character of `text` is in `set`, written as in a regular expression's brackets:
// "a-zA-Z0-9._" (a hyphen that comes first or last stands for itself; no escapes).
constexpr bool only_characters(std::string_view text, std::string_view set) {
  for (const char c : text) {
    bool found = false;
    for (size_t i = 0; i < set.size() && !found;) {
      const bool range = i + 2 < set.size() && set[i + 1] == '-';
      found = range ? set[i] <= c && c <= set[i + 2] : set[i] == c;
      i += range ? 3 : 1;
    }
    if (!found) return false;
  }
  return true;
}

// Whether a call is about something that is there, or makes it.
enum class Existence : uint8_t { Existing, Made };

// What a call's action is authorised on, and by which condition keys beside those that every
// request has ("Service Authorization Reference").
struct Access {
  std::string_view resource = {};  // the type: "trail"; empty: the action has none, it asks for "*"
  std::string_view named_by = {};  // the request's member: a name, an ARN, or a list of them
  Existence existence = Existence::Existing;
  // "iam:PolicyARN"; of keys that there are for each tag, what comes before the tag's:
  // "aws:RequestTag". Keys that tell the resource's tags are not listed.
  std::span<const std::string_view> keys = {};
  std::string_view tag_action = {};  // asked for too when the request has tags
};

struct Operation {
  std::string_view service;       // signing name and IAM prefix: "cloudtrail"
  std::string_view event_source;  // "cloudtrail.amazonaws.com"
  std::string_view name;          // "CreateTrail", the event's name
  Protocol protocol = Protocol::Json11;
  std::string_view api_version;  // "2013-11-01"
  bool read_only = false;
  // Gives out credentials: its event says read-only (facts 2.6), yet it is recorded before the
  // answer, and with it, as a change is.
  bool issues_credentials = false;
  EventCategory category = EventCategory::Management;
  Reach reach = Reach::Regional;
  std::string_view iam_action;  // "cloudtrail:CreateTrail"
  Access access = {};
  const Shape* input = &kEmptyStructure;
  const Shape* output = &kEmptyStructure;
  std::span<const std::string_view> errors = {};  // names it documents, with "Exception"
};

// The structure's member of that wire name, or nullptr.
const Member* find_member(const Shape& structure, std::string_view name);

// Checks a decoded request against its description. Members of value null count as absent; unknown
// members are ignored, as AWS does. Messages are worded as AWS words them.
// Reasons: SerializationException (a value of the wrong type), ValidationException (constraints;
// all violations in one message, the first kViolationsShown of them written out).
inline constexpr size_t kViolationsShown = 10;
Result<> validate(const Shape& input, const json::Object& request);

// A timestamp member as AWS's JSON protocols carry it: a number of epoch seconds, or ISO 8601 text.
// Reason SerializationException when it is neither or lies outside years 1970..2261.
Result<Time> decode_timestamp(const json::Value& value);
// Epoch seconds: a whole number when it is one, else with milliseconds.
json::Value encode_timestamp(Time time);

// TrailARN → trailARN, S3BucketName → s3BucketName: CloudTrail lowers the first letter only.
std::string audit_name(std::string_view member);

// The request's or the answer's members as the audit event shows them: described members only,
// names lowered, timestamps as text, blobs omitted, secrets replaced by
// HIDDEN_DUE_TO_SECURITY_REASONS, masked or left out. Keys of maps stay as they are. Members of the
// wrong type (of a request that validation rejects) are omitted.
inline constexpr std::string_view kHidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
inline constexpr std::string_view kMasked = "****";
json::Object audit_parameters(const Shape& shape, const json::Object& object);

}  // namespace traccia::aws
