// S3's condition keys ("Actions, resources, and condition keys for Amazon S3").
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/s3_call.h"

namespace traccia::api {
namespace {

struct Source {
  std::string_view name;  // of a header or a query parameter
  std::string_view key;
};

// Headers, and the parameters that presigned URLs carry in their place.
constexpr Source kHeaders[] = {{"x-amz-acl", "s3:x-amz-acl"},
                               {"x-amz-grant-full-control", "s3:x-amz-grant-full-control"},
                               {"x-amz-grant-read", "s3:x-amz-grant-read"},
                               {"x-amz-grant-read-acp", "s3:x-amz-grant-read-acp"},
                               {"x-amz-grant-write", "s3:x-amz-grant-write"},
                               {"x-amz-grant-write-acp", "s3:x-amz-grant-write-acp"},
                               {"x-amz-object-ownership", "s3:x-amz-object-ownership"},
                               {"x-amz-content-sha256", "s3:x-amz-content-sha256"},
                               {"x-amz-copy-source", "s3:x-amz-copy-source"},
                               {"x-amz-metadata-directive", "s3:x-amz-metadata-directive"},
                               {"x-amz-server-side-encryption", "s3:x-amz-server-side-encryption"},
                               {"x-amz-server-side-encryption-aws-kms-key-id",
                                "s3:x-amz-server-side-encryption-aws-kms-key-id"},
                               {"x-amz-storage-class", "s3:x-amz-storage-class"},
                               {"if-match", "s3:if-match"},
                               {"if-none-match", "s3:if-none-match"},
                               {"referer", "aws:Referer"}};
// Of operations that list.
constexpr Source kListParameters[] = {
    {"prefix", "s3:prefix"}, {"delimiter", "s3:delimiter"}, {"max-keys", "s3:max-keys"}};

bool lists(std::string_view action) {
  return action == "s3:ListBucket" || action == "s3:ListBucketVersions" ||
         action == "s3:ListBucketMultipartUploads";
}

const Source* find_header(std::string_view name) {
  const auto* at = std::ranges::find_if(
      kHeaders, [&](const Source& one) { return http::equal_ignoring_case(one.name, name); });
  return at == std::end(kHeaders) ? nullptr : at;
}

}  // namespace

std::vector<ContextKey> s3_context_keys(const S3Call& call) {
  std::vector<ContextKey> keys;
  // Of what comes twice the operation takes the first, a header before a parameter
  // (S3Call::header): so must the conditions.
  const auto add = [&](std::string_view name, std::string_view value) {
    if (std::ranges::find(keys, name, &ContextKey::name) == keys.end())
      keys.push_back({name, value});
  };
  for (const auto& [name, value] : call.request().headers) {
    if (const auto* found = find_header(name)) add(found->key, value);
  }
  const bool listing = lists(call.operation().iam_action);
  for (const auto& [name, value] : call.query_pairs()) {
    if (const auto* found = find_header(name)) add(found->key, value);
    if (!listing) continue;
    const auto* parameter = std::ranges::find(kListParameters, name, &Source::name);
    if (parameter != std::end(kListParameters)) add(parameter->key, value);
  }
  if (const auto& tls = call.caller().tls; tls && tls->version.starts_with("TLSv")) {
    add("s3:TlsVersion", std::string_view(tls->version).substr(4));
  }
  if (call.caller().principal.account_id.empty()) return keys;
  add("s3:signatureversion", "AWS4-HMAC-SHA256");
  const bool by_header = call.request().headers.find("Authorization").has_value();
  add("s3:authType", by_header ? "REST-HEADER" : "REST-QUERY-STRING");
  return keys;
}

}  // namespace traccia::api
