// Error names by protocol, as data.
// SPDX-License-Identifier: Apache-2.0
#include "api/error_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::api {
namespace {

struct Entry {
  std::string_view reason;
  std::string_view name;
  int status;
  std::string_view message;  // empty: the error's own
};

// Refusals before an operation is reached. Names: facts 1.1 and the services' "Common errors".
constexpr Entry kJson[] = {
    {"MissingAuthenticationToken", "MissingAuthenticationTokenException", 403,
     "Missing Authentication Token"},
    {"IncompleteSignature", "IncompleteSignatureException", 400, ""},
    {"InvalidAlgorithm", "IncompleteSignatureException", 400, ""},
    {"SignatureDoesNotMatch", "InvalidSignatureException", 403,
     "The request signature we calculated does not match the signature you provided. Check your "
     "AWS "
     "Secret Access Key and signing method. Consult the service documentation for details."},
    {"HeadersNotSigned", "InvalidSignatureException", 403, ""},
    {"XAmzContentSHA256Mismatch", "InvalidSignatureException", 403, ""},
    {"RequestTimeTooSkewed", "InvalidSignatureException", 403, ""},
    {"RequestExpired", "InvalidSignatureException", 403, ""},
    {"UnknownAccessKey", "UnrecognizedClientException", 403,
     "The security token included in the request is invalid."},
    {"UnknownSessionToken", "UnrecognizedClientException", 403,
     "The security token included in the request is invalid."},
    {"ExpiredToken", "ExpiredTokenException", 400, ""},
    {"InvalidRegion", "InvalidSignatureException", 403, ""},
    {"AccessDenied", "AccessDeniedException", 400, ""},
    {"ServiceUnavailable", "ServiceUnavailableException", 503,
     "The service cannot take requests at the moment. Retry later."},
    {"OutsideStoreUnavailable", "ServiceUnavailableException", 503, ""},
    {"InternalFailure", "InternalFailure", 500, "The server met an internal error."}};

constexpr Entry kQuery[] = {
    {"MissingAuthenticationToken", "MissingAuthenticationToken", 403,
     "Request is missing Authentication Token"},
    {"IncompleteSignature", "IncompleteSignature", 400, ""},
    {"InvalidAlgorithm", "IncompleteSignature", 400, ""},
    {"SignatureDoesNotMatch", "SignatureDoesNotMatch", 403,
     "The request signature we calculated does not match the signature you provided. Check your "
     "AWS "
     "Secret Access Key and signing method. Consult the service documentation for details."},
    {"HeadersNotSigned", "SignatureDoesNotMatch", 403, ""},
    {"XAmzContentSHA256Mismatch", "SignatureDoesNotMatch", 403, ""},
    {"RequestTimeTooSkewed", "SignatureDoesNotMatch", 403, ""},
    {"RequestExpired", "RequestExpired", 400, ""},
    {"UnknownAccessKey", "InvalidClientTokenId", 403,
     "The security token included in the request is invalid."},
    {"UnknownSessionToken", "InvalidClientTokenId", 403,
     "The security token included in the request is invalid."},
    {"ExpiredToken", "ExpiredToken", 403, ""},
    {"InvalidRegion", "SignatureDoesNotMatch", 403, ""},
    {"AccessDenied", "AccessDenied", 403, ""},
    {"ValidationException", "ValidationError", 400, ""},
    {"NoSuchEntity", "NoSuchEntity", 404, ""},
    {"EntityAlreadyExists", "EntityAlreadyExists", 409, ""},
    {"LimitExceeded", "LimitExceeded", 409, ""},
    {"DeleteConflict", "DeleteConflict", 409, ""},
    {"UnmodifiableEntity", "UnmodifiableEntity", 400, ""},
    {"PolicyNotAttachable", "PolicyNotAttachable", 400, ""},
    {"InvalidAuthenticationCode", "InvalidAuthenticationCode", 403, ""},
    {"EntityTemporarilyUnmodifiable", "EntityTemporarilyUnmodifiable", 409, ""},
    {"ReportNotPresent", "ReportNotPresent", 410, ""},
    {"ReportExpired", "ReportExpired", 410, ""},
    {"Throttling", "Throttling", 400, ""},
    {"NotFound", "NotFound", 404, ""},
    {"ResourceNotFound", "ResourceNotFound", 404, ""},
    {"TopicLimitExceeded", "TopicLimitExceeded", 403, ""},
    {"SubscriptionLimitExceeded", "SubscriptionLimitExceeded", 403, ""},
    {"FilterPolicyLimitExceeded", "FilterPolicyLimitExceeded", 403, ""},
    {"ServiceUnavailable", "ServiceUnavailable", 503,
     "The service cannot take requests at the moment. Retry later."},
    {"InternalFailure", "InternalFailure", 500, "The server met an internal error."}};

// S3 API reference, "Error responses".
constexpr Entry kS3[] = {
    {"MissingAuthenticationToken", "AccessDenied", 403, "Access Denied"},
    {"IncompleteSignature", "AuthorizationHeaderMalformed", 400, ""},
    {"InvalidAlgorithm", "InvalidRequest", 400,
     "The authorization mechanism you have provided is not supported. Please use "
     "AWS4-HMAC-SHA256."},
    {"SignatureDoesNotMatch", "SignatureDoesNotMatch", 403,
     "The request signature we calculated does not match the signature you provided. Check your "
     "key "
     "and signing method."},
    {"HeadersNotSigned", "AccessDenied", 403,
     "There were headers present in the request which were not signed"},
    {"XAmzContentSHA256Mismatch", "XAmzContentSHA256Mismatch", 400,
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
    {"RequestTimeTooSkewed", "RequestTimeTooSkewed", 403,
     "The difference between the request time and the current time is too large."},
    {"RequestExpired", "AccessDenied", 403, "Request has expired"},
    {"InvalidChunk", "SignatureDoesNotMatch", 403, ""},
    {"MissingContentLength", "MissingContentLength", 411,
     "You must provide the Content-Length HTTP header."},
    {"UnknownAccessKey", "InvalidAccessKeyId", 403,
     "The AWS Access Key Id you provided does not exist in our records."},
    {"UnknownSessionToken", "InvalidToken", 400,
     "The provided token is malformed or otherwise invalid."},
    {"ExpiredToken", "ExpiredToken", 400, "The provided token has expired."},
    {"AccessDenied", "AccessDenied", 403, ""},
    {"NoSuchBucket", "NoSuchBucket", 404, "The specified bucket does not exist"},
    {"NoSuchKey", "NoSuchKey", 404, "The specified key does not exist."},
    {"NoSuchVersion", "NoSuchVersion", 404, "The specified version does not exist."},
    {"NoSuchUpload", "NoSuchUpload", 404,
     "The specified multipart upload does not exist. The upload ID may be invalid, or the upload "
     "may "
     "have been aborted or completed."},
    {"NoSuchBucketPolicy", "NoSuchBucketPolicy", 404, "The bucket policy does not exist"},
    {"NoSuchTagSet", "NoSuchTagSet", 404, "The TagSet does not exist"},
    {"NoSuchPublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration", 404,
     "The public access block configuration was not found"},
    {"ObjectLockConfigurationNotFoundError", "ObjectLockConfigurationNotFoundError", 404,
     "Object Lock configuration does not exist for this bucket"},
    {"NoSuchObjectLockConfiguration", "NoSuchObjectLockConfiguration", 404,
     "The specified object does not have a ObjectLock configuration"},
    {"NoSuchLifecycleConfiguration", "NoSuchLifecycleConfiguration", 404,
     "The lifecycle configuration does not exist"},
    {"InvalidBucketState", "InvalidBucketState", 409, ""},
    {"InvalidObjectState", "InvalidObjectState", 403, ""},
    {"BucketAlreadyOwnedByYou", "BucketAlreadyOwnedByYou", 409,
     "Your previous request to create the named bucket succeeded and you already own it."},
    {"BucketAlreadyExists", "BucketAlreadyExists", 409,
     "The requested bucket name is not available. The bucket namespace is shared by all users of "
     "the "
     "system. Please select a different name and try again."},
    {"BucketNotEmpty", "BucketNotEmpty", 409, "The bucket you tried to delete is not empty"},
    {"InvalidBucketName", "InvalidBucketName", 400, "The specified bucket is not valid."},
    {"TooManyBuckets", "TooManyBuckets", 400,
     "You have attempted to create more buckets than allowed"},
    {"PreconditionFailed", "PreconditionFailed", 412,
     "At least one of the pre-conditions you specified did not hold"},
    {"InvalidRange", "InvalidRange", 416, "The requested range is not satisfiable"},
    {"InvalidPartNumber", "InvalidPartNumber", 416, "The requested partnumber is not satisfiable"},
    {"KeyTooLongError", "KeyTooLongError", 400, "Your key is too long"},
    {"MetadataTooLarge", "MetadataTooLarge", 400,
     "Your metadata headers exceed the maximum allowed metadata size"},
    {"EntityTooSmall", "EntityTooSmall", 400,
     "Your proposed upload is smaller than the minimum allowed size"},
    {"EntityTooLarge", "EntityTooLarge", 400,
     "Your proposed upload exceeds the maximum allowed size"},
    {"InvalidPart", "InvalidPart", 400,
     "One or more of the specified parts could not be found. The part may not have been uploaded, "
     "or "
     "the specified entity tag may not match the part's entity tag."},
    {"InvalidPartOrder", "InvalidPartOrder", 400,
     "The list of parts was not in ascending order. Parts must be ordered by part number."},
    {"MalformedXML", "MalformedXML", 400,
     "The XML you provided was not well-formed or did not validate against our published schema"},
    {"AccessControlListNotSupported", "AccessControlListNotSupported", 400,
     "The bucket does not allow ACLs"},
    {"TargetGrantsNotSupported", "AccessControlListNotSupported", 400,
     "Target grants not allowed for bucket owner enforced buckets"},
    {"CrossLocationLoggingProhibitted", "CrossLocationLoggingProhibitted", 403, ""},
    {"BadDigest", "BadDigest", 400, ""},
    {"InvalidDigest", "InvalidDigest", 400, "The Content-MD5 you specified was invalid."},
    {"MethodNotAllowed", "MethodNotAllowed", 405,
     "The specified method is not allowed against this resource."},
    {"NotImplemented", "NotImplemented", 501, ""},
    {"ServiceUnavailable", "SlowDown", 503, "Please reduce your request rate."},
    {"InternalFailure", "InternalError", 500,
     "We encountered an internal error. Please try again."}};

// IAM's and SNS's names on the wire lack what the names of their exceptions, and CloudTrail's
// records, have.
constexpr std::string_view kBareErrors[] = {"NoSuchEntity",
                                            "EntityAlreadyExists",
                                            "LimitExceeded",
                                            "DeleteConflict",
                                            "UnmodifiableEntity",
                                            "PolicyNotAttachable",
                                            "InvalidInput",
                                            "InvalidUserType",
                                            "MalformedPolicyDocument",
                                            "PasswordPolicyViolation",
                                            "EntityTemporarilyUnmodifiable",
                                            "PackedPolicyTooLarge",
                                            "InvalidAuthenticationCode",
                                            "InvalidIdentityToken",
                                            "IDPCommunicationError",
                                            "InvalidParameter",
                                            "NotFound",
                                            "ResourceNotFound",
                                            "TopicLimitExceeded",
                                            "SubscriptionLimitExceeded",
                                            "FilterPolicyLimitExceeded",
                                            "TagLimitExceeded",
                                            "KMSNotFound",
                                            "KMSDisabled",
                                            "KMSInvalidState",
                                            "KMSAccessDenied"};

// Those that differ.
struct QueryCode {
  std::string_view name, code;
};
constexpr QueryCode kQueryCodes[] = {
    {"BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
    {"BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"},
    {"EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"},
    {"InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"},
    {"KmsAccessDenied", "KMS.AccessDeniedException"},
    {"KmsDisabled", "KMS.DisabledException"},
    {"KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException"},
    {"KmsInvalidState", "KMS.InvalidStateException"},
    {"KmsNotFound", "KMS.NotFoundException"},
    {"MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"},
    {"PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress"},
    {"QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"},
    {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"},
    {"QueueNameExists", "QueueAlreadyExists"},
    {"TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
    {"UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"}};

std::string_view reason_of(const Error& error) {
  const auto reason = error.reason();
  const bool ours = reason == "LogStopped" || reason == "CommittedNotLogged" ||
                    reason == "LogQueueFull" || reason == "RepeatWindowFull" ||
                    reason == "LogDiskFull" || reason == "TooLarge";
  if (!reason.empty() && !ours) return reason;
  switch (error.code()) {
    case ErrorCode::Unavailable:
    case ErrorCode::ResourceExhausted:
    case ErrorCode::Aborted:
      return "ServiceUnavailable";
    case ErrorCode::InvalidArgument:
      return "ValidationException";
    case ErrorCode::NotFound:
    case ErrorCode::AlreadyExists:
    case ErrorCode::PermissionDenied:
    case ErrorCode::FailedPrecondition:
    case ErrorCode::DataLoss:
    case ErrorCode::Internal:
      return "InternalFailure";
  }
  return "InternalFailure";
}

}  // namespace

aws::ApiError to_api_error(const Error& error, aws::Protocol protocol) {
  auto reason = reason_of(error);
  std::span<const Entry> table = kJson;
  if (protocol == aws::Protocol::Query) table = kQuery;
  if (protocol == aws::Protocol::RestXml) table = kS3;
  const auto at = std::ranges::find(table, reason, &Entry::reason);
  aws::ApiError out;
  if (at != table.end()) {
    out.name = at->name;
    out.status = at->status;
    out.message = at->message.empty() ? error.message() : std::string(at->message);
    return out;
  }
  // "NAME/WHY": the answer says why in a member of its own.
  if (const auto slash = reason.find('/'); slash != reason.npos) {
    out.details.emplace_back("Reason", reason.substr(slash + 1));
    reason = reason.substr(0, slash);
  }
  // An operation's own error. CloudTrail's carry the suffix and, on the wire, always status 400.
  out.name = reason;
  const bool bare = protocol != aws::Protocol::Json11 || reason.ends_with("Exception");
  if (!bare) out.name += "Exception";
  out.message = error.message();
  return out;
}

std::string audit_error_code(const aws::ApiError& error) {
  if (error.name == "AccessDeniedException") return "AccessDenied";
  if (error.name == "ValidationError") return "ValidationException";
  const bool bare = std::ranges::find(kBareErrors, error.name) != std::end(kBareErrors);
  return bare ? error.name + "Exception" : error.name;
}

std::string_view query_code_of(std::string_view name) {
  const auto* const at = std::ranges::find(kQueryCodes, name, &QueryCode::name);
  return at == std::end(kQueryCodes) ? name : at->code;
}

}  // namespace traccia::api
