// S3: the service and its buckets.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/bucket_policies.h"
#include "api/s3_call.h"
#include "api/s3_encryption.h"
#include "aws/xml.h"
#include "policy/public.h"

namespace traccia::api {
namespace {

using s3::Document;

Result<http::Response> list_buckets(S3Call& call) {
  std::vector<s3::Bucket> buckets;
  const auto& account = call.caller().principal.account_id;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(buckets, call.services().s3.list_buckets(transaction, account));
    return {};
  }));
  TRY(call.record_success());
  const auto prefix = call.query_or_empty("prefix");
  aws::XmlWriter xml;
  xml.begin("ListAllMyBucketsResult", kS3Xmlns);
  xml.begin("Owner").element("ID", account).end();
  xml.begin("Buckets");
  for (const auto& bucket : buckets) {
    if (!bucket.name.starts_with(prefix)) continue;
    xml.begin("Bucket")
        .element("Name", bucket.name)
        .element("CreationDate", format_iso_milliseconds(floor_seconds(bucket.created)))
        .element("BucketRegion", bucket.region)
        .end();
  }
  xml.end().end();
  return s3_xml(std::move(xml).take());
}

// The region asked for in the body, or the one the request was signed for.
Result<std::string> requested_region(S3Call& call) {
  const auto& signed_for = call.caller().region;
  const auto& services = call.services();
  if (call.request().body.empty()) {
    if (signed_for == "us-east-1" || !services.serves_region(signed_for)) {
      return std::string("us-east-1");
    }
    return s3_error("IllegalLocationConstraintException",
                    "The unspecified location constraint is incompatible for the region specific "
                    "endpoint this request was sent to.");
  }
  TRY_ASSIGN(const auto root, aws::parse_xml(call.request().body));
  if (root.name != "CreateBucketConfiguration") return s3_error("MalformedXML", "wrong root");
  auto region = std::string(root.child_text("LocationConstraint"));
  if (region.empty()) return std::string("us-east-1");
  if (region == "EU") region = "eu-west-1";
  if (!services.serves_region(region)) {
    return s3_error("InvalidLocationConstraint", "The specified location-constraint is not valid");
  }
  if (signed_for != region && signed_for != "us-east-1") {
    return s3_error("IllegalLocationConstraintException",
                    fmt::format("The {} location constraint is incompatible for the region "
                                "specific endpoint this request was sent to.",
                                region));
  }
  return region;
}

// "CreateBucket": what a bucket with Object Lock takes beside s3:CreateBucket.
Result<> authorise_locked_bucket(S3Call& call, meta::Transaction& transaction) {
  const auto keys = s3_context_keys(call);
  for (const std::string_view action :
       {"s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"}) {
    TRY(call.services().authoriser.authorise(
        transaction, {call.caller(), action, s3_arn({call.bucket(), ""}), keys}));
  }
  return {};
}

Result<http::Response> create_bucket(S3Call& call) {
  TRY_ASSIGN(const auto region, requested_region(call));
  TRY(s3::check_bucket_name(call.bucket()));
  auto& services = call.services();
  // Deliveries to that name go elsewhere: it would stay empty.
  if (services.outside.has(call.bucket())) {
    return s3_error("BucketAlreadyExists",
                    "The bucket lives on another endpoint, by the server's configuration.");
  }
  s3::Bucket bucket{call.bucket(), call.caller().principal.account_id, region,
                    services.os.clock.now()};
  bucket.object_lock =
      http::equal_ignoring_case(call.header("x-amz-bucket-object-lock-enabled"), "true");
  if (bucket.object_lock) {
    bucket.versioning = s3::Versioning::Enabled;
    call.extra_parameters["x-amz-bucket-object-lock-enabled"] = "true";
  }
  auto created = call.commit([&](meta::Transaction& transaction) -> Result<> {
    if (bucket.object_lock) TRY(authorise_locked_bucket(call, transaction));
    TRY(s3_own_bucket(call, transaction, bucket));
    return services.s3.create_bucket(transaction, bucket);
  });
  // us-east-1 keeps the old way: creating one's own bucket again succeeds.
  const bool again = !created && created.error().reason() == "BucketAlreadyOwnedByYou" &&
                     region == "us-east-1" && call.caller().region == "us-east-1";
  if (again) created = call.record_success();
  TRY(std::move(created));
  http::Response response;
  response.headers.add("Location", "/" + call.bucket());
  return response;
}

Result<s3::Bucket> load_bucket(S3Call& call) {
  s3::Bucket bucket;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(bucket, call.services().s3.get_bucket(transaction, call.bucket()));
    return {};
  }));
  TRY(call.record_success());
  return bucket;
}

Result<http::Response> head_bucket(S3Call& call) {
  TRY_ASSIGN(const auto bucket, load_bucket(call));
  http::Response response;
  response.headers.add("x-amz-bucket-region", bucket.region);
  return response;
}

Result<http::Response> delete_bucket(S3Call& call) {
  TRY(call.commit([&](meta::Transaction& transaction) {
    return call.services().s3.delete_bucket(transaction, call.bucket());
  }));
  auto& services = call.services();
  // The next bucket of that name has none.
  if (services.access_logs.find(call.bucket())) {
    TRY(services.access_logs.refresh(services.database, services.s3));
  }
  http::Response response;
  response.status = 204;
  return response;
}

Result<http::Response> get_location(S3Call& call) {
  TRY_ASSIGN(const auto bucket, load_bucket(call));
  const bool leader = bucket.region == "us-east-1";
  // <LocationConstraint xmlns="…">REGION</LocationConstraint>: text directly in the root.
  std::string body = R"(<?xml version="1.0" encoding="UTF-8"?>)"
                     "\n";
  body += fmt::format(R"(<LocationConstraint xmlns="{}">{}</LocationConstraint>)", kS3Xmlns,
                      leader ? "" : bucket.region);
  return s3_xml(std::move(body));
}

struct DocumentKind {
  Document document;
  std::string_view query_mark;
  std::string_view root;     // of the XML; empty: JSON
  std::string_view missing;  // error when there is none; empty: `fallback` is the answer
  std::string_view fallback;
};

constexpr DocumentKind kDocuments[] = {
    {Document::Policy, "policy", "", "NoSuchBucketPolicy", ""},
    {Document::Encryption, "encryption", "ServerSideEncryptionConfiguration", "",
     R"(<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)"
     "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
     "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>"
     "</ServerSideEncryptionConfiguration>"},
    {Document::Tagging, "tagging", "Tagging", "NoSuchTagSet", ""},
    {Document::PublicAccessBlock, "publicAccessBlock", "PublicAccessBlockConfiguration",
     "NoSuchPublicAccessBlockConfiguration", ""}};

const DocumentKind& kind_of(const S3Call& call) {
  return *std::ranges::find(kDocuments, call.operation().query_mark, &DocumentKind::query_mark);
}

Result<http::Response> get_document(S3Call& call) {
  const auto& kind = kind_of(call);
  std::optional<std::string> text;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(text, call.services().s3.get_document(transaction, call.bucket(), kind.document));
    return {};
  }));
  if (!text && !kind.missing.empty()) {
    return fail(ErrorCode::NotFound, kind.missing, "the bucket has no such configuration");
  }
  TRY(call.record_success());
  auto response = s3_xml(text ? *text : std::string(kind.fallback));
  if (kind.root.empty()) response.headers.set("Content-Type", "application/json");
  return response;
}

Result<> check_document(const DocumentKind& kind, const std::string& body) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  if (root.name != kind.root) return s3_error("MalformedXML", "wrong root element");
  if (kind.document == Document::Encryption) TRY(parse_default_encryption(body));
  return {};
}

// Whether the bucket's settings allow a policy that is public.
Result<> check_public_policy(S3Call& call, meta::Transaction& transaction) {
  TRY_ASSIGN(const auto settings, call.services().s3.get_document(transaction, call.bucket(),
                                                                  Document::PublicAccessBlock));
  if (!settings || !blocks_public(*settings, "BlockPublicPolicy")) return {};
  return fail(ErrorCode::PermissionDenied, "AccessDenied",
              fmt::format("User: {} is not authorized to perform: s3:PutBucketPolicy on resource: "
                          "\"arn:aws:s3:::{}\" because public policies are blocked by the "
                          "BlockPublicPolicy block public access setting",
                          call.caller().principal.arn, call.bucket()));
}

Result<http::Response> put_policy(S3Call& call) {
  const auto& body = call.request().body;
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, body, checksums));
  TRY_ASSIGN(const auto policy, parse_bucket_policy(call.bucket(), body));
  TRY_ASSIGN(call.extra_parameters["bucketPolicy"], json::parse(body));
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    if (policy::is_public(policy)) TRY(check_public_policy(call, transaction));
    return call.services().s3.put_document(transaction, call.bucket(), Document::Policy, body);
  }));
  http::Response response;
  response.status = 204;
  return response;
}

Result<http::Response> get_policy_status(S3Call& call) {
  std::optional<std::string> text;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(text, call.services().s3.get_document(transaction, call.bucket(), Document::Policy));
    return {};
  }));
  if (!text) {
    return fail(ErrorCode::NotFound, "NoSuchBucketPolicy", "the bucket has no policy");
  }
  TRY_ASSIGN(const auto policy, parse_bucket_policy(call.bucket(), *text));
  TRY(call.record_success());
  aws::XmlWriter xml;
  xml.begin("PolicyStatus", kS3Xmlns)
      .element("IsPublic", policy::is_public(policy) ? "true" : "false")
      .end();
  return s3_xml(std::move(xml).take());
}

Result<http::Response> put_document(S3Call& call) {
  const auto& kind = kind_of(call);
  const auto& body = call.request().body;
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, body, checksums));
  TRY(check_document(kind, body));
  TRY(call.commit([&](meta::Transaction& transaction) {
    return call.services().s3.put_document(transaction, call.bucket(), kind.document, body);
  }));
  http::Response response;
  if (kind.document == Document::Policy || kind.document == Document::Tagging) {
    response.status = 204;
  }
  return response;
}

Result<http::Response> delete_document(S3Call& call) {
  const auto& kind = kind_of(call);
  TRY(call.commit([&](meta::Transaction& transaction) {
    return call.services().s3.delete_document(transaction, call.bucket(), kind.document);
  }));
  http::Response response;
  response.status = 204;
  return response;
}

constexpr auto kManagement = event::Category::Management;

S3Operation reading(std::string_view name, std::string_view mark, std::string_view action,
                    S3Run run) {
  return {name, "GET", S3Level::Bucket, mark, {}, action, kManagement, true, run};
}
S3Operation writing(std::string_view name, std::string_view method, std::string_view mark,
                    std::string_view action, S3Run run) {
  return {name, method, S3Level::Bucket, mark, {}, action, kManagement, false, run};
}

}  // namespace

std::span<const S3Operation> s3_bucket_operations() {
  static const std::vector<S3Operation> operations{
      {"ListBuckets",
       "GET",
       S3Level::Service,
       {},
       {},
       "s3:ListAllMyBuckets",
       kManagement,
       true,
       list_buckets},
      reading("GetBucketLocation", "location", "s3:GetBucketLocation", get_location),
      reading("GetBucketPolicy", "policy", "s3:GetBucketPolicy", get_document),
      reading("GetBucketPolicyStatus", "policyStatus", "s3:GetBucketPolicyStatus",
              get_policy_status),
      writing("PutBucketPolicy", "PUT", "policy", "s3:PutBucketPolicy", put_policy),
      writing("DeleteBucketPolicy", "DELETE", "policy", "s3:DeleteBucketPolicy", delete_document),
      reading("GetBucketEncryption", "encryption", "s3:GetEncryptionConfiguration", get_document),
      writing("PutBucketEncryption", "PUT", "encryption", "s3:PutEncryptionConfiguration",
              put_document),
      writing("DeleteBucketEncryption", "DELETE", "encryption", "s3:PutEncryptionConfiguration",
              delete_document),
      reading("GetBucketTagging", "tagging", "s3:GetBucketTagging", get_document),
      writing("PutBucketTagging", "PUT", "tagging", "s3:PutBucketTagging", put_document),
      writing("DeleteBucketTagging", "DELETE", "tagging", "s3:PutBucketTagging", delete_document),
      reading("GetBucketPublicAccessBlock", "publicAccessBlock", "s3:GetBucketPublicAccessBlock",
              get_document),
      writing("PutBucketPublicAccessBlock", "PUT", "publicAccessBlock",
              "s3:PutBucketPublicAccessBlock", put_document),
      writing("DeleteBucketPublicAccessBlock", "DELETE", "publicAccessBlock",
              "s3:PutBucketPublicAccessBlock", delete_document),
      writing("CreateBucket", "PUT", {}, "s3:CreateBucket", create_bucket),
      writing("DeleteBucket", "DELETE", {}, "s3:DeleteBucket", delete_bucket),
      {"HeadBucket",
       "HEAD",
       S3Level::Bucket,
       {},
       {},
       "s3:ListBucket",
       kManagement,
       true,
       head_bucket}};
  return operations;
}

}  // namespace traccia::api
