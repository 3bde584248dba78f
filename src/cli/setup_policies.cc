// Renders and joins policies.
// SPDX-License-Identifier: Apache-2.0
#include "cli/setup_policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/trail_bucket_policy.h"
#include "aws/arn.h"

namespace traccia::cli {
namespace {

json::Object service() {
  return {{"Service", "cloudtrail.amazonaws.com"}};
}

json::Object deny_plain_http(std::string_view name) {
  const auto bucket = fmt::format("arn:aws:s3:::{}", name);
  return {{"Sid", "DenyInsecureTransport"},
          {"Effect", "Deny"},
          {"Principal", "*"},
          {"Action", "s3:*"},
          {"Resource", json::Array{bucket, bucket + "/*"}},
          {"Condition", json::Object{{"Bool", json::Object{{"aws:SecureTransport", "false"}}}}}};
}

json::Object without_sid(const json::Object& statement) {
  auto copy = statement;
  copy.erase("Sid");
  return copy;
}

// A policy may have one statement in place of a list.
Result<json::Array> statements_of(const json::Object& policy) {
  const auto* statements = json::find(policy, "Statement");
  if (statements != nullptr && statements->is_array()) return statements->as_array();
  if (statements != nullptr && statements->is_object()) return json::Array{*statements};
  return fail(ErrorCode::InvalidArgument, "the policy that is there has no statements");
}

bool has_same(const json::Array& statements, const json::Object& wanted) {
  return std::ranges::any_of(statements, [&](const json::Value& one) {
    return one.is_object() && without_sid(one.as_object()) == without_sid(wanted);
  });
}

bool has_sid(const json::Array& statements, std::string_view sid) {
  return std::ranges::any_of(statements, [&](const json::Value& one) {
    return one.is_object() && json::find_string(one.as_object(), "Sid") == sid;
  });
}

// Sids of letters and digits are good everywhere.
std::string as_sid(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (plain) out += c;
  }
  return out;
}

}  // namespace

Result<json::Array> bucket_statements(const TrailPlace& place, TlsOnly tls_only) {
  TRY_ASSIGN(const auto arn, aws::parse_arn(place.arn));
  auto policy = api::trail_bucket_policy(place.bucket, place.prefix, std::array{arn});
  auto statements = policy["Statement"].as_array();
  if (tls_only == TlsOnly::Yes) statements.push_back(deny_plain_http(place.bucket));
  return statements;
}

json::Array access_log_statements(const TrailPlace& place, std::string_view bucket,
                                  std::string_view prefix, TlsOnly tls_only) {
  const auto source = fmt::format("arn:aws:s3:::{}", place.bucket);
  json::Array statements{json::Object{
      {"Sid", "S3ServerAccessLogsPolicy"},
      {"Effect", "Allow"},
      {"Principal", json::Object{{"Service", "logging.s3.amazonaws.com"}}},
      {"Action", "s3:PutObject"},
      {"Resource", fmt::format("arn:aws:s3:::{}/{}*", bucket, prefix)},
      {"Condition",
       json::Object{{"ArnLike", json::Object{{"aws:SourceArn", source}}},
                    {"StringEquals", json::Object{{"aws:SourceAccount", place.account}}}}}}};
  if (tls_only == TlsOnly::Yes) statements.push_back(deny_plain_http(bucket));
  return statements;
}

json::Array key_statements(const TrailPlace& place, Announced announced) {
  const json::Object from_trail{{"StringEquals", json::Object{{"aws:SourceArn", place.arn}}}};
  const json::Object context{{"kms:EncryptionContext:aws:cloudtrail:arn",
                              fmt::format("arn:aws:cloudtrail:*:{}:trail/*", place.account)}};
  auto encrypts = from_trail;
  encrypts["StringLike"] = context;
  json::Array statements{
      json::Object{
          {"Sid", "EnableIAMUserPermissions"},
          {"Effect", "Allow"},
          {"Principal", json::Object{{"AWS", fmt::format("arn:aws:iam::{}:root", place.account)}}},
          {"Action", "kms:*"},
          {"Resource", "*"}},
      json::Object{{"Sid", "AllowCloudTrailToEncryptLogs"},
                   {"Effect", "Allow"},
                   {"Principal", service()},
                   {"Action", "kms:GenerateDataKey*"},
                   {"Resource", "*"},
                   {"Condition", encrypts}},
      json::Object{{"Sid", "AllowCloudTrailToDescribeKey"},
                   {"Effect", "Allow"},
                   {"Principal", service()},
                   {"Action", "kms:DescribeKey"},
                   {"Resource", "*"},
                   {"Condition", from_trail}},
      json::Object{{"Sid", "AllowPrincipalsInTheAccountToDecryptLogFiles"},
                   {"Effect", "Allow"},
                   {"Principal", json::Object{{"AWS", "*"}}},
                   {"Action", json::Array{"kms:Decrypt", "kms:ReEncryptFrom"}},
                   {"Resource", "*"},
                   {"Condition", json::Object{{"StringEquals",
                                               json::Object{{"kms:CallerAccount", place.account}}},
                                              {"StringLike", context}}}}};
  if (announced == Announced::Yes) {
    statements.push_back(
        json::Object{{"Sid", "AllowCloudTrailToPublishToTheTopic"},
                     {"Effect", "Allow"},
                     {"Principal", service()},
                     {"Action", json::Array{"kms:GenerateDataKey*", "kms:Decrypt"}},
                     {"Resource", "*"},
                     {"Condition", from_trail}});
  }
  return statements;
}

json::Array topic_statements(const TrailPlace& place, std::string_view topic_arn) {
  return {json::Object{
      {"Sid", "AWSCloudTrailSNSPolicy20150319"},
      {"Effect", "Allow"},
      {"Principal", service()},
      {"Action", "SNS:Publish"},
      {"Resource", topic_arn},
      {"Condition", json::Object{{"StringEquals", json::Object{{"aws:SourceArn", place.arn}}}}}}};
}

Result<ExtendedPolicy> extend_policy(std::string_view existing, const json::Array& wanted,
                                     std::string_view suffix) {
  json::Object policy{{"Version", "2012-10-17"}, {"Statement", json::Array()}};
  if (!existing.empty()) {
    const auto parsed = json::parse(existing);
    if (!parsed || !parsed->is_object()) {
      return fail(ErrorCode::InvalidArgument, "the policy that is there is not JSON");
    }
    policy = parsed->as_object();
  }
  TRY_ASSIGN(auto statements, statements_of(policy));
  bool changed = false;
  for (const auto& value : wanted) {
    auto statement = value.as_object();
    if (has_same(statements, statement)) continue;
    std::string sid(json::find_string(statement, "Sid"));
    if (has_sid(statements, sid)) statement["Sid"] = sid += as_sid(suffix);
    for (int i = 2; has_sid(statements, sid); ++i) {
      sid = fmt::format("{}{}", json::find_string(value.as_object(), "Sid"), as_sid(suffix)) +
            std::to_string(i);
      statement["Sid"] = sid;
    }
    statements.emplace_back(std::move(statement));
    changed = true;
  }
  policy["Statement"] = std::move(statements);
  return ExtendedPolicy{changed ? json::serialize(policy) : std::string(existing), changed};
}

}  // namespace traccia::cli
