// Formatting and parsing of times.
// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace traccia {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};

struct Fields {
  int year;
  unsigned month, day, hour, minute, second, weekday;
  int64_t nanosecond;
};

Fields split(Time time) {
  const auto day_start = floor<days>(time);
  const year_month_day date(day_start);
  const auto rest = time - day_start;
  const auto whole = floor<seconds>(rest).count();
  return {int(date.year()),
          unsigned(date.month()),
          unsigned(date.day()),
          unsigned(whole / 3600),
          unsigned(whole / 60 % 60),
          unsigned(whole % 60),
          std::chrono::weekday(day_start).c_encoding(),
          (rest - floor<seconds>(rest)).count()};
}

// Consumes exactly `count` digits from the front of `text`.
bool take_digits(std::string_view& text, size_t count, int& value) {
  if (text.size() < count) return false;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  std::from_chars(text.data(), text.data() + count, value);
  text.remove_prefix(count);
  return true;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

std::unexpected<Error> bad_time(std::string_view text, std::string_view form) {
  return fail(ErrorCode::InvalidArgument,
              fmt::format("'{}' is not a time of the form {}", text.substr(0, 64), form));
}

// Fails on dates that no calendar has and on seconds beyond 59. Years are limited so that
// nanoseconds fit 64 bits.
bool assemble(int year, int month, int day, int hour, int minute, int second, Time& out) {
  if (year < 1970 || year > 2200 || hour > 23 || minute > 59 || second > 59) return false;
  const year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                            std::chrono::day(unsigned(day))};
  if (!date.ok()) return false;
  out = std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  return true;
}

}  // namespace

std::string format_iso_seconds(Time time) {
  const auto f = split(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", f.year, f.month, f.day, f.hour,
                     f.minute, f.second);
}

std::string format_iso_milliseconds(Time time) {
  const auto f = split(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", f.year, f.month, f.day, f.hour,
                     f.minute, f.second, f.nanosecond / 1000000);
}

std::string format_basic_seconds(Time time) {
  const auto f = split(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", f.year, f.month, f.day, f.hour, f.minute,
                     f.second);
}

std::string format_basic_minutes(Time time) {
  const auto f = split(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}Z", f.year, f.month, f.day, f.hour, f.minute);
}

std::string format_date_path(Time time) {
  const auto f = split(time);
  return fmt::format("{:04}/{:02}/{:02}", f.year, f.month, f.day);
}

std::string format_date_basic(Time time) {
  const auto f = split(time);
  return fmt::format("{:04}{:02}{:02}", f.year, f.month, f.day);
}

std::string format_http_date(Time time) {
  const auto f = split(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kWeekdays[f.weekday], f.day,
                     kMonths[f.month - 1], f.year, f.hour, f.minute, f.second);
}

Result<Time> parse_iso(std::string_view text) {
  constexpr std::string_view kForm = "YYYY-MM-DDTHH:MM:SSZ";
  auto rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  Time time;
  if (!take_digits(rest, 4, year) || !take_char(rest, '-') || !take_digits(rest, 2, month) ||
      !take_char(rest, '-') || !take_digits(rest, 2, day) || !take_char(rest, 'T') ||
      !take_digits(rest, 2, hour) || !take_char(rest, ':') || !take_digits(rest, 2, minute) ||
      !take_char(rest, ':') || !take_digits(rest, 2, second) ||
      !assemble(year, month, day, hour, minute, second, time)) {
    return bad_time(text, kForm);
  }
  if (take_char(rest, '.')) {
    int64_t scale = 100'000'000;
    size_t digits = 0;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; ++digits) {
      if (digits < 9) time += Duration((rest[0] - '0') * scale);
      scale /= 10;
      rest.remove_prefix(1);
    }
    if (digits == 0) return bad_time(text, kForm);
  }
  if (rest == "Z") return time;
  if (rest.size() == 6 && (rest[0] == '+' || rest[0] == '-')) {
    const int sign = rest[0] == '+' ? -1 : 1;
    rest.remove_prefix(1);
    if (take_digits(rest, 2, hour) && take_char(rest, ':') && take_digits(rest, 2, minute) &&
        hour <= 23 && minute <= 59) {
      return time + sign * (hours(hour) + minutes(minute));
    }
  }
  return bad_time(text, kForm);
}

Result<Time> parse_basic_seconds(std::string_view text) {
  auto rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  Time time;
  if (!take_digits(rest, 4, year) || !take_digits(rest, 2, month) || !take_digits(rest, 2, day) ||
      !take_char(rest, 'T') || !take_digits(rest, 2, hour) || !take_digits(rest, 2, minute) ||
      !take_digits(rest, 2, second) || rest != "Z" ||
      !assemble(year, month, day, hour, minute, second, time)) {
    return bad_time(text, "YYYYMMDDTHHMMSSZ");
  }
  return time;
}

Result<Time> parse_http_date(std::string_view text) {
  constexpr std::string_view kForm = "Tue, 24 Nov 2026 05:06:07 GMT";
  if (text.size() != kForm.size()) return bad_time(text, kForm);
  auto rest = text.substr(5);
  int year = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.substr(3, 2) != ", " || !take_digits(rest, 2, day) || !take_char(rest, ' ')) {
    return bad_time(text, kForm);
  }
  int month = 0;
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (rest.starts_with(kMonths[i])) month = int(i) + 1;
  }
  rest.remove_prefix(3);
  Time time;
  if (month == 0 || !take_char(rest, ' ') || !take_digits(rest, 4, year) || !take_char(rest, ' ') ||
      !take_digits(rest, 2, hour) || !take_char(rest, ':') || !take_digits(rest, 2, minute) ||
      !take_char(rest, ':') || !take_digits(rest, 2, second) || rest != " GMT" ||
      !assemble(year, month, day, hour, minute, second, time)) {
    return bad_time(text, kForm);
  }
  return time;
}

Result<std::chrono::seconds> parse_interval(std::string_view text) {
  int64_t count = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, text.data() + text.size());
  const int64_t scale = unit == "s"   ? 1
                        : unit == "m" ? 60
                        : unit == "h" ? 3600
                        : unit == "d" ? 86400
                                      : 0;
  if (code != std::errc() || scale == 0 || count < 1 || count > 100'000'000) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("'{}' is not an interval such as 90s, 15m, 1h or 30d", text));
  }
  return std::chrono::seconds(count * scale);
}

}  // namespace traccia
