// Reads bucket policies and what stands above them.
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

}  // namespace traccia::api
