// "Mapping of ACL permissions and access policy permissions".
// SPDX-License-Identifier: Apache-2.0
#include "api/acl_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "api/bucket_policies.h"
#include "json/json.h"

namespace traccia::api {
namespace {

using s3::Grantee;
using s3::Permission;

constexpr std::string_view kObjectOwners[] = {
    "s3:GetObject",           "s3:GetObjectVersion",
    "s3:GetObjectAcl",        "s3:GetObjectVersionAcl",
    "s3:PutObjectAcl",        "s3:PutObjectVersionAcl",
    "s3:GetObjectTagging",    "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging",    "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"};

struct Allowed {
  Permission permission;
  std::string_view action;
};
constexpr Allowed kOnBucket[] = {{Permission::Read, "s3:ListBucket"},
                                 {Permission::Read, "s3:ListBucketVersions"},
                                 {Permission::Read, "s3:ListBucketMultipartUploads"},
                                 {Permission::ReadAcp, "s3:GetBucketAcl"},
                                 {Permission::WriteAcp, "s3:PutBucketAcl"}};
constexpr Allowed kInBucket[] = {{Permission::Write, "s3:PutObject"}};
constexpr Allowed kOnObject[] = {
    {Permission::Read, "s3:GetObject"},        {Permission::Read, "s3:GetObjectVersion"},
    {Permission::ReadAcp, "s3:GetObjectAcl"},  {Permission::ReadAcp, "s3:GetObjectVersionAcl"},
    {Permission::WriteAcp, "s3:PutObjectAcl"}, {Permission::WriteAcp, "s3:PutObjectVersionAcl"}};

// Only who signs with credentials of an account.
json::Object members_only() {
  return {{"StringEquals",
           json::Object{{"aws:PrincipalType",
                         json::Array{"Account", "User", "AssumedRole", "FederatedUser"}}}}};
}

void add_grants(const s3::Acl& acl, std::span<const Allowed> allowed, const std::string& resource,
                PublicAcls public_acls, json::Array& statements) {
  for (const auto& grant : acl) {
    if (grant.is_public() && public_acls == PublicAcls::Ignored) continue;
    json::Array actions;
    for (const auto& [permission, action] : allowed) {
      const bool covered =
          grant.permission == Permission::FullControl || grant.permission == permission;
      if (covered) actions.emplace_back(action);
    }
    if (actions.empty()) continue;
    json::Object statement{
        {"Effect", "Allow"}, {"Action", std::move(actions)}, {"Resource", resource}};
    switch (grant.grantee) {
      case Grantee::Account:
        statement["Principal"] = json::Object{{"AWS", grant.account}};
        break;
      case Grantee::AllUsers:
        statement["Principal"] = "*";
        break;
      case Grantee::AuthenticatedUsers:
        statement["Principal"] = "*";
        statement["Condition"] = members_only();
        break;
      case Grantee::LogDelivery:
        statement["Principal"] = json::Object{{"Service", "logging.s3.amazonaws.com"}};
        break;
    }
    statements.push_back(std::move(statement));
  }
}

}  // namespace

bool is_object_owners(std::string_view action) {
  return std::ranges::find(kObjectOwners, action) != std::end(kObjectOwners);
}

Result<AclAccess> access_by_acls(const s3::Bucket& bucket, const s3::ObjectInfo* object,
                                 PublicAcls public_acls) {
  AclAccess out{.owner = object != nullptr ? object->owner_account : bucket.owner_account,
                .granted = {}};
  const auto arn = fmt::format("arn:aws:s3:::{}", bucket.name);
  json::Array statements;
  if (bucket.acl) {
    add_grants(*bucket.acl, kOnBucket, arn, public_acls, statements);
    add_grants(*bucket.acl, kInBucket, arn + "/*", public_acls, statements);
  }
  if (object != nullptr && object->acl) {
    // One object is asked for: the ARN need not name it.
    add_grants(*object->acl, kOnObject, arn + "/*", public_acls, statements);
  }
  auto document = std::make_shared<policy::Document>();
  if (!statements.empty()) {
    const auto text = json::serialize(
        json::Object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
    // Of at most 200 grants, though more than a bucket policy may hold.
    TRY_ASSIGN(
        *document,
        policy::parse(text, {.kind = policy::Kind::Resource, .service = "s3", .resource_arn = arn},
                      {.characters_max = text.size()}));
  }
  out.granted.document = std::move(document);
  return out;
}

std::shared_ptr<const policy::AttachedPolicy> denials_of(
    const std::shared_ptr<const policy::AttachedPolicy>& policy) {
  if (policy == nullptr) return nullptr;
  auto document = std::make_shared<policy::Document>(*policy->document);
  std::erase_if(document->statements,
                [](const auto& one) { return one.effect == policy::Effect::Allow; });
  return std::make_shared<policy::AttachedPolicy>(
      policy::AttachedPolicy{policy->name, std::move(document)});
}

}  // namespace traccia::api
