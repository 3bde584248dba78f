// Requests of S3's object operations, and what its errors mean.
// SPDX-License-Identifier: Apache-2.0
#include "blob/s3_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "aws/xml.h"
#include "base/bytes.h"

namespace traccia::blob {
namespace {

constexpr std::string_view kMetadata = "x-amz-meta-";
constexpr size_t kErrorBytesMax = 64 << 10;
constexpr size_t kListingBytesMax = 16 << 20;
constexpr size_t kShownBytesMax = 300;

// "List of error codes" of the S3 API reference, as far as object operations meet them; some are
// other stores' own.
constexpr std::string_view kCodes[] = {"AccessDenied",
                                       "AccountProblem",
                                       "AllAccessDisabled",
                                       "AuthorizationHeaderMalformed",
                                       "BadDigest",
                                       "ConditionalRequestConflict",
                                       "EntityTooLarge",
                                       "ExpiredToken",
                                       "IllegalLocationConstraintException",
                                       "InternalError",
                                       "InvalidAccessKeyId",
                                       "InvalidArgument",
                                       "InvalidBucketName",
                                       "InvalidBucketState",
                                       "InvalidObjectState",
                                       "InvalidRequest",
                                       "InvalidSecurity",
                                       "InvalidToken",
                                       "KMS.DisabledException",
                                       "KMS.KMSInvalidStateException",
                                       "KMS.NotFoundException",
                                       "MethodNotAllowed",
                                       "MissingSecurityHeader",
                                       "NoSuchBucket",
                                       "NoSuchKey",
                                       "NoSuchUpload",
                                       "NotImplemented",
                                       "OperationAborted",
                                       "PermanentRedirect",
                                       "PreconditionFailed",
                                       "QuotaExceeded",
                                       "Redirect",
                                       "RequestTimeTooSkewed",
                                       "RequestTimeout",
                                       "ServiceUnavailable",
                                       "SignatureDoesNotMatch",
                                       "SlowDown",
                                       "TemporaryRedirect",
                                       "TokenRefreshRequired",
                                       "XAmzContentSHA256Mismatch"};

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorCode::PermissionDenied;
    case 404:
      return ErrorCode::NotFound;
    case 409:
      return ErrorCode::Aborted;
    case 412:
      return ErrorCode::FailedPrecondition;
    case 408:
    case 429:
      return ErrorCode::Unavailable;
    default:
      if (status >= 500) return ErrorCode::Unavailable;
      return status >= 400 ? ErrorCode::InvalidArgument : ErrorCode::FailedPrecondition;
  }
}

// Where the body names no code that is known: answers to HEAD have none.
std::string_view reason_of(int status) {
  switch (status) {
    case 301:
    case 308:
      return "PermanentRedirect";
    case 302:
    case 303:
    case 307:
      return "TemporaryRedirect";
    case 401:
    case 403:
      return "AccessDenied";
    case 404:
      return "NoSuchKey";
    case 405:
      return "MethodNotAllowed";
    case 408:
      return "RequestTimeout";
    case 409:
      return "OperationAborted";
    case 412:
      return "PreconditionFailed";
    case 429:
      return "SlowDown";
    case 500:
      return "InternalError";
    case 501:
      return "NotImplemented";
    default:
      return status >= 500 ? "ServiceUnavailable" : "InvalidRequest";
  }
}

// What to do about it, where the code alone does not say so.
std::string_view advice_of(std::string_view reason) {
  if (reason == "RequestTimeTooSkewed") {
    return "; the clocks of this machine and the store differ too much";
  }
  if (reason == "PermanentRedirect" || reason == "TemporaryRedirect" || reason == "Redirect") {
    return "; redirects are not followed: configure the endpoint and region of the bucket";
  }
  return "";
}

std::map<std::string, std::string> metadata_of(const http::Headers& headers) {
  std::map<std::string, std::string> metadata;
  for (const auto& [name, value] : headers) {
    if (name.size() <= kMetadata.size() ||
        !http::equal_ignoring_case(name.substr(0, kMetadata.size()), kMetadata)) {
      continue;
    }
    std::string lower(name.substr(kMetadata.size()));
    for (auto& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    metadata[lower] = value;
  }
  return metadata;
}

std::string place(std::string_view method, std::string_view bucket, std::string_view key) {
  return fmt::format("{} s3://{}{}{}", method, bucket, key.empty() ? "" : "/", key);
}

std::unexpected<Error> unreadable(std::string_view bucket, std::string_view what) {
  return fail(ErrorCode::DataLoss, "MalformedXML",
              fmt::format("listing of s3://{}: {}", bucket, what));
}

}  // namespace

Error s3_error(std::string_view doing, const http::Response& response) {
  const auto root = aws::parse_xml(response.body, {.bytes_max = kErrorBytesMax});
  std::string code, message;
  if (root && root->name == "Error") {
    code = root->child_text("Code");
    message = root->child_text("Message");
  }
  const auto* known = std::ranges::find(kCodes, code);
  const auto reason = known != std::end(kCodes) ? *known : reason_of(response.status);
  if (code.empty()) code = reason;
  code.resize(std::min(code.size(), kShownBytesMax));
  message.resize(std::min(message.size(), kShownBytesMax));
  return {code_of(response.status), reason,
          fmt::format("{}: HTTP {}: {}{}{}{}", doing, response.status, code,
                      message.empty() ? "" : ": ", message, advice_of(reason))};
}

Result<http::Response> S3Client::send(http::Request request, std::string_view bucket,
                                      std::string_view key) {
  std::string_view url = endpoint_.url;
  while (url.ends_with('/')) url.remove_suffix(1);
  const auto scheme_end = url.find("://");
  const auto scheme =
      scheme_end == url.npos ? "http://" : std::string(url.substr(0, scheme_end + 3));
  std::string host(scheme_end == url.npos ? url : url.substr(scheme_end + 3));
  request.path = "/";
  if (endpoint_.addressing == Addressing::VirtualHosted) {
    host = fmt::format("{}.{}", bucket, host);
  } else {
    request.path += bucket;
    if (!key.empty()) request.path += '/';
  }
  request.path += percent_encode(key, KeepSlash::Yes);
  request.headers.set("Host", host);
  aws::sign(request, endpoint_.credentials, endpoint_.region, "s3", clock_.now(),
            aws::Payload::Signed);
  auto response = http_.send(scheme + host, request);
  // A body that ends with the connection may have been cut anywhere.
  if (response && request.method == "GET" && !response->headers.find("Content-Length") &&
      !response->headers.find("Transfer-Encoding")) {
    response = fail(ErrorCode::Unavailable, "the answer does not say how long it is");
  }
  if (response) return response;
  const auto& error = response.error();
  return fail(error.code(),
              error.code() == ErrorCode::Unavailable ? "EndpointConnectionError" : error.reason(),
              fmt::format("{}: {}", place(request.method, bucket, key), error.message()));
}

Result<> S3Client::put(const S3Put& put) {
  http::Request request;
  request.method = "PUT";
  const auto header = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) request.headers.add(name, value);
  };
  header("Content-Type", put.content_type);
  header("Content-Encoding", put.content_encoding);
  if (put.if_taken == IfTaken::Refuse) header("If-None-Match", "*");
  header("x-amz-acl", put.acl);
  header("x-amz-server-side-encryption", put.encryption);
  header("x-amz-server-side-encryption-aws-kms-key-id", put.kms_key_id);
  for (const auto& [name, value] : put.metadata) header(std::string(kMetadata) + name, value);
  request.body = put.bytes;
  TRY_ASSIGN(const auto response, send(std::move(request), put.bucket, put.key));
  if (response.status == 200) return {};
  return std::unexpected(s3_error(place("PUT", put.bucket, put.key), response));
}

Result<S3Object> S3Client::get(std::string_view bucket, std::string_view key) {
  http::Request request;
  request.method = "GET";
  TRY_ASSIGN(auto response, send(std::move(request), bucket, key));
  if (response.status != 200) {
    return std::unexpected(s3_error(place("GET", bucket, key), response));
  }
  return S3Object{std::move(response.body), metadata_of(response.headers)};
}

Result<S3Head> S3Client::head(std::string_view bucket, std::string_view key) {
  http::Request request;
  request.method = "HEAD";
  TRY_ASSIGN(const auto response, send(std::move(request), bucket, key));
  if (response.status != 200) {
    return std::unexpected(s3_error(place("HEAD", bucket, key), response));
  }
  S3Head head{0, metadata_of(response.headers)};
  const auto length = response.headers.get("Content-Length");
  const auto [end, code] = std::from_chars(length.data(), length.data() + length.size(), head.size);
  if (code == std::errc() && end == length.data() + length.size()) return head;
  return fail(ErrorCode::DataLoss, "InternalError",
              fmt::format("{}: the answer has no length", place("HEAD", bucket, key)));
}

Result<std::vector<std::string>> S3Client::list(std::string_view bucket, std::string_view prefix,
                                                size_t keys_max) {
  std::vector<std::string> keys;
  std::string token;
  while (true) {
    http::Request request;
    request.method = "GET";
    request.query = fmt::format("list-type=2&prefix={}", percent_encode(prefix, KeepSlash::No));
    if (!token.empty()) {
      request.query = fmt::format("continuation-token={}&{}", percent_encode(token, KeepSlash::No),
                                  request.query);
    }
    TRY_ASSIGN(const auto response, send(std::move(request), bucket, ""));
    if (response.status != 200) {
      return std::unexpected(s3_error(place("LIST", bucket, ""), response));
    }
    const auto root = aws::parse_xml(response.body, {.bytes_max = kListingBytesMax});
    if (!root) return unreadable(bucket, root.error().message());
    if (root->name != "ListBucketResult") return unreadable(bucket, "it is another document");
    for (const auto* entry : root->children_named("Contents")) {
      keys.emplace_back(entry->child_text("Key"));
    }
    if (keys.size() > keys_max) {
      return fail(ErrorCode::ResourceExhausted,
                  fmt::format("s3://{} has more than {} keys that begin with '{}'", bucket,
                              keys_max, prefix));
    }
    if (root->child_text("IsTruncated") != "true") return keys;
    const auto next = root->child_text("NextContinuationToken");
    // Without a new token the same page would come for ever, or the rest be missed in silence.
    if (next.empty() || next == token) return unreadable(bucket, "it ends in its middle");
    token = next;
  }
}

}  // namespace traccia::blob
