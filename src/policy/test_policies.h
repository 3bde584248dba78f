// For tests: policies written shortly, and those who ask.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "policy/evaluate.h"

namespace traccia::policy {

inline constexpr std::string_view kHome = "111122223333", kOther = "444455556666";
inline constexpr std::string_view kManagement = "999900001111";

// Policies of the tests, parsed: the text has ' for ", and is a list of statements.
inline AttachedPolicy attach(Kind kind, std::string_view statements, std::string_view name = "p") {
  auto text = fmt::format("{{'Version':'2012-10-17','Statement':[{}]}}", statements);
  std::ranges::replace(text, '\'', '"');
  auto document = parse(text, {.kind = kind});
  EXPECT_TRUE(document) << document.error().message() << "\n" << text;
  return {std::string(name), std::make_shared<const Document>(std::move(document).value())};
}

inline AttachedPolicy allowing(Kind kind, std::string_view action = "s3:*") {
  return attach(
      kind, fmt::format("{{'Sid':'Yes','Effect':'Allow','Action':'{}','Resource':'*'}}", action));
}
inline AttachedPolicy denying(Kind kind, std::string_view action = "s3:*") {
  return attach(kind,
                fmt::format("{{'Sid':'No','Effect':'Deny','Action':'{}','Resource':'*'}}", action));
}
// A policy of a resource that has one statement for this Principal element.
inline AttachedPolicy granting(std::string_view principal, std::string_view effect = "Allow",
                               std::string_view rest = "") {
  return attach(Kind::Resource,
                fmt::format("{{'Sid':'Grant','Effect':'{}','Principal':{},'Action':'*',"
                            "'Resource':'*'{}}}",
                            effect, principal, rest));
}

inline Principal user(std::string_view account = kHome) {
  return {.kind = PrincipalKind::User,
          .arn = fmt::format("arn:aws:iam::{}:user/alice", account),
          .account = std::string(account),
          .unique_id = "AIDAALICEALICEALICE1",
          .name = "alice"};
}
inline Principal session(std::string_view account = kHome) {
  return {.kind = PrincipalKind::AssumedRole,
          .arn = fmt::format("arn:aws:sts::{}:assumed-role/auditor/run", account),
          .issuer_arn = fmt::format("arn:aws:iam::{}:role/path/auditor", account),
          .account = std::string(account),
          .unique_id = "AROAAUDITORAUDITOR12:run"};
}
inline Principal root(std::string_view account = kHome) {
  return {.kind = PrincipalKind::Root,
          .arn = fmt::format("arn:aws:iam::{}:root", account),
          .account = std::string(account),
          .unique_id = std::string(account)};
}
inline Principal federated_user() {
  return {.kind = PrincipalKind::FederatedUser,
          .arn = "arn:aws:sts::111122223333:federated-user/bob",
          .issuer_arn = "arn:aws:iam::111122223333:user/alice",
          .account = std::string(kHome),
          .unique_id = "111122223333:bob"};
}
inline Principal service(std::string_view name = "cloudtrail.amazonaws.com") {
  return {.kind = PrincipalKind::Service, .services = {std::string(name)}};
}

inline Request request_of(Principal principal, std::string_view action = "s3:GetObject",
                          std::string_view resource = "arn:aws:s3:::b/k",
                          std::string_view resource_account = kHome) {
  Request out{.principal = std::move(principal),
              .action = std::string(action),
              .resource = std::string(resource),
              .resource_account = std::string(resource_account),
              .context = {}};
  set_principal_keys(out.context, out.principal);
  return out;
}

}  // namespace traccia::policy
