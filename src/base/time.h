// Points in time and their text forms. All times are UTC; there are no leap seconds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::sys_time<Duration>;

inline int64_t to_unix_nanoseconds(Time time) {
  return time.time_since_epoch().count();
}
inline Time from_unix_nanoseconds(int64_t value) {
  return Time(Duration(value));
}
inline int64_t to_unix_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
inline Time from_unix_seconds(int64_t value) {
  return Time(std::chrono::seconds(value));
}
inline Time floor_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

// 2026-11-24T05:06:07Z
std::string format_iso_seconds(Time time);
// 2026-11-24T05:06:07.089Z
std::string format_iso_milliseconds(Time time);
// 20261124T050607Z
std::string format_basic_seconds(Time time);
// 20261124T0506Z, the stamp of a log file's key
std::string format_basic_minutes(Time time);
// 2026/11/24, the date folders of a log file's key
std::string format_date_path(Time time);
// 20261124
std::string format_date_basic(Time time);
// Tue, 24 Nov 2026 05:06:07 GMT (RFC 9110)
std::string format_http_date(Time time);

// YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM); the calendar date must exist.
Result<Time> parse_iso(std::string_view text);
// 20261124T050607Z
Result<Time> parse_basic_seconds(std::string_view text);
// RFC 9110 IMF-fixdate.
Result<Time> parse_http_date(std::string_view text);
// "90s", "15m", "1h", "30d": a whole number and a unit.
Result<std::chrono::seconds> parse_interval(std::string_view text);

}  // namespace traccia
