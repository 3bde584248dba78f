// The document around the statements: size, version, ids.
// SPDX-License-Identifier: Apache-2.0
#include "policy/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "policy/reader.h"

namespace traccia::policy {
namespace {

// "Resource control policies (RCPs)", services that support them; Traccia serves some.
constexpr std::string_view kResourceControlServices[] = {"aoss",
                                                         "cloudtrail-data",
                                                         "cognito-identity",
                                                         "cognito-idp",
                                                         "dynamodb",
                                                         "ecr",
                                                         "events",
                                                         "kms",
                                                         "logs",
                                                         "secretsmanager",
                                                         "s3",
                                                         "sqs",
                                                         "sts"};

constexpr size_t kQuotedBytesMax = 256;

// What of the document goes into a message: not all of a long text, no half character at the end,
// and no control characters, which XML cannot carry.
std::string quote(std::string_view text) {
  size_t size = std::min(text.size(), kQuotedBytesMax);
  while (size > 0 && size < text.size() &&
         (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
    --size;
  }
  std::string out(text.substr(0, size));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = '?';
  }
  if (size < text.size()) out += "...";
  return out;
}

bool is_white_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

Result<> check_size(const ReaderView& reader, const Limits& limits) {
  // A text is refused by its bytes before anything is read in it.
  if (reader.text.size() > limits.bytes_max ||
      count_characters(reader.text, limits.white_space) > limits.characters_max) {
    return reader.refuse(Problem::TooLarge, 0, fmt::format("{}", limits.characters_max));
  }
  return {};
}

Result<Version> parse_version(const ReaderView& reader, const Node& node) {
  if (node.kind == Node::Kind::String && node.text == "2012-10-17") return Version::V2012;
  if (node.kind == Node::Kind::String && node.text == "2008-10-17") return Version::V2008;
  return reader.refuse(Problem::Version, node);
}

struct TopLevel {
  const Node* version = nullptr;
  const Node* id = nullptr;
  const Node* statement = nullptr;
};

Result<TopLevel> pick(const ReaderView& reader, const Node& root) {
  TopLevel out;
  for (const auto& member : root.members) {
    if (member.name == "Version") {
      out.version = &member.value;
    } else if (member.name == "Id") {
      out.id = &member.value;
    } else if (member.name == "Statement") {
      out.statement = &member.value;
    } else {
      return reader.refuse(Problem::UnknownElement, member.offset, member.name);
    }
  }
  if (out.statement == nullptr) return reader.refuse(Problem::MissingElement, root, "Statement");
  return out;
}

Result<std::vector<const Node*>> list_statements(const ReaderView& reader, const Node& node,
                                                 const Limits& limits) {
  std::vector<const Node*> out;
  if (node.kind == Node::Kind::Object) out.push_back(&node);
  for (const auto& item : node.items) out.push_back(&item);
  if (out.empty()) return reader.refuse(Problem::Syntax, node, "there is no statement");
  if (out.size() > limits.statements_max) {
    return reader.refuse(Problem::TooLarge, node,
                         fmt::format("{} statements", limits.statements_max));
  }
  for (const auto* one : out) {
    if (one->kind == Node::Kind::Object) continue;
    return reader.refuse(Problem::Syntax, *one, "a statement is an object");
  }
  return out;
}

// AWS's pages list Resource of an Allow among what SCPs may have, and still say it must be "*".
void warn_of_narrow_allows(Document& document) {
  if (document.kind != Kind::ServiceControl) return;
  for (const auto& statement : document.statements) {
    const bool narrow =
        statement.not_resource ||
        !std::ranges::all_of(statement.resources, [](const auto& one) { return one.is_any(); });
    if (statement.effect == Effect::Allow && narrow) {
      document.warnings.push_back(fmt::format(
          "statement {} allows on named resources, which older rules of SCPs do not take",
          statement.index));
    }
  }
}

Result<Document> read(ReaderView& reader, const Node& root, const Limits& limits) {
  if (root.kind != Node::Kind::Object)
    return reader.refuse(Problem::NotJson, root, "not an object");
  Document out;
  out.kind = reader.type.kind;
  TRY_ASSIGN(const auto top, pick(reader, root));
  if (top.version != nullptr) {
    TRY_ASSIGN(out.version, parse_version(reader, *top.version));
  }
  reader.version = out.version;
  if (top.id != nullptr) {
    if (top.id->kind != Node::Kind::String) {
      return reader.refuse(Problem::Syntax, *top.id, "Id is a string");
    }
    TRY(check_characters(reader, *top.id, top.id->text));
    out.id = top.id->text;
  }
  TRY_ASSIGN(const auto statements, list_statements(reader, *top.statement, limits));
  std::unordered_set<std::string_view> sids;
  out.statements.reserve(statements.size());  // `sids` views their texts
  for (const auto* node : statements) {
    reader.path = fmt::format("Statement[{}]", out.statements.size());
    TRY_ASSIGN(auto statement, parse_statement(reader, *node));
    statement.index = out.statements.size();
    out.statements.push_back(std::move(statement));
    const auto& sid = out.statements.back().sid;
    if (!sid.empty() && !sids.insert(sid).second) return reader.refuse(Problem::SidTwice, *node);
  }
  warn_of_narrow_allows(out);
  return out;
}

}  // namespace

std::unexpected<Error> ReaderView::refuse(Problem problem, size_t offset,
                                          std::string_view detail) const {
  const auto place = place_of(text, offset);
  auto message = fmt::format("{} (line {}, column {}", describe(problem, wording(), quote(detail)),
                             place.line, place.column);
  if (!path.empty()) message.append(", ").append(path);
  const auto code =
      problem == Problem::TooLarge ? ErrorCode::ResourceExhausted : ErrorCode::InvalidArgument;
  return fail(code, reason_of(problem, wording()), message.append(")"));
}

size_t count_characters(std::string_view text, Limits::WhiteSpace white_space) {
  return static_cast<size_t>(std::ranges::count_if(text, [&](char c) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) return false;
    return white_space == Limits::WhiteSpace::Counted || !is_white_space(c);
  }));
}

Limits limits_of(const DocumentType& type) {
  using enum Limits::WhiteSpace;
  switch (type.kind) {
    case Kind::Identity:
    case Kind::Boundary:
      return {.characters_max = 6144, .white_space = Skipped};
    case Kind::Trust:
      return {.characters_max = 8192, .white_space = Skipped};
    case Kind::Session:
      return {.characters_max = 2048};
    case Kind::ServiceControl:
      return {.characters_max = 10'240};
    case Kind::ResourceControl:
      return {.characters_max = 5120};
    case Kind::Resource:
      break;
  }
  if (type.service == "kms") return {.characters_max = 32'768};
  if (type.service == "sns") return {.characters_max = 30'720, .statements_max = 100};
  return {.characters_max = 20'480};  // bucket policies; the same for services not known here
}

Result<Document> parse(std::string_view text, const DocumentType& type, const Limits& limits) {
  ReaderView reader{.text = text, .type = type, .version = Version::V2008, .path = {}};
  TRY(check_size(reader, limits));
  auto root = parse_node(text);
  if (!root) {
    const auto& error = root.error();
    return reader.refuse(
        error.kind == NodeError::Kind::DuplicateKey ? Problem::DuplicateKey : Problem::NotJson,
        error.offset, error.detail);
  }
  return read(reader, *root, limits);
}

Result<Document> parse(std::string_view text, const DocumentType& type) {
  return parse(text, type, limits_of(type));
}

bool covered_by_resource_control(std::string_view action) {
  constexpr std::string_view kRetireGrant = "kms:retiregrant";
  const auto begins_with = [&](std::string_view lower) {
    return action.size() >= lower.size() &&
           std::ranges::equal(lower, action.substr(0, lower.size()), {}, {}, [](char c) {
             return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
           });
  };
  if (action.size() == kRetireGrant.size() && begins_with(kRetireGrant)) return false;
  return std::ranges::any_of(kResourceControlServices, [&](std::string_view service) {
    return begins_with(service) && action.substr(service.size()).starts_with(':');
  });
}

}  // namespace traccia::policy
