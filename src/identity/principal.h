// Who makes a request.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "identity/sessions.h"
#include "json/json.h"
#include "policy/evaluate.h"

namespace traccia::identity {

enum class PrincipalType : uint8_t {
  Root,
  IamUser,        // also with the credentials of GetSessionToken
  AssumedRole,    // a session of a role
  FederatedUser,  // a session of GetFederationToken
  WebIdentity,    // who brings a provider's token; may assume roles with it, nothing else
  AwsService,
  Anonymous,
};

// Temporary credentials at work: what their token says, and what that means now. Immutable.
struct LiveSession {
  Session session;
  // The role of AssumedRole, the user (or root) behind the others.
  std::string issuer_arn;
  std::string issuer_name;  // empty for root
  // Of session.policy and session.policy_arns. A managed policy that is gone allows nothing.
  std::vector<policy::AttachedPolicy> policies;
};

// What a token of an OpenID Connect provider has proven. Immutable.
struct WebIdentity {
  std::string provider_arn;
  std::string subject;
  std::string audience;
  // Condition keys: "issuer.example:sub". Values of one name come behind each other.
  std::vector<std::pair<std::string, std::string>> keys;
  // What the token asks the session to carry, as AssumeRole's request would: Tags,
  // TransitiveTagKeys, SourceIdentity. Not checked yet.
  json::Object session_input = {};
};

// Once proven. Anonymous has no other member.
struct Principal {
  PrincipalType type = PrincipalType::IamUser;
  std::string account_id;
  // arn:aws:iam::ACCOUNT:user/NAME, …:root, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION,
  // …:federated-user/NAME; empty for services
  std::string arn;
  std::string principal_id;  // AIDA…, AROA…:SESSION, ACCOUNT:NAME; the account id for root
  std::string user_name;     // of IamUser; the subject of WebIdentity
  std::string access_key_id;
  std::string service;  // "cloudtrail.amazonaws.com" for AwsService
  // The user that came with the account, while it has AdministratorAccess, its own or a group's,
  // and no permissions boundary: it stands for the root user, to whom this server gives no keys.
  bool stands_for_root = false;
  std::shared_ptr<const LiveSession> session = {};  // with temporary credentials
  std::shared_ptr<const WebIdentity> web = {};      // of WebIdentity
};

}  // namespace traccia::identity
