// Renders the policy.
// SPDX-License-Identifier: Apache-2.0
#include "api/trail_bucket_policy.h"

#include <fmt/format.h>

#include <set>

namespace traccia::api {
namespace {

// AWS writes a single value without a list.
json::Value one_or_list(json::Array values) {
  if (values.size() == 1) return values.front();
  return values;
}

json::Object statement(std::string_view sid, std::string_view action, json::Value resource,
                       json::Object equals) {
  return {{"Sid", sid},
          {"Effect", "Allow"},
          {"Principal", json::Object{{"Service", "cloudtrail.amazonaws.com"}}},
          {"Action", action},
          {"Resource", std::move(resource)},
          {"Condition", json::Object{{"StringEquals", std::move(equals)}}}};
}

}  // namespace

json::Object trail_bucket_policy(std::string_view bucket, std::string_view prefix,
                                 std::span<const aws::Arn> trails) {
  const auto bucket_arn = fmt::format("arn:aws:s3:::{}", bucket);
  json::Array arns;
  json::Array folders;
  std::set<std::string_view> accounts;
  for (const auto& trail : trails) {
    arns.emplace_back(aws::format_arn(trail));
    if (!accounts.insert(trail.account).second) continue;
    folders.emplace_back(fmt::format("{}/{}{}AWSLogs/{}/*", bucket_arn, prefix,
                                     prefix.empty() ? "" : "/", trail.account));
  }
  const auto source = one_or_list(std::move(arns));
  return {
      {"Version", "2012-10-17"},
      {"Statement",
       json::Array{
           statement("AWSCloudTrailAclCheck20150319", "s3:GetBucketAcl", json::Value(bucket_arn),
                     {{"aws:SourceArn", source}}),
           statement("AWSCloudTrailWrite20150319", "s3:PutObject", one_or_list(std::move(folders)),
                     {{"s3:x-amz-acl", "bucket-owner-full-control"}, {"aws:SourceArn", source}})}}};
}

}  // namespace traccia::api
