// Compiling bucket policies, once for each text.
// SPDX-License-Identifier: Apache-2.0
#include "api/bucket_policies.h"

#include <fmt/format.h>

#include "aws/xml.h"
#include "http/message.h"

namespace traccia::api {

Result<policy::Document> parse_bucket_policy(std::string_view bucket, std::string_view text) {
  const auto arn = fmt::format("arn:aws:s3:::{}", bucket);
  return policy::parse(text,
                       {.kind = policy::Kind::Resource, .service = "s3", .resource_arn = arn});
}

bool blocks_public(std::string_view document, std::string_view setting) {
  const auto root = aws::parse_xml(document);
  return !root || http::equal_ignoring_case(root->child_text(setting), "true");
}

Result<BucketPolicies::Compiled> BucketPolicies::find(std::string_view bucket,
                                                      std::string_view text) {
  {
    const MutexLock lock(mutex_);
    const auto at = entries_.find(bucket);
    if (at != entries_.end() && at->second.text == text) return at->second.compiled;
  }
  TRY_ASSIGN(auto document, parse_bucket_policy(bucket, text));
  auto compiled = std::make_shared<const policy::AttachedPolicy>(
      std::string(bucket), std::make_shared<const policy::Document>(std::move(document)));
  keep(bucket, text, compiled);
  return compiled;
}

void BucketPolicies::keep(std::string_view bucket, std::string_view text,
                          const Compiled& compiled) {
  const MutexLock lock(mutex_);
  if (const auto at = entries_.find(bucket); at != entries_.end()) {
    text_bytes_ -= at->second.text.size();
    entries_.erase(at);
  }
  if (entries_.size() >= kPoliciesMax || text_bytes_ + text.size() > kTextBytesMax) {
    entries_.clear();
    text_bytes_ = 0;
  }
  entries_.emplace(bucket, Entry{std::string(text), compiled});
  text_bytes_ += text.size();
}

}  // namespace traccia::api
