// What keeps a version from being removed, and how that may change.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "s3/s3.h"

namespace traccia::s3 {

// AccessDenied, in S3's words, while a retention or legal hold protects a version of that lock.
Result<> check_removable(const Lock& lock, Time now, Governance governance);

// What an object gets that is put now: its own lock, else the bucket's default retention.
// InvalidRequest for a lock of its own where the bucket has no Object Lock.
Result<Lock> lock_of_new(const Bucket& holder, const Lock& own, Time now);

}  // namespace traccia::s3
