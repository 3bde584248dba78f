// Parses and completes one record. simdjson checks the syntax and the text encoding of all of it.
// SPDX-License-Identifier: Apache-2.0
#include "event/record.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

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

std::unexpected<Error> parse_failure(simdjson::error_code code) {
  if (code == simdjson::DEPTH_ERROR) {
    return reject("TooDeep", fmt::format("nested deeper than {} levels", kRecordDepthMax));
  }
  return reject("MalformedJSON", simdjson::error_message(code));
}

// The members that are read; all others only have to be valid.
enum class Member : uint8_t {
  EventTime,
  EventName,
  EventVersion,
  EventId,
  EventSource,
  AwsRegion,
  RecipientAccountId,
  EventType,
  EventCategory,
  ManagementEvent,
  ReadOnly,
  ErrorCode,
  SessionCredentialFromConsole,
  VpcEndpointId,
  UserIdentity,
  Resources,
  // of userIdentity
  Type,
  PrincipalId,
  Arn,
  AccessKeyId,
  InvokedBy,
  UserName,
  Count
};

// Finds members by name: a name's hash leads to the only one that it can be.
class Wanted {
 public:
  explicit constexpr Wanted(std::span<const std::pair<std::string_view, Member>> members) {
    for (const auto& one : members) {
      auto& slot = slots_[slot_of(one.first)];
      if (!slot.first.empty()) std::abort();  // while compiling: choose another hash
      slot = one;
    }
  }
  constexpr std::optional<Member> find(std::string_view name) const {
    if (name.empty()) return std::nullopt;
    const auto& [wanted, member] = slots_[slot_of(name)];
    return wanted == name ? std::optional(member) : std::nullopt;
  }

 private:
  static constexpr size_t kSlots = 64;
  static constexpr size_t slot_of(std::string_view name) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(name[at]); };
    return (name.size() + byte(0) + byte(name.size() * 3 / 4)) % kSlots;
  }
  std::array<std::pair<std::string_view, Member>, kSlots> slots_{};
};

constexpr std::pair<std::string_view, Member> kRecordNames[] = {
    {"eventTime", Member::EventTime},
    {"eventName", Member::EventName},
    {"eventVersion", Member::EventVersion},
    {"eventID", Member::EventId},
    {"eventSource", Member::EventSource},
    {"awsRegion", Member::AwsRegion},
    {"recipientAccountId", Member::RecipientAccountId},
    {"eventType", Member::EventType},
    {"eventCategory", Member::EventCategory},
    {"managementEvent", Member::ManagementEvent},
    {"readOnly", Member::ReadOnly},
    {"errorCode", Member::ErrorCode},
    {"sessionCredentialFromConsole", Member::SessionCredentialFromConsole},
    {"vpcEndpointId", Member::VpcEndpointId},
    {"userIdentity", Member::UserIdentity},
    {"resources", Member::Resources}};

constexpr Wanted kRecordMembers{kRecordNames};

constexpr std::pair<std::string_view, Member> kIdentityNames[] = {
    {"type", Member::Type},
    {"principalId", Member::PrincipalId},
    {"arn", Member::Arn},
    {"accessKeyId", Member::AccessKeyId},
    {"invokedBy", Member::InvokedBy},
    {"userName", Member::UserName}};
constexpr Wanted kIdentityMembers{kIdentityNames};

// Tells whether a name comes twice: a filter first, sorting only when that is not sure.
class NamesOnce {
 public:
  void add(std::string_view name) {
    names_.push_back(name);
    auto& word = filter_[hash(name) / 64];
    const auto bit = uint64_t{1} << (hash(name) % 64);
    unsure_ = unsure_ || (word & bit) != 0;
    word |= bit;
  }
  std::optional<std::string_view> twice() {
    if (!unsure_) return std::nullopt;
    std::ranges::sort(names_);
    const auto at = std::ranges::adjacent_find(names_);
    return at == names_.end() ? std::nullopt : std::optional(*at);
  }
  void clear() {
    names_.clear();
    filter_.fill(0);
    unsure_ = false;
  }

 private:
  static constexpr size_t kFilterBits = 1024;
  static size_t hash(std::string_view name) {
    uint64_t first = 0, last = 0;
    const auto bytes = std::min<size_t>(name.size(), 8);
    std::memcpy(&first, name.data(), bytes);
    std::memcpy(&last, name.data() + name.size() - bytes, bytes);
    const auto mixed = (first ^ (last * 31) ^ name.size()) * 0x9e3779b97f4a7c15;
    return mixed >> 54;
  }

  std::vector<std::string_view> names_;
  std::array<uint64_t, kFilterBits / 64> filter_{};
  bool unsure_ = false;
};

// The members of one object, read in one pass.
class Members {
 public:
  // `what` names the object in errors; empty for the record itself.
  Result<> read(const dom::element& element, std::string_view what, const Wanted& wanted) {
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS) {
      return reject(what.empty() ? "NotAnObject" : "InvalidMember",
                    what.empty() ? std::string("the record is not a JSON object")
                                 : fmt::format("{} is not an object", what));
    }
    thread_local NamesOnce names;
    names.clear();
    for (const auto field : object) {
      names.add(field.key);
      const auto member = wanted.find(field.key);
      if (!member) continue;
      values_[static_cast<size_t>(*member)] = field.value;
      present_ |= uint32_t{1} << static_cast<unsigned>(*member);
    }
    const auto twice = names.twice();
    if (!twice) return {};
    return reject("DuplicateMember",
                  fmt::format("member '{}' of {} is given twice", twice->substr(0, 64),
                              what.empty() ? "the record" : what));
  }

  bool has(Member member) const { return (present_ >> static_cast<unsigned>(member) & 1) != 0; }
  // nullptr when absent or null.
  const dom::element* find(Member member) const {
    const auto& value = values_[static_cast<size_t>(member)];
    return has(member) && !value.is_null() ? &value : nullptr;
  }
  // Empty when it is absent or not text. Not limited: only what is looked up is.
  std::string_view any_text(Member member) const {
    std::string_view text;
    const auto* value = find(member);
    if (value == nullptr || value->get(text) != simdjson::SUCCESS) return {};
    return text;
  }

 private:
  std::array<dom::element, static_cast<size_t>(Member::Count)> values_;
  uint32_t present_ = 0;
};
static_assert(static_cast<size_t>(Member::Count) <= 32);

// The member's text; empty when absent or null.
Result<std::string_view> text_member(const Members& members, Member member, std::string_view name) {
  const auto* value = members.find(member);
  if (value == nullptr) return std::string_view();
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS) {
    return reject("InvalidMember", fmt::format("{} is not a string", name));
  }
  if (text.size() > kNameBytesMax) {
    return reject("InvalidMember", fmt::format("{} has {} bytes; at most {} are allowed", name,
                                               text.size(), kNameBytesMax));
  }
  return text;
}

Result<std::optional<bool>> bool_member(const Members& members, Member member,
                                        std::string_view name) {
  const auto* element = members.find(member);
  if (element == nullptr) return std::nullopt;
  bool value = false;
  if (element->get(value) == simdjson::SUCCESS) return value;
  // Some emitters write the words as text.
  std::string_view text;
  if (element->get(text) == simdjson::SUCCESS && (text == "true" || text == "false")) {
    return text == "true";
  }
  return reject("InvalidMember", fmt::format("{} is neither true nor false", name));
}

Category category_of(std::string_view name, std::optional<bool> management) {
  if (name.empty()) return management.value_or(true) ? Category::Management : Category::Data;
  for (const auto category :
       {Category::Management, Category::Data, Category::NetworkActivity, Category::Insight}) {
    if (name == category_name(category)) return category;
  }
  return Category::Other;
}

// What LookupEvents shows as Username (facts 5).
std::string_view display_name(const Members& identity) {
  const auto type = identity.any_text(Member::Type);
  if (type == "Root") return "root";
  if (type == "AssumedRole") {
    const auto principal = identity.any_text(Member::PrincipalId);
    const auto colon = principal.find(':');
    if (colon != std::string_view::npos) return principal.substr(colon + 1);
    const auto arn = identity.any_text(Member::Arn);
    return arn.substr(arn.rfind('/') + 1);
  }
  const auto name = identity.any_text(Member::UserName);
  if (!name.empty()) return name;
  return type == "AWSService" ? identity.any_text(Member::InvokedBy) : std::string_view();
}

Result<> read_identity(const Members& record, Arena& values, Record& out) {
  const auto* element = record.find(Member::UserIdentity);
  if (element == nullptr) return {};
  Members identity;
  TRY(identity.read(*element, "userIdentity", kIdentityMembers));
  out.access_key_id = values.copy(identity.any_text(Member::AccessKeyId));
  out.user_arn = values.copy(identity.any_text(Member::Arn));
  out.invoked_by = values.copy(identity.any_text(Member::InvokedBy));
  out.user_name = values.copy(display_name(identity));
  return {};
}

Result<> read_resources(const Members& record, Arena& values, Record& out) {
  const auto* element = record.find(Member::Resources);
  if (element == nullptr) return {};
  // Some exporters write "" for nothing.
  std::string_view text;
  if (element->get(text) == simdjson::SUCCESS && text.empty()) return {};
  dom::array list;
  if (element->get(list) != simdjson::SUCCESS) {
    return reject("InvalidMember", "resources is not an array");
  }
  size_t count = 0;
  for ([[maybe_unused]] const auto one : list) ++count;
  const auto resources = values.array<Resource>(count);
  size_t at = 0;
  for (const auto one : list) {
    dom::object object;
    if (one.get(object) != simdjson::SUCCESS) {
      return reject("InvalidMember", "resources holds something that is not an object");
    }
    const auto text_of = [&](std::string_view name) {
      std::string_view found;
      return object[name].get(found) == simdjson::SUCCESS ? found : std::string_view();
    };
    auto arn = text_of("ARN");
    if (arn.empty()) arn = text_of("ARNPrefix");
    resources[at++] = {values.copy(text_of("type")), values.copy(arn)};
  }
  out.resources = resources;
  return {};
}

// `now` is empty for what was admitted before.
Result<> read_time(const Members& record, const std::optional<Time>& now, Record& out) {
  const auto* element = record.find(Member::EventTime);
  if (element == nullptr) return reject("MissingEventTime", "eventTime is missing");
  std::string_view text;
  if (element->get(text) != simdjson::SUCCESS) {
    return reject("InvalidEventTime", "eventTime is not a string");
  }
  auto time = parse_iso(text);
  if (!time) return reject("InvalidEventTime", "eventTime: " + time.error().message());
  out.event_time = *time;
  if (now && out.event_time > *now + kFutureMax) {
    return reject("EventTimeInFuture",
                  fmt::format("eventTime {} is more than 5 minutes ahead of the server's {}",
                              text.substr(0, 64), format_iso_seconds(*now)));
  }
  return {};
}

bool account_shaped(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
}

Result<> check_id(std::string_view text) {
  const bool shaped = text.size() <= kEventIdBytesMax && std::ranges::all_of(text, [](char c) {
                        return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
                      });
  if (shaped) return {};
  return reject(
      "InvalidEventId",
      fmt::format("eventID must be at most {} printable ASCII characters", kEventIdBytesMax));
}

Result<> read_members(const Members& members, const std::optional<Time>& now, Arena& values,
                      Record& out) {
  TRY(read_time(members, now, out));
  const auto take = [&](std::string_view& to, Member member, std::string_view name) -> Result<> {
    TRY_ASSIGN(const auto text, text_member(members, member, name));
    to = values.copy(text);
    return {};
  };
  TRY(take(out.event_name, Member::EventName, "eventName"));
  if (out.event_name.empty()) return reject("MissingEventName", "eventName is missing");
  TRY(text_member(members, Member::EventVersion, "eventVersion"));
  TRY(take(out.event_id, Member::EventId, "eventID"));
  TRY(take(out.event_source, Member::EventSource, "eventSource"));
  TRY(take(out.region, Member::AwsRegion, "awsRegion"));
  TRY(take(out.account, Member::RecipientAccountId, "recipientAccountId"));
  TRY(take(out.event_type, Member::EventType, "eventType"));
  TRY(take(out.vpc_endpoint_id, Member::VpcEndpointId, "vpcEndpointId"));
  TRY_ASSIGN(out.read_only, bool_member(members, Member::ReadOnly, "readOnly"));
  out.error_code = values.copy(members.any_text(Member::ErrorCode));
  out.session_credential_from_console =
      values.copy(members.any_text(Member::SessionCredentialFromConsole));
  TRY_ASSIGN(const auto management,
             bool_member(members, Member::ManagementEvent, "managementEvent"));
  TRY_ASSIGN(const auto category, text_member(members, Member::EventCategory, "eventCategory"));
  out.category = category_of(category, management);
  TRY(read_identity(members, values, out));
  return read_resources(members, values, out);
}

// A null or empty eventID, region or owner would leave a record nobody can find by it.
Result<> refuse_empty(const Members& members) {
  constexpr std::pair<Member, std::string_view> kNeeded[] = {
      {Member::EventId, "eventID"},
      {Member::AwsRegion, "awsRegion"},
      {Member::RecipientAccountId, "recipientAccountId"}};
  for (const auto& [member, name] : kNeeded) {
    if (!members.has(member)) continue;
    const auto* value = members.find(member);
    std::string_view text;
    if (value == nullptr || (value->get(text) == simdjson::SUCCESS && text.empty())) {
      return reject("InvalidMember",
                    fmt::format("{} is there but empty; leave it out to have it filled in", name));
    }
  }
  return {};
}

// `importing`: an anonymised record of elsewhere keeps its bytes and belongs to whoever imports it.
Result<> check_owner(std::string_view sender, bool importing, bool stored, Arena& values,
                     Record& out) {
  if (out.account.empty()) return {};
  const bool shaped = account_shaped(out.account);
  if (!shaped && (stored || importing)) {
    out.account = values.copy(sender);
    return {};
  }
  if (!shaped) {
    return reject("InvalidAccount", fmt::format("recipientAccountId '{}' is not 12 digits",
                                                out.account.substr(0, 64)));
  }
  if (!stored && !importing && out.account != sender) {
    return reject("AccountMismatch",
                  fmt::format("recipientAccountId is {}, but the sender's account is {}",
                              out.account, sender));
  }
  return {};
}

// A record's text at the end of the arena, while it may still grow.
class Text {
 public:
  static constexpr size_t kFilledInBytesMax = 2048;

  // The comma that joins it to the record before it lies in front.
  Text(Arena& arena, size_t bytes)
      : begin_(arena.room(1 + bytes + kFilledInBytesMax + kPaddingBytes) + 1), arena_(arena) {
    begin_[-1] = ',';
  }
  // False when a string is not closed.
  bool compact(std::string_view json) {
    return simdjson::minify(json.data(), json.size(), begin_, size_) == simdjson::SUCCESS;
  }
  std::string_view view() const { return {begin_, size_}; }
  // To a compact object that is not empty. The value needs no escaping.
  void append_member(std::string_view name, std::string_view value) {
    TRACCIA_ASSERT(filled_in_ + name.size() + value.size() + 8 <= kFilledInBytesMax);
    --size_;
    const auto before = size_;
    for (const auto piece : {std::string_view(size_ > 1 ? "," : ""), std::string_view("\""), name,
                             std::string_view("\":\""), value, std::string_view("\"}")}) {
      std::memcpy(begin_ + size_, piece.data(), piece.size());
      size_ += piece.size();
    }
    filled_in_ += size_ - before;
  }
  std::string_view keep() {
    arena_.take(1 + size_);
    return view();
  }

 private:
  char* begin_;
  Arena& arena_;
  size_t size_ = 0;
  size_t filled_in_ = 0;
};

void fill_in(const AdmitOptions& options, const Members& members, Arena& values, Text& text,
             Record& out) {
  if (!members.has(Member::EventVersion)) text.append_member("eventVersion", kEventVersion);
  if (out.event_id.empty()) {
    out.event_id = values.copy(options.new_event_id ? options.new_event_id() : "");
    if (!members.has(Member::EventId)) text.append_member("eventID", out.event_id);
  }
  if (out.region.empty()) {
    out.region = values.copy(options.default_region);
    if (!members.has(Member::AwsRegion)) text.append_member("awsRegion", out.region);
  }
  if (out.event_type.empty()) {
    out.event_type = "AwsApiCall";
    if (!members.has(Member::EventType)) text.append_member("eventType", out.event_type);
  }
  if (out.account.empty()) {
    out.account = values.copy(options.account);
    if (!members.has(Member::RecipientAccountId)) {
      text.append_member("recipientAccountId", out.account);
    }
  }
  if (!members.has(Member::EventCategory)) {
    text.append_member("eventCategory", out.category == Category::Data ? "Data" : "Management");
  }
}

std::unexpected<Error> too_large(size_t bytes) {
  return reject("RecordTooLarge", fmt::format("the record has {} bytes; at most {} are allowed",
                                              bytes, kRecordBytesMax));
}

// Behind `json` kPaddingBytes may be read.
Result<Members> parse(std::string_view json) {
  dom::element root;
  constexpr bool kCopyFirst = false;
  if (const auto code = thread_parser().parse(json.data(), json.size(), kCopyFirst).get(root);
      code != simdjson::SUCCESS) {
    return parse_failure(code);
  }
  Members members;
  TRY(members.read(root, "", kRecordMembers));
  return members;
}

}  // namespace

std::string_view category_name(Category category) {
  switch (category) {
    case Category::Management:
      return "Management";
    case Category::Data:
      return "Data";
    case Category::NetworkActivity:
      return "NetworkActivity";
    case Category::Insight:
      return "Insight";
    case Category::Other:
      return "";
  }
  return "";
}

std::string_view RecordMemory::keep_padded(std::string_view text) {
  char* const to = texts_.room(text.size() + kPaddingBytes);
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  texts_.take(text.size() + kPaddingBytes);
  return {to, text.size()};
}

Result<Record> admit(std::string_view json, const AdmitOptions& options, RecordMemory& memory) {
  static_assert(kPaddingBytes >= simdjson::SIMDJSON_PADDING);
  // Whitespace is not stored, so it may come on top.
  if (json.size() > kRecordBytesMax * 4) return too_large(json.size());
  Text text(memory.texts(), json.size());
  if (!text.compact(json)) return reject("MalformedJSON", "a string is not closed");
  if (text.view().size() > kRecordBytesMax) return too_large(text.view().size());
  TRY_ASSIGN(const auto members, parse(text.view()));
  Record out;
  auto& values = memory.values();
  TRY(read_members(members, options.now, values, out));
  TRY(refuse_empty(members));
  TRY(check_id(out.event_id));
  TRY(check_owner(options.account, options.may_import, false, values, out));
  fill_in(options, members, values, text, out);
  if (options.region_known && !options.region_known(out.region)) {
    return reject("UnknownRegion", fmt::format("awsRegion '{}' is not a region of this server",
                                               out.region.substr(0, 64)));
  }
  if (text.view().size() > kRecordBytesMax) {
    return reject("RecordTooLarge", "the record is too large with the members filled in");
  }
  out.json = text.keep();
  return out;
}

Result<Record> read_stored(std::string_view json, std::string_view account, RecordMemory& memory) {
  if (json.size() > kRecordBytesMax) return too_large(json.size());
  TRY_ASSIGN(const auto members, parse(json));
  Record out;
  out.json = json;
  TRY(read_members(members, std::nullopt, memory.values(), out));
  TRY(check_id(out.event_id));
  TRY(check_owner(account, false, true, memory.values(), out));
  return out;
}

}  // namespace traccia::event
