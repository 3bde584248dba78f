// What buckets say of who may use them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/error.h"
#include "policy/document.h"

namespace traccia::api {

// What PutBucketPolicy takes. Reason MalformedPolicy, with the place of the fault.
Result<policy::Document> parse_bucket_policy(std::string_view bucket, std::string_view text);

// A setting of a PublicAccessBlockConfiguration: "BlockPublicPolicy", "RestrictPublicBuckets". A
// document that cannot be read blocks.
bool blocks_public(std::string_view document, std::string_view setting);

}  // namespace traccia::api
