// The steps of a set-up that are about buckets: the trail's, and the one of its access log.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/xml.h"
#include "base/bytes.h"
#include "cli/setup_trail.h"
#include "crypto/crypto.h"

namespace traccia::cli {
namespace {

constexpr int kColdAfterDays = 365;

// What S3 answers where nothing is set, or the bucket is yet to be made.
constexpr std::string_view kUnset[] = {
    "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError", "NoSuchLifecycleConfiguration"};

}  // namespace

Result<std::optional<std::string>> TrailSetup::ask_s3(std::string_view bucket,
                                                      std::string_view query) {
  http::Request request;
  request.method = "GET";
  request.path = fmt::format("/{}", bucket);
  request.query = query;
  TRY_ASSIGN(auto response, client_.send("s3", std::move(request)));
  if (response.status == 200) return std::move(response.body);
  const auto code = failure_of(response).code;
  if (std::ranges::find(kUnset, code) != std::end(kUnset)) return std::nullopt;
  return refused(fmt::format("s3://{}?{}", bucket, query), response);
}

Result<> TrailSetup::tell_s3(std::string_view bucket, std::string_view query, std::string body,
                             std::string_view content_type) {
  http::Request request;
  request.method = "PUT";
  request.path = fmt::format("/{}", bucket);
  request.query = query;
  if (!body.empty()) {
    request.headers.add("Content-Type", content_type);
    // S3 wants it of some configurations.
    request.headers.add("Content-MD5", base64_encode(crypto::md5(body)));
  }
  request.body = std::move(body);
  TRY_ASSIGN(const auto response, client_.send("s3", std::move(request)));
  if (response.status >= 200 && response.status < 300) return {};
  return refused(fmt::format("s3://{}", bucket), response);
}

Result<> TrailSetup::make_bucket(const std::string& bucket) {
  http::Request request;
  request.method = "HEAD";
  request.path = "/" + bucket;
  TRY_ASSIGN(const auto head, client_.send("s3", std::move(request)));
  const auto& region = client_.settings().region;
  const auto what = fmt::format("bucket {}", bucket);
  if (head.status == 200) {
    there(what);
    return {};
  }
  if (head.status == 403) {
    return fail(ErrorCode::PermissionDenied,
                fmt::format("bucket {} belongs to somebody else, or your key may not use it: "
                            "choose another name",
                            bucket));
  }
  if (head.status != 404) return refused(what, head);
  const bool classic = region == "us-east-1";
  return step(what,
              aws(fmt::format("s3api create-bucket --bucket {}{}{}", bucket,
                              classic ? "" : " --create-bucket-configuration LocationConstraint=",
                              classic ? "" : region)),
              [&]() -> Result<> {
                if (classic) return tell_s3(bucket, "", "", "");
                aws::XmlWriter body;
                body.begin("CreateBucketConfiguration", kNamespace)
                    .element("LocationConstraint", region)
                    .end();
                return tell_s3(bucket, "", std::move(body).take(), kXml);
              });
}

Result<> TrailSetup::block_public_access(const std::string& bucket) {
  constexpr std::array kBlocks{"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                               "RestrictPublicBuckets"};
  TRY_ASSIGN(const auto block, ask_s3(bucket, "publicAccessBlock"));
  if (block) {
    TRY_ASSIGN(const auto root, aws::parse_xml(*block));
    const bool blocked = std::ranges::all_of(
        kBlocks, [&](const char* name) { return root.child_text(name) == "true"; });
    if (blocked) {
      there("Block Public Access");
      return {};
    }
  }
  std::string settings;
  aws::XmlWriter body;
  body.begin("PublicAccessBlockConfiguration", kNamespace);
  for (const auto* name : kBlocks) {
    body.element(name, "true");
    settings += fmt::format("{}{}=true", settings.empty() ? "" : ",", name);
  }
  body.end();
  return step("Block Public Access",
              aws(fmt::format("s3api put-public-access-block --bucket {} "
                              "--public-access-block-configuration {}",
                              bucket, settings)),
              [&] { return tell_s3(bucket, "publicAccessBlock", std::move(body).take(), kXml); });
}

Result<> TrailSetup::set_up_bucket() {
  TRY(make_bucket(options_.bucket));
  TRY(block_public_access(options_.bucket));
  TRY(set_up_versions());
  TRY_ASSIGN(const auto wanted, bucket_statements(place_, tls_only()));
  return set_up_bucket_policy(options_.bucket, wanted);
}

Result<> TrailSetup::set_up_versions() {
  TRY_ASSIGN(const auto versioning, ask_s3(options_.bucket, "versioning"));
  bool versioned = false, mfa_delete = false;
  if (versioning) {
    TRY_ASSIGN(const auto root, aws::parse_xml(*versioning));
    versioned = root.child_text("Status") == "Enabled";
    mfa_delete = root.child_text("MfaDelete") == "Enabled";
  }
  if (versioned) {
    there("versioning");
  } else {
    aws::XmlWriter body;
    body.begin("VersioningConfiguration", kNamespace).element("Status", "Enabled").end();
    TRY(step("versioning",
             aws(fmt::format("s3api put-bucket-versioning --bucket {} "
                             "--versioning-configuration Status=Enabled",
                             options_.bucket)),
             [&] { return tell_s3(options_.bucket, "versioning", std::move(body).take(), kXml); }));
  }
  return set_up_lifecycle(mfa_delete);
}

// Both together S3 does not have ("Configuring MFA delete").
Result<> TrailSetup::set_up_lifecycle(bool mfa_delete) {
  TRY_ASSIGN(const auto rules, ask_s3(options_.bucket, "lifecycle"));
  if (rules || mfa_delete) {
    there(rules ? "lifecycle rules: left as they are"
                : "no lifecycle rules: MFA delete excludes them");
    return {};
  }
  const auto folder =
      fmt::format("{}{}AWSLogs/", options_.prefix, options_.prefix.empty() ? "" : "/");
  // A rule that says nothing of sizes moves nothing below 128 KB: most log files, and all digests
  // ("Constraints and considerations for transitions").
  aws::XmlWriter body;
  body.begin("LifecycleConfiguration", kNamespace)
      .begin("Rule")
      .element("ID", "cloudtrail-to-glacier")
      .begin("Filter")
      .begin("And")
      .element("Prefix", folder)
      .element("ObjectSizeGreaterThan", 0)
      .end()
      .end()
      .element("Status", "Enabled")
      .begin("Transition")
      .element("Days", kColdAfterDays)
      .element("StorageClass", "GLACIER")
      .end()
      .end()
      .end();
  const json::Object rule{
      {"ID", "cloudtrail-to-glacier"},
      {"Filter",
       json::Object{{"And", json::Object{{"Prefix", folder}, {"ObjectSizeGreaterThan", 0}}}}},
      {"Status", "Enabled"},
      {"Transitions",
       json::Array{json::Object{{"Days", kColdAfterDays}, {"StorageClass", "GLACIER"}}}}};
  const auto configuration = json::serialize(json::Object{{"Rules", json::Array{rule}}});
  return step(fmt::format("lifecycle: to GLACIER after {} days", kColdAfterDays),
              aws(fmt::format("s3api put-bucket-lifecycle-configuration --bucket {} "
                              "--lifecycle-configuration {}",
                              options_.bucket, shell_quoted(configuration))),
              [&] { return tell_s3(options_.bucket, "lifecycle", std::move(body).take(), kXml); });
}

// Over plain HTTP a rule against it would shut out everybody.
TlsOnly TrailSetup::tls_only() {
  if (client_.settings().endpoint("s3").starts_with("https://")) return TlsOnly::Yes;
  there("no rule against requests without TLS: this endpoint has none");
  return TlsOnly::No;
}

Result<> TrailSetup::set_up_bucket_policy(const std::string& bucket, const json::Array& wanted) {
  TRY_ASSIGN(const auto existing, ask_s3(bucket, "policy"));
  auto policy = extend_policy(existing.value_or(""), wanted, options_.name);
  if (!policy) return std::unexpected(std::move(policy).error().with_context("bucket policy"));
  if (!policy->changed) {
    there("bucket policy");
    return {};
  }
  return step(existing ? "bucket policy, extended" : "bucket policy",
              aws(fmt::format("s3api put-bucket-policy --bucket {} --policy {}", bucket,
                              shell_quoted(policy->text))),
              [&] { return tell_s3(bucket, "policy", policy->text, "application/json"); });
}

// "Enabling Amazon S3 server access logging": a bucket beside, which lets logs of this one in. A
// log that goes elsewhere is somebody's decision.
Result<> TrailSetup::set_up_access_logs() {
  const auto& bucket = options_.access_logs;
  TRY_ASSIGN(const auto existing, ask_s3(options_.bucket, "logging"));
  std::string target;
  auto prefix = options_.bucket + "/";
  if (existing) {
    TRY_ASSIGN(const auto root, aws::parse_xml(*existing));
    if (const auto* enabled = root.child("LoggingEnabled")) {
      target = enabled->child_text("TargetBucket");
      prefix = enabled->child_text("TargetPrefix");
    }
  }
  if (!target.empty() && target != bucket) {
    there(fmt::format("access log in {}: left as it is", target));
    return {};
  }
  TRY(make_bucket(bucket));
  TRY(block_public_access(bucket));
  TRY(set_up_bucket_policy(bucket, access_log_statements(place_, bucket, prefix, tls_only())));
  if (target == bucket) {
    there(fmt::format("access log of {}", options_.bucket));
    return {};
  }
  aws::XmlWriter body;
  body.begin("BucketLoggingStatus", kNamespace)
      .begin("LoggingEnabled")
      .element("TargetBucket", bucket)
      .element("TargetPrefix", prefix)
      .end()
      .end();
  const json::Object status{
      {"LoggingEnabled", json::Object{{"TargetBucket", bucket}, {"TargetPrefix", prefix}}}};
  return step(fmt::format("access log of {}", options_.bucket),
              aws(fmt::format("s3api put-bucket-logging --bucket {} --bucket-logging-status {}",
                              options_.bucket, shell_quoted(json::serialize(status)))),
              [&] { return tell_s3(options_.bucket, "logging", std::move(body).take(), kXml); });
}

}  // namespace traccia::cli
