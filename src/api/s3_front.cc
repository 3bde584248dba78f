// Finds the S3 operation of a request and runs it.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_front.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/error_table.h"
#include "base/bytes.h"
#include "base/log.h"

namespace traccia::api {
namespace {

// Subresources that S3 has and this server does not, beside those that the operations name: a
// request for one must not pass for a plain one.
constexpr std::string_view kSubresources[] = {"accelerate",   "acl",
                                              "analytics",    "attributes",
                                              "cors",         "delete",
                                              "encryption",   "intelligent-tiering",
                                              "inventory",    "legal-hold",
                                              "lifecycle",    "location",
                                              "logging",      "metadataTable",
                                              "metrics",      "notification",
                                              "object-lock",  "ownershipControls",
                                              "partNumber",   "policy",
                                              "policyStatus", "publicAccessBlock",
                                              "replication",  "requestPayment",
                                              "restore",      "retention",
                                              "select",       "tagging",
                                              "torrent",      "uploadId",
                                              "uploads",      "versionId",
                                              "versioning",   "versions",
                                              "website"};

std::string_view host_without_port(std::string_view host) {
  if (host.starts_with('[')) return host;
  return host.substr(0, host.find(':'));
}

bool is_service_host(std::string_view rest) {
  return rest == "localhost" || rest.starts_with("s3.") || rest.starts_with("s3-");
}

std::string_view bucket_of_host(std::string_view host) {
  host = host_without_port(host);
  // A bucket's name may hold dots itself: the service's part is what is left behind one of them.
  for (auto dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1)) {
    if (is_service_host(host.substr(dot + 1))) return host.substr(0, dot);
  }
  return {};
}

using Query = std::vector<std::pair<std::string, std::string>>;

bool has(const Query& query, std::string_view name) {
  return std::ranges::any_of(query, [&](const auto& pair) { return pair.first == name; });
}

bool fits(const S3Operation& operation, const http::Request& request, S3Level level,
          const Query& query) {
  if (operation.method != request.method || operation.level != level) return false;
  if (!operation.header_mark.empty() && !request.headers.find(operation.header_mark)) return false;
  if (!operation.query_mark.empty()) return has(query, operation.query_mark);
  return true;
}

Result<const S3Operation*> find_operation(const http::Request& request, const S3Address& address,
                                          const Query& query) {
  const auto level = address.bucket.empty() ? S3Level::Service
                     : address.key.empty()  ? S3Level::Bucket
                                            : S3Level::Object;
  for (const auto group : {s3_upload_operations(), s3_bucket_operations(), s3_list_operations(),
                           s3_object_operations()}) {
    for (const auto& operation : group) {
      if (!fits(operation, request, level, query)) continue;
      const auto other = std::ranges::find_if(kSubresources, [&](std::string_view name) {
        const bool part_of_upload = name == "partNumber" && has(query, "uploadId");
        return name != operation.query_mark && !part_of_upload && has(query, name);
      });
      // A mark that another operation answers is looked at further down the table.
      if (other != std::end(kSubresources)) continue;
      return &operation;
    }
  }
  const auto named =
      std::ranges::find_if(kSubresources, [&](std::string_view name) { return has(query, name); });
  if (named != std::end(kSubresources)) {
    return s3_error("NotImplemented",
                    fmt::format("A parameter you provided implies functionality that is not "
                                "implemented: {}",
                                *named));
  }
  return s3_error("MethodNotAllowed", "no such operation");
}

http::Response render_failure(const Error& error, const S3Address& address,
                              const aws::RequestId& request_id, aws::ApiError& shown) {
  shown = to_api_error(error, aws::Protocol::RestXml);
  if (shown.name == "NoSuchBucket" || shown.name.starts_with("Bucket")) {
    shown.details.emplace_back("BucketName", address.bucket);
  }
  if (shown.name == "NoSuchKey") shown.details.emplace_back("Key", address.key);
  if (shown.status >= 500) {
    log(LogLevel::Error, "S3 request failed", {{"error", error.message()}});
  }
  return aws::render_error(aws::Protocol::RestXml, shown, request_id);
}

}  // namespace

Result<S3Address> parse_s3_address(const http::Request& request) {
  S3Address address;
  TRY_ASSIGN(auto path, percent_decode(std::string_view(request.path).substr(1)));
  const auto bucket = bucket_of_host(request.headers.get("Host"));
  if (!bucket.empty()) {
    address.bucket = bucket;
    address.key = std::move(path);
    return address;
  }
  const auto slash = std::min(path.find('/'), path.size());
  address.bucket = path.substr(0, slash);
  address.key = path.substr(std::min(slash + 1, path.size()));
  return address;
}

void add_s3_headers(http::Response& response) {
  // Objects share an origin with the console: none may run as a page of it.
  response.headers.set("Content-Security-Policy", "sandbox");
  response.headers.set("X-Content-Type-Options", "nosniff");
}

http::Response handle_s3(Services& services, const Caller& caller, http::Request request,
                         const aws::RequestId& request_id) {
  S3Address address;
  aws::ApiError shown;
  auto response = [&]() -> http::Response {
    auto parsed = parse_s3_address(request);
    auto query = http::parse_query(request.query);
    if (!parsed || !query) {
      return render_failure(
          Error(ErrorCode::InvalidArgument, "InvalidURI", "Couldn't parse the specified URI."),
          address, request_id, shown);
    }
    address = *parsed;
    const auto operation = find_operation(request, address, *query);
    if (!operation) return render_failure(operation.error(), address, request_id, shown);
    S3Call call(services, caller, std::move(request), address, request_id, **operation,
                std::move(*query));
    auto done = (*operation)->run(call);
    if (done) return std::move(*done);
    auto failure = render_failure(done.error(), address, request_id, shown);
    if (services.ingest.stopped()) return failure;
    if (auto recorded = call.record_failure(shown); !recorded) {
      return render_failure(recorded.error(), address, request_id, shown);
    }
    return failure;
  }();
  add_s3_headers(response);
  if (!response.headers.find("x-amz-request-id")) {
    aws::add_request_id(response, aws::Protocol::RestXml, request_id);
  }
  return response;
}

}  // namespace traccia::api
