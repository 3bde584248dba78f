// Lifecycle rules ("PutBucketLifecycleConfiguration", "Lifecycle configuration elements").
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_lifecycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "api/s3_call.h"

namespace traccia::api {
namespace {

using aws::XmlElement;

constexpr auto kDay = std::chrono::hours(24);
// More than anybody waits for; a time counts nanoseconds and ends in the year 2262.
constexpr int kDaysCountedMax = 50'000;
constexpr int kInfrequentDaysMin = 30;  // of STANDARD_IA and ONEZONE_IA

std::unexpected<Error> malformed(std::string message) {
  return s3_error("MalformedXML", std::move(message));
}

// The first midnight UTC at or after that time.
Time up_to_midnight(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return day == time ? Time(day) : Time(day + std::chrono::days(1));
}

Result<std::optional<int64_t>> number(const XmlElement& parent, std::string_view name) {
  const auto* element = parent.child(name);
  if (element == nullptr) return std::nullopt;
  const auto& text = element->text;
  int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ptr != end || parsed.ec != std::errc()) {
    return malformed(fmt::format("{} is not a number", name));
  }
  return value;
}

// Days of an action; nullopt when the element is not there.
Result<std::optional<int>> days(const XmlElement& parent, std::string_view name,
                                std::string_view action, int min = 1) {
  TRY_ASSIGN(const auto value, number(parent, name));
  if (!value) return std::nullopt;
  if (*value < min || *value > std::numeric_limits<int32_t>::max()) {
    return s3_error("InvalidArgument", fmt::format("'{}' for {} action must be a {} integer", name,
                                                   action, min > 0 ? "positive" : "nonnegative"));
  }
  return static_cast<int>(*value);
}

Result<std::optional<Time>> date(const XmlElement& parent) {
  const auto* element = parent.child("Date");
  if (element == nullptr) return std::nullopt;
  const auto parsed = parse_iso(element->text);
  if (!parsed) return malformed("Date is not in ISO 8601 format");
  if (up_to_midnight(*parsed) != *parsed) {
    return s3_error("InvalidArgument", "'Date' must be at midnight GMT");
  }
  return *parsed;
}

Result<> read_predicates(const XmlElement& parent, LifecycleRule& rule, size_t& count) {
  for (const auto& child : parent.children) {
    ++count;
    if (child.name == "Prefix") {
      rule.prefix = child.text;
    } else if (child.name == "Tag") {
      const std::string key(child.child_text("Key"));
      if (key.empty()) return malformed("a tag without a key");
      if (!rule.tags.emplace(key, child.child_text("Value")).second) {
        return malformed("a filter names a tag twice");
      }
    } else if (child.name == "ObjectSizeGreaterThan" || child.name == "ObjectSizeLessThan") {
      TRY_ASSIGN(const auto bytes, number(parent, child.name));
      if (*bytes < 0) return s3_error("InvalidArgument", "an object's size is not negative");
      auto& bound = child.name == "ObjectSizeLessThan" ? rule.smaller_than : rule.larger_than;
      bound = static_cast<uint64_t>(*bytes);
    } else {
      return malformed(fmt::format("a filter has no {}", child.name.substr(0, 80)));
    }
  }
  return {};
}

Result<> read_filter(const XmlElement& element, LifecycleRule& rule) {
  const auto* filter = element.child("Filter");
  const auto* prefix = element.child("Prefix");
  if ((filter == nullptr) == (prefix == nullptr)) {
    return malformed("a rule has either a Filter or a Prefix");
  }
  size_t count = 0;
  if (filter == nullptr) {
    rule.prefix = prefix->text;
    rule.prefix_of_rule = true;
  } else if (const auto* all = filter->child("And"); all != nullptr) {
    TRY(read_predicates(*all, rule, count));
    if (filter->children.size() != 1 || count < 2) {
      return malformed("And combines two predicates or more, and stands alone");
    }
  } else {
    TRY(read_predicates(*filter, rule, count));
    if (count > 1) return malformed("predicates are combined by And");
  }
  if (rule.larger_than && rule.smaller_than && *rule.larger_than >= *rule.smaller_than) {
    return s3_error("InvalidRequest",
                    "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
  }
  return {};
}

Result<> read_expiration(const XmlElement& element, LifecycleRule& rule) {
  const auto* expiration = element.child("Expiration");
  if (expiration == nullptr) return {};
  if (expiration->children.size() != 1) return malformed("an Expiration has just one member");
  TRY_ASSIGN(rule.expiration.days, days(*expiration, "Days", "Expiration"));
  TRY_ASSIGN(rule.expiration.date, date(*expiration));
  if (!rule.expiration.empty()) return {};
  const auto marker = expiration->child_text("ExpiredObjectDeleteMarker");
  if (marker != "true" && marker != "false") return malformed("an Expiration of nothing");
  rule.expires_lone_markers = marker == "true";
  if (rule.tags.empty()) return {};
  return s3_error("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags.");
}

// Of an action on noncurrent versions; 0 when it says nothing.
Result<int> newer_versions(const XmlElement& action, const LifecycleRule& rule) {
  TRY_ASSIGN(const auto newer, number(action, "NewerNoncurrentVersions"));
  if (!newer) return 0;
  if (*newer < 1 || *newer > kNewerVersionsMax) {
    return s3_error("InvalidArgument",
                    fmt::format("'NewerNoncurrentVersions' for {} action must be between 1 and {}",
                                action.name, kNewerVersionsMax));
  }
  if (rule.prefix_of_rule) {
    return s3_error("InvalidRequest", "NewerNoncurrentVersions needs a rule with a Filter");
  }
  return static_cast<int>(*newer);
}

Result<> read_noncurrent(const XmlElement& element, LifecycleRule& rule) {
  const auto* expiration = element.child("NoncurrentVersionExpiration");
  if (expiration == nullptr) return {};
  TRY_ASSIGN(rule.noncurrent.days,
             days(*expiration, "NoncurrentDays", "NoncurrentVersionExpiration"));
  if (!rule.noncurrent.days) return malformed("NoncurrentDays is missing");
  TRY_ASSIGN(rule.newer_noncurrent, newer_versions(*expiration, rule));
  return {};
}

Result<> read_abort(const XmlElement& element, LifecycleRule& rule) {
  const auto* abort = element.child("AbortIncompleteMultipartUpload");
  if (abort == nullptr) return {};
  TRY_ASSIGN(rule.abort.days,
             days(*abort, "DaysAfterInitiation", "AbortIncompleteMultipartUpload"));
  if (!rule.abort.days) return malformed("DaysAfterInitiation is missing");
  if (!rule.tags.empty()) {
    return s3_error("InvalidRequest",
                    "AbortIncompleteMultipartUpload cannot be specified with Tags.");
  }
  if (!rule.larger_than && !rule.smaller_than) return {};
  return s3_error("InvalidRequest",
                  "AbortIncompleteMultipartUpload cannot be specified with Object Size.");
}

Result<> read_transition(const XmlElement& transition, std::string_view days_name,
                         LifecycleRule& rule, std::set<std::string>& classes) {
  const std::string storage_class(transition.child_text("StorageClass"));
  const auto target = s3::storage_class_of(storage_class);
  if (!target || s3::rank_of(*target) == 0) return malformed("no storage class to move to");
  if (!classes.insert(storage_class).second) {
    return s3_error("InvalidRequest",
                    fmt::format("'StorageClass' must be different for '{}' actions in same 'Rule' "
                                "with same 'filter'",
                                transition.name));
  }
  TRY_ASSIGN(const auto after, days(transition, days_name, transition.name, 0));
  TRY_ASSIGN(const auto from, date(transition));
  if (after.has_value() == from.has_value()) {
    return malformed(fmt::format("{} has either {} or Date", transition.name, days_name));
  }
  const bool infrequent = storage_class == "STANDARD_IA" || storage_class == "ONEZONE_IA";
  if (after && infrequent && *after < kInfrequentDaysMin) {
    return s3_error("InvalidArgument",
                    fmt::format("'{}' in {} action must be greater than or equal to 30 for "
                                "storageClass '{}'",
                                days_name, transition.name, storage_class));
  }
  const bool current = transition.name == "Transition";
  const auto& end = current ? rule.expiration.days : rule.noncurrent.days;
  if (after && end && *end <= *after) {
    return s3_error("InvalidArgument",
                    fmt::format("'{0}' in the {1} action for filter '(prefix={2})' must be greater "
                                "than '{0}' in the {3} action",
                                days_name, current ? "Expiration" : "NoncurrentVersionExpiration",
                                rule.prefix, transition.name));
  }
  TRY_ASSIGN(const auto newer, newer_versions(transition, rule));
  auto& moves = current ? rule.moves : rule.noncurrent_moves;
  moves.push_back({*target, {after, from}, newer});
  return {};
}

Result<> read_transitions(const XmlElement& element, LifecycleRule& rule) {
  const std::pair<std::string_view, std::string_view> kinds[] = {
      {"Transition", "Days"}, {"NoncurrentVersionTransition", "NoncurrentDays"}};
  for (const auto& [name, days_name] : kinds) {
    std::set<std::string> classes;
    for (const auto* transition : element.children_named(name)) {
      TRY(read_transition(*transition, days_name, rule, classes));
    }
  }
  return {};
}

Result<LifecycleRule> read_rule(const XmlElement& element) {
  LifecycleRule rule;
  rule.id = element.child_text("ID");
  if (rule.id.size() > kLifecycleIdBytesMax) {
    return s3_error("InvalidArgument", "ID length should not exceed allowed limit of 255");
  }
  const auto status = element.child_text("Status");
  if (status != "Enabled" && status != "Disabled") {
    return malformed("Status is Enabled or Disabled");
  }
  rule.enabled = status == "Enabled";
  TRY(read_filter(element, rule));
  TRY(read_expiration(element, rule));
  TRY(read_noncurrent(element, rule));
  TRY(read_abort(element, rule));
  TRY(read_transitions(element, rule));
  const bool acts = element.child("Expiration") != nullptr || !rule.noncurrent.empty() ||
                    !rule.abort.empty() || !rule.moves.empty() || !rule.noncurrent_moves.empty();
  if (acts) return rule;
  return s3_error("InvalidRequest", "At least one action needs to be specified in a rule");
}

}  // namespace

Time LifecycleTime::due(Time start) const {
  return date ? *date : up_to_midnight(start + kDay * std::min(days.value_or(0), kDaysCountedMax));
}

bool LifecycleRule::covers(const s3::ObjectInfo& object) const {
  return object.key.starts_with(prefix) && std::ranges::includes(object.tags, tags) &&
         (!larger_than || object.size > *larger_than) &&
         (!smaller_than || object.size < *smaller_than);
}

Result<std::vector<LifecycleRule>> parse_lifecycle(const XmlElement& root) {
  const auto elements = root.children_named("Rule");
  if (root.name != "LifecycleConfiguration" || elements.empty() ||
      elements.size() > kLifecycleRulesMax || elements.size() != root.children.size()) {
    return malformed("a LifecycleConfiguration has 1 to 1000 rules");
  }
  std::vector<LifecycleRule> rules;
  std::set<std::string> ids;
  for (const auto* element : elements) {
    TRY_ASSIGN(auto rule, read_rule(*element));
    if (!rule.id.empty() && !ids.insert(rule.id).second) {
      return s3_error("InvalidArgument",
                      "Rule ID must be unique. Found same ID for more than one rule");
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::optional<Expiry> expiry_of(const std::vector<LifecycleRule>& rules,
                                const s3::ObjectInfo& object) {
  std::optional<Expiry> first;
  for (const auto& rule : rules) {
    if (!rule.enabled || rule.expiration.empty() || !rule.covers(object)) continue;
    const auto due = rule.expiration.due(object.last_modified);
    if (!first || due < first->date) first = Expiry{due, rule.id};
  }
  return first;
}

std::optional<Expiry> abort_of(const std::vector<LifecycleRule>& rules, const s3::Upload& upload) {
  std::optional<Expiry> first;
  for (const auto& rule : rules) {
    if (!rule.enabled || rule.abort.empty() || !rule.covers_key(upload.key)) continue;
    const auto due = rule.abort.due(upload.initiated);
    if (!first || due < first->date) first = Expiry{due, rule.id};
  }
  return first;
}

Verdict LifecycleJudge::judge(const s3::ObjectInfo& version) {
  if (version.latest) {
    key_ = version.key;
    successor_ = version.last_modified;
    noncurrent_ = 0;
    if (version.delete_marker) return {removes_marker(version) ? Fate::RemovedLone : Fate::Stays};
    if (expires(version)) return {Fate::Expires};
    return moves(version, &LifecycleRule::moves, version.last_modified);
  }
  // A listing that went on behind a version that is gone: what came before is not known.
  if (version.key != key_) return {};
  const auto verdict = removes(version)
                           ? Verdict{Fate::Removed}
                           : moves(version, &LifecycleRule::noncurrent_moves, successor_);
  successor_ = version.last_modified;
  ++noncurrent_;
  return verdict;
}

bool LifecycleJudge::large_enough(const LifecycleRule& rule, const s3::ObjectInfo& version,
                                  s3::StorageClass storage_class) const {
  if (rule.larger_than || rule.smaller_than || version.size >= kTransitionBytesMin) return true;
  return small_ == SmallObjects::MayBeArchived && s3::is_archive(storage_class);
}

Verdict LifecycleJudge::moves(const s3::ObjectInfo& version,
                              std::vector<LifecycleMove> LifecycleRule::* kind, Time start) const {
  Verdict out{Fate::Stays, version.storage_class};
  if (version.delete_marker) return out;
  for (const auto& rule : rules_) {
    if (!rule.enabled || !rule.covers(version)) continue;
    for (const auto& move : rule.*kind) {
      const bool due = noncurrent_ >= move.newer_noncurrent && move.time.due(start) <= now_;
      if (!due || s3::rank_of(move.storage_class) <= s3::rank_of(out.storage_class)) continue;
      if (large_enough(rule, version, move.storage_class)) {
        out = {Fate::Moves, move.storage_class};
      }
    }
  }
  return out;
}

bool LifecycleJudge::expires(const s3::ObjectInfo& version) const {
  const auto expiry = expiry_of(rules_, version);
  return expiry && expiry->date <= now_;
}

bool LifecycleJudge::removes(const s3::ObjectInfo& version) const {
  return std::ranges::any_of(rules_, [&](const LifecycleRule& rule) {
    return rule.enabled && !rule.noncurrent.empty() && rule.covers(version) &&
           noncurrent_ >= rule.newer_noncurrent && rule.noncurrent.due(successor_) <= now_;
  });
}

// "Removing expired object delete markers": days and dates clean up after themselves too.
bool LifecycleJudge::removes_marker(const s3::ObjectInfo& version) const {
  return std::ranges::any_of(rules_, [&](const LifecycleRule& rule) {
    if (!rule.enabled || !rule.covers_key(version.key)) return false;
    return rule.expires_lone_markers ||
           (!rule.expiration.empty() && rule.expiration.due(version.last_modified) <= now_);
  });
}

}  // namespace traccia::api
