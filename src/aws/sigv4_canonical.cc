// Canonical path, query, headers and the string to sign.
// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4_canonical.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::aws {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A percent sign that begins no escape stands for itself.
std::string decode_leniently(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const auto segment = path.substr(begin, end - begin);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    begin = end + 1;
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (kept.empty() || path.ends_with('/')) out += '/';
  return out;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

void append_folded(std::string& out, std::string_view value) {
  bool pending_space = false;
  bool started = false;
  for (const char c : value) {
    if (is_space(c)) {
      pending_space = started;
      continue;
    }
    if (pending_space) out += ' ';
    out += c;
    pending_space = false;
    started = true;
  }
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string canonical_path(std::string_view path, std::string_view service) {
  if (path.empty()) return "/";
  if (service == "s3") return percent_encode(decode_leniently(path), KeepSlash::Yes);
  return percent_encode(without_dot_segments(path), KeepSlash::Yes);
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t begin = 0; begin < query.size();) {
    const size_t end = std::min(query.find('&', begin), query.size());
    const auto part = query.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    const auto value = part.substr(std::min(equals + 1, part.size()));
    auto name = decode_leniently(part.substr(0, equals));
    if (name == "X-Amz-Signature") continue;
    pairs.emplace_back(percent_encode(name, KeepSlash::No),
                       percent_encode(decode_leniently(value), KeepSlash::No));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string canonical_headers(const http::Headers& headers, std::span<const std::string> names) {
  std::map<std::string, std::string, std::less<>> values;
  for (const auto& name : names) values.emplace(name, "");
  std::map<std::string_view, bool> seen;
  for (const auto& [name, value] : headers) {
    const auto found = values.find(to_lower(name));
    if (found == values.end()) continue;
    if (std::exchange(seen[found->first], true)) found->second += ',';
    append_folded(found->second, value);
  }
  std::string out;
  for (const auto& [name, value] : values) out.append(name).append(":").append(value).append("\n");
  return out;
}

std::string scope_text(const Scope& scope) {
  return scope.date + "/" + scope.region + "/" + scope.service + "/" + std::string(kScopeEnd);
}

std::string string_to_sign(const http::Request& request, std::span<const std::string> names,
                           std::string_view payload_hash, Time time, const Scope& scope) {
  std::string canonical = request.method + "\n";
  canonical.append(canonical_path(request.path, scope.service)).append("\n");
  canonical.append(canonical_query(request.query)).append("\n");
  canonical.append(canonical_headers(request.headers, names)).append("\n");
  for (size_t i = 0; i < names.size(); ++i) canonical.append(i == 0 ? "" : ";").append(names[i]);
  canonical.append("\n").append(payload_hash);

  std::string out(kAlgorithm);
  out.append("\n").append(format_basic_seconds(time)).append("\n").append(scope_text(scope));
  return out.append("\n").append(crypto::sha256_hex(canonical));
}

}  // namespace traccia::aws
