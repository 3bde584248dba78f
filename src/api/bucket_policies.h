// Bucket policies in their compiled form, so that a request does not parse one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "policy/evaluate.h"

namespace traccia::api {

// What PutBucketPolicy takes. Reason MalformedPolicy, with the place of the fault.
Result<policy::Document> parse_bucket_policy(std::string_view bucket, std::string_view text);

// A setting of a PublicAccessBlockConfiguration: "BlockPublicPolicy", "RestrictPublicBuckets". A
// document that cannot be read blocks.
bool blocks_public(std::string_view document, std::string_view setting);

// Thread-safe. A compiled policy belongs to the text it was made of, and is taken only for the text
// that the request's own transaction read: nothing has to be told of changes.
class BucketPolicies {
 public:
  static constexpr size_t kPoliciesMax = 4096;
  static constexpr size_t kTextBytesMax = 4 << 20;  // of all together

  using Compiled = std::shared_ptr<const policy::AttachedPolicy>;
  Result<Compiled> find(std::string_view bucket, std::string_view text);

 private:
  struct Entry {
    std::string text;
    Compiled compiled;
  };
  void keep(std::string_view bucket, std::string_view text, const Compiled& compiled);

  Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);  // by bucket
  size_t text_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::api
