// Where delivery and digests put their files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::delivery {

struct PutRequest {
  std::string_view bucket;
  std::string_view key;
  std::string_view bytes;
  std::map<std::string, std::string> metadata;  // x-amz-meta-*
  std::string_view trail_arn;                   // on whose behalf
  std::string_view region;                      // the chain's region
};

// Implementations: EmbeddedObjectStore (the server's own S3), FakeObjectStore (tests).
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  // Writes the object only when the key is free (If-None-Match: *); durable on return. Reason
  // "PreconditionFailed" when the key is taken; other reasons are S3 error codes such as
  // NoSuchBucket, which GetTrailStatus shows.
  virtual Result<> put_if_absent(const PutRequest& request) = 0;
  // Whether the key holds these bytes. Reason NoSuchKey when it holds none.
  virtual Result<bool> holds(const PutRequest& request) = 0;
};

}  // namespace traccia::delivery
