// The policies that a trail's bucket, key and topic need, and how they join those that are there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "json/json.h"

namespace traccia::cli {

// Beyond the two statements of "Amazon S3 bucket policy for CloudTrail": nobody may come without
// TLS. Only where the server has it: over plain HTTP it would shut out everybody.
enum class TlsOnly : bool { No, Yes };

struct TrailPlace {
  std::string arn;  // of the trail
  std::string account;
  std::string bucket, prefix;
};

// Statements, as the best practices for CloudTrail ask: each names the trail in aws:SourceArn.
Result<json::Array> bucket_statements(const TrailPlace& place, TlsOnly tls_only);
// "Permissions for log delivery": S3 may write the access log of the trail's bucket into `bucket`,
// under a prefix.
json::Array access_log_statements(const TrailPlace& place, std::string_view bucket,
                                  std::string_view prefix, TlsOnly tls_only);
// "Configure AWS KMS key policies for CloudTrail": the account keeps the key, CloudTrail encrypts
// for the trail, and users of the account decrypt what trails of the account have written. With
// `Announced::Yes` the key is the topic's too ("Enabling compatibility between event sources from
// AWS services and encrypted topics").
enum class Announced : bool { No, Yes };
json::Array key_statements(const TrailPlace& place, Announced announced);
json::Array topic_statements(const TrailPlace& place, std::string_view topic_arn);

struct ExtendedPolicy {
  std::string text;
  bool changed = false;
};
// The policy with every wanted statement in it that it does not have yet; nothing that it has is
// changed or taken away. Statements are the same when all but their Sid is; a Sid that is taken
// gets `suffix`. `existing` empty: a new policy. InvalidArgument when it is no policy.
Result<ExtendedPolicy> extend_policy(std::string_view existing, const json::Array& wanted,
                                     std::string_view suffix);

}  // namespace traccia::cli
