// Renders records.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_access_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "http/message.h"

namespace traccia::api {
namespace {

constexpr std::string_view kNothing = "-";
constexpr std::string_view kHidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
constexpr std::string_view kSecretParameters[] = {"X-Amz-Signature", "X-Amz-Security-Token"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum class Quoted : bool { No, Yes };

// A quote ends a field, a backslash hides a quote from some readers, a space ends a field that has
// no quotes, a control character or a byte that is no ASCII may end a line.
void append_encoded(std::string& out, std::string_view text, Quoted quoted) {
  for (const char c : text.substr(0, kRecordFieldBytesMax)) {
    const bool shown = (c > ' ' && c <= '~') || (c == ' ' && quoted == Quoted::Yes);
    if (shown && c != '"' && c != '\\') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

void add(std::string& out, std::string_view text) {
  out += ' ';
  if (text.empty()) {
    out += kNothing;
  } else {
    append_encoded(out, text, Quoted::No);
  }
}

void add_quoted(std::string& out, const std::optional<std::string>& text) {
  if (!text) return add(out, "");
  out += " \"";
  append_encoded(out, text->empty() ? kNothing : std::string_view(*text), Quoted::Yes);
  out += '"';
}

template <typename Number>
void add_number(std::string& out, const std::optional<Number>& number) {
  out += ' ';
  if (number) {
    out += fmt::format("{}", *number);
  } else {
    out += kNothing;
  }
}

std::optional<int64_t> milliseconds(const std::optional<std::chrono::nanoseconds>& time) {
  if (!time) return std::nullopt;
  return std::chrono::floor<std::chrono::milliseconds>(*time).count();
}

// [06/Feb/2019:00:00:38 +0000]
std::string log_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("[{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000]", static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

// URL-encoded; a key that would read as none is told from it.
std::string shown_key(std::string_view key) {
  if (key == kNothing) return "%2D";
  return percent_encode(key.substr(0, kRecordFieldBytesMax), KeepSlash::Yes);
}

// By its name as the server reads it.
bool is_secret(std::string_view parameter) {
  const auto decoded = percent_decode(parameter);
  const auto name = decoded ? *decoded : std::string(parameter);
  return std::ranges::any_of(kSecretParameters, [&](std::string_view secret) {
    return http::equal_ignoring_case(secret, name);
  });
}

}  // namespace

std::string render_record(const AccessRecord& record) {
  std::string out;
  out.reserve(512);
  append_encoded(out, record.owner.empty() ? kNothing : std::string_view(record.owner), Quoted::No);
  add(out, record.bucket);
  out += ' ';
  out += log_time(record.time);
  add(out, record.remote_ip);
  add(out, record.requester);
  add(out, record.request_id);
  add(out, record.operation);
  out += ' ';
  out += record.key.empty() ? std::string(kNothing) : shown_key(record.key);
  add_quoted(out, record.request_uri);
  add(out, record.status == 0 ? "" : fmt::format("{}", record.status));
  add(out, record.error_code);
  add(out, record.bytes_sent == 0 ? "" : fmt::format("{}", record.bytes_sent));
  add_number(out, record.object_size);
  add_number(out, milliseconds(record.total));
  add_number(out, milliseconds(record.turn_around));
  add_quoted(out, record.referer);
  add_quoted(out, record.user_agent);
  add(out, record.version_id);
  add(out, record.host_id);
  add(out, record.signature_version);
  add(out, record.cipher_suite);
  add(out, record.authentication);
  add(out, record.host);
  add(out, record.tls_version);
  // Access points there are none; whether an ACL was required nobody notes; regions to come from
  // are AWS's.
  out += " - - -\n";
  return out;
}

std::string_view transition_operation(s3::StorageClass storage_class) {
  switch (storage_class) {
    case s3::StorageClass::StandardIa:
      return "S3.TRANSITION_SIA.OBJECT";
    case s3::StorageClass::OnezoneIa:
      return "S3.TRANSITION_ZIA.OBJECT";
    case s3::StorageClass::IntelligentTiering:
      return "S3.TRANSITION_INT.OBJECT";
    case s3::StorageClass::GlacierIr:
      return "S3.TRANSITION_GIR.OBJECT";
    case s3::StorageClass::DeepArchive:
      return "S3.TRANSITION_GDA.OBJECT";
    case s3::StorageClass::Glacier:
    case s3::StorageClass::Standard:
    case s3::StorageClass::ReducedRedundancy:
      break;
  }
  return "S3.TRANSITION.OBJECT";
}

std::string request_uri(std::string_view method, std::string_view path, std::string_view query,
                        unsigned version) {
  auto out = fmt::format("{} {}", method, path);
  char before = '?';
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    const auto name = pair.substr(0, pair.find('='));
    out += before;
    out += is_secret(name) ? fmt::format("{}={}", name, kHidden) : std::string(pair);
    before = '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  // The protocol must not be lost where a long request is cut.
  out.resize(std::min(out.size(), kRecordFieldBytesMax - 16));
  out += version == 10 ? " HTTP/1.0" : " HTTP/1.1";
  return out;
}

}  // namespace traccia::api
