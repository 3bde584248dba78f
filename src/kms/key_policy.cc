// Checks, stores and shows key policies.
// SPDX-License-Identifier: Apache-2.0
#include "kms/key_policy.h"

#include <fmt/format.h>

#include "identity/trust.h"

namespace traccia::kms {

std::string default_policy(std::string_view account) {
  return fmt::format(R"({{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}})",
                     account);
}

Result<policy::Document> parse_key_policy(std::string_view text) {
  if (text.size() > kPolicyBytesMax) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("The key policy is larger than {} bytes.", kPolicyBytesMax));
  }
  return policy::parse(text, {.kind = policy::Kind::Resource, .service = "kms"});
}

Result<std::string> bind_policy(meta::Transaction& transaction, std::string_view text) {
  TRY(parse_key_policy(text));
  auto bound = identity::bind_principals(transaction, text);
  if (bound || bound.error().reason() != "MalformedPolicyDocument") return bound;
  return fail(ErrorCode::InvalidArgument, "MalformedPolicyDocument",
              "Policy contains a statement with one or more invalid principals.");
}

Result<std::string> show_policy(meta::Transaction& transaction, std::string_view stored) {
  return identity::show_principals(transaction, stored);
}

}  // namespace traccia::kms
