// One statement: its elements, their forms, and which kind of policy may have them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "policy/reader.h"

namespace traccia::policy {
namespace {

// What a trust policy may name: STS's actions ("Actions, resources, and condition keys for STS").
constexpr std::string_view kTrustActions[] = {
    "assumerole",        "assumerolewithsaml", "assumerolewithwebidentity",  "tagsession",
    "setsourceidentity", "setcontext",         "decodeauthorizationmessage", "getaccesskeyinfo",
    "getcalleridentity", "getfederationtoken", "getservicebearertoken",      "getsessiontoken",
};

struct Elements {
  const Node* sid = nullptr;
  const Node* effect = nullptr;
  const Node* principal = nullptr;
  const Node* not_principal = nullptr;
  const Node* action = nullptr;
  const Node* not_action = nullptr;
  const Node* resource = nullptr;
  const Node* not_resource = nullptr;
  const Node* condition = nullptr;
};

Result<Elements> pick(const ReaderView& reader, const Node& statement) {
  Elements out;
  const std::pair<std::string_view, const Node**> known[] = {
      {"Sid", &out.sid},
      {"Effect", &out.effect},
      {"Principal", &out.principal},
      {"NotPrincipal", &out.not_principal},
      {"Action", &out.action},
      {"NotAction", &out.not_action},
      {"Resource", &out.resource},
      {"NotResource", &out.not_resource},
      {"Condition", &out.condition},
  };
  for (const auto& member : statement.members) {
    const auto* found =
        std::ranges::find(known, member.name, [](const auto& pair) { return pair.first; });
    if (found == std::end(known)) {
      return reader.refuse(Problem::UnknownElement, member.offset, member.name);
    }
    *found->second = &member.value;
  }
  const auto both = [&](const Node* one, const Node* other) {
    return one && other ? one : nullptr;
  };
  for (const auto* node : {both(out.principal, out.not_principal), both(out.action, out.not_action),
                           both(out.resource, out.not_resource)}) {
    if (node != nullptr) {
      return reader.refuse(Problem::Syntax, *node, "an element and its Not… exclude each other");
    }
  }
  return out;
}

// A string or a list of strings.
Result<std::vector<const Node*>> strings(const ReaderView& reader, const Node& node) {
  std::vector<const Node*> out;
  if (node.kind != Node::Kind::Array) out.push_back(&node);
  for (const auto& item : node.items) out.push_back(&item);
  for (const auto* one : out) {
    if (one->kind != Node::Kind::String) {
      return reader.refuse(Problem::Syntax, *one, "a string is wanted here");
    }
    TRY(check_characters(reader, *one, one->text));
  }
  return out;
}

Result<> parse_sid(const ReaderView& reader, const Node& node, std::string& sid) {
  if (node.kind != Node::Kind::String) {
    return reader.refuse(Problem::Syntax, node, "Sid is a string");
  }
  TRY(check_characters(reader, node, node.text));
  const bool alphanumeric = std::ranges::all_of(node.text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  // Policies of resources admit spaces and more.
  if (!alphanumeric && reader.type.kind != Kind::Resource) {
    return reader.refuse(Problem::SidForm, node);
  }
  sid = node.text;
  return {};
}

Result<> parse_effect(const ReaderView& reader, const Node& statement, const Node* node,
                      Effect& effect) {
  if (node == nullptr) return reader.refuse(Problem::MissingElement, statement, "Effect");
  if (node->kind != Node::Kind::String || (node->text != "Allow" && node->text != "Deny")) {
    return reader.refuse(Problem::EffectValue, *node, node->text);
  }
  effect = node->text == "Allow" ? Effect::Allow : Effect::Deny;
  return {};
}

Result<> add_principals(const ReaderView& reader, std::string_view type, const Node& node,
                        std::vector<PrincipalPattern>& out) {
  TRY_ASSIGN(const auto values, strings(reader, node));
  if (values.empty()) return reader.refuse(Problem::PrincipalForm, node, "an empty list");
  for (const auto* value : values) {
    auto pattern = PrincipalPattern::parse(type, value->text);
    if (!pattern || (reader.type.kind == Kind::Trust &&
                     pattern->kind() == PrincipalPattern::Kind::CanonicalUser)) {
      return reader.refuse(Problem::PrincipalForm, *value,
                           fmt::format("\"{}\":\"{}\"", type, value->text));
    }
    out.push_back(std::move(*pattern));
  }
  return {};
}

Result<> parse_principal(const ReaderView& reader, const Node& node,
                         std::vector<PrincipalPattern>& out) {
  if (node.kind == Node::Kind::String) {
    if (node.text != "*") return reader.refuse(Problem::PrincipalForm, node, node.text);
    return add_principals(reader, "AWS", node, out);
  }
  if (node.kind != Node::Kind::Object || node.members.empty()) {
    return reader.refuse(Problem::PrincipalForm, node, "neither \"*\" nor an object of principals");
  }
  for (const auto& member : node.members) {
    constexpr std::string_view kTypes[] = {"AWS", "Service", "Federated", "CanonicalUser"};
    if (std::ranges::find(kTypes, member.name) == std::end(kTypes)) {
      return reader.refuse(Problem::PrincipalForm, member.offset, member.name);
    }
    TRY(add_principals(reader, member.name, member.value, out));
  }
  return {};
}

Result<> parse_principals(ReaderView& reader, const Node& statement, const Elements& elements,
                          Statement& out) {
  const auto* node = elements.principal ? elements.principal : elements.not_principal;
  const auto kind = reader.type.kind;
  const bool wanted =
      kind == Kind::Resource || kind == Kind::Trust || kind == Kind::ResourceControl;
  if (!wanted) {
    if (node != nullptr) return reader.refuse(Problem::PrincipalProhibited, *node);
    return {};
  }
  if (node == nullptr) return reader.refuse(Problem::PrincipalMissing, statement);
  out.not_principal = elements.not_principal != nullptr;
  if (out.not_principal && (kind != Kind::Resource || out.effect != Effect::Deny)) {
    return reader.refuse(Problem::Unsupported, *node,
                         "NotPrincipal is for Deny in policies of resources");
  }
  TRY(parse_principal(reader, *node, out.principals));
  const auto everyone = [](const PrincipalPattern& one) {
    return one.kind() == PrincipalPattern::Kind::Everyone;
  };
  if (kind == Kind::ResourceControl && !std::ranges::all_of(out.principals, everyone)) {
    return reader.refuse(Problem::Unsupported, *node, "Principal is \"*\"");
  }
  return {};
}

// Whether this kind of policy may name the action; `name` is what follows the colon.
Result<> check_action_scope(const ReaderView& reader, const Node& node, Effect effect,
                            std::string_view vendor, std::string_view name) {
  switch (reader.type.kind) {
    case Kind::Identity:
    case Kind::Boundary:
    case Kind::Session:
    case Kind::ServiceControl:
      return {};
    case Kind::Resource:
      if (reader.type.service.empty() || vendor == "*" || vendor == reader.type.service) return {};
      break;
    case Kind::Trust:
      if (vendor != "sts") break;
      if (name.find_first_of("*?") != name.npos) return {};
      if (std::ranges::find(kTrustActions, name) != std::end(kTrustActions)) return {};
      break;
    case Kind::ResourceControl:
      if (effect == Effect::Allow) return {};  // RCPFullAWSAccess
      if (covered_by_resource_control(fmt::format("{}:x", vendor))) return {};
      break;
  }
  return reader.refuse(Problem::ActionForeign, node, node.text);
}

Result<Pattern> parse_action(const ReaderView& reader, const Node& node, Effect effect) {
  const std::string_view text = node.text;
  const auto colon = text.find(':');
  if (colon == text.npos && text != "*") {
    return reader.refuse(Problem::ActionVendorMissing, node);
  }
  if (colon != text.rfind(':')) return reader.refuse(Problem::ActionColons, node);
  const auto vendor = to_lower(text.substr(0, colon));
  const auto name = colon == text.npos ? std::string("*") : to_lower(text.substr(colon + 1));
  const auto word = [](std::string_view part, std::string_view extra) {
    return !part.empty() && std::ranges::all_of(part, [&](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || extra.contains(c);
    });
  };
  if (vendor != "*" && !word(vendor, "-.")) {
    return reader.refuse(Problem::ActionVendor, node, text.substr(0, colon));
  }
  if (!word(name, "*?-_")) return reader.refuse(Problem::ActionForm, node, text);
  TRY(check_action_scope(reader, node, effect, vendor, name));
  return Pattern::parse(text, {.wildcards = true, .ignore_case = true});
}

Result<> parse_actions(ReaderView& reader, const Node& statement, const Elements& elements,
                       Statement& out) {
  const auto* node = elements.action ? elements.action : elements.not_action;
  if (node == nullptr) return reader.refuse(Problem::ActionMissing, statement);
  out.not_action = elements.not_action != nullptr;
  TRY_ASSIGN(const auto values, strings(reader, *node));
  if (values.empty()) return reader.refuse(Problem::ActionMissing, *node);
  for (const auto* value : values) {
    TRY_ASSIGN(auto action, parse_action(reader, *value, out.effect));
    out.actions.push_back(std::move(action));
  }
  return {};
}

// Digits and wildcards, "aws", or nothing.
bool is_account(std::string_view text) {
  if (text.empty() || text == "aws") return true;
  const bool wild = text.find_first_of("*?") != text.npos;
  return text.size() <= 12 && (wild || text.size() == 12) && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || c == '*' || c == '?';
         });
}

Result<> check_resource_parts(const ReaderView& reader, const Node& node,
                              std::span<const std::string_view> parts) {
  const std::string_view text = node.text;
  const auto partition = parts[1];
  if (partition != "*" && partition != "aws" && !partition.starts_with("aws-")) {
    return reader.refuse(Problem::ResourcePartition, node, text);
  }
  if (parts.size() < 3 || parts[2].find_first_of("*?") != text.npos) {
    return reader.refuse(Problem::ResourceVendor, node);
  }
  // Missing parts are any, unless others are skipped; variables stand behind the fifth colon only.
  const auto leading = parts.first(std::min<size_t>(parts.size(), ArnPattern::kParts - 1));
  const bool variable = std::ranges::any_of(
      leading, [&](std::string_view part) { return reader.variables() && part.contains("${"); });
  if (parts[2].empty() || variable || (parts.size() < ArnPattern::kParts && text.contains("::")) ||
      (parts.size() > 4 && !is_account(parts[4]))) {
    return reader.refuse(Problem::ResourceParts, node);
  }
  if (parts[2] == "iam" && parts.size() > 3 && !parts[3].empty() && parts[3] != "*") {
    return reader.refuse(Problem::ResourceRegion, node, text);
  }
  return {};
}

Result<ArnPattern> parse_resource(const ReaderView& reader, const Node& node) {
  const std::string_view text = node.text;
  if (text == "*") return ArnPattern::everything();
  const PatternOptions options{.wildcards = true, .variables = reader.variables()};
  const auto parts = split_arn(text, options);
  if (parts.size() < 2 || parts[0] != "arn") {
    return reader.refuse(Problem::ResourceForm, node, text);
  }
  TRY(check_resource_parts(reader, node, parts));
  const auto within = reader.type.resource_arn;
  if (!within.empty() && text != within &&
      !(text.starts_with(within) && std::string_view("/*?").contains(text[within.size()]))) {
    return reader.refuse(Problem::ResourceForeign, node, text);
  }
  std::string padded(text);
  for (size_t i = parts.size(); i < ArnPattern::kParts; ++i) padded += ":*";
  auto pattern = ArnPattern::parse(padded, options);
  if (!pattern) return reader.refuse(Problem::Syntax, node, pattern.error().message());
  return pattern;
}

Result<> parse_resources(ReaderView& reader, const Node& statement, const Elements& elements,
                         Statement& out) {
  const auto* node = elements.resource ? elements.resource : elements.not_resource;
  if (reader.type.kind == Kind::Trust) {
    if (node != nullptr) return reader.refuse(Problem::ResourceProhibited, *node);
    return {};
  }
  if (node == nullptr) return reader.refuse(Problem::ResourceMissing, statement);
  out.not_resource = elements.not_resource != nullptr;
  TRY_ASSIGN(const auto values, strings(reader, *node));
  if (values.empty()) return reader.refuse(Problem::ResourceMissing, *node);
  for (const auto* value : values) {
    TRY_ASSIGN(auto resource, parse_resource(reader, *value));
    out.resources.push_back(std::move(resource));
  }
  return {};
}

// Strings, and numbers and Booleans as they are written: the S3 guide has {"Null": {…: true}}.
Result<std::vector<std::string_view>> condition_values(const ReaderView& reader, const Node& node) {
  std::vector<const Node*> nodes;
  if (node.kind != Node::Kind::Array) nodes.push_back(&node);
  for (const auto& item : node.items) nodes.push_back(&item);
  if (nodes.empty())
    return reader.refuse(Problem::ConditionValue, node, "a condition has no value");
  std::vector<std::string_view> out;
  for (const auto* one : nodes) {
    if (!one->scalar()) {
      return reader.refuse(Problem::ConditionValue, *one,
                           "a condition's value is a string, a number or a Boolean");
    }
    TRY(check_characters(reader, *one, one->text));
    out.push_back(one->text);
  }
  return out;
}

Result<> parse_conditions(ReaderView& reader, const Node& node, Statement& out) {
  if (node.kind != Node::Kind::Object) {
    return reader.refuse(Problem::Syntax, node, "Condition is an object");
  }
  for (const auto& block : node.members) {
    const auto op = parse_operator(block.name);
    if (!op) {
      return reader.refuse(Problem::ConditionOperator, block.offset,
                           reader.wording() == Wording::S3 ? block.name : op.error().message());
    }
    if (block.value.kind != Node::Kind::Object) {
      return reader.refuse(Problem::Syntax, block.value, "an operator's value is an object");
    }
    for (const auto& pair : block.value.members) {
      if (pair.name.empty()) return reader.refuse(Problem::ConditionKey, pair.offset, pair.name);
      TRY(check_characters(reader, pair.value, pair.name));
      TRY_ASSIGN(const auto values, condition_values(reader, pair.value));
      auto condition = Condition::parse(*op, pair.name, values, reader.variables());
      if (!condition) {
        return reader.refuse(Problem::ConditionValue, pair.value, condition.error().message());
      }
      out.conditions.push_back(std::move(*condition));
    }
  }
  return {};
}

// RCPs only deny; what allows is RCPFullAWSAccess, which every node has.
Result<> check_resource_control(const ReaderView& reader, const Node& node,
                                const Elements& elements) {
  if (elements.not_action != nullptr) {
    return reader.refuse(Problem::Unsupported, *elements.not_action, "NotAction");
  }
  if (elements.effect == nullptr || elements.effect->text != "Allow") return {};
  const auto is_any = [](const Node* one) { return one != nullptr && one->text == "*"; };
  if (is_any(elements.action) && is_any(elements.resource) && elements.condition == nullptr) {
    return {};
  }
  return reader.refuse(Problem::Unsupported, node, "Effect is Deny");
}

}  // namespace

Result<> check_characters(const ReaderView& reader, const Node& node, std::string_view text) {
  const bool iam = reader.type.kind != Kind::Resource || reader.type.service == "kms";
  const bool good = std::ranges::all_of(text, [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    // U+00FF is C3 BF in UTF-8, which parse_node has checked.
    if (byte >= ' ') return byte != 127 && (!iam || byte <= 0xC3);
    return c == '\t' || c == '\n' || c == '\r';
  });
  if (!good) return reader.refuse(Problem::Character, node);
  return {};
}

Result<Statement> parse_statement(ReaderView& reader, const Node& node) {
  Statement out;
  const auto statement_path = reader.path;
  const auto at = [&](std::string_view element) {
    reader.path = fmt::format("{}.{}", statement_path, element);
  };
  out.place = place_of(reader.text, node.offset);
  out.end = place_of(reader.text, node.end);
  TRY_ASSIGN(const auto elements, pick(reader, node));
  if (elements.sid != nullptr) {
    at("Sid");
    TRY(parse_sid(reader, *elements.sid, out.sid));
  }
  at("Effect");
  TRY(parse_effect(reader, node, elements.effect, out.effect));
  reader.path = statement_path;
  if (reader.type.kind == Kind::ResourceControl) {
    TRY(check_resource_control(reader, node, elements));
  }
  at(elements.not_principal ? "NotPrincipal" : "Principal");
  TRY(parse_principals(reader, node, elements, out));
  at(elements.not_action ? "NotAction" : "Action");
  TRY(parse_actions(reader, node, elements, out));
  at(elements.not_resource ? "NotResource" : "Resource");
  TRY(parse_resources(reader, node, elements, out));
  if (elements.condition != nullptr) {
    at("Condition");
    TRY(parse_conditions(reader, *elements.condition, out));
  }
  reader.path = statement_path;
  return out;
}

}  // namespace traccia::policy
