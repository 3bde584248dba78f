// Structured logs: one line an event, key=value, on stderr. Secrets are never passed in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace traccia {

enum class LogLevel { Info, Warning, Error };

struct LogField {
  template <typename T>
  LogField(std::string_view name, const T& content)
      : key(name), value(fmt::format("{}", content)) {}
  std::string_view key;
  std::string value;
};

// "2026-11-24T05:06:07.089Z warning message key=value …"; values are quoted where they need it and
// cut at kLogValueBytesMax. Thread-safe.
inline constexpr size_t kLogValueBytesMax = 2048;
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// The line without time and level; for tests.
std::string render_log_fields(std::initializer_list<LogField> fields);

}  // namespace traccia
