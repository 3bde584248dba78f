// Wildcards and variables, matched iteratively.
// SPDX-License-Identifier: Apache-2.0
#include "policy/pattern.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::policy {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Where the next character of a UTF-8 text begins. Stray bytes count as characters.
size_t next_character(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

auto bad(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

}  // namespace

void Pattern::literal(std::string_view text) {
  if (text.empty()) return;
  if (!tokens_.empty() && tokens_.back().kind == Token::Kind::Literal) {
    tokens_.back().size += static_cast<uint32_t>(text.size());
  } else {
    tokens_.push_back({Token::Kind::Literal, static_cast<uint32_t>(literals_.size()),
                       static_cast<uint32_t>(text.size())});
  }
  literals_ += text;
}

// Reads "${…}" at the start of `rest`; returns its length.
Result<size_t> Pattern::variable(std::string_view rest) {
  size_t close = 2;
  for (bool quoted = false; close < rest.size() && (quoted || rest[close] != '}'); ++close) {
    if (rest[close] == '\'') quoted = !quoted;
  }
  if (close >= rest.size()) return bad("a policy variable is not closed");
  const auto body = rest.substr(2, close - 2);
  if (body == "*" || body == "?" || body == "$") {
    literal(body);
    return close + 1;
  }
  Variable variable;
  const auto comma = body.find(',');
  variable.key = to_lower(trim(body.substr(0, comma)));
  if (comma != body.npos) {
    const auto value = trim(body.substr(comma + 1));
    if (value.size() < 2 || value.front() != '\'' || value.back() != '\'' ||
        value.substr(1, value.size() - 2).contains('\'')) {
      return bad(fmt::format("the default of the policy variable '${{{}}}' is not quoted", body));
    }
    variable.has_default = true;
    variable.default_value = value.substr(1, value.size() - 2);
  }
  if (variable.key.empty() || variable.key.find_first_of("${'") != std::string::npos) {
    return bad(fmt::format("'${{{}}}' is not a policy variable", body));
  }
  if (variables_.size() == kVariablesMax) {
    return bad(fmt::format("a text has more than {} policy variables", kVariablesMax));
  }
  tokens_.push_back({Token::Kind::Variable, static_cast<uint32_t>(variables_.size()), 0});
  variables_.push_back(std::move(variable));
  return close + 1;
}

Result<Pattern> Pattern::parse(std::string_view text, PatternOptions options) {
  Pattern out;
  out.text_ = text;
  out.ignore_case_ = options.ignore_case;
  for (size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    if (options.variables && rest.starts_with("${")) {
      TRY_ASSIGN(const auto length, out.variable(rest));
      at += length;
    } else if (options.wildcards && rest[0] == '*') {
      if (out.tokens_.empty() || out.tokens_.back().kind != Token::Kind::Many) {
        out.tokens_.push_back({Token::Kind::Many, 0, 0});
      }
      ++at;
    } else if (options.wildcards && rest[0] == '?') {
      out.tokens_.push_back({Token::Kind::One, 0, 0});
      ++at;
    } else {
      const auto end = std::min(rest.find_first_of("*?$", 1), rest.size());
      out.literal(rest.substr(0, end));
      at += end;
    }
  }
  out.choose_shape();
  return out;
}

void Pattern::choose_shape() {
  using enum Token::Kind;
  const auto is = [&](size_t index, Token::Kind kind) { return tokens_[index].kind == kind; };
  shape_ = Shape::General;
  if (tokens_.empty() || (tokens_.size() == 1 && is(0, Literal))) shape_ = Shape::Exact;
  if (tokens_.size() == 1 && is(0, Many)) shape_ = Shape::Any;
  if (tokens_.size() == 2 && is(0, Literal) && is(1, Many)) shape_ = Shape::Prefix;
}

bool Pattern::has_wildcards() const {
  return std::ranges::any_of(tokens_, [](const Token& token) {
    return token.kind == Token::Kind::One || token.kind == Token::Kind::Many;
  });
}

bool Pattern::resolve(const ContextKeys& context, Values& values) const {
  for (size_t i = 0; i < variables_.size(); ++i) {
    const auto found = context.find(variables_[i].key);
    if (found.size() > 1) return false;
    if (found.empty() && !variables_[i].has_default) return false;
    values[i] = found.empty() ? std::string_view(variables_[i].default_value) : found.front();
  }
  return true;
}

std::string_view Pattern::text_of(const Token& token, const Values& values) const {
  if (token.kind == Token::Kind::Variable) return values[token.at];
  return std::string_view(literals_).substr(token.at, token.size);
}

bool Pattern::starts(std::string_view subject, std::string_view part) const {
  if (subject.size() < part.size()) return false;
  if (ignore_case_) return equal_ignoring_case(subject.substr(0, part.size()), part);
  return subject.starts_with(part);
}

// The last `*` takes one character more whenever what follows it does not fit; the ones before it
// have found the leftmost place of their text, which leaves the most for the rest.
bool Pattern::match_tokens(std::string_view subject, const Values& values) const {
  constexpr auto kNone = static_cast<size_t>(-1);
  size_t token = 0, at = 0;
  size_t after_many = kNone, many_at = 0;
  while (true) {
    bool fits = false;
    if (token == tokens_.size()) {
      if (at == subject.size()) return true;
    } else if (tokens_[token].kind == Token::Kind::Many) {
      after_many = ++token;
      if (token == tokens_.size()) return true;
      many_at = at;
      continue;
    } else if (tokens_[token].kind == Token::Kind::One) {
      fits = at < subject.size();
      if (fits) at = next_character(subject, at);
    } else {
      const auto part = text_of(tokens_[token], values);
      fits = starts(subject.substr(at), part);
      if (fits) at += part.size();
    }
    if (fits) {
      ++token;
    } else {
      if (after_many == kNone || many_at >= subject.size()) return false;
      at = many_at = next_character(subject, many_at);
      token = after_many;
    }
  }
}

bool Pattern::matches(std::string_view subject, const ContextKeys& context) const {
  switch (shape_) {
    case Shape::Any:
      return true;
    case Shape::Exact:
      return subject.size() == literals_.size() && starts(subject, literals_);
    case Shape::Prefix:
      return starts(subject, literals_);
    case Shape::General:
      break;
  }
  Values values;
  return resolve(context, values) && match_tokens(subject, values);
}

std::vector<std::string_view> split_arn(std::string_view text, PatternOptions options) {
  std::vector<std::string_view> parts;
  size_t start = 0, depth = 0;
  for (size_t at = 0; at < text.size() && parts.size() + 1 < ArnPattern::kParts; ++at) {
    if (options.variables && text.substr(at).starts_with("${")) ++depth;
    if (text[at] == '}' && depth > 0) --depth;
    if (text[at] == ':' && depth == 0) {
      parts.push_back(text.substr(start, at - start));
      start = at + 1;
    }
  }
  parts.push_back(text.substr(start));
  return parts;
}

Result<ArnPattern> ArnPattern::parse(std::string_view text, PatternOptions options) {
  ArnPattern out;
  out.text_ = text;
  const auto parts = split_arn(text, options);
  if (options.variables && parts.size() == 1 && text.starts_with("${")) {
    TRY_ASSIGN(auto whole, Pattern::parse(text, {.wildcards = false, .variables = true}));
    if (!whole.has_variables()) return bad(fmt::format("'{}' is not an ARN", text));
    out.parts_.push_back(std::move(whole));
    return out;
  }
  const auto first = parts.front();
  if ((parts.size() < kParts && parts.back() != "*") ||
      (first != "arn" && first.find_first_of("*?") == first.npos)) {
    return bad(fmt::format("'{}' is not an ARN", text));
  }
  for (size_t i = 0; i < kParts; ++i) {
    TRY_ASSIGN(auto part, Pattern::parse(i < parts.size() ? parts[i] : "*", options));
    out.parts_.push_back(std::move(part));
  }
  const auto leading = std::span(out.parts_).first(kParts - 1);
  if (std::ranges::all_of(leading, &Pattern::is_literal)) {
    for (const auto& part : leading) out.head_.append(part.text()).append(":");
    out.parts_.erase(out.parts_.begin(), out.parts_.end() - 1);
  }
  return out;
}

ArnPattern ArnPattern::everything() {
  ArnPattern out;
  out.text_ = "*";
  out.parts_.push_back(Pattern::parse("*", {.wildcards = true}).value());
  return out;
}

bool ArnPattern::matches(std::string_view subject, const ContextKeys& context) const {
  if (parts_.size() == 1) {
    return subject.starts_with(head_) &&
           parts_.front().matches(subject.substr(head_.size()), context);
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    const auto end = i + 1 < parts_.size() ? subject.find(':') : subject.size();
    if (end == subject.npos || !parts_[i].matches(subject.substr(0, end), context)) return false;
    subject.remove_prefix(std::min(end + 1, subject.size()));
  }
  return true;
}

}  // namespace traccia::policy
