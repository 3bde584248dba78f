// Names of what ACLs say, and their form in the index.
// SPDX-License-Identifier: Apache-2.0
#include "s3/acl.h"

#include <algorithm>
#include <iterator>

namespace traccia::s3 {

const std::string_view kAclSchema = R"sql(
ALTER TABLE s3_buckets ADD COLUMN ownership INTEGER NOT NULL DEFAULT 0;  -- s3::Ownership
ALTER TABLE s3_buckets ADD COLUMN acl TEXT NOT NULL DEFAULT '';          -- '': the owner's only
-- Ownership controls were a document (kind 5) without effect.
UPDATE s3_buckets SET ownership = 1 WHERE name IN (SELECT bucket FROM s3_documents
  WHERE kind = 5 AND instr(text, '>BucketOwnerPreferred<') > 0);
UPDATE s3_buckets SET ownership = 2 WHERE name IN (SELECT bucket FROM s3_documents
  WHERE kind = 5 AND instr(text, '>ObjectWriter<') > 0);
DELETE FROM s3_documents WHERE kind = 5;
)sql";

namespace {

constexpr std::string_view kOwnerships[] = {"BucketOwnerEnforced", "BucketOwnerPreferred",
                                            "ObjectWriter"};
constexpr std::string_view kPermissions[] = {"FULL_CONTROL", "READ", "WRITE", "READ_ACP",
                                             "WRITE_ACP"};
constexpr std::string_view kGroups[] = {"", "AllUsers", "AuthenticatedUsers", "LogDelivery"};
constexpr std::string_view kUris[] = {"", "http://acs.amazonaws.com/groups/global/AllUsers",
                                      "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
                                      "http://acs.amazonaws.com/groups/s3/LogDelivery"};
constexpr std::string_view kNoGrants = "-";

template <typename T>
std::optional<T> find(auto& names, std::string_view name) {
  const auto* const at = std::ranges::find(names, name);
  if (name.empty() || at == std::end(names)) return std::nullopt;
  return static_cast<T>(at - std::begin(names));
}

}  // namespace

std::string_view name_of(Ownership ownership) {
  return kOwnerships[static_cast<size_t>(ownership)];
}
std::optional<Ownership> ownership_of(std::string_view name) {
  return find<Ownership>(kOwnerships, name);
}
std::string_view name_of(Permission permission) {
  return kPermissions[static_cast<size_t>(permission)];
}
std::optional<Permission> permission_of(std::string_view name) {
  return find<Permission>(kPermissions, name);
}
std::string_view uri_of(Grantee group) {
  return kUris[static_cast<size_t>(group)];
}
std::optional<Grantee> group_of(std::string_view uri) {
  return find<Grantee>(kUris, uri);
}

Acl private_acl(std::string_view owner) {
  return {{Grantee::Account, std::string(owner), Permission::FullControl}};
}

bool is_public(const Acl& acl) {
  return std::ranges::any_of(acl, &Grant::is_public);
}

std::string encode_acl(const Acl& acl) {
  if (acl.empty()) return std::string(kNoGrants);
  std::string out;
  for (const auto& grant : acl) {
    if (!out.empty()) out += ' ';
    out.append(name_of(grant.permission)).append(":");
    out += grant.grantee == Grantee::Account ? grant.account
                                             : kGroups[static_cast<size_t>(grant.grantee)];
  }
  return out;
}

Result<Acl> decode_acl(std::string_view text) {
  Acl acl;
  if (text == kNoGrants) return acl;
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    const auto colon = std::min(one.find(':'), one.size());
    const auto permission = permission_of(one.substr(0, colon));
    const auto who = one.substr(std::min(colon + 1, one.size()));
    // What cannot be read must not pass for another.
    if (!permission || who.empty()) {
      return fail(ErrorCode::DataLoss, "the index holds a broken access control list");
    }
    const auto group = find<Grantee>(kGroups, who);
    acl.push_back({group.value_or(Grantee::Account), group ? "" : std::string(who), *permission});
  }
  return acl;
}

}  // namespace traccia::s3
