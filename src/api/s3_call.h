// One S3 request being carried out, and the table of S3 operations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/audit.h"
#include "api/s3_notifications.h"
#include "api/services.h"
#include "aws/error.h"
#include "aws/xml.h"
#include "blob/blob.h"
#include "http/message.h"

namespace traccia::api {

struct S3Address {
  std::string bucket;  // empty: the service itself
  std::string key;     // decoded; empty: the bucket
  std::optional<std::string> version = {};
};

enum class S3Level { Service, Bucket, Object };

class S3Call;
using S3Run = Result<http::Response> (*)(S3Call&);

// What the IAM action is asked for: the bucket or object that the request names, or each key that
// its body names, which the operation asks for itself.
enum class S3Authorised : uint8_t { Address, EachKey };

// The first row whose method, level and marks fit is the operation.
struct S3Operation {
  std::string_view name;  // the audit event's name
  std::string_view method;
  S3Level level = S3Level::Object;
  std::string_view query_mark = {};   // query parameter that must be there
  std::string_view header_mark = {};  // header that must be there
  std::string_view iam_action;
  event::Category category = event::Category::Data;
  bool read_only = false;
  S3Run run = nullptr;
  S3Authorised authorised = S3Authorised::Address;
  // The IAM action of a request that names a version (versionId); empty: none may.
  std::string_view version_action = {};
};

// owned by the request's worker thread.
class S3Call {
 public:
  S3Call(Services& services, const Caller& caller, http::Request request, S3Address address,
         aws::RequestId request_id, const S3Operation& operation,
         std::vector<std::pair<std::string, std::string>> query)
      : services_(services),
        caller_(caller),
        request_(std::move(request)),
        address_(std::move(address)),
        request_id_(std::move(request_id)),
        operation_(operation),
        query_(std::move(query)) {}

  Services& services() const { return services_; }
  const Caller& caller() const { return caller_; }
  const http::Request& request() const { return request_; }
  http::Request& request() { return request_; }
  const std::string& bucket() const { return address_.bucket; }
  const std::string& key() const { return address_.key; }
  const std::optional<std::string>& version() const { return address_.version; }
  const aws::RequestId& request_id() const { return request_id_; }
  const S3Operation& operation() const { return operation_; }

  std::optional<std::string_view> query(std::string_view name) const;
  std::string_view query_or_empty(std::string_view name) const { return query(name).value_or(""); }
  // A header, or the query parameter that presigned URLs carry in its place.
  std::string_view header(std::string_view name) const;

  std::span<const std::pair<std::string, std::string>> query_pairs() const { return query_; }

  // Keys, or versions of them, that DeleteObjects removed or did not, and why: each has an event of
  // its own beside the call's.
  struct Deletion {
    S3Address address;
    std::string error, message;  // empty: removed
    s3::Deleted deleted;
    std::optional<uint64_t> size;  // for the access log
  };
  std::vector<Deletion> deletions;
  // Of an answer that is an error: x-amz-delete-marker, …
  http::Headers failure_headers;
  std::vector<std::pair<std::string, std::string>> failure_details;  // StorageClass, …
  // Of one that is none: x-amz-expiration, …
  http::Headers answer_headers;
  // Condition keys of the lock and the tags that the request asks for.
  std::vector<std::pair<std::string, std::string>> asked_keys;
  // Shown in the audit event beside bucket, key and host.
  json::Object extra_parameters;
  json::Value response_elements;
  uint64_t bytes_out = 0;
  // For access logs: how large what the call is about is; what it copies, with its size once it may
  // be read.
  std::optional<uint64_t> object_size;
  struct Copied {
    S3Address address;
    std::optional<uint64_t> size;
  };
  std::optional<Copied> copied;
  // What happened to objects, for whom the bucket notifies; filled inside commit().
  std::vector<S3Notice> notices;
  // Records of services' acts that commit with the call; filled inside commit().
  std::vector<ingest::Draft> drafts;
  std::string sse_applied;  // of what was stored: "SSE_KMS", "Default_SSE_S3"

  // Authorises and runs `body` in a write transaction that commits with the call's event.
  Result<> commit(const std::function<Result<>(meta::Transaction&)>& body);
  // Authorises and runs `body` in a read transaction; the event is recorded by record_success().
  Result<> read(const std::function<Result<>(meta::Transaction&)>& body);
  // The same before a commit of this call (meta::Database::look).
  Result<> look(const std::function<Result<>(meta::Transaction&)>& body);
  // Whether the caller may do what else the operation takes: read a copy's source, delete one of
  // many keys, list a bucket to learn that a key is not there. `key` is empty for the bucket. The
  // bucket.
  Result<s3::Bucket> authorise_also(meta::Transaction& transaction, std::string_view action,
                                    const S3Address& address);
  // The version that the call names, in the transaction it was authorised in, before that changes
  // anything. Errors are those of s3::S3::get_version().
  Result<s3::ObjectInfo> find_version(meta::Transaction& transaction);
  // Of calls that only read.
  Result<> record_success();
  Result<> record_failure(const aws::ApiError& error);
  // The bucket, once the call was authorised in it.
  const s3::Bucket& found_bucket() const { return found_bucket_; }
  // x-amz-version-id, and x-amz-delete-marker of a delete marker: in the answer, and in the event
  // of a call that changes something. Nothing where the bucket keeps no versions.
  void show_version(http::Headers& headers, std::string_view version_id,
                    bool delete_marker = false);

 private:
  Result<> notify(meta::Transaction& transaction);
  AuditEvent describe() const;
  AuditEvent describe_deletion(const Deletion& deletion) const;
  // nullopt for a data event that no trail takes.
  Result<std::optional<ingest::Draft>> draft(const AuditEvent& event);
  Result<> authorise(meta::Transaction& transaction);
  // s3:ExistingObjectTag/KEY, for actions that have it.
  Result<std::vector<std::pair<std::string, std::string>>> existing_tags(
      meta::Transaction& transaction, std::string_view action, const S3Address& address);
  std::string_view action() const {
    return address_.version ? operation_.version_action : operation_.iam_action;
  }
  bool is_recorded() const;
  Result<> submit(const AuditEvent& event);

  Services& services_;
  const Caller& caller_;
  http::Request request_;
  S3Address address_;
  aws::RequestId request_id_;
  const S3Operation& operation_;
  std::vector<std::pair<std::string, std::string>> query_;
  s3::Bucket found_bucket_;
  std::optional<s3::ObjectInfo> found_version_;  // as authorise() read it, in its transaction
};

// Operations by group, in the order they are tried.
std::span<const S3Operation> s3_bucket_operations();
std::span<const S3Operation> s3_list_operations();
std::span<const S3Operation> s3_upload_operations();
std::span<const S3Operation> s3_object_operations();
std::span<const S3Operation> s3_copy_operations();
std::span<const S3Operation> s3_version_operations();
std::span<const S3Operation> s3_lock_operations();
std::span<const S3Operation> s3_lifecycle_operations();
std::span<const S3Operation> s3_archive_operations();
std::span<const S3Operation> s3_notification_operations();
std::span<const S3Operation> s3_logging_operations();
std::span<const S3Operation> s3_tag_operations();
std::span<const S3Operation> s3_attribute_operations();
std::span<const S3Operation> s3_acl_operations();
std::array<std::span<const S3Operation>, 14> s3_operation_groups();

// The condition keys of S3 that a request gives, for one call: views into the request.
std::vector<ContextKey> s3_context_keys(const S3Call& call);
// arn:aws:s3:::BUCKET[/KEY]; "*" for the service.
std::string s3_arn(const S3Address& address);

std::unexpected<Error> s3_error(std::string_view reason, std::string message);
inline constexpr std::string_view kS3Xmlns = "http://s3.amazonaws.com/doc/2006-03-01/";
http::Response s3_xml(std::string body);
// A document as events show it: an object for each element, an array for several of a name.
json::Value s3_as_json(const aws::XmlElement& element);
void s3_write_element(aws::XmlWriter& xml, const aws::XmlElement& element);
// A key or prefix as the listing shows it: percent-encoded when the client asked for it.
std::string s3_listed(const S3Call& call, std::string_view text);
// Shared by listings of keys and of versions.
Result<s3::ListOptions> s3_list_options(const S3Call& call);
void s3_add_question(const S3Call& call, aws::XmlWriter& xml, const s3::ListOptions& options,
                     const s3::ListResult& result);
void s3_add_common_prefixes(const S3Call& call, aws::XmlWriter& xml, const s3::ListResult& result);
// A whole number of the query within [0, max]; `fallback` when it is absent.
Result<size_t> s3_query_number(const S3Call& call, std::string_view name, size_t fallback,
                               size_t max);

// Without an event where nothing was there.
S3Notice s3_notice_of(const S3Address& address, const s3::Deleted& deleted);

// The text of a request document's member, or the query's: "" is no version id.
Result<std::optional<std::string>> s3_version_id(std::optional<std::string_view> text);

// Shared by objects and uploads.
Result<s3::PutOptions> s3_put_options(S3Call& call);
// The one x-amz-checksum-* of a request: its algorithm and what it says. InvalidRequest.
Result<std::map<std::string, std::string>> s3_given_checksums(const S3Call& call);
// Content-MD5 and x-amz-checksum-* against the body; fills options.checksums.
Result<> s3_check_body(const S3Call& call, std::string_view body,
                       std::map<std::string, std::string>& checksums);
// x-amz-checksum-algorithm, as the name of an algorithm, and x-amz-checksum-type. InvalidRequest.
Result<std::optional<std::string>> s3_wanted_checksum(const S3Call& call);
Result<std::optional<s3::ChecksumType>> s3_checksum_type(const S3Call& call);
// What an upload that is begun is to be summed with, by those headers. InvalidRequest.
Result<s3::UploadChecksum> s3_upload_checksum(const S3Call& call);
// A part's sum of its upload's algorithm; `given` was checked against the body. InvalidRequest for
// one of another algorithm, or none where the upload must have one.
Result<std::string> s3_part_checksum(const s3::UploadChecksum& upload, std::string_view body,
                                     const std::map<std::string, std::string>& given);
std::string s3_checksum(std::string_view algorithm, std::string_view body);  // base64
// Headers and elements that show them: of parts, and with the type of objects.
void s3_add_checksums(http::Headers& headers, const std::map<std::string, std::string>& checksums);
void s3_add_checksums(http::Headers& headers, const std::map<std::string, std::string>& checksums,
                      s3::ChecksumType type);
void s3_add_checksum_elements(aws::XmlWriter& xml,
                              const std::map<std::string, std::string>& checksums);
void s3_add_checksum_elements(aws::XmlWriter& xml,
                              const std::map<std::string, std::string>& checksums,
                              s3::ChecksumType type);
// The object, or version, that a call that reads names, and what `also` checks or adds in the same
// transaction. Reasons: NoSuchKey, NoSuchVersion, MethodNotAllowed of delete markers; AccessDenied.
Result<s3::ObjectInfo> s3_load_object(
    S3Call& call, const std::function<Result<>(meta::Transaction&, s3::ObjectInfo&)>& also);
std::string s3_quoted(std::string_view etag);
// For MFA delete: that the caller is the root user of the bucket owner's account and holds, right
// now, one of its MFA devices (x-amz-mfa: SERIAL CODE). AccessDenied, in S3's words.
Result<> s3_prove_mfa(S3Call& call, meta::Transaction& transaction);
bool s3_gives_mfa(const S3Call& call);
// The lock that x-amz-object-lock-* ask for; fills call.asked_keys.
Result<s3::Lock> s3_lock_headers(S3Call& call);
// What putting an object with that lock takes beside s3:PutObject.
Result<> s3_authorise_lock(S3Call& call, meta::Transaction& transaction, const s3::Lock& lock);
// The tags that x-amz-tagging asks for; fills call.asked_keys. InvalidArgument, InvalidTag.
Result<s3::Tags> s3_tag_header(S3Call& call);
// Whose a version is: the bucket owner's where the bucket enforces that, whoever wrote it.
std::string_view s3_owner(const s3::Bucket& bucket, const s3::ObjectInfo& version);
// Whose an object that the call writes is, and its ACL, as the headers and the bucket's ownership
// say; fills options. Reasons: AccessControlListNotSupported, InvalidArgument, InvalidRequest,
// MalformedACLError, NotImplemented, UnresolvableGrantByEmailAddress; AccessDenied.
Result<> s3_own_object(S3Call& call, meta::Transaction& transaction, s3::PutOptions& options);
// Likewise of a bucket that is made; InvalidBucketAclWithObjectOwnership.
Result<> s3_own_bucket(S3Call& call, meta::Transaction& transaction, s3::Bucket& bucket);
// What putting an object with tags takes beside s3:PutObject.
Result<> s3_authorise_tags(S3Call& call, meta::Transaction& transaction, const s3::Tags& tags);
void s3_add_tag_count(http::Headers& headers, const s3::Tags& tags);
// x-amz-bypass-governance-retention, and whether the caller may say so of the address.
Result<s3::Governance> s3_governance(S3Call& call, meta::Transaction& transaction,
                                     const S3Address& address);
// InvalidArgument for that header where the bucket has no Object Lock.
Result<> s3_check_bypass(const S3Call& call);
// InvalidObjectState of an archived object that is not restored.
Result<> s3_check_readable(S3Call& call, const s3::ObjectInfo& object);
Result<> s3_check_copyable(S3Call& call, const s3::ObjectInfo& source);
// x-amz-storage-class and x-amz-restore.
void s3_add_class(http::Headers& headers, const s3::ObjectInfo& object, Time now);
void s3_add_lock(http::Response& response, const s3::Lock& lock);
// Leaves of the lock what the caller may read.
Result<> s3_hide_lock(S3Call& call, meta::Transaction& transaction, s3::Lock& lock);
// When the bucket's lifecycle rules will have an object, or upload, go: call.answer_headers.
Result<> s3_tell_expiry(S3Call& call, meta::Transaction& transaction, const s3::ObjectInfo& object);
Result<> s3_tell_abort(S3Call& call, meta::Transaction& transaction, const s3::Upload& upload);
// After a commit that failed: removes the bytes unless the object was committed all the same.
Result<> s3_take_back(S3Call& call, const blob::BlobId& blob, const Error& error);

}  // namespace traccia::api
