// S3: Object Lock of buckets and versions.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "api/s3_call.h"
#include "aws/xml.h"

namespace traccia::api {
namespace {

constexpr std::string_view kModeHeader = "x-amz-object-lock-mode";
constexpr std::string_view kUntilHeader = "x-amz-object-lock-retain-until-date";
constexpr std::string_view kHoldHeader = "x-amz-object-lock-legal-hold";
constexpr std::string_view kBypassHeader = "x-amz-bypass-governance-retention";
constexpr int kDaysMax = 36'500;
constexpr int kYearsMax = 100;
// "The maximum retention period is 100 years."
constexpr auto kRetentionMax = std::chrono::hours(24) * kDaysMax;

std::optional<s3::LockMode> mode_of(std::string_view name) {
  if (name == "GOVERNANCE") return s3::LockMode::Governance;
  if (name == "COMPLIANCE") return s3::LockMode::Compliance;
  return std::nullopt;
}

std::string_view name_of(s3::LockMode mode) {
  return mode == s3::LockMode::Governance ? "GOVERNANCE" : "COMPLIANCE";
}

std::string_view name_of(s3::LegalHold hold) {
  return hold == s3::LegalHold::On ? "ON" : "OFF";
}

Result<> check_until(Time until, Time now) {
  if (until <= now) {
    return s3_error("InvalidArgument", "The retain until date must be in the future!");
  }
  if (until - now > kRetentionMax) {
    return s3_error("InvalidArgument", "The retain until date must be within 100 years");
  }
  return {};
}

// The condition keys of a retention that a request asks for.
void add_retention_keys(S3Call& call, s3::LockMode mode, Time until) {
  if (mode == s3::LockMode::None) return;
  const auto days =
      std::chrono::duration_cast<std::chrono::hours>(until - call.services().os.clock.now()) /
      std::chrono::hours(24);
  auto& keys = call.asked_keys;
  keys.emplace_back("s3:object-lock-mode", name_of(mode));
  keys.emplace_back("s3:object-lock-retain-until-date", format_iso_seconds(until));
  keys.emplace_back("s3:object-lock-remaining-retention-days", std::to_string(days));
}

// Of an element <Days> or <Years>, within [1, max]; nullopt when it is absent.
Result<std::optional<int>> parse_period(const aws::XmlElement& retention, std::string_view name,
                                        int max) {
  const auto* element = retention.child(name);
  if (element == nullptr) return std::nullopt;
  const auto& text = element->text;
  int value = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc::result_out_of_range || value > max) {
    return s3_error("InvalidArgument", "Default retention period too large.");
  }
  if (text.empty() || parsed.ptr != end) {
    return s3_error("MalformedXML", fmt::format("{} is not a number", name));
  }
  if (value <= 0) {
    return s3_error("InvalidArgument",
                    "Default retention period must be a positive integer value.");
  }
  return value;
}

Result<s3::DefaultRetention> parse_configuration(const std::string& body) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  const auto malformed = [] { return s3_error("MalformedXML", "no Object Lock configuration"); };
  if (root.name != "ObjectLockConfiguration") return malformed();
  if (root.child_text("ObjectLockEnabled") != "Enabled") return malformed();
  s3::DefaultRetention out;
  const auto* rule = root.child("Rule");
  if (rule == nullptr) return out;
  const auto* retention = rule->child("DefaultRetention");
  if (retention == nullptr) return malformed();
  if (retention->child("DefaultEventHold") != nullptr) {
    return s3_error("NotImplemented", "Event holds are not available on this server");
  }
  const auto mode = mode_of(retention->child_text("Mode"));
  if (!mode) return malformed();
  out.mode = *mode;
  TRY_ASSIGN(const auto days, parse_period(*retention, "Days", kDaysMax));
  TRY_ASSIGN(const auto years, parse_period(*retention, "Years", kYearsMax));
  if (days.has_value() == years.has_value()) return malformed();
  out.days = days.value_or(0);
  out.years = years.value_or(0);
  return out;
}

Result<http::Response> put_configuration(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto retention, parse_configuration(call.request().body));
  json::Object shown{{"xmlns", kS3Xmlns}, {"ObjectLockEnabled", "Enabled"}};
  if (retention.mode != s3::LockMode::None) {
    json::Object rule{{"Mode", name_of(retention.mode)}};
    if (retention.days > 0) rule["Days"] = retention.days;
    if (retention.years > 0) rule["Years"] = retention.years;
    shown["Rule"] = json::Object{{"DefaultRetention", std::move(rule)}};
  }
  call.extra_parameters["ObjectLockConfiguration"] = std::move(shown);
  TRY(call.commit([&](meta::Transaction& transaction) {
    return call.services().s3.set_object_lock(transaction, call.bucket(), retention);
  }));
  return http::Response();
}

Result<http::Response> get_configuration(S3Call& call) {
  TRY(call.read([&](meta::Transaction&) -> Result<> {
    if (call.found_bucket().object_lock) return {};
    return fail(ErrorCode::NotFound, "ObjectLockConfigurationNotFoundError", "no Object Lock");
  }));
  TRY(call.record_success());
  const auto& retention = call.found_bucket().default_retention;
  aws::XmlWriter xml;
  xml.begin("ObjectLockConfiguration", kS3Xmlns).element("ObjectLockEnabled", "Enabled");
  if (retention.mode != s3::LockMode::None) {
    xml.begin("Rule").begin("DefaultRetention").element("Mode", name_of(retention.mode));
    if (retention.days > 0) xml.element("Days", int64_t{retention.days});
    if (retention.years > 0) xml.element("Years", int64_t{retention.years});
    xml.end().end();
  }
  xml.end();
  return s3_xml(std::move(xml).take());
}

// A Retention without members takes the retention away.
Result<s3::Lock> parse_retention(const std::string& body, Time now) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  const auto malformed = [] { return s3_error("MalformedXML", "no retention"); };
  if (root.name != "Retention") return malformed();
  if (root.child("EventHold") != nullptr || root.child("EventHoldDuration") != nullptr) {
    return s3_error("NotImplemented", "Event holds are not available on this server");
  }
  const auto* mode = root.child("Mode");
  const auto* until = root.child("RetainUntilDate");
  s3::Lock out;
  if (mode == nullptr && until == nullptr) return out;
  if (mode == nullptr || until == nullptr || !mode_of(mode->text)) return malformed();
  const auto date = parse_iso(until->text);
  if (!date) return malformed();
  TRY(check_until(*date, now));
  out.mode = *mode_of(mode->text);
  out.until = *date;
  return out;
}

Result<http::Response> put_retention(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto wanted,
             parse_retention(call.request().body, call.services().os.clock.now()));
  add_retention_keys(call, wanted.mode, wanted.until);
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    TRY_ASSIGN(auto version, s3.get_locked(transaction, call.bucket(), call.key(), call.version()));
    TRY_ASSIGN(const auto governance,
               s3_governance(call, transaction, {call.bucket(), call.key(), call.version()}));
    return s3.put_retention(transaction, std::move(version), wanted.mode, wanted.until, governance);
  }));
  return http::Response();
}

Result<http::Response> put_legal_hold(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto root, aws::parse_xml(call.request().body));
  const auto status = root.child_text("Status");
  if (root.name != "LegalHold" || (status != "ON" && status != "OFF")) {
    return s3_error("MalformedXML", "Status is ON or OFF");
  }
  const auto hold = status == "ON" ? s3::LegalHold::On : s3::LegalHold::Off;
  call.asked_keys.emplace_back("s3:object-lock-legal-hold", status);
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    TRY_ASSIGN(auto version, s3.get_locked(transaction, call.bucket(), call.key(), call.version()));
    return s3.put_legal_hold(transaction, std::move(version), hold);
  }));
  return http::Response();
}

Result<s3::Lock> load_lock(S3Call& call) {
  s3::Lock lock;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto version, call.services().s3.get_locked(transaction, call.bucket(),
                                                                 call.key(), call.version()));
    lock = version.lock;
    return {};
  }));
  return lock;
}

std::unexpected<Error> no_lock() {
  return fail(ErrorCode::NotFound, "NoSuchObjectLockConfiguration", "no Object Lock");
}

Result<http::Response> get_retention(S3Call& call) {
  TRY_ASSIGN(const auto lock, load_lock(call));
  if (lock.mode == s3::LockMode::None) return no_lock();
  TRY(call.record_success());
  aws::XmlWriter xml;
  xml.begin("Retention", kS3Xmlns)
      .element("Mode", name_of(lock.mode))
      .element("RetainUntilDate", format_iso_milliseconds(lock.until))
      .end();
  return s3_xml(std::move(xml).take());
}

Result<http::Response> get_legal_hold(S3Call& call) {
  TRY_ASSIGN(const auto lock, load_lock(call));
  if (lock.legal_hold == s3::LegalHold::None) return no_lock();
  TRY(call.record_success());
  aws::XmlWriter xml;
  xml.begin("LegalHold", kS3Xmlns).element("Status", name_of(lock.legal_hold)).end();
  return s3_xml(std::move(xml).take());
}

}  // namespace

Result<s3::Lock> s3_lock_headers(S3Call& call) {
  s3::Lock lock;
  const auto mode = call.header(kModeHeader);
  const auto until = call.header(kUntilHeader);
  const auto hold = call.header(kHoldHeader);
  for (const auto name : {kModeHeader, kUntilHeader, kHoldHeader}) {
    const auto value = call.header(name);
    if (!value.empty()) call.extra_parameters[name] = value;
  }
  if (mode.empty() != until.empty()) {
    return s3_error("InvalidArgument",
                    fmt::format("{} and {} must both be supplied", kUntilHeader, kModeHeader));
  }
  if (!mode.empty()) {
    const auto parsed = mode_of(mode);
    if (!parsed) return s3_error("InvalidArgument", "Unknown wormMode directive.");
    const auto date = parse_iso(until);
    if (!date) {
      return s3_error("InvalidArgument",
                      "The retain until date must be provided in ISO 8601 format");
    }
    TRY(check_until(*date, call.services().os.clock.now()));
    lock.mode = *parsed;
    lock.until = *date;
    add_retention_keys(call, lock.mode, lock.until);
  }
  if (!hold.empty()) {
    if (hold != "ON" && hold != "OFF") {
      return s3_error("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'");
    }
    lock.legal_hold = hold == "ON" ? s3::LegalHold::On : s3::LegalHold::Off;
    call.asked_keys.emplace_back("s3:object-lock-legal-hold", hold);
  }
  return lock;
}

Result<> s3_authorise_lock(S3Call& call, meta::Transaction& transaction, const s3::Lock& lock) {
  const S3Address address{call.bucket(), call.key()};
  if (lock.mode != s3::LockMode::None) {
    TRY(call.authorise_also(transaction, "s3:PutObjectRetention", address));
  }
  if (lock.legal_hold != s3::LegalHold::None) {
    TRY(call.authorise_also(transaction, "s3:PutObjectLegalHold", address));
  }
  return {};
}

Result<> s3_check_bypass(const S3Call& call) {
  if (call.header(kBypassHeader).empty() || call.found_bucket().object_lock) return {};
  return s3_error(
      "InvalidArgument",
      fmt::format("{} is only applicable to Object Lock enabled buckets.", kBypassHeader));
}

Result<s3::Governance> s3_governance(S3Call& call, meta::Transaction& transaction,
                                     const S3Address& address) {
  TRY(s3_check_bypass(call));
  if (!http::equal_ignoring_case(call.header(kBypassHeader), "true")) {
    return s3::Governance::Enforced;
  }
  TRY(call.authorise_also(transaction, "s3:BypassGovernanceRetention", address));
  return s3::Governance::Bypassed;
}

Result<> s3_hide_lock(S3Call& call, meta::Transaction& transaction, s3::Lock& lock) {
  if (lock.empty()) return {};
  const auto may = [&](std::string_view action) -> Result<bool> {
    const auto allowed =
        call.authorise_also(transaction, action, {call.bucket(), call.key(), call.version()});
    if (!allowed && allowed.error().reason() != "AccessDenied") {
      return std::unexpected(allowed.error());
    }
    return allowed.has_value();
  };
  TRY_ASSIGN(const bool retention, may("s3:GetObjectRetention"));
  TRY_ASSIGN(const bool hold, may("s3:GetObjectLegalHold"));
  if (!retention) lock.mode = s3::LockMode::None;
  if (!hold) lock.legal_hold = s3::LegalHold::None;
  return {};
}

void s3_add_lock(http::Response& response, const s3::Lock& lock) {
  if (lock.mode != s3::LockMode::None) {
    response.headers.add(kModeHeader, name_of(lock.mode));
    response.headers.add(kUntilHeader, format_iso_milliseconds(lock.until));
  }
  if (lock.legal_hold != s3::LegalHold::None) {
    response.headers.add(kHoldHeader, name_of(lock.legal_hold));
  }
}

std::span<const S3Operation> s3_lock_operations() {
  constexpr auto kManagement = event::Category::Management;
  constexpr auto kData = event::Category::Data;
  constexpr auto kAddress = S3Authorised::Address;
  static const std::vector<S3Operation> operations{{"GetBucketObjectLockConfiguration",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "object-lock",
                                                    {},
                                                    "s3:GetBucketObjectLockConfiguration",
                                                    kManagement,
                                                    true,
                                                    get_configuration},
                                                   {"PutBucketObjectLockConfiguration",
                                                    "PUT",
                                                    S3Level::Bucket,
                                                    "object-lock",
                                                    {},
                                                    "s3:PutBucketObjectLockConfiguration",
                                                    kManagement,
                                                    false,
                                                    put_configuration},
                                                   {"GetObjectRetention",
                                                    "GET",
                                                    S3Level::Object,
                                                    "retention",
                                                    {},
                                                    "s3:GetObjectRetention",
                                                    kData,
                                                    true,
                                                    get_retention,
                                                    kAddress,
                                                    "s3:GetObjectRetention"},
                                                   {"PutObjectRetention",
                                                    "PUT",
                                                    S3Level::Object,
                                                    "retention",
                                                    {},
                                                    "s3:PutObjectRetention",
                                                    kData,
                                                    false,
                                                    put_retention,
                                                    kAddress,
                                                    "s3:PutObjectRetention"},
                                                   {"GetObjectLegalHold",
                                                    "GET",
                                                    S3Level::Object,
                                                    "legal-hold",
                                                    {},
                                                    "s3:GetObjectLegalHold",
                                                    kData,
                                                    true,
                                                    get_legal_hold,
                                                    kAddress,
                                                    "s3:GetObjectLegalHold"},
                                                   {"PutObjectLegalHold",
                                                    "PUT",
                                                    S3Level::Object,
                                                    "legal-hold",
                                                    {},
                                                    "s3:PutObjectLegalHold",
                                                    kData,
                                                    false,
                                                    put_legal_hold,
                                                    kAddress,
                                                    "s3:PutObjectLegalHold"}};
  return operations;
}

}  // namespace traccia::api
