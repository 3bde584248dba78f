// The one seam through which every access decision goes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "identity/identity.h"
#include "meta/database.h"
#include "s3/s3.h"

namespace traccia::api {

struct AccessRequest {
  const identity::Principal& principal;
  std::string_view action;    // "s3:PutObject"
  std::string_view resource;  // ARN, or "*"
};

// Thread-safe. In this cut: an account's administrator and root may do all in their account; a
// service principal needs its bucket to exist; nobody reaches another account's bucket. Bucket
// policies are stored and not evaluated.
class Authoriser {
 public:
  explicit Authoriser(s3::S3& s3) : s3_(s3) {}

  // Reasons: AccessDenied; NoSuchBucket when the resource is a bucket that is not there.
  Result<> authorise(meta::Transaction& transaction, const AccessRequest& request);
  // Beside authorise(), for reading the event history of accounts: everybody's own; any other, and
  // all, for the management account only. Reason AccessDenied.
  Result<> authorise_history(meta::Transaction& transaction, identity::Identity& identity,
                             const AccessRequest& request, std::optional<std::string_view> account);

 private:
  s3::S3& s3_;
};

}  // namespace traccia::api
