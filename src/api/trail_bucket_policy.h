// The bucket policy that trails need, and no more.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "aws/arn.h"
#include "base/error.h"
#include "json/json.h"

namespace traccia::api {

// "Amazon S3 bucket policy for CloudTrail": the service may read the bucket's ACL and write below
// [prefix/]AWSLogs/ACCOUNT/, on behalf of these trails only.
json::Object trail_bucket_policy(std::string_view bucket, std::string_view prefix,
                                 std::span<const aws::Arn> trails);

}  // namespace traccia::api
