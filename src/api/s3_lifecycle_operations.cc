// S3: the lifecycle configuration of buckets, and what answers tell of it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/s3_call.h"
#include "api/s3_lifecycle.h"
#include "aws/xml.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

using aws::XmlElement;
using s3::Document;

constexpr std::string_view kSizeHeader = "x-amz-transition-default-minimum-object-size";

// The document as it is kept: rules without an ID get one.
std::string render(S3Call& call, const XmlElement& root) {
  aws::XmlWriter xml;
  xml.begin("LifecycleConfiguration", kS3Xmlns);
  for (auto rule : root.children) {
    if (rule.child_text("ID").empty()) {
      std::erase_if(rule.children, [](const XmlElement& child) { return child.name == "ID"; });
      rule.children.insert(rule.children.begin(),
                           XmlElement{"ID", call.services().os.random.uuid(), {}});
    }
    s3_write_element(xml, rule);
  }
  xml.end();
  return std::move(xml).take();
}

Result<http::Response> put_lifecycle(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  auto size = call.header(kSizeHeader);
  if (size.empty()) size = kSizeOfAll;
  if (size != kSizeOfAll && size != kSizeVaries) {
    return s3_error("InvalidArgument",
                    fmt::format("{} is {} or {}", kSizeHeader, kSizeOfAll, kSizeVaries));
  }
  TRY_ASSIGN(const auto root, aws::parse_xml(call.request().body));
  TRY(parse_lifecycle(root));
  auto shown = s3_as_json(root);
  shown.as_object()["xmlns"] = kS3Xmlns;
  call.extra_parameters["LifecycleConfiguration"] = std::move(shown);
  const auto document = render(call, root);
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    if (call.found_bucket().mfa_delete == s3::MfaDelete::Enabled) {
      return fail(ErrorCode::FailedPrecondition, "InvalidBucketState",
                  "Lifecycle configuration is not supported on a bucket with Mfa Authentication.");
    }
    auto& s3 = call.services().s3;
    TRY(s3.put_document(transaction, call.bucket(), Document::TransitionSize, size));
    return s3.put_document(transaction, call.bucket(), Document::Lifecycle, document);
  }));
  http::Response response;
  response.headers.add(kSizeHeader, size);
  return response;
}

Result<http::Response> get_lifecycle(S3Call& call) {
  std::optional<std::string> document;
  std::optional<std::string> size;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    TRY_ASSIGN(document, s3.get_document(transaction, call.bucket(), Document::Lifecycle));
    TRY_ASSIGN(size, s3.get_document(transaction, call.bucket(), Document::TransitionSize));
    if (document) return {};
    return fail(ErrorCode::NotFound, "NoSuchLifecycleConfiguration", "no lifecycle configuration");
  }));
  TRY(call.record_success());
  auto response = s3_xml(std::move(*document));
  response.headers.add(kSizeHeader, size.value_or(std::string(kSizeOfAll)));
  return response;
}

Result<http::Response> delete_lifecycle(S3Call& call) {
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    TRY(s3.delete_document(transaction, call.bucket(), Document::TransitionSize));
    return s3.delete_document(transaction, call.bucket(), Document::Lifecycle);
  }));
  http::Response response;
  response.status = 204;
  return response;
}

Result<std::vector<LifecycleRule>> rules_of(S3Call& call, meta::Transaction& transaction) {
  TRY_ASSIGN(const auto document,
             call.services().s3.get_document(transaction, call.bucket(), Document::Lifecycle));
  if (!document) return std::vector<LifecycleRule>();
  TRY_ASSIGN(const auto root, aws::parse_xml(*document));
  return parse_lifecycle(root);
}

}  // namespace

Result<> s3_tell_expiry(S3Call& call, meta::Transaction& transaction,
                        const s3::ObjectInfo& object) {
  TRY_ASSIGN(const auto rules, rules_of(call, transaction));
  if (const auto expiry = expiry_of(rules, object)) {
    call.answer_headers.add(
        "x-amz-expiration",
        fmt::format(R"(expiry-date="{}", rule-id="{}")", format_http_date(expiry->date),
                    percent_encode(expiry->rule_id, KeepSlash::No)));
  }
  return {};
}

Result<> s3_tell_abort(S3Call& call, meta::Transaction& transaction, const s3::Upload& upload) {
  TRY_ASSIGN(const auto rules, rules_of(call, transaction));
  if (const auto expiry = abort_of(rules, upload)) {
    call.answer_headers.add("x-amz-abort-date", format_http_date(expiry->date));
    call.answer_headers.add("x-amz-abort-rule-id", percent_encode(expiry->rule_id, KeepSlash::No));
  }
  return {};
}

// In events they have the names of the first version of the API.
std::span<const S3Operation> s3_lifecycle_operations() {
  constexpr auto kManagement = event::Category::Management;
  static const std::vector<S3Operation> operations{{"GetBucketLifecycle",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "lifecycle",
                                                    {},
                                                    "s3:GetLifecycleConfiguration",
                                                    kManagement,
                                                    true,
                                                    get_lifecycle},
                                                   {"PutBucketLifecycle",
                                                    "PUT",
                                                    S3Level::Bucket,
                                                    "lifecycle",
                                                    {},
                                                    "s3:PutLifecycleConfiguration",
                                                    kManagement,
                                                    false,
                                                    put_lifecycle},
                                                   {"DeleteBucketLifecycle",
                                                    "DELETE",
                                                    S3Level::Bucket,
                                                    "lifecycle",
                                                    {},
                                                    "s3:PutLifecycleConfiguration",
                                                    kManagement,
                                                    false,
                                                    delete_lifecycle}};
  return operations;
}

}  // namespace traccia::api
