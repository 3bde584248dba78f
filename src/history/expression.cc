// Reads and writes the text form of expressions, and judges single events.
// SPDX-License-Identifier: Apache-2.0
#include "history/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "history/terms.h"

namespace traccia::history {
namespace {

using Kind = Expression::Kind;

constexpr std::array<std::string_view, kAttributes> kNames = {
    "EventId",      "EventName",    "ReadOnly",    "Username",
    "ResourceType", "ResourceName", "EventSource", "AccessKeyId"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same_word(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool ends_word(char c) {
  return is_space(c) || c == '(' || c == ')' || c == '"';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> run() {
    skip_spaces();
    if (at_end()) return Expression{};
    TRY_ASSIGN(auto out, disjunction(0));
    if (!at_end()) return refuse("a ')' that nothing opens");
    return out;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  void skip_spaces() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(ErrorCode::InvalidArgument, "InvalidExpression",
                fmt::format("the expression, at character {}: {}", at_ + 1, what));
  }
  Result<> count_node() {
    if (++nodes_ > kExpressionNodesMax) {
      return refuse(fmt::format("more than {} conditions and operators", kExpressionNodesMax));
    }
    return {};
  }
  // The letters here, when they are that operator.
  bool take_word(std::string_view word) {
    const auto here = text_.substr(at_, word.size());
    const auto after = at_ + word.size();
    if (!same_word(here, word) || (after < text_.size() && !ends_word(text_[after]))) return false;
    at_ = after;
    skip_spaces();
    return true;
  }

  Result<Expression> disjunction(size_t depth) {
    if (depth > kExpressionDepthMax) {
      return refuse(fmt::format("nested deeper than {}", kExpressionDepthMax));
    }
    std::vector<Expression> parts;
    do {
      TRY_ASSIGN(auto part, conjunction(depth));
      parts.push_back(std::move(part));
    } while (take_word("OR"));
    if (parts.size() > 1) TRY(count_node());
    return Expression::disjunction(std::move(parts));
  }
  Result<Expression> conjunction(size_t depth) {
    std::vector<Expression> parts;
    do {
      TRY_ASSIGN(auto part, negation(depth));
      parts.push_back(std::move(part));
    } while (take_word("AND") || goes_on());
    if (parts.size() > 1) TRY(count_node());
    return Expression::conjunction(std::move(parts));
  }
  // Whether another condition follows without an operator.
  bool goes_on() {
    if (at_end() || text_[at_] == ')') return false;
    const auto before = at_;
    const bool other = take_word("OR");
    at_ = before;
    return !other;
  }
  Result<Expression> negation(size_t depth) {
    if (depth > kExpressionDepthMax) {
      return refuse(fmt::format("nested deeper than {}", kExpressionDepthMax));
    }
    if (take_word("NOT")) {
      TRY(count_node());
      TRY_ASSIGN(auto part, negation(depth + 1));
      return Expression::negation(std::move(part));
    }
    if (at_end()) return refuse("a condition is missing");
    if (text_[at_] != '(') return condition();
    ++at_;
    skip_spaces();
    TRY_ASSIGN(auto out, disjunction(depth + 1));
    if (at_end()) return refuse("a ')' is missing");
    ++at_;
    skip_spaces();
    return out;
  }
  Result<Expression> condition() {
    TRY(count_node());
    const auto end = std::min(text_.find_first_of("!= \t\r\n()\"", at_), text_.size());
    const auto name = text_.substr(at_, end - at_);
    const auto known = std::ranges::find_if(kNames, [&](auto one) { return same_word(one, name); });
    if (known == kNames.end()) {
      return refuse(fmt::format("'{}' is none of {}", name.substr(0, 40), fmt::join(kNames, ", ")));
    }
    const auto attribute = static_cast<Attribute>(known - kNames.begin());
    at_ = end;
    const bool negated = text_.substr(at_).starts_with("!=");
    if (!negated && !text_.substr(at_).starts_with("=")) return refuse("'=' or '!=' is missing");
    at_ += negated ? 2 : 1;
    TRY_ASSIGN(auto out, value(attribute));
    if (!at_end() && !is_space(text_[at_]) && text_[at_] != ')') {
      return refuse("a space is missing after a value");
    }
    skip_spaces();
    if (!negated) return out;
    TRY(count_node());
    return Expression::negation(std::move(out));
  }
  Result<Expression> value(Attribute attribute) {
    std::string out;
    bool prefix = false;
    if (!at_end() && text_[at_] == '"') {
      TRY_ASSIGN(out, quoted());
      prefix = !at_end() && text_[at_] == '*';
      if (prefix) ++at_;
    } else {
      const auto begin = at_;
      while (!at_end() && !ends_word(text_[at_])) ++at_;
      out = text_.substr(begin, at_ - begin);
      if (out.empty()) return refuse("a value is missing; write \"\" for an empty one");
      prefix = out.ends_with('*');
      if (prefix) out.pop_back();
    }
    if (!prefix) return Expression::is(attribute, std::move(out));
    if (attribute == Attribute::EventId) return refuse("an EventId is asked for as a whole");
    return Expression::starts_with(attribute, std::move(out));
  }
  Result<std::string> quoted() {
    std::string out;
    for (++at_; !at_end() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
        if (at_end() || (text_[at_] != '"' && text_[at_] != '\\')) {
          return refuse("a \\ within quotes stands before \" or \\ only");
        }
      }
      out.push_back(text_[at_]);
    }
    if (at_end()) return refuse("a quote is not closed");
    ++at_;
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t nodes_ = 0;
};

void write_condition(std::string& out, const Expression& expression) {
  out += to_string(expression.attribute);
  out += "=\"";
  for (const char c : expression.text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out += expression.kind == Kind::StartsWith ? "\"*" : "\"";
}

void write(std::string& out, const Expression& expression) {
  switch (expression.kind) {
    case Kind::All:
      return;
    case Kind::Is:
    case Kind::StartsWith:
      return write_condition(out, expression);
    case Kind::Not:
      out += "NOT ";
      break;
    case Kind::And:
    case Kind::Or:
      break;
  }
  for (size_t i = 0; i < expression.parts.size(); ++i) {
    if (i > 0) out += expression.kind == Kind::And ? " AND " : " OR ";
    const auto& part = expression.parts[i];
    const bool nested = part.kind == Kind::And || part.kind == Kind::Or;
    if (nested) out.push_back('(');
    write(out, part);
    if (nested) out.push_back(')');
  }
}

Expression combine(Kind kind, std::vector<Expression> parts) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return std::move(parts.front());
  return {kind, {}, {}, std::move(parts)};
}

bool fulfils(const Expression& condition, const event::Record& event) {
  if (condition.attribute == Attribute::EventId) return event.event_id == condition.text;
  bool found = false;
  for_each_term(event, [&](Attribute attribute, std::string_view value) {
    if (attribute != condition.attribute) return;
    found = found || (condition.kind == Kind::Is ? value == condition.text
                                                 : value.starts_with(condition.text));
  });
  return found;
}

}  // namespace

std::string_view to_string(Attribute attribute) {
  return kNames[static_cast<size_t>(attribute)];
}

Expression Expression::negation(Expression part) {
  Expression out{Kind::Not, {}, {}, {}};
  out.parts.push_back(std::move(part));
  return out;
}
Expression Expression::conjunction(std::vector<Expression> parts) {
  return combine(Kind::And, std::move(parts));
}
Expression Expression::disjunction(std::vector<Expression> parts) {
  return combine(Kind::Or, std::move(parts));
}

Result<Expression> parse_expression(std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    return fail(ErrorCode::InvalidArgument, "InvalidExpression",
                fmt::format("the expression has more than {} bytes", kExpressionBytesMax));
  }
  return Parser(text).run();
}

std::string to_string(const Expression& expression) {
  std::string out;
  write(out, expression);
  return out;
}

bool matches(const Expression& expression, const event::Record& event) {
  const auto part_matches = [&](const Expression& part) { return matches(part, event); };
  switch (expression.kind) {
    case Kind::All:
      return true;
    case Kind::Is:
    case Kind::StartsWith:
      return fulfils(expression, event);
    case Kind::Not:
      return !matches(expression.parts.front(), event);
    case Kind::And:
      return std::ranges::all_of(expression.parts, part_matches);
    case Kind::Or:
      return std::ranges::any_of(expression.parts, part_matches);
  }
  return false;
}

}  // namespace traccia::history
