// Authorisation, transactions and audit events of S3 calls.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/bytes.h"

namespace traccia::api {
namespace {

// "Service Authorization Reference": the actions with s3:ExistingObjectTag.
constexpr std::string_view kTaggedActions[] = {
    "s3:GetObject",           "s3:GetObjectVersion",
    "s3:GetObjectTagging",    "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging",    "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"};

// Query parameters of a presigned URL say how the request was signed, not what it asks for.
bool is_signature_parameter(std::string_view name) {
  return name.starts_with("X-Amz-");
}

}  // namespace

std::optional<std::string_view> S3Call::query(std::string_view name) const {
  for (const auto& [key, value] : query_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view S3Call::header(std::string_view name) const {
  if (const auto value = request_.headers.find(name)) return *value;
  for (const auto& [key, value] : query_) {
    if (http::equal_ignoring_case(key, name)) return value;
  }
  return {};
}

std::string s3_arn(const S3Address& address) {
  if (address.bucket.empty()) return "*";
  if (address.key.empty()) return fmt::format("arn:aws:s3:::{}", address.bucket);
  return fmt::format("arn:aws:s3:::{}/{}", address.bucket, address.key);
}

Result<s3::Bucket> S3Call::authorise_also(meta::Transaction& transaction, std::string_view action,
                                          const S3Address& address) {
  const auto resource = s3_arn(address);
  auto keys = s3_context_keys(*this);
  if (address.version) keys.push_back({"s3:VersionId", *address.version});
  for (const auto& [name, value] : asked_keys) keys.push_back({name, value});
  TRY_ASSIGN(const auto tags, existing_tags(transaction, action, address));
  for (const auto& [name, value] : tags) keys.push_back({name, value});
  std::optional<ObjectName> object;
  if (!address.key.empty()) object = ObjectName{address.key, address.version};
  return services_.authoriser.authorise_in_bucket(transaction, address.bucket,
                                                  {caller_, action, resource, keys}, object);
}

// What is not there has no tags; that it is not there is for those to know who may.
Result<std::vector<std::pair<std::string, std::string>>> S3Call::existing_tags(
    meta::Transaction& transaction, std::string_view action, const S3Address& address) {
  std::vector<std::pair<std::string, std::string>> keys;
  if (std::ranges::find(kTaggedActions, action) == std::end(kTaggedActions)) return keys;
  auto found = services_.s3.get_version(transaction, address.bucket, address.key, address.version);
  if (!found) {
    const auto code = found.error().code();
    const bool missing = code == ErrorCode::NotFound || code == ErrorCode::InvalidArgument;
    if (missing) return keys;
    return std::unexpected(found.error());
  }
  for (const auto& [key, value] : found->tags) {
    keys.emplace_back("s3:ExistingObjectTag/" + key, value);
  }
  if (&address == &address_) found_version_ = std::move(*found);
  return keys;
}

Result<s3::ObjectInfo> S3Call::find_version(meta::Transaction& transaction) {
  if (auto found = std::exchange(found_version_, std::nullopt)) return std::move(*found);
  return services_.s3.get_version(transaction, address_.bucket, address_.key, address_.version);
}

Result<> S3Call::authorise(meta::Transaction& transaction) {
  found_version_.reset();
  if (address_.bucket.empty() || operation_.name == "CreateBucket") {
    const auto keys = s3_context_keys(*this);
    return services_.authoriser.authorise(transaction,
                                          {caller_, operation_.iam_action, s3_arn(address_), keys});
  }
  TRY_ASSIGN(found_bucket_, operation_.authorised == S3Authorised::EachKey
                                ? services_.s3.get_bucket(transaction, address_.bucket)
                                : authorise_also(transaction, action(), address_));
  const auto expected = header("x-amz-expected-bucket-owner");
  if (expected.empty() || expected == found_bucket_.owner_account) return {};
  return fail(ErrorCode::PermissionDenied, "AccessDenied", "Access Denied");
}

AuditEvent S3Call::describe() const {
  AuditEvent event;
  event.source = "s3.amazonaws.com";
  event.name = operation_.name;
  event.category = operation_.category;
  event.read_only = operation_.read_only;
  // A caller without an account is told to the bucket's owner.
  if (caller_.principal.account_id.empty()) event.account = found_bucket_.owner_account;
  event.region = !found_bucket_.region.empty() ? found_bucket_.region : caller_.region;
  if (!services_.serves_region(event.region)) event.region = "us-east-1";
  json::Object parameters;
  if (!address_.bucket.empty()) parameters["bucketName"] = address_.bucket;
  parameters["Host"] = caller_.host;
  if (!address_.key.empty()) parameters["key"] = address_.key;
  for (const auto& [name, value] : query_) {
    if (!is_signature_parameter(name)) parameters[name] = value;
  }
  for (const auto& [name, value] : extra_parameters) parameters[name] = value;
  event.request_parameters = std::move(parameters);
  event.response_elements = response_elements;
  event.additional_event_data =
      json::Object{{"SignatureVersion", "SigV4"},
                   {"AuthenticationMethod",
                    request_.headers.find("Authorization") ? "AuthHeader" : "QueryString"},
                   {"bytesTransferredIn", request_.body.size()},
                   {"bytesTransferredOut", bytes_out},
                   {"x-amz-id-2", request_id_.host_id}};
  if (!sse_applied.empty()) event.additional_event_data.as_object()["SSEApplied"] = sse_applied;
  if (address_.bucket.empty()) return event;
  json::Array resources;
  if (operation_.level == S3Level::Object) {
    resources.push_back(json::Object{{"type", "AWS::S3::Object"}, {"ARN", s3_arn(address_)}});
  } else if (operation_.category == event::Category::Data) {
    resources.push_back(
        json::Object{{"type", "AWS::S3::Object"},
                     {"ARNPrefix", fmt::format("arn:aws:s3:::{}/", address_.bucket)}});
  }
  resources.push_back(
      json::Object{{"accountId", found_bucket_.owner_account.empty() ? caller_.principal.account_id
                                                                     : found_bucket_.owner_account},
                   {"type", "AWS::S3::Bucket"},
                   {"ARN", fmt::format("arn:aws:s3:::{}", address_.bucket)}});
  event.resources = std::move(resources);
  return event;
}

// As S3 records the removals of DeleteObjects: a service event for each key.
AuditEvent S3Call::describe_deletion(const Deletion& deletion) const {
  auto event = describe();
  event.error_code = deletion.error;
  event.error_message = deletion.message;
  event.name = "DeleteObject";
  event.type = "AwsServiceEvent";
  json::Object parameters{{"bucketName", address_.bucket}, {"key", deletion.address.key}};
  if (deletion.address.version) parameters["versionId"] = *deletion.address.version;
  event.request_parameters = std::move(parameters);
  event.additional_event_data = nullptr;
  event.resources =
      json::Array{json::Object{{"type", "AWS::S3::Object"}, {"ARN", s3_arn(deletion.address)}},
                  json::Object{{"accountId", found_bucket_.owner_account},
                               {"type", "AWS::S3::Bucket"},
                               {"ARN", fmt::format("arn:aws:s3:::{}", address_.bucket)}}};
  return event;
}

void S3Call::show_version(http::Headers& headers, std::string_view version_id, bool delete_marker) {
  if (!found_bucket_.keeps_versions() || version_id.empty()) return;
  const auto show = [&](std::string_view name, std::string_view value) {
    headers.add(name, value);
    if (operation_.read_only) return;
    if (!response_elements.is_object()) response_elements = json::Object{};
    response_elements.as_object()[name] = value;
  };
  show("x-amz-version-id", version_id);
  if (delete_marker) show("x-amz-delete-marker", "true");
}

Result<std::optional<ingest::Draft>> S3Call::draft(const AuditEvent& event) {
  TRY_ASSIGN(auto made, audit_draft(services_.os, services_.os.clock.now(), caller_, event));
  if (event.category == event::Category::Data && !services_.trails.taken_by_any(made.record)) {
    return std::nullopt;
  }
  return made;
}

Result<> S3Call::notify(meta::Transaction& transaction) {
  for (const auto& one : deletions) {
    if (one.error.empty()) notices.push_back(s3_notice_of(one.address, one.deleted));
  }
  if (notices.empty()) return {};
  const auto& id = caller_.principal.principal_id;
  return send_notices(
      services_, transaction, found_bucket_, notices,
      {id.empty() ? "" : "AWS:" + id, caller_.source_ip, request_id_.id, request_id_.host_id},
      drafts);
}

Result<> S3Call::commit(const std::function<Result<>(meta::Transaction&)>& body) {
  return services_.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        notices.clear();
        drafts.clear();
        TRY(authorise(transaction));
        TRY(body(transaction));
        TRY(notify(transaction));
        if (!is_recorded()) return std::move(drafts);
        TRY_ASSIGN(auto made, draft(describe()));
        if (made) drafts.push_back(std::move(*made));
        for (const auto& deletion : deletions) {
          TRY_ASSIGN(auto one, draft(describe_deletion(deletion)));
          if (one) drafts.push_back(std::move(*one));
        }
        return std::move(drafts);
      });
}

Result<> S3Call::read(const std::function<Result<>(meta::Transaction&)>& body) {
  return services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY(authorise(transaction));
    return body(transaction);
  });
}

Result<> S3Call::look(const std::function<Result<>(meta::Transaction&)>& body) {
  return services_.database.look([&](meta::Transaction& transaction) -> Result<> {
    TRY(authorise(transaction));
    return body(transaction);
  });
}

// Of data events none is made where no trail takes any.
bool S3Call::is_recorded() const {
  return operation_.category != event::Category::Data || services_.trails.takes_data_events();
}

Result<> S3Call::submit(const AuditEvent& event) {
  TRY_ASSIGN(auto made, draft(event));
  if (!made) return {};
  std::vector<ingest::Draft> records;
  records.push_back(std::move(*made));
  TRY(services_.ingest.submit_and_wait(std::move(records)));
  return {};
}

Result<> S3Call::record_success() {
  return is_recorded() ? submit(describe()) : Result<>();
}

Result<> S3Call::record_failure(const aws::ApiError& error) {
  // Nobody's attempt at nothing of anybody's: whoever has no key must not fill the log.
  if (caller_.principal.account_id.empty() && found_bucket_.owner_account.empty()) return {};
  if (!is_recorded()) return {};
  auto event = describe();
  event.error_code = error.name;
  event.error_message = error.message;
  event.response_elements = nullptr;
  return submit(event);
}

std::unexpected<Error> s3_error(std::string_view reason, std::string message) {
  return fail(ErrorCode::InvalidArgument, reason, std::move(message));
}

json::Value s3_as_json(const aws::XmlElement& element) {
  if (element.children.empty()) return json::Value(element.text);
  json::Object out;
  for (const auto& child : element.children) {
    auto value = s3_as_json(child);
    auto* there = out.if_contains(child.name);
    if (there == nullptr) {
      out[child.name] = std::move(value);
    } else if (there->is_array()) {
      there->as_array().push_back(std::move(value));
    } else {
      *there = json::Array{std::move(*there), std::move(value)};
    }
  }
  return out;
}

void s3_write_element(aws::XmlWriter& xml, const aws::XmlElement& element) {
  if (element.children.empty()) {
    xml.element(element.name, element.text);
    return;
  }
  xml.begin(element.name);
  for (const auto& child : element.children) s3_write_element(xml, child);
  xml.end();
}

S3Notice s3_notice_of(const S3Address& address, const s3::Deleted& deleted) {
  const bool hidden = deleted.delete_marker && !address.version;
  return {.event = hidden            ? "ObjectRemoved:DeleteMarkerCreated"
                   : deleted.existed ? "ObjectRemoved:Delete"
                                     : std::string_view(),
          .key = address.key,
          .version_id = deleted.version_id};
}

http::Response s3_xml(std::string body) {
  http::Response response;
  response.headers.add("Content-Type", "application/xml");
  response.body = std::move(body);
  return response;
}

std::string s3_listed(const S3Call& call, std::string_view text) {
  if (call.query_or_empty("encoding-type") != "url") return std::string(text);
  return percent_encode(text, KeepSlash::Yes);
}

Result<size_t> s3_query_number(const S3Call& call, std::string_view name, size_t fallback,
                               size_t max) {
  const auto text = call.query(name);
  if (!text) return fallback;
  size_t number = 0;
  const auto* end = text->data() + text->size();
  if (text->empty() || std::from_chars(text->data(), end, number).ptr != end ||
      number > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return s3_error("InvalidArgument", fmt::format("Provided {} not an integer or within integer "
                                                   "range",
                                                   name));
  }
  return std::min(number, max);
}

Result<std::optional<std::string>> s3_version_id(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  if (text->empty()) {
    return s3_error("InvalidArgument", "Version id cannot be the empty string");
  }
  return std::string(*text);
}

std::string s3_quoted(std::string_view etag) {
  return fmt::format("\"{}\"", etag);
}

}  // namespace traccia::api
