// Parses and completes one record. simdjson checks the syntax and the text encoding of all of it.
// SPDX-License-Identifier: Apache-2.0
#include "event/record.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <memory>

#include "base/assert.h"

namespace traccia::event {
namespace {

namespace dom = simdjson::dom;

constexpr std::chrono::minutes kFutureMax{5};
constexpr size_t kEventIdBytesMax = 128;
constexpr size_t kNameBytesMax = 1024;
constexpr std::string_view kEventVersion = "1.11";

std::unexpected<Error> reject(std::string_view reason, std::string message) {
  return fail(ErrorCode::InvalidArgument, reason, std::move(message));
}

dom::parser& thread_parser() {
  thread_local const auto parser = [] {
    auto fresh = std::make_unique<dom::parser>(kRecordBytesMax);
    TRACCIA_ASSERT(fresh->allocate(kRecordBytesMax, kRecordDepthMax) == simdjson::SUCCESS);
    return fresh;
  }();
  return *parser;
}

Result<std::string> compact(std::string_view json) {
  std::string out;
  bool closed = true;
  out.resize_and_overwrite(json.size() + simdjson::SIMDJSON_PADDING, [&](char* to, size_t) {
    size_t size = 0;
    closed = simdjson::minify(json.data(), json.size(), to, size) == simdjson::SUCCESS;
    return closed ? size : 0;
  });
  if (!closed) return reject("MalformedJSON", "a string is not closed");
  return out;
}

std::unexpected<Error> parse_failure(simdjson::error_code code) {
  if (code == simdjson::DEPTH_ERROR) {
    return reject("TooDeep", fmt::format("nested deeper than {} levels", kRecordDepthMax));
  }
  return reject("MalformedJSON", simdjson::error_message(code));
}

// The members of an object by name, each name once.
Result<dom::object> unique_object(const dom::element& element, std::string_view what) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return reject(what.empty() ? "NotAnObject" : "InvalidMember",
                  what.empty() ? std::string("the record is not a JSON object")
                               : fmt::format("{} is not an object", what));
  }
  std::vector<std::string_view> names;
  for (const auto field : object) names.push_back(field.key);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) {
    return reject("DuplicateMember",
                  fmt::format("member '{}' of {} is given twice", twice->substr(0, 64),
                              what.empty() ? "the record" : what));
  }
  return object;
}

// The member's text; empty when absent or null.
Result<std::string> text_member(const dom::object& object, std::string_view name) {
  dom::element element;
  if (object[name].get(element) != simdjson::SUCCESS || element.is_null()) return std::string();
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) {
    return reject("InvalidMember", fmt::format("{} is not a string", name));
  }
  if (text.size() > kNameBytesMax) {
    return reject("InvalidMember", fmt::format("{} has {} bytes; at most {} are allowed", name,
                                               text.size(), kNameBytesMax));
  }
  return std::string(text);
}

// Free text is not limited in length: only what is looked up is.
std::string any_text(const dom::object& object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

Result<std::optional<bool>> bool_member(const dom::object& object, std::string_view name) {
  dom::element element;
  if (object[name].get(element) != simdjson::SUCCESS || element.is_null()) return std::nullopt;
  bool value = false;
  if (element.get(value) == simdjson::SUCCESS) return value;
  // Some emitters write the words as text.
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS && (text == "true" || text == "false")) {
    return text == "true";
  }
  return reject("InvalidMember", fmt::format("{} is neither true nor false", name));
}

Category category_of(std::string_view name, std::optional<bool> management) {
  if (name == "Management") return Category::Management;
  if (name == "Data") return Category::Data;
  if (name == "NetworkActivity") return Category::NetworkActivity;
  if (name == "Insight") return Category::Insight;
  if (name.empty()) return management.value_or(true) ? Category::Management : Category::Data;
  return Category::Other;
}

// What LookupEvents shows as Username (facts 5).
std::string display_name(const dom::object& identity) {
  const auto type = any_text(identity, "type");
  if (type == "Root") return "root";
  if (type == "AssumedRole") {
    const auto principal = any_text(identity, "principalId");
    const auto colon = principal.find(':');
    if (colon != std::string::npos) return principal.substr(colon + 1);
    const auto arn = any_text(identity, "arn");
    return arn.substr(arn.rfind('/') + 1);
  }
  const auto name = any_text(identity, "userName");
  if (!name.empty()) return name;
  return type == "AWSService" ? any_text(identity, "invokedBy") : std::string();
}

Result<> read_identity(const dom::object& record, Record& out) {
  dom::element element;
  if (record["userIdentity"].get(element) != simdjson::SUCCESS || element.is_null()) return {};
  TRY_ASSIGN(const auto identity, unique_object(element, "userIdentity"));
  out.access_key_id = any_text(identity, "accessKeyId");
  out.user_arn = any_text(identity, "arn");
  out.invoked_by = any_text(identity, "invokedBy");
  out.user_name = display_name(identity);
  return {};
}

Result<> read_resources(const dom::object& record, Record& out) {
  dom::element element;
  if (record["resources"].get(element) != simdjson::SUCCESS || element.is_null()) return {};
  // Some exporters write "" for nothing.
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS && text.empty()) return {};
  dom::array list;
  if (element.get(list) != simdjson::SUCCESS) {
    return reject("InvalidMember", "resources is not an array");
  }
  for (const auto one : list) {
    dom::object object;
    if (one.get(object) != simdjson::SUCCESS) {
      return reject("InvalidMember", "resources holds something that is not an object");
    }
    auto arn = any_text(object, "ARN");
    if (arn.empty()) arn = any_text(object, "ARNPrefix");
    out.resources.push_back({any_text(object, "type"), std::move(arn)});
  }
  return {};
}

Result<> read_time(const dom::object& record, const AdmitOptions& options, Record& out) {
  dom::element element;
  if (record["eventTime"].get(element) != simdjson::SUCCESS || element.is_null()) {
    return reject("MissingEventTime", "eventTime is missing");
  }
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) {
    return reject("InvalidEventTime", "eventTime is not a string");
  }
  auto time = parse_iso(text);
  if (!time) return reject("InvalidEventTime", "eventTime: " + time.error().message());
  out.event_time = *time;
  if (!options.stored && out.event_time > options.now + kFutureMax) {
    return reject("EventTimeInFuture",
                  fmt::format("eventTime {} is more than 5 minutes ahead of the server's {}",
                              text.substr(0, 64), format_iso_seconds(options.now)));
  }
  return {};
}

bool account_shaped(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
}

bool id_shaped(std::string_view text) {
  return text.size() <= kEventIdBytesMax && std::ranges::all_of(text, [](char c) {
           return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
         });
}

// Appends a member to a compact, non-empty object. The value needs no escaping.
void append_member(std::string& json, std::string_view name, std::string_view value) {
  json.pop_back();
  fmt::format_to(std::back_inserter(json), R"({}"{}":"{}"}})", json.size() > 1 ? "," : "", name,
                 value);
}

Result<> read_members(const dom::object& object, const AdmitOptions& options, Record& out,
                      std::string& version) {
  TRY(read_time(object, options, out));
  TRY_ASSIGN(out.event_name, text_member(object, "eventName"));
  if (out.event_name.empty()) return reject("MissingEventName", "eventName is missing");
  TRY_ASSIGN(version, text_member(object, "eventVersion"));
  TRY_ASSIGN(out.event_id, text_member(object, "eventID"));
  TRY_ASSIGN(out.event_source, text_member(object, "eventSource"));
  TRY_ASSIGN(out.region, text_member(object, "awsRegion"));
  TRY_ASSIGN(out.account, text_member(object, "recipientAccountId"));
  TRY_ASSIGN(out.event_type, text_member(object, "eventType"));
  TRY_ASSIGN(out.vpc_endpoint_id, text_member(object, "vpcEndpointId"));
  TRY_ASSIGN(out.read_only, bool_member(object, "readOnly"));
  out.error_code = any_text(object, "errorCode");
  out.session_credential_from_console = any_text(object, "sessionCredentialFromConsole");
  TRY_ASSIGN(const auto management, bool_member(object, "managementEvent"));
  TRY_ASSIGN(const auto category, text_member(object, "eventCategory"));
  out.category = category_of(category, management);
  TRY(read_identity(object, out));
  return read_resources(object, out);
}

Result<> check_owner(const AdmitOptions& options, Record& out) {
  if (out.account.empty()) return {};
  if (!account_shaped(out.account) && (options.stored || options.may_import)) {
    // An anonymised record of elsewhere: it keeps its bytes and belongs to whoever imports it.
    out.account = options.account;
    return {};
  }
  if (!account_shaped(out.account)) {
    return reject("InvalidAccount", fmt::format("recipientAccountId '{}' is not 12 digits",
                                                out.account.substr(0, 64)));
  }
  if (!options.stored && !options.may_import && out.account != options.account) {
    return reject("AccountMismatch",
                  fmt::format("recipientAccountId is {}, but the sender's account is {}",
                              out.account, options.account));
  }
  return {};
}

void fill_in(const AdmitOptions& options, const dom::object& object, std::string_view version,
             Record& out) {
  const auto absent = [&](std::string_view name) {
    return object.at_key(name).error() == simdjson::NO_SUCH_FIELD;
  };
  if (version.empty() && absent("eventVersion")) {
    append_member(out.json, "eventVersion", kEventVersion);
  }
  if (out.event_id.empty()) {
    out.event_id = options.new_event_id ? options.new_event_id() : "";
    if (absent("eventID")) append_member(out.json, "eventID", out.event_id);
  }
  if (out.region.empty()) {
    out.region = options.default_region;
    if (absent("awsRegion")) append_member(out.json, "awsRegion", out.region);
  }
  if (out.event_type.empty()) {
    out.event_type = "AwsApiCall";
    if (absent("eventType")) append_member(out.json, "eventType", out.event_type);
  }
  if (out.account.empty()) {
    out.account = options.account;
    if (absent("recipientAccountId")) append_member(out.json, "recipientAccountId", out.account);
  }
  if (absent("eventCategory")) {
    append_member(out.json, "eventCategory",
                  out.category == Category::Data ? "Data" : "Management");
  }
}

// A null or empty eventID, region or owner would leave a record nobody can find by it.
Result<> refuse_empty(const dom::object& object) {
  for (const std::string_view name : {"eventID", "awsRegion", "recipientAccountId"}) {
    dom::element element;
    if (object[name].get(element) != simdjson::SUCCESS) continue;
    std::string_view text;
    if (element.is_null() || (element.get(text) == simdjson::SUCCESS && text.empty())) {
      return reject("InvalidMember",
                    fmt::format("{} is there but empty; leave it out to have it filled in", name));
    }
  }
  return {};
}

}  // namespace

Result<Record> admit(std::string_view json, const AdmitOptions& options) {
  if (json.size() > kRecordBytesMax * 4) {  // whitespace is not stored, so it may come on top
    return reject("RecordTooLarge", fmt::format("the record has {} bytes; at most {} are allowed",
                                                json.size(), kRecordBytesMax));
  }
  Record out;
  if (options.stored) {
    out.json = json;  // it is compact already
  } else {
    TRY_ASSIGN(out.json, compact(json));
  }
  if (out.json.size() > kRecordBytesMax) {
    return reject("RecordTooLarge", fmt::format("the record has {} bytes; at most {} are allowed",
                                                out.json.size(), kRecordBytesMax));
  }
  auto& parser = thread_parser();
  dom::element root;
  if (const auto code = parser.parse(out.json.data(), out.json.size(), true).get(root);
      code != simdjson::SUCCESS) {
    return parse_failure(code);
  }
  TRY_ASSIGN(const auto object, unique_object(root, ""));
  std::string version;
  TRY(read_members(object, options, out, version));
  if (!options.stored) TRY(refuse_empty(object));
  if (!id_shaped(out.event_id)) {
    return reject(
        "InvalidEventId",
        fmt::format("eventID must be at most {} printable ASCII characters", kEventIdBytesMax));
  }
  TRY(check_owner(options, out));
  if (options.stored) return out;
  fill_in(options, object, version, out);
  if (options.region_known && !options.region_known(out.region)) {
    return reject("UnknownRegion", fmt::format("awsRegion '{}' is not a region of this server",
                                               out.region.substr(0, 64)));
  }
  if (out.json.size() > kRecordBytesMax) {
    return reject("RecordTooLarge", "the record is too large with the members filled in");
  }
  return out;
}

}  // namespace traccia::event
