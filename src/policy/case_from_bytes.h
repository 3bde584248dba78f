// Makes policies and requests out of any bytes, for tests: the evaluator against a naive reading.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/evaluate.h"

namespace traccia::policy {

// Policies as texts, and a request that often meets them.
struct Case {
  std::vector<std::string> identity;
  std::optional<std::string> boundary;
  std::optional<std::vector<std::string>> session;
  std::vector<std::vector<std::string>> service_control;
  std::vector<std::vector<std::string>> resource_control;
  std::optional<std::string> resource;
  bool own_rule = false;
  bool key_grant = false;
  std::string management_account;
  Request request;
  std::map<std::string, std::vector<std::string>> context;  // what request.context holds
};

// Few words, so that they often meet. Runs dry into zeros. Owned by one thread.
class CaseFromBytes {
 public:
  explicit CaseFromBytes(std::string_view bytes) : bytes_(bytes) {}

  Case make() {
    Case out;
    out.request.principal = principal();
    out.request.action = pick({"s3:GetObject", "s3:PutObject", "sns:Publish", "kms:RetireGrant"});
    out.request.resource = pick({"arn:aws:s3:::b", "arn:aws:s3:::b/k", "arn:aws:s3:::b/alice:x",
                                 "*", "arn:aws:sns:eu-west-1:111122223333:t"});
    out.request.resource_account = pick({"111122223333", "444455556666", "", "111122223333"});
    fill_context(out);
    for (size_t count = byte() % 3; count > 0; --count) out.identity.push_back(document("", true));
    if (byte() % 3 == 0) out.boundary = document("", true);
    if (byte() % 3 == 0) {
      out.session.emplace();
      for (size_t count = byte() % 3; count > 0; --count) {
        out.session->push_back(document("", true));
      }
    }
    if (byte() % 2 == 0) out.resource = document("Principal", true);
    for (size_t count = byte() % 3; count > 0; --count) {
      auto& level = out.service_control.emplace_back();
      for (size_t policies = byte() % 3; policies > 0; --policies) {
        level.push_back(byte() % 2 == 0 ? std::string(kFullAccess) : document("", true));
      }
    }
    for (size_t count = byte() % 3; count > 0; --count) {
      auto& level = out.resource_control.emplace_back();
      if (byte() % 2 == 0) level.push_back(document("Everyone", false));
    }
    out.own_rule = byte() % 4 == 0;
    out.key_grant = byte() % 8 == 0;
    if (byte() % 4 == 0) out.management_account = pick({"111122223333", "444455556666"});
    return out;
  }

 private:
  static constexpr std::string_view kFullAccess =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";

  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto next = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return next;
  }
  std::string pick(std::initializer_list<std::string_view> words) {
    return std::string(*std::next(words.begin(), byte() % static_cast<int>(words.size())));
  }

  Principal principal() {
    Principal out;
    out.account = pick({"111122223333", "444455556666"});
    switch (byte() % 8) {
      case 0:
        out = {.kind = PrincipalKind::Anonymous};
        break;
      case 1:
        out.kind = PrincipalKind::Root;
        out.arn = fmt::format("arn:aws:iam::{}:root", out.account);
        break;
      case 2:
        out = {.kind = PrincipalKind::Service, .services = {"cloudtrail.amazonaws.com"}};
        break;
      case 3:
        out.kind = PrincipalKind::FederatedUser;
        out.arn = fmt::format("arn:aws:sts::{}:federated-user/bob", out.account);
        out.issuer_arn = fmt::format("arn:aws:iam::{}:user/alice", out.account);
        break;
      case 4:
      case 5:
        out.kind = PrincipalKind::AssumedRole;
        out.arn = fmt::format("arn:aws:sts::{}:assumed-role/r/s", out.account);
        out.issuer_arn = fmt::format("arn:aws:iam::{}:role/r", out.account);
        out.unique_id = "AROAABCDEFGHIJKLMNOP:s";
        out.service_linked_role = byte() % 8 == 0;
        break;
      default:
        out.kind = PrincipalKind::User;
        out.arn = fmt::format("arn:aws:iam::{}:user/alice", out.account);
        out.unique_id = "AIDAABCDEFGHIJKLMNOP";
        out.name = "alice";
    }
    return out;
  }

  std::string value_of(std::string_view key) {
    if (key == "aws:SourceIp") return pick({"10.0.0.1", "10.1.2.3", "192.168.0.1", "none"});
    if (key == "aws:CurrentTime") {
      return pick({"2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "1767225600", "never"});
    }
    if (key == "s3:max-keys") return pick({"1", "5", "10", "5.5", "many"});
    if (key == "aws:SecureTransport") return pick({"true", "false"});
    if (key == "aws:SourceArn") {
      return pick({"arn:aws:sns:eu-west-1:111122223333:t", "arn:aws:s3:::b/k:x", "b"});
    }
    return pick({"alice", "bob", "Alice", "", "a*", "b"});
  }
  static constexpr std::string_view kKeys[] = {
      "aws:username", "aws:TagKeys",         "aws:SourceIp",  "aws:CurrentTime",
      "s3:max-keys",  "aws:SecureTransport", "aws:SourceArn", "aws:PrincipalTag/team"};
  std::string_view key() { return kKeys[byte() % std::size(kKeys)]; }

  void fill_context(Case& out) {
    for (const auto key : kKeys) {
      const auto shape = byte() % 4;
      if (shape == 0) continue;
      std::vector<std::string> values;
      if (shape != 1 || byte() % 2 == 0) values.push_back(value_of(key));
      if (shape == 3 && key == "aws:TagKeys") values.push_back(value_of(key));
      out.request.context.set(key, values);
      out.context[std::string(key)] = values;
    }
  }

  std::string list(std::string (CaseFromBytes::*one)()) {
    if (byte() % 2 == 0) return fmt::format("\"{}\"", (this->*one)());
    std::string out = "[";
    for (size_t count = byte() % 3; true; --count) {
      out += fmt::format("\"{}\"", (this->*one)());
      if (count == 0) return out + "]";
      out += ",";
    }
  }
  std::string action() {
    return pick({"*", "s3:*", "s3:GetObject", "S3:getobject", "s3:?utObject", "s3:Get*Obj*",
                 "sns:*", "kms:*", "*:*"});
  }
  std::string control_action() { return pick({"s3:*", "s3:Get*", "kms:*", "sqs:*"}); }
  std::string resource() {
    return pick({"*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::*",
                 "arn:*:s3:::b/${aws:username}*", "arn:aws:sns:*", "arn:aws:sns:*:*:t",
                 "arn:aws:s3:::b/${aws:nothing, 'k'}", "arn:aws:s3:::?", "arn:aws:s3:::b/${*}"});
  }
  std::string aws_principal() {
    const auto account = pick({"111122223333", "444455556666"});
    switch (byte() % 9) {
      case 0:
        return "*";
      case 1:
        return account;
      case 2:
        return fmt::format("arn:aws:iam::{}:root", account);
      case 3:
        return fmt::format("arn:aws:iam::{}:role/r", account);
      case 4:
        return fmt::format("arn:aws:sts::{}:assumed-role/r/s", account);
      case 5:
        return fmt::format("arn:aws:sts::{}:federated-user/bob", account);
      case 6:
        return pick({"AROAABCDEFGHIJKLMNOP", "AIDAABCDEFGHIJKLMNOP"});
      default:
        return fmt::format("arn:aws:iam::{}:user/alice", account);
    }
  }
  std::string principal_element() {
    switch (byte() % 4) {
      case 0:
        return "\"*\"";
      case 1:
        return "{\"Service\":\"cloudtrail.amazonaws.com\"}";
      default:
        return fmt::format("{{\"AWS\":{}}}", list(&CaseFromBytes::aws_principal));
    }
  }

  std::string operand_of(std::string_view op) {
    if (op.starts_with("Numeric")) return pick({"5", "10", "5.5", "-1"});
    if (op.starts_with("Date")) {
      return pick({"2026-01-01T00:00:00Z", "1767225600", "2026-03-01"});
    }
    if (op.starts_with("Bool") || op.starts_with("Null")) return pick({"true", "false"});
    if (op.contains("Ip")) return pick({"10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "192.168.0.0/30"});
    if (op.starts_with("Arn")) {
      return pick({"arn:aws:sns:*:111122223333:t", "arn:aws:s3:::*",
                   "arn:aws:s3:::b/${aws:username}", "arn:aws:*", "arn:aws:s3:::?/k:*"});
    }
    return pick({"alice", "bob", "a*", "*", "?lice", "${aws:username}", "${aws:PrincipalTag/team}*",
                 "${aws:nothing, 'bob'}", "${aws:TagKeys}", "${*}", "a${*}", "", "*l*e"});
  }
  std::string condition() {
    auto op = pick({"StringEquals", "StringNotEquals", "StringLike", "StringNotLike",
                    "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "NumericLessThan",
                    "NumericGreaterThanEquals", "NumericNotEquals", "DateLessThan", "DateEquals",
                    "Bool", "IpAddress", "NotIpAddress", "ArnLike", "ArnNotEquals", "Null"});
    auto values = fmt::format("\"{}\"", operand_of(op));
    for (size_t count = byte() % 3; count > 0; --count) {
      values += fmt::format(",\"{}\"", operand_of(op));
    }
    if (op != "Null") {
      const auto shape = byte() % 8;
      if (shape == 0 || shape == 1 || shape == 4) op += "IfExists";
      if (shape == 1 || shape == 2) op.insert(0, "ForAllValues:");
      if (shape == 3 || shape == 4) op.insert(0, "ForAnyValue:");
    }
    return fmt::format("\"{}\":{{\"{}\":[{}]}}", op, key(), values);
  }

  std::string statement(std::string_view principals, bool may_allow) {
    const bool allow = may_allow && byte() % 3 != 0;
    std::string out = allow ? "{\"Effect\":\"Allow\"" : "{\"Effect\":\"Deny\"";
    if (principals == "Principal") {
      const bool negate = !allow && byte() % 4 == 0;
      out += fmt::format(",\"{}\":{}", negate ? "NotPrincipal" : "Principal", principal_element());
    } else if (principals == "Everyone") {
      out += ",\"Principal\":\"*\"";
    }
    const bool control = !may_allow;
    out += fmt::format(",\"{}\":{}", !control && byte() % 5 == 0 ? "NotAction" : "Action",
                       list(control ? &CaseFromBytes::control_action : &CaseFromBytes::action));
    out += fmt::format(",\"{}\":{}", byte() % 5 == 0 ? "NotResource" : "Resource",
                       list(&CaseFromBytes::resource));
    if (byte() % 2 == 0) out += fmt::format(",\"Condition\":{{{}}}", condition());
    return out + "}";
  }
  std::string document(std::string_view principals, bool may_allow) {
    std::string out =
        byte() % 8 == 0 ? "{\"Version\":\"2008-10-17\"" : "{\"Version\":\"2012-10-17\"";
    out += ",\"Statement\":[" + statement(principals, may_allow);
    for (size_t count = byte() % 3; count > 0; --count) {
      out += "," + statement(principals, may_allow);
    }
    return out + "]}";
  }

  std::string_view bytes_;
};

}  // namespace traccia::policy
