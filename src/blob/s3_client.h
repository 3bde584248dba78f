// The one client of S3's object operations: buckets on any endpoint that speaks them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.h"
#include "base/error.h"
#include "http/client.h"
#include "http/message.h"
#include "os/os.h"

namespace traccia::blob {

// How a bucket's name stands in URLs: https://endpoint/bucket/key or https://bucket.endpoint/key.
enum class Addressing : uint8_t { Path, VirtualHosted };

struct S3Endpoint {
  std::string url;  // scheme://host[:port]
  std::string region = "us-east-1";
  aws::Credentials credentials;
  Addressing addressing = Addressing::Path;
};

// What happens to a PUT whose key is taken. Refuse is If-None-Match: *, as far as the store knows
// it.
enum class IfTaken : uint8_t { Replace, Refuse };

struct S3Put {
  std::string_view bucket, key, bytes;
  IfTaken if_taken = IfTaken::Replace;
  std::map<std::string, std::string> metadata = {};  // x-amz-meta-*, names without the prefix
  // Headers; empty ones are not sent.
  std::string_view content_type = {}, content_encoding = {}, acl = {};
  std::string_view encryption = {}, kms_key_id = {};  // AES256, aws:kms
};

struct S3Head {
  uint64_t size = 0;
  std::map<std::string, std::string> metadata;  // names in lower case, without the prefix
};

struct S3Object {
  std::string bytes;
  std::map<std::string, std::string> metadata;  // as in S3Head
};

// One request each; none is repeated. Errors carry S3's error code as reason where the store names
// one that is known, else what the status says: PreconditionFailed, NoSuchKey, AccessDenied,
// ServiceUnavailable, …; EndpointConnectionError when no answer came, which tells nothing about a
// PUT, MalformedXML when it cannot be read. Unavailable ones may pass. Redirects are errors: a
// signature is for one host. owned by one thread; keeps connections.
class S3Client {
 public:
  S3Client(os::Clock& clock, S3Endpoint endpoint, http::ClientOptions options)
      : clock_(clock), endpoint_(std::move(endpoint)), http_(std::move(options)) {}

  // What the store has acknowledged, on return.
  Result<> put(const S3Put& request);
  // At most ClientOptions::response_bytes_max bytes.
  Result<S3Object> get(std::string_view bucket, std::string_view key);
  Result<S3Head> head(std::string_view bucket, std::string_view key);
  // Every key that begins with `prefix`, in the store's order; page by page, at most keys_max.
  Result<std::vector<std::string>> list(std::string_view bucket, std::string_view prefix,
                                        size_t keys_max = kListedKeysMax);

  static constexpr size_t kListedKeysMax = 50'000'000;

 private:
  Result<http::Response> send(http::Request request, std::string_view bucket, std::string_view key);

  os::Clock& clock_;
  S3Endpoint endpoint_;
  http::Client http_;
};

// The error that an answer tells, `doing` being what was asked: "PUT s3://bucket/key".
Error s3_error(std::string_view doing, const http::Response& response);

}  // namespace traccia::blob
