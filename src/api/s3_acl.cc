// S3: access control lists, and who owns objects ("Access control list (ACL) overview").
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "api/bucket_policies.h"
#include "api/s3_call.h"
#include "s3/acl.h"

namespace traccia::api {
namespace {

using s3::Acl;
using s3::Grant;
using s3::Grantee;
using s3::Ownership;
using s3::Permission;

constexpr std::string_view kCannedHeader = "x-amz-acl";

struct GrantHeader {
  std::string_view name;
  Permission permission;
};
constexpr GrantHeader kGrantHeaders[] = {{"x-amz-grant-full-control", Permission::FullControl},
                                         {"x-amz-grant-read", Permission::Read},
                                         {"x-amz-grant-write", Permission::Write},
                                         {"x-amz-grant-read-acp", Permission::ReadAcp},
                                         {"x-amz-grant-write-acp", Permission::WriteAcp}};

enum class CannedFor : uint8_t { Both, Buckets, Objects };
// What a canned ACL grants beside full control of the owner; Grantee::Account is the bucket's
// owner.
struct CannedGrant {
  Grantee grantee;
  Permission permission;
};
struct Canned {
  std::string_view name;
  CannedFor applies = CannedFor::Both;
  std::span<const CannedGrant> grants = {};
};
constexpr CannedGrant kPublicRead[] = {{Grantee::AllUsers, Permission::Read}};
constexpr CannedGrant kPublicReadWrite[] = {{Grantee::AllUsers, Permission::Read},
                                            {Grantee::AllUsers, Permission::Write}};
constexpr CannedGrant kAuthenticatedRead[] = {{Grantee::AuthenticatedUsers, Permission::Read}};
constexpr CannedGrant kOwnerRead[] = {{Grantee::Account, Permission::Read}};
constexpr CannedGrant kOwnerFullControl[] = {{Grantee::Account, Permission::FullControl}};
constexpr CannedGrant kLogDelivery[] = {{Grantee::LogDelivery, Permission::Write},
                                        {Grantee::LogDelivery, Permission::ReadAcp}};
constexpr Canned kCanned[] = {{"private"},
                              {"public-read", CannedFor::Both, kPublicRead},
                              {"public-read-write", CannedFor::Both, kPublicReadWrite},
                              {"authenticated-read", CannedFor::Both, kAuthenticatedRead},
                              {"bucket-owner-read", CannedFor::Objects, kOwnerRead},
                              {"bucket-owner-full-control", CannedFor::Objects, kOwnerFullControl},
                              {"log-delivery-write", CannedFor::Buckets, kLogDelivery}};

std::unexpected<Error> malformed_acl() {
  return s3_error("MalformedACLError",
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema");
}

std::unexpected<Error> no_acls() {
  return s3_error("AccessControlListNotSupported", "The bucket does not allow ACLs");
}

// Whose the ACL is of, and the bucket.
struct Owners {
  std::string owner;
  std::string bucket_owner;
};

Result<Acl> expand(std::string_view name, S3Level level, const Owners& owners) {
  const auto* const at = std::ranges::find(kCanned, name, &Canned::name);
  const bool object = level == S3Level::Object;
  if (name == "aws-exec-read") {
    return s3_error("NotImplemented", "aws-exec-read: there is no Amazon EC2 on this server");
  }
  if (at == std::end(kCanned) || (object && at->applies == CannedFor::Buckets)) {
    return s3_error("InvalidArgument", "The canned ACL you specified is not valid");
  }
  auto acl = s3::private_acl(owners.owner);
  // "Canned ACL": those for objects are ignored where a bucket is made.
  if (!object && at->applies == CannedFor::Objects) return acl;
  for (const auto& [grantee, permission] : at->grants) {
    Grant grant{grantee, grantee == Grantee::Account ? owners.bucket_owner : "", permission};
    if (std::ranges::find(acl, grant) == acl.end()) acl.push_back(std::move(grant));
  }
  return acl;
}

Result<Grant> account_grant(S3Call& call, meta::Transaction& transaction, std::string_view id,
                            Permission permission) {
  const auto found = call.services().identity.accounts().get(transaction, id);
  if (found) return Grant{Grantee::Account, std::string(id), permission};
  if (found.error().code() != ErrorCode::NotFound) return std::unexpected(found.error());
  return s3_error("InvalidArgument", "Invalid id");
}

Result<Grant> group_grant(std::string_view uri, Permission permission) {
  const auto group = s3::group_of(uri);
  if (group) return Grant{*group, "", permission};
  return s3_error("InvalidArgument", "Invalid group uri");
}

// An account's mail address is not told to others: none is on record.
std::unexpected<Error> no_such_mail() {
  return s3_error("UnresolvableGrantByEmailAddress",
                  "The e-mail address you provided does not match any account on record.");
}

// id="ID", uri="URI", …
Result<> add_header_grants(S3Call& call, meta::Transaction& transaction, std::string_view text,
                           Permission permission, Acl& acl) {
  while (!text.empty()) {
    auto one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    const auto equals = std::min(one.find('='), one.size());
    const auto type = one.substr(0, equals);
    auto value = one.substr(std::min(equals + 1, one.size()));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    if (http::equal_ignoring_case(type, "id")) {
      TRY_ASSIGN(auto grant, account_grant(call, transaction, value, permission));
      acl.push_back(std::move(grant));
    } else if (http::equal_ignoring_case(type, "uri")) {
      TRY_ASSIGN(auto grant, group_grant(value, permission));
      acl.push_back(std::move(grant));
    } else if (http::equal_ignoring_case(type, "emailAddress")) {
      return no_such_mail();
    } else {
      return s3_error("InvalidArgument", "Argument format not recognized");
    }
  }
  return {};
}

// What the headers ask for; nullopt: nothing.
Result<std::optional<Acl>> acl_of_headers(S3Call& call, meta::Transaction& transaction,
                                          S3Level level, const Owners& owners) {
  Acl granted;
  bool grants = false;
  for (const auto& [name, permission] : kGrantHeaders) {
    const auto text = call.header(name);
    if (text.empty()) continue;
    grants = true;
    call.extra_parameters[name] = text;
    TRY(add_header_grants(call, transaction, text, permission, granted));
  }
  const auto canned = call.header(kCannedHeader);
  if (!canned.empty()) call.extra_parameters[kCannedHeader] = canned;
  if (grants && !canned.empty()) {
    return s3_error("InvalidRequest",
                    "Specifying both Canned ACLs and Header Grants is not allowed");
  }
  if (granted.size() > s3::kGrantsMax) return malformed_acl();
  if (grants) return granted;
  if (canned.empty()) return std::nullopt;
  TRY_ASSIGN(auto acl, expand(canned, level, owners));
  return acl;
}

// An AccessControlPolicy, which must name the owner as it is.
Result<Acl> acl_of_body(S3Call& call, meta::Transaction& transaction, const aws::XmlElement& root,
                        const Owners& owners) {
  const auto* owner = root.child("Owner");
  const auto* list = root.child("AccessControlList");
  if (root.name != "AccessControlPolicy" || owner == nullptr || list == nullptr) {
    return malformed_acl();
  }
  if (owner->child_text("ID") != owners.owner) {
    return fail(ErrorCode::PermissionDenied, "AccessDenied", "Access Denied");
  }
  Acl acl;
  for (const auto* one : list->children_named("Grant")) {
    const auto permission = s3::permission_of(one->child_text("Permission"));
    const auto* grantee = one->child("Grantee");
    if (!permission || grantee == nullptr) return malformed_acl();
    if (const auto id = grantee->child_text("ID"); !id.empty()) {
      TRY_ASSIGN(auto grant, account_grant(call, transaction, id, *permission));
      acl.push_back(std::move(grant));
    } else if (const auto uri = grantee->child_text("URI"); !uri.empty()) {
      TRY_ASSIGN(auto grant, group_grant(uri, *permission));
      acl.push_back(std::move(grant));
    } else if (grantee->child("EmailAddress") != nullptr) {
      return no_such_mail();
    } else {
      return malformed_acl();
    }
  }
  if (acl.size() > s3::kGrantsMax) return malformed_acl();
  return acl;
}

// Where ACLs are disabled, only what says no more than that is taken.
Result<> check_enforced(const Acl& acl, std::string_view bucket_owner) {
  const bool owners_only = std::ranges::all_of(acl, [&](const Grant& grant) {
    return grant.grantee == Grantee::Account && grant.account == bucket_owner;
  });
  if (owners_only) return {};
  return no_acls();
}

// "Blocking public access": BlockPublicAcls.
Result<> check_public_acl(S3Call& call, meta::Transaction& transaction, const Acl& acl,
                          std::string_view action) {
  if (!s3::is_public(acl)) return {};
  TRY_ASSIGN(const auto settings, call.services().s3.get_document(transaction, call.bucket(),
                                                                  s3::Document::PublicAccessBlock));
  if (!settings || !blocks_public(*settings, "BlockPublicAcls")) return {};
  return fail(
      ErrorCode::PermissionDenied, "AccessDenied",
      fmt::format("User: {} is not authorized to perform: {} on resource: \"{}\" because "
                  "public access control lists (ACLs) are blocked by the BlockPublicAcls "
                  "block public access setting",
                  call.caller().principal.arn, action, s3_arn({call.bucket(), call.key()})));
}

// The ACL that a call puts, by its headers or its body.
Result<Acl> asked_acl(S3Call& call, meta::Transaction& transaction, const Owners& owners) {
  TRY_ASSIGN(auto asked, acl_of_headers(call, transaction, call.operation().level, owners));
  const auto& body = call.request().body;
  if (asked && !body.empty()) {
    return s3_error("UnexpectedContent", "This request does not support content");
  }
  if (asked) return std::move(*asked);
  if (body.empty()) {
    return s3_error("MissingSecurityHeader", "Your request was missing a required header");
  }
  const auto root = aws::parse_xml(body);
  if (!root) return malformed_acl();
  call.extra_parameters["AccessControlPolicy"] = s3_as_json(*root);
  return acl_of_body(call, transaction, *root, owners);
}

std::string render(std::string_view owner, const Acl& acl) {
  std::string out = fmt::format(
      R"(<?xml version="1.0" encoding="UTF-8"?>)"
      "\n"
      R"(<AccessControlPolicy xmlns="{}"><Owner><ID>{}</ID></Owner><AccessControlList>)",
      kS3Xmlns, owner);
  for (const auto& grant : acl) {
    const bool account = grant.grantee == Grantee::Account;
    fmt::format_to(std::back_inserter(out),
                   R"(<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" )"
                   R"(xsi:type="{0}"><{1}>{2}</{1}></Grantee><Permission>{3}</Permission></Grant>)",
                   account ? "CanonicalUser" : "Group", account ? "ID" : "URI",
                   account ? std::string_view(grant.account) : s3::uri_of(grant.grantee),
                   s3::name_of(grant.permission));
  }
  return out + "</AccessControlList></AccessControlPolicy>";
}

Result<http::Response> get_bucket_acl(S3Call& call) {
  TRY(call.read([](meta::Transaction&) { return Result<>(); }));
  TRY(call.record_success());
  const auto& bucket = call.found_bucket();
  return s3_xml(
      render(bucket.owner_account, bucket.acl.value_or(s3::private_acl(bucket.owner_account))));
}

Result<http::Response> put_bucket_acl(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    const auto& bucket = call.found_bucket();
    TRY_ASSIGN(const auto acl,
               asked_acl(call, transaction, {bucket.owner_account, bucket.owner_account}));
    if (bucket.ownership == Ownership::Enforced) return check_enforced(acl, bucket.owner_account);
    TRY(check_public_acl(call, transaction, acl, "s3:PutBucketAcl"));
    return call.services().s3.put_bucket_acl(transaction, call.bucket(), acl);
  }));
  return http::Response();
}

// The version that the request means, which has an ACL unless it is a delete marker.
Result<s3::ObjectInfo> find_listed(S3Call& call, meta::Transaction& transaction) {
  TRY_ASSIGN(auto found, call.services().s3.get_version(transaction, call.bucket(), call.key(),
                                                        call.version()));
  if (!found.delete_marker) return found;
  return fail(ErrorCode::FailedPrecondition, "MethodNotAllowed", "a delete marker");
}

Result<http::Response> get_object_acl(S3Call& call) {
  s3::ObjectInfo object;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object, find_listed(call, transaction));
    return {};
  }));
  TRY(call.record_success());
  const auto& bucket = call.found_bucket();
  const bool enforced = bucket.ownership == Ownership::Enforced;
  const auto owner = s3_owner(bucket, object);
  const auto plain = s3::private_acl(owner);
  auto response = s3_xml(render(owner, enforced ? plain : object.acl.value_or(plain)));
  call.show_version(response.headers, object.version_id);
  return response;
}

Result<http::Response> put_object_acl(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  http::Response response;
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    const auto& bucket = call.found_bucket();
    TRY_ASSIGN(auto object, find_listed(call, transaction));
    call.show_version(response.headers, object.version_id);
    const bool enforced = bucket.ownership == Ownership::Enforced;
    const Owners owners{std::string(s3_owner(bucket, object)), bucket.owner_account};
    TRY_ASSIGN(const auto acl, asked_acl(call, transaction, owners));
    if (enforced) return check_enforced(acl, bucket.owner_account);
    TRY(check_public_acl(call, transaction, acl, "s3:PutObjectAcl"));
    call.notices.push_back(
        {"ObjectAcl:Put", call.key(), object.size, object.etag, object.version_id});
    return call.services().s3.put_acl(transaction, std::move(object), acl);
  }));
  return response;
}

Result<http::Response> get_ownership(S3Call& call) {
  TRY(call.read([](meta::Transaction&) { return Result<>(); }));
  TRY(call.record_success());
  aws::XmlWriter xml;
  xml.begin("OwnershipControls", kS3Xmlns)
      .begin("Rule")
      .element("ObjectOwnership", s3::name_of(call.found_bucket().ownership))
      .end()
      .end();
  return s3_xml(std::move(xml).take());
}

Result<Ownership> parse_ownership(const std::string& body) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  const auto rules = root.children_named("Rule");
  if (root.name != "OwnershipControls" || rules.size() != 1) {
    return s3_error("MalformedXML", "ownership controls have one rule");
  }
  const auto ownership = s3::ownership_of(rules.front()->child_text("ObjectOwnership"));
  if (ownership) return *ownership;
  return s3_error("MalformedXML", "no such object ownership");
}

Result<> set_ownership(S3Call& call, meta::Transaction& transaction, Ownership ownership) {
  const auto& bucket = call.found_bucket();
  if (ownership == Ownership::Enforced && bucket.acl &&
      !check_enforced(*bucket.acl, bucket.owner_account)) {
    return s3_error("InvalidBucketAclWithObjectOwnership",
                    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced "
                    "setting");
  }
  return call.services().s3.set_ownership(transaction, call.bucket(), ownership);
}

Result<http::Response> put_ownership(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto ownership, parse_ownership(call.request().body));
  call.extra_parameters["OwnershipControls"] =
      json::Object{{"Rule", json::Object{{"ObjectOwnership", s3::name_of(ownership)}}}};
  TRY(call.commit(
      [&](meta::Transaction& transaction) { return set_ownership(call, transaction, ownership); }));
  return http::Response();
}

// AWS falls back to ObjectWriter here; a bucket of this server never begins to count ACLs unless
// it is told to.
Result<http::Response> delete_ownership(S3Call& call) {
  TRY(call.commit([&](meta::Transaction& transaction) {
    return set_ownership(call, transaction, Ownership::Enforced);
  }));
  http::Response response;
  response.status = 204;
  return response;
}

S3Operation on_bucket(std::string_view name, std::string_view method, std::string_view mark,
                      std::string_view action, S3Run run) {
  const bool reads = method == "GET";
  return {name, method, S3Level::Bucket, mark, {}, action, event::Category::Management, reads, run};
}

}  // namespace

std::string_view s3_owner(const s3::Bucket& bucket, const s3::ObjectInfo& version) {
  return bucket.ownership == Ownership::Enforced ? bucket.owner_account : version.owner_account;
}

Result<> s3_own_object(S3Call& call, meta::Transaction& transaction, s3::PutOptions& options) {
  const auto& bucket = call.found_bucket();
  const auto& writer = call.caller().principal.account_id;
  const bool enabled = bucket.ownership != Ownership::Enforced;
  // What nobody wrote, or a service, is the bucket owner's.
  options.owner_account = enabled && !writer.empty() ? writer : bucket.owner_account;
  const Owners owners{options.owner_account, bucket.owner_account};
  TRY_ASSIGN(auto asked, acl_of_headers(call, transaction, S3Level::Object, owners));
  if (!asked) return {};
  if (!enabled) return check_enforced(*asked, bucket.owner_account);
  TRY(check_public_acl(call, transaction, *asked, "s3:PutObject"));
  TRY(call.authorise_also(transaction, "s3:PutObjectAcl", {call.bucket(), call.key()}));
  if (bucket.ownership == Ownership::Preferred &&
      call.header(kCannedHeader) == "bucket-owner-full-control") {
    options.owner_account = bucket.owner_account;
    return {};
  }
  options.acl = std::move(*asked);
  return {};
}

Result<> s3_own_bucket(S3Call& call, meta::Transaction& transaction, s3::Bucket& bucket) {
  const auto text = call.header("x-amz-object-ownership");
  if (!text.empty()) {
    const auto ownership = s3::ownership_of(text);
    if (!ownership) {
      return s3_error("InvalidArgument",
                      "Invalid x-amz-object-ownership header: " + std::string(text.substr(0, 80)));
    }
    bucket.ownership = *ownership;
    call.extra_parameters["x-amz-object-ownership"] = text;
  }
  const Owners owners{bucket.owner_account, bucket.owner_account};
  TRY_ASSIGN(auto asked, acl_of_headers(call, transaction, S3Level::Bucket, owners));
  if (!asked) return {};
  if (bucket.ownership != Ownership::Enforced) {
    bucket.acl = std::move(*asked);
    return {};
  }
  if (check_enforced(*asked, bucket.owner_account)) return {};
  return s3_error("InvalidBucketAclWithObjectOwnership",
                  "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
}

std::span<const S3Operation> s3_acl_operations() {
  constexpr auto kData = event::Category::Data;
  static const std::vector<S3Operation> operations{
      on_bucket("GetBucketAcl", "GET", "acl", "s3:GetBucketAcl", get_bucket_acl),
      on_bucket("PutBucketAcl", "PUT", "acl", "s3:PutBucketAcl", put_bucket_acl),
      on_bucket("GetBucketOwnershipControls", "GET", "ownershipControls",
                "s3:GetBucketOwnershipControls", get_ownership),
      on_bucket("PutBucketOwnershipControls", "PUT", "ownershipControls",
                "s3:PutBucketOwnershipControls", put_ownership),
      on_bucket("DeleteBucketOwnershipControls", "DELETE", "ownershipControls",
                "s3:PutBucketOwnershipControls", delete_ownership),
      {"GetObjectAcl",
       "GET",
       S3Level::Object,
       "acl",
       {},
       "s3:GetObjectAcl",
       kData,
       true,
       get_object_acl,
       S3Authorised::Address,
       "s3:GetObjectVersionAcl"},
      {"PutObjectAcl",
       "PUT",
       S3Level::Object,
       "acl",
       {},
       "s3:PutObjectAcl",
       kData,
       false,
       put_object_acl,
       S3Authorised::Address,
       "s3:PutObjectVersionAcl"}};
  return operations;
}

}  // namespace traccia::api
