// An evaluator for tests that is as plain as can be: it reads the JSON of the policies anew for
// each question and shares no code with the product. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "policy/case_from_bytes.h"

namespace traccia::policy {

class Naive {
 public:
  explicit Naive(const Case& c) : case_(c) {}

  // "allow TYPE", "deny TYPE", "lack TYPE".
  std::string answer() const {
    const auto& who = case_.request.principal;
    const bool member = who.kind != PrincipalKind::Anonymous &&
                        who.kind != PrincipalKind::Service && who.kind != PrincipalKind::Federated;
    const auto& managing = case_.management_account;
    const auto owner =
        case_.request.resource_account.empty() ? who.account : case_.request.resource_account;
    const bool scps =
        member && !who.service_linked_role && (managing.empty() || who.account != managing);
    const bool rcps = !who.service_linked_role && (managing.empty() || owner != managing) &&
                      case_.request.action.starts_with("s3:");  // of the four actions of a Case
    if (scps && any_denies(case_.service_control)) return "deny service control policy";
    if (rcps && any_denies(case_.resource_control)) return "deny resource control policy";
    const std::vector<std::string> resource =
        case_.resource ? std::vector{*case_.resource} : std::vector<std::string>();
    if (denies(resource)) return "deny resource-based policy";
    const std::vector<std::string> boundary =
        case_.boundary ? std::vector{*case_.boundary} : std::vector<std::string>();
    const auto session = case_.session.value_or(std::vector<std::string>());
    if (member && denies(case_.identity)) return "deny identity-based policy";
    if (member && denies(boundary)) return "deny permissions boundary";
    if (member && denies(session)) return "deny session policy";
    if (scps) {
      for (const auto& level : case_.service_control) {
        if (grant(level) == 0) return "lack service control policy";
      }
    }
    return grants(member, owner == who.account, grant(resource), boundary, session);
  }

 private:
  using Value = boost::json::value;
  using Object = boost::json::object;
  // A byte of a pattern; wild: `*` or `?` as a wildcard.
  struct Atom {
    char c;
    bool wild;
  };
  using Atoms = std::vector<Atom>;

  std::string grants(bool member, bool same, int by_resource,
                     const std::vector<std::string>& boundary,
                     const std::vector<std::string>& session) const {
    const auto resource_says = by_resource > 0 ? "allow resource-based policy" : "allow policy";
    const int given = case_.key_grant ? 3 : by_resource;
    if (!member) return given > 0 ? resource_says : "lack resource-based policy";
    if (given == 0 && (!same || case_.own_rule)) return "lack resource-based policy";
    if (same && given == 3) return resource_says;
    const bool by_identity = grant(case_.identity) > 0;
    const bool root = case_.request.principal.kind == PrincipalKind::Root;
    const bool by_issuer = same && given == 2;
    if (!by_identity && !root && !by_issuer) return "lack identity-based policy";
    if (case_.boundary && grant(boundary) == 0) return "lack permissions boundary";
    if (case_.session && grant(session) == 0) return "lack session policy";
    if (by_identity) return "allow identity-based policy";
    return by_issuer ? resource_says : "allow policy";
  }

  bool any_denies(const std::vector<std::vector<std::string>>& levels) const {
    for (const auto& level : levels) {
      if (denies(level)) return true;
    }
    return false;
  }
  bool denies(const std::vector<std::string>& policies) const { return best(policies, "Deny") > 0; }
  int grant(const std::vector<std::string>& policies) const { return best(policies, "Allow"); }

  // The best grant of the statements with this effect that apply: 1 account, 2 issuer, 3 direct.
  int best(const std::vector<std::string>& policies, std::string_view effect) const {
    int out = 0;
    for (const auto& text : policies) {
      const auto document = boost::json::parse(text).as_object();
      const bool variables = document.at("Version").as_string() == "2012-10-17";
      for (const auto& statement : values(document.at("Statement"))) {
        const auto& object = statement.as_object();
        if (object.at("Effect").as_string() != effect.data()) continue;
        const int principal = principal_of(object);
        if (principal > out && applies(object, variables)) out = principal;
      }
    }
    return out;
  }

  static std::vector<Value> values(const Value& one_or_many) {
    if (!one_or_many.is_array()) return {one_or_many};
    return {one_or_many.as_array().begin(), one_or_many.as_array().end()};
  }
  static std::string text(const Value& value) { return std::string(value.as_string()); }
  static std::string lower(std::string in) {
    for (char& c : in) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return in;
  }

  static int named(const std::string& entry, const Principal& who) {
    const bool root = who.kind == PrincipalKind::Root;
    if (entry == "*") return 3;
    if (!who.account.empty() &&
        (entry == who.account || entry == "arn:aws:iam::" + who.account + ":root")) {
      return root ? 3 : 1;
    }
    if (!who.arn.empty() && entry == who.arn) return 3;
    if (!who.issuer_arn.empty() && entry == who.issuer_arn) return 2;
    if (!who.unique_id.empty() && entry == who.unique_id) return 3;
    if (!who.unique_id.empty() && who.unique_id.rfind(entry + ":", 0) == 0) return 2;
    return 0;
  }
  int principal_of(const Object& statement) const {
    const auto& who = case_.request.principal;
    const bool negated = statement.contains("NotPrincipal");
    if (!negated && !statement.contains("Principal")) return 3;
    const auto& element = statement.at(negated ? "NotPrincipal" : "Principal");
    std::vector<int> grants;
    bool account = who.account.empty();
    if (element.is_string()) {
      grants.push_back(3);
      account = true;
    } else if (element.as_object().contains("Service")) {
      grants.push_back(who.kind == PrincipalKind::Service ? 3 : 0);
    } else {
      for (const auto& entry : values(element.as_object().at("AWS"))) {
        const auto word = text(entry);
        grants.push_back(named(word, who));
        if (word == "*") return negated ? 0 : 3;
        if (word == who.account || word == "arn:aws:iam::" + who.account + ":root") account = true;
      }
    }
    const auto has = [&](int grade) { return std::ranges::count(grants, grade) > 0; };
    if (!negated) return *std::ranges::max_element(grants);
    if (element.is_string()) return 0;
    return account && (who.issuer_arn.empty() || has(2)) && has(3) ? 0 : 3;
  }

  bool applies(const Object& statement, bool variables) const {
    const bool not_action = statement.contains("NotAction");
    bool action = false;
    for (const auto& value : values(statement.at(not_action ? "NotAction" : "Action"))) {
      action = action || glob(atoms(lower(text(value)), true), lower(case_.request.action));
    }
    if (action == not_action) return false;
    const bool not_resource = statement.contains("NotResource");
    bool resource = false;
    for (const auto& value : values(statement.at(not_resource ? "NotResource" : "Resource"))) {
      auto pattern = text(value);
      if (pattern != "*") {
        for (auto parts = split(pattern, variables).size(); parts < 6; ++parts) pattern += ":*";
      }
      resource =
          resource || pattern == "*" || arn_matches(pattern, case_.request.resource, variables);
    }
    if (resource == not_resource) return false;
    if (!statement.contains("Condition")) return true;
    for (const auto& block : statement.at("Condition").as_object()) {
      for (const auto& pair : block.value().as_object()) {
        if (!holds(std::string(block.key()), std::string(pair.key()), values(pair.value()),
                   variables)) {
          return false;
        }
      }
    }
    return true;
  }

  static bool cut_front(std::string& from, std::string_view what) {
    if (from.rfind(what, 0) != 0) return false;
    from.erase(0, what.size());
    return true;
  }

  bool holds(std::string op, const std::string& key, const std::vector<Value>& operands,
             bool variables) const {
    const bool all = cut_front(op, "ForAllValues:"), any = cut_front(op, "ForAnyValue:");
    const bool if_exists = op.ends_with("IfExists");
    if (if_exists) op.resize(op.size() - 8);
    const auto found = case_.context.find(key);
    const auto given = found == case_.context.end() ? std::vector<std::string>() : found->second;
    bool blank = true;
    for (const auto& value : given) blank = blank && value.empty();
    if (op == "Null") {
      for (const auto& operand : operands) {
        if ((text(operand) == "true") == blank) return true;
      }
      return false;
    }
    if (given.empty()) {
      if (if_exists || all) return true;
      return !any && op.contains("Not");
    }
    if (all && blank) return true;
    size_t fitting = 0;
    for (const auto& value : given) {
      bool matched = false;
      for (const auto& operand : operands) {
        matched = matched || matches(op, text(operand), value, variables);
      }
      if (matched != op.contains("Not")) ++fitting;
    }
    if (all || (!any && op.contains("Not"))) return fitting == given.size();
    return fitting > 0;
  }

  bool matches(const std::string& op, const std::string& operand, const std::string& value,
               bool variables) const {
    if (op.starts_with("String")) {
      const auto expanded = expand(operand, op.contains("Like"), variables);
      if (!expanded) return false;
      if (!op.contains("IgnoreCase")) return glob(*expanded, value);
      auto folded = *expanded;
      for (auto& atom : folded) atom.c = lower(std::string(1, atom.c))[0];
      return glob(folded, lower(value));
    }
    if (op.starts_with("Arn")) return arn_matches(operand, value, variables);
    if (op == "Bool") return operand == value;
    if (op.contains("Ip")) return in_range(operand, value);
    const bool date = op.starts_with("Date");
    const double a = date ? moment(value) : number(value);
    const double b = date ? moment(operand) : number(operand);
    if (op.ends_with("LessThan")) return a < b;
    if (op.ends_with("GreaterThanEquals")) return a >= b;
    return a == b;  // false for the NaN of what is no number
  }

  static double number(const std::string& in) {
    char* end = nullptr;
    const double out = std::strtod(in.c_str(), &end);
    return *end == 0 && !in.empty() ? out : std::nan("");
  }
  // The moments that cases know, and seconds.
  static double moment(const std::string& in) {
    if (!in.empty() && in.find_first_not_of("0123456789") == in.npos) return number(in);
    if (in == "2026-01-01T00:00:00Z") return 1767225600;
    if (in == "2026-03-01") return 1767225600 + 59 * 86400.0;
    if (in == "2026-06-01T00:00:00Z") return 1767225600 + 151 * 86400.0;
    return std::nan("");
  }
  static bool in_range(const std::string& range, const std::string& value) {
    unsigned a = 0, b = 0, c = 0, d = 0, bits = 32;
    const auto read = [&](const std::string& in) -> int {
      return std::sscanf(in.c_str(), "%u.%u.%u.%u/%u", &a, &b, &c, &d, &bits);
    };
    if (read(range) < 4) return false;
    const uint64_t low = (uint64_t{a} << 24) + (b << 16) + (c << 8) + d;
    const uint64_t size = uint64_t{1} << (32 - bits);
    if (read(value) < 4) return false;
    const uint64_t at = (uint64_t{a} << 24) + (b << 16) + (c << 8) + d;
    return at >= low && at < low + size;
  }

  static Atoms atoms(const std::string& in, bool wildcards) {
    Atoms out;
    for (const char c : in) out.push_back({c, wildcards && (c == '*' || c == '?')});
    return out;
  }
  std::optional<Atoms> expand(const std::string& in, bool wildcards, bool variables) const {
    Atoms out;
    for (size_t at = 0; at < in.size(); ++at) {
      if (!variables || in.compare(at, 2, "${") != 0) {
        out.push_back({in[at], wildcards && (in[at] == '*' || in[at] == '?')});
        continue;
      }
      const auto close = in.find('}', at);
      const auto name = in.substr(at + 2, close - at - 2);
      at = close;
      const auto comma = name.find(", '");
      std::string value = name;  // the three that stand for themselves
      if (name.size() > 1) {
        const auto found = case_.context.find(name.substr(0, comma));
        const auto count = found == case_.context.end() ? 0 : found->second.size();
        if (count > 1 || (count == 0 && comma == name.npos)) return {};
        value = count == 1 ? found->second[0] : name.substr(comma + 3, name.size() - comma - 4);
      }
      for (const char c : value) out.push_back({c, false});
    }
    return out;
  }

  static std::vector<std::string> split(const std::string& in, bool variables) {
    std::vector<std::string> out(1);
    bool inside = false;
    for (size_t at = 0; at < in.size(); ++at) {
      if (variables && in.compare(at, 2, "${") == 0) inside = true;
      if (in[at] == '}') inside = false;
      if (in[at] == ':' && !inside && out.size() < 6) {
        out.emplace_back();
      } else {
        out.back() += in[at];
      }
    }
    return out;
  }
  bool arn_matches(const std::string& pattern, const std::string& value, bool variables) const {
    auto parts = split(pattern, variables);
    const auto given = split(value, false);
    while (parts.size() < 6) parts.emplace_back("*");
    if (given.size() < 6) return false;
    for (size_t i = 0; i < 6; ++i) {
      const auto expanded = expand(parts[i], true, variables);
      if (!expanded || !glob(*expanded, given[i])) return false;
    }
    return true;
  }

  // By the table of all prefixes of both.
  static bool glob(const Atoms& pattern, const std::string& in) {
    std::vector<bool> row(in.size() + 1, false);
    row[0] = true;
    for (const auto& atom : pattern) {
      std::vector<bool> next(in.size() + 1, false);
      const bool star = atom.wild && atom.c == '*';
      next[0] = star && row[0];
      for (size_t i = 1; i <= in.size(); ++i) {
        next[i] = star ? row[i] || next[i - 1] : row[i - 1] && (atom.wild || atom.c == in[i - 1]);
      }
      row = std::move(next);
    }
    return row[in.size()];
  }

  const Case& case_;
};

}  // namespace traccia::policy
