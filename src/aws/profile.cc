// Reads AWS's configuration files.
// SPDX-License-Identifier: Apache-2.0
#include "aws/profile.h"

#include <algorithm>

namespace traccia::aws {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string value_of(const ProfileValues& values, const std::string& key) {
  const auto at = values.find(key);
  return at == values.end() ? "" : at->second;
}

}  // namespace

ProfileValues read_profile(std::string_view text, std::span<const std::string> names) {
  ProfileValues values;
  bool inside = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) {
      const auto name = trimmed(line.substr(1, std::min(line.find(']'), line.size()) - 1));
      inside = std::ranges::find(names, name) != names.end();
      continue;
    }
    const auto equals = line.find('=');
    if (!inside || equals == line.npos || line.starts_with('#') || line.starts_with(';')) continue;
    values[std::string(trimmed(line.substr(0, equals)))] = trimmed(line.substr(equals + 1));
  }
  return values;
}

Credentials credentials_of(const ProfileValues& values) {
  return {value_of(values, "aws_access_key_id"), value_of(values, "aws_secret_access_key"),
          value_of(values, "aws_session_token")};
}

}  // namespace traccia::aws
