// Access control lists and who owns objects ("Controlling ownership of objects and disabling
// ACLs"). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace traccia::s3 {

extern const std::string_view kAclSchema;

// The values are stored. Enforced: the bucket's owner owns all, and no ACL counts. Preferred:
// objects that give it all are its own. ObjectWriter: who writes an object owns it.
enum class Ownership : uint8_t { Enforced = 0, Preferred = 1, ObjectWriter = 2 };
std::string_view name_of(Ownership ownership);  // "BucketOwnerEnforced"
std::optional<Ownership> ownership_of(std::string_view name);

enum class Permission : uint8_t { FullControl, Read, Write, ReadAcp, WriteAcp };
std::string_view name_of(Permission permission);  // "FULL_CONTROL"
std::optional<Permission> permission_of(std::string_view name);

enum class Grantee : uint8_t { Account, AllUsers, AuthenticatedUsers, LogDelivery };
std::string_view uri_of(Grantee group);  // of groups
std::optional<Grantee> group_of(std::string_view uri);

// Canonical user ids are account ids on this server.
struct Grant {
  Grantee grantee = Grantee::Account;
  std::string account = {};  // of Grantee::Account
  Permission permission = Permission::FullControl;

  bool operator==(const Grant&) const = default;
  bool is_public() const {
    return grantee == Grantee::AllUsers || grantee == Grantee::AuthenticatedUsers;
  }
};
using Acl = std::vector<Grant>;
inline constexpr size_t kGrantsMax = 100;

Acl private_acl(std::string_view owner);
bool is_public(const Acl& acl);

// As the index keeps it: "FULL_CONTROL:111122223333 READ:AllUsers"; "-" without grants.
std::string encode_acl(const Acl& acl);
Result<Acl> decode_acl(std::string_view text);

}  // namespace traccia::s3
