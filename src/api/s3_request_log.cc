// Makes records of requests.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_request_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "api/error_table.h"

namespace traccia::api {
namespace {

// Subresources, and what records call them; one that is not an object's too has its own name there.
struct Resource {
  std::string_view mark;
  std::string_view of_bucket;
  std::string_view of_object = {};
};
constexpr Resource kResources[] = {{"accelerate", "ACCELERATE"},
                                   {"acl", "ACL"},
                                   {"analytics", "ANALYTICS"},
                                   {"attributes", "OBJECT_ATTRIBUTES"},
                                   {"cors", "CORS"},
                                   {"delete", "MULTI_OBJECT_DELETE"},
                                   {"encryption", "ENCRYPTION"},
                                   {"intelligent-tiering", "INTELLIGENT_TIERING"},
                                   {"inventory", "INVENTORY"},
                                   {"legal-hold", "OBJECT_LOCK_LEGALHOLD"},
                                   {"lifecycle", "LIFECYCLE"},
                                   {"location", "LOCATION"},
                                   {"logging", "LOGGING_STATUS"},
                                   {"metrics", "METRICS"},
                                   {"notification", "NOTIFICATION"},
                                   {"object-lock", "OBJECT_LOCK_CONFIGURATION"},
                                   {"ownershipControls", "OWNERSHIP_CONTROLS"},
                                   {"policy", "BUCKETPOLICY"},
                                   {"policyStatus", "POLICY_STATUS"},
                                   {"publicAccessBlock", "PUBLIC_ACCESS_BLOCK"},
                                   {"replication", "REPLICATION"},
                                   {"requestPayment", "REQUEST_PAYMENT"},
                                   {"restore", "RESTORE"},
                                   {"retention", "OBJECT_LOCK_RETENTION"},
                                   {"select", "SELECT"},
                                   {"tagging", "TAGGING", "OBJECT_TAGGING"},
                                   {"torrent", "TORRENT"},
                                   {"uploadId", "UPLOAD"},
                                   {"uploads", "UPLOADS"},
                                   {"versioning", "VERSIONING"},
                                   {"versions", "BUCKETVERSIONS"},
                                   {"website", "WEBSITE"}};

const Resource* find_resource(std::string_view mark) {
  const auto* const at = std::ranges::find(kResources, mark, &Resource::mark);
  return at == std::end(kResources) ? nullptr : at;
}

using Records = std::vector<std::pair<std::shared_ptr<const LoggedBucket>, AccessRecord>>;

// Of a bucket's and an object's owner S3 shows the canonical user id; here that is the account.
std::string requester_of(const identity::Principal& principal) {
  switch (principal.type) {
    case identity::PrincipalType::Anonymous:
      return {};
    case identity::PrincipalType::AwsService:
      return "svc:" + principal.service;
    case identity::PrincipalType::Root:
      return principal.account_id;
    case identity::PrincipalType::IamUser:
    case identity::PrincipalType::AssumedRole:
    case identity::PrincipalType::FederatedUser:
    case identity::PrincipalType::WebIdentity:
      break;
  }
  return principal.arn;
}

bool is_presigned(const http::Request& request) {
  return request.query.find("X-Amz-Signature=") != std::string::npos;
}

// What all records of a request have in common.
AccessRecord common_record(const S3Answered& answered, const LoggedBucket& bucket) {
  const auto& [arrived, caller, request, address, request_id, call, error, logged] = answered;
  AccessRecord out;
  out.owner = bucket.owner;
  out.bucket = bucket.name;
  out.time = arrived;
  out.remote_ip = caller.source_ip;
  out.requester = requester_of(caller.principal);
  out.request_id = request_id.id;
  out.host_id = request_id.host_id;
  const bool header = request.headers.find("Authorization").has_value();
  if (header || is_presigned(request)) {
    out.signature_version = "SigV4";
    out.authentication = header ? "AuthHeader" : "QueryString";
  }
  out.host = caller.host;
  if (caller.tls) {
    out.cipher_suite = caller.tls->cipher_suite;
    out.tls_version = caller.tls->version;
  }
  return out;
}

// The query parameter that says what the request is about.
std::string mark_of(const S3Answered& answered) {
  if (answered.call != nullptr) return std::string(answered.call->operation().query_mark);
  const auto query = http::parse_query(answered.request.query);
  if (!query) return {};
  const auto at = std::ranges::find_if(
      *query, [](const auto& pair) { return find_resource(pair.first) != nullptr; });
  return at == query->end() ? std::string() : at->first;
}

// What the call was about, as far as it came to know.
std::optional<uint64_t> object_size(const S3Call& call) {
  if (call.object_size) return call.object_size;
  const auto created = std::ranges::find_if(call.notices, [](const S3Notice& notice) {
    return notice.event.starts_with("ObjectCreated:");
  });
  if (created != call.notices.end()) return created->size;
  if (call.operation().name == "UploadPart") return call.request().body.size();
  return std::nullopt;
}

AccessRecord main_record(const S3Answered& answered, const LoggedBucket& bucket, int status) {
  const auto& [arrived, caller, request, address, request_id, call, error, logged] = answered;
  auto out = common_record(answered, bucket);
  const auto level = address.key.empty() ? S3Level::Bucket : S3Level::Object;
  const bool copies = request.method == "PUT" && request.headers.find("x-amz-copy-source");
  out.operation = log_operation(request.method, level, mark_of(answered), copies);
  out.key = address.key;
  out.request_uri = request_uri(request.method, request.path, request.query, request.version);
  out.status = status;
  out.error_code = error;
  if (call != nullptr) out.object_size = object_size(*call);
  out.referer = request.headers.get("Referer");
  out.user_agent = caller.user_agent;
  out.version_id = address.version.value_or("");
  return out;
}

AccessRecord deletion_record(const S3Answered& answered, const LoggedBucket& bucket,
                             const S3Call::Deletion& deletion) {
  auto out = common_record(answered, bucket);
  out.operation = "BATCH.DELETE.OBJECT";
  out.key = deletion.address.key;
  out.status = 204;
  if (!deletion.error.empty()) {
    out.status = to_api_error(Error(ErrorCode::InvalidArgument, deletion.error, deletion.message),
                              aws::Protocol::RestXml)
                     .status;
  }
  out.error_code = deletion.error;
  out.object_size = deletion.size;
  out.version_id = deletion.address.version.value_or("");
  return out;
}

// "Additional logging for copy operations".
AccessRecord source_record(const S3Answered& answered, const LoggedBucket& bucket, int status) {
  const auto& [address, size] = *answered.call->copied;
  auto out = common_record(answered, bucket);
  const bool part = answered.call->operation().query_mark == "uploadId";
  out.operation = part ? "REST.COPY.PART_GET" : "REST.COPY.OBJECT_GET";
  out.key = address.key;
  out.status = size ? 200 : status;
  if (!size) out.error_code = answered.error;
  out.object_size = size;
  out.version_id = address.version.value_or("");
  return out;
}

}  // namespace

std::string log_operation(std::string_view method, S3Level level, std::string_view mark,
                          bool copies) {
  const bool part = mark == "uploadId" && method == "PUT";
  if (copies) return part ? "REST.COPY.PART" : "REST.COPY.OBJECT";
  if (part) return "REST.PUT.PART";
  std::string_view name = level == S3Level::Service  ? "SERVICE"
                          : level == S3Level::Bucket ? "BUCKET"
                                                     : "OBJECT";
  if (const auto* resource = find_resource(mark)) {
    const bool own = level == S3Level::Object && !resource->of_object.empty();
    name = own ? resource->of_object : resource->of_bucket;
  }
  return fmt::format("REST.{}.{}", method, name);
}

void log_request(AccessLogs& logs, const S3Answered& answered, http::Response& response) {
  Records records;
  const auto* call = answered.call;
  const auto bucket = answered.logged ? answered.logged : logs.find(answered.address.bucket);
  if (bucket) {
    records.emplace_back(bucket, main_record(answered, *bucket, response.status));
    if (call != nullptr && answered.error.empty()) {
      for (const auto& deletion : call->deletions) {
        records.emplace_back(bucket, deletion_record(answered, *bucket, deletion));
      }
    }
  }
  if (call != nullptr && call->copied) {
    if (const auto source = logs.find(call->copied->address.bucket)) {
      records.emplace_back(source, source_record(answered, *source, response.status));
    }
  }
  if (records.empty()) return;
  response.on_sent = [&logs, records = std::move(records)](const http::Sent& sent) mutable {
    // How it went out is told of the request itself, not of its parts.
    auto& first = records.front().second;
    if (first.request_uri) {
      first.bytes_sent = sent.body_bytes;
      first.total = sent.total;
      first.turn_around = sent.turn_around;
    }
    for (const auto& [of, record] : records) logs.add(*of, record);
  };
}

void log_service_put(Services& services, const ServiceObject& object, const Error* error) {
  const auto bucket = services.access_logs.find(object.bucket);
  if (!bucket) return;
  AccessRecord record;
  record.owner = bucket->owner;
  record.bucket = bucket->name;
  record.time = services.os.clock.now();
  record.requester = requester_of(object.caller.principal);
  record.request_id = object.caller.request_id;
  record.operation = "REST.PUT.OBJECT";
  record.key = object.key;
  record.status = 200;
  if (error != nullptr) {
    const auto shown = to_api_error(*error, aws::Protocol::RestXml);
    record.status = shown.status;
    record.error_code = shown.name;
  }
  record.object_size = object.bytes.size();
  record.user_agent = object.caller.user_agent;
  services.access_logs.add(*bucket, record);
}

}  // namespace traccia::api
