// What is asked: who wants to do what to which resource, with what known about the circumstances.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace traccia::policy {

// ASCII only: names of keys and actions have no other letters.
std::string to_lower(std::string_view text);

// The keys of a request context ("aws:SourceArn"). Names are case-insensitive; a key has any number
// of values. A key with no values counts as absent, one with an empty text does not, except for
// Null and ForAllValues (conditions.h). Filled once a request, then read without allocating.
// Owned by one thread while it is filled, then immutable.
class ContextKeys {
 public:
  // The name is the key's in any case. `set` replaces what was there, `add` appends a value: keys
  // that differ in case only ("s3:ExistingObjectTag/a" and "/A") become one key with two values.
  void set(std::string_view name, std::string_view value);
  void set(std::string_view name, std::vector<std::string> values);
  void add(std::string_view name, std::string_view value);
  // As AWS writes them: "true"/"false", decimal, 2026-11-24T05:06:07Z.
  void set_flag(std::string_view name, bool value);
  void set_number(std::string_view name, int64_t value);
  void set_time(std::string_view name, Time value);

  // The values of the key with this lower-case name; none when it is absent.
  std::span<const std::string> find(std::string_view lower_name) const;

 private:
  struct Key {
    std::string name;  // in lower case; keys_ is sorted by it
    std::vector<std::string> values;
  };
  std::vector<std::string>& at(std::string_view name);

  std::vector<Key> keys_;
};

enum class PrincipalKind : uint8_t {
  Anonymous,      // no credentials
  Root,           // an account's root user
  User,           // an IAM user, also with credentials of GetSessionToken
  AssumedRole,    // a session of a role
  FederatedUser,  // a session of GetFederationToken
  Service,        // an AWS service by itself: "cloudtrail.amazonaws.com"
  Federated,      // a web identity or SAML subject that calls sts:AssumeRoleWith…
};

struct Principal {
  PrincipalKind kind = PrincipalKind::Anonymous;
  // arn:aws:iam::A:root, …:user/path/name, arn:aws:sts::A:assumed-role/role/session,
  // arn:aws:sts::A:federated-user/name. Empty for the others.
  std::string arn = {};
  // The role of an assumed role (with its path), the user behind a federated user.
  std::string issuer_arn = {};
  std::string account = {};  // 12 digits; empty for Anonymous, Service and Federated
  // aws:userid: AIDA…, AROA…:session, account:name, for root the account's id.
  std::string unique_id = {};
  std::string name = {};          // aws:username of a user
  std::string canonical_id = {};  // S3's name of the account, 64 hex digits, where it is known
  // A service's names; the first one is aws:PrincipalServiceName.
  std::vector<std::string> services = {};
  std::string provider = {};  // of Federated: the provider's ARN or domain
  // A session of a service-linked role: neither SCPs nor RCPs touch it.
  bool service_linked_role = false;
};

struct Request {
  Principal principal = {};
  std::string action = {};    // "s3:PutObject", as AWS writes it in messages
  std::string resource = {};  // an ARN, or "*" where the action has none. One request per resource.
  // How messages call the resource where not by `resource`: "user alice".
  std::string resource_words = {};
  // The account that owns the resource; empty: the principal's.
  std::string resource_account = {};
  ContextKeys context = {};
};

// Sets aws:PrincipalArn, -Account, -Type, -IsAWSService, -ServiceName, -ServiceNamesList,
// aws:userid and aws:username where AWS sets them ("AWS global condition context keys"):
// PrincipalArn of an assumed role is the role's, of a service there is none; username is a user's
// only.
void set_principal_keys(ContextKeys& keys, const Principal& principal);

}  // namespace traccia::policy
