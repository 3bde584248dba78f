// Finds the S3 operation of a request and runs it.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_front.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/error_table.h"
#include "api/s3_headers.h"
#include "api/s3_request_log.h"
#include "base/bytes.h"
#include "base/log.h"

namespace traccia::api {
namespace {

// Query parameters that say how, not what. Any other that no operation names is a subresource this
// server does not have: its request must not pass for a plain one.
constexpr std::string_view kPlainParameters[] = {"bucket-region",      "continuation-token",
                                                 "delimiter",          "encoding-type",
                                                 "fetch-owner",        "key-marker",
                                                 "list-type",          "marker",
                                                 "max-buckets",        "max-keys",
                                                 "max-parts",          "max-uploads",
                                                 "part-number-marker", "prefix",
                                                 "start-after",        "upload-id-marker",
                                                 "version-id-marker"};

// "Custom access log information": those that begin with x- are for the access log only.
bool is_plain(std::string_view name) {
  for (const std::string_view prefix : {"X-Amz-", "x-", "response-"}) {
    if (name.starts_with(prefix)) return true;
  }
  return std::ranges::find(kPlainParameters, name) != std::end(kPlainParameters);
}

Result<> check_header(std::string_view name, std::string_view value) {
  std::string lower(name);
  for (auto& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (value == "false") return {};
  for (const auto& [prefix, reason] : s3_refused_headers()) {
    if (!lower.starts_with(prefix)) continue;
    return s3_error(reason, fmt::format("A header you provided implies functionality that is not "
                                        "implemented: {}",
                                        lower.substr(0, 80)));
  }
  return {};
}

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

std::optional<std::string_view> version_of(const Query& query) {
  const auto at = std::ranges::find(query, "versionId", &Query::value_type::first);
  if (at == query.end()) return std::nullopt;
  return at->second;
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
  for (const auto group : s3_operation_groups()) {
    for (const auto& operation : group) {
      if (!fits(operation, request, level, query)) continue;
      const auto other = std::ranges::find_if(query, [&](const auto& pair) {
        const auto& name = pair.first;
        const bool reads = operation.read_only && operation.query_mark.empty();
        const bool part = name == "partNumber" && (reads || has(query, "uploadId"));
        const bool version = name == "versionId" && !operation.version_action.empty();
        return name != operation.query_mark && !part && !version && !is_plain(name);
      });
      // A mark that another operation answers is looked at further down the table.
      if (other != query.end()) continue;
      return &operation;
    }
  }
  const auto named =
      std::ranges::find_if(query, [](const auto& pair) { return !is_plain(pair.first); });
  if (named != query.end()) {
    return s3_error("NotImplemented",
                    fmt::format("A parameter you provided implies functionality that is not "
                                "implemented: {}",
                                named->first.substr(0, 80)));
  }
  return s3_error("MethodNotAllowed", "no such operation");
}

// Whoever has no key is authorised before anything of the request is written to disk, and cannot
// begin what takes several requests or names many keys (S3's own rule). It is not told which
// buckets there are (decision 15).
Result<> admit(S3Call& call) {
  if (call.caller().principal.type != identity::PrincipalType::Anonymous) return {};
  const auto& operation = call.operation();
  if (operation.authorised == S3Authorised::EachKey || operation.name == "CreateMultipartUpload") {
    return fail(ErrorCode::PermissionDenied, "AccessDenied",
                "Anonymous access is forbidden for this operation");
  }
  auto allowed = call.read([](meta::Transaction&) { return Result<>(); });
  if (allowed || allowed.error().reason() != "NoSuchBucket") return allowed;
  return fail(ErrorCode::PermissionDenied, "AccessDenied", "Access Denied");
}

Result<http::Response> run(S3Call& call) {
  TRY(admit(call));
  return call.operation().run(call);
}

using Details = std::vector<std::pair<std::string, std::string>>;

http::Response render_failure(const Error& error, const S3Address& address,
                              const aws::RequestId& request_id, aws::ApiError& shown,
                              const Details& details = {}) {
  shown = to_api_error(error, aws::Protocol::RestXml);
  for (const auto& detail : details) shown.details.push_back(detail);
  if (shown.name == "NoSuchBucket" || shown.name.starts_with("Bucket")) {
    shown.details.emplace_back("BucketName", address.bucket);
  }
  if (shown.name == "NoSuchKey" || shown.name == "NoSuchVersion") {
    shown.details.emplace_back("Key", address.key);
  }
  if (shown.name == "NoSuchVersion") {
    shown.details.emplace_back("VersionId", address.version.value_or(""));
  }
  if (shown.status >= 500 && shown.status != 501) {
    log(LogLevel::Error, "S3 request failed", {{"error", error.message()}});
  }
  return aws::render_error(aws::Protocol::RestXml, shown, request_id);
}

}  // namespace

std::array<std::span<const S3Operation>, 14> s3_operation_groups() {
  return {s3_copy_operations(),      s3_upload_operations(),       s3_bucket_operations(),
          s3_version_operations(),   s3_lock_operations(),         s3_tag_operations(),
          s3_lifecycle_operations(), s3_notification_operations(), s3_list_operations(),
          s3_archive_operations(),   s3_attribute_operations(),    s3_acl_operations(),
          s3_logging_operations(),   s3_object_operations()};
}

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
  const auto arrived = services.os.clock.now();
  S3Address address;
  aws::ApiError shown;
  std::optional<S3Call> made;
  std::shared_ptr<const LoggedBucket> logged;  // before the call, which may end that
  auto response = [&]() -> http::Response {
    auto parsed = parse_s3_address(request);
    auto query = http::parse_query(request.query);
    if (!parsed || !query) {
      return render_failure(
          Error(ErrorCode::InvalidArgument, "InvalidURI", "Couldn't parse the specified URI."),
          address, request_id, shown);
    }
    address = *parsed;
    logged = services.access_logs.find(address.bucket);
    for (const auto& [name, value] : request.headers) {
      if (http::equal_ignoring_case(name, kMfaHeader)) continue;
      if (auto fine = check_header(name, value); !fine) {
        return render_failure(fine.error(), address, request_id, shown);
      }
    }
    for (const auto& [name, value] : *query) {
      if (auto fine = check_header(name, value); !fine) {
        return render_failure(fine.error(), address, request_id, shown);
      }
    }
    const auto operation = find_operation(request, address, *query);
    if (!operation) return render_failure(operation.error(), address, request_id, shown);
    auto version = s3_version_id(version_of(*query));
    if (!version) return render_failure(version.error(), address, request_id, shown);
    address.version = std::move(*version);
    auto& call = made.emplace(services, caller, std::move(request), address, request_id,
                              **operation, std::move(*query));
    auto done = run(call);
    if (done) {
      for (const auto& [name, value] : call.answer_headers) done->headers.add(name, value);
      return std::move(*done);
    }
    auto failure = render_failure(done.error(), address, request_id, shown, call.failure_details);
    for (const auto& [name, value] : call.failure_headers) failure.headers.add(name, value);
    const bool stands = done.error().reason() == kCommittedNotLogged;
    if (services.ingest.stopped() || stands) return failure;
    if (auto recorded = call.record_failure(shown); !recorded) {
      return render_failure(recorded.error(), address, request_id, shown);
    }
    return failure;
  }();
  add_s3_headers(response);
  if (!response.headers.find("x-amz-request-id")) {
    aws::add_request_id(response, aws::Protocol::RestXml, request_id);
  }
  log_request(services.access_logs,
              {arrived, caller, made ? made->request() : request, address, request_id,
               made ? &*made : nullptr, shown.name, logged},
              response);
  return response;
}

}  // namespace traccia::api
