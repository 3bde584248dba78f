// S3: whether a bucket keeps versions, and the listing of them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/s3_call.h"
#include "aws/xml.h"

namespace traccia::api {
namespace {

struct VersioningChange {
  s3::Versioning versioning;
  std::optional<s3::MfaDelete> mfa_delete;
};

Result<std::optional<s3::MfaDelete>> parse_mfa_delete(const aws::XmlElement& root) {
  const auto* element = root.child("MfaDelete");
  if (element == nullptr) return std::nullopt;
  if (element->text == "Enabled") return s3::MfaDelete::Enabled;
  if (element->text == "Disabled") return s3::MfaDelete::Disabled;
  return s3_error("MalformedXML", "MfaDelete is Enabled or Disabled");
}

std::string_view name_of(s3::MfaDelete state) {
  return state == s3::MfaDelete::Enabled ? "Enabled" : "Disabled";
}

Result<VersioningChange> parse_versioning(const std::string& body) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  if (root.name != "VersioningConfiguration") return s3_error("MalformedXML", "wrong root element");
  const auto status = root.child_text("Status");
  if (status.empty()) {
    return s3_error("IllegalVersioningConfigurationException",
                    "The Versioning element must be specified");
  }
  if (status != "Enabled" && status != "Suspended") {
    return s3_error("MalformedXML", "Status is Enabled or Suspended");
  }
  TRY_ASSIGN(const auto mfa_delete, parse_mfa_delete(root));
  return VersioningChange{status == "Enabled" ? s3::Versioning::Enabled : s3::Versioning::Suspended,
                          mfa_delete};
}

Result<> check_no_lifecycle(S3Call& call, meta::Transaction& transaction) {
  TRY_ASSIGN(const auto rules,
             call.services().s3.get_document(transaction, call.bucket(), s3::Document::Lifecycle));
  if (!rules) return {};
  return fail(ErrorCode::FailedPrecondition, "InvalidBucketState",
              "Mfa Authentication is not supported on a bucket with lifecycle configuration. "
              "Delete lifecycle configuration before enabling Mfa Authentication.");
}

Result<http::Response> put_versioning(S3Call& call) {
  const auto& body = call.request().body;
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, body, checksums));
  TRY_ASSIGN(const auto change, parse_versioning(body));
  const bool enabled = change.versioning == s3::Versioning::Enabled;
  json::Object shown{{"xmlns", kS3Xmlns}, {"Status", enabled ? "Enabled" : "Suspended"}};
  if (change.mfa_delete) shown["MfaDelete"] = name_of(*change.mfa_delete);
  call.extra_parameters["VersioningConfiguration"] = std::move(shown);
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    const auto& bucket = call.found_bucket();
    const auto wanted = change.mfa_delete.value_or(bucket.mfa_delete);
    if (wanted == s3::MfaDelete::Enabled) TRY(check_no_lifecycle(call, transaction));
    if (bucket.mfa_delete == s3::MfaDelete::Enabled || wanted == s3::MfaDelete::Enabled) {
      TRY(s3_prove_mfa(call, transaction));
    }
    return call.services().s3.set_versioning(transaction, bucket.name, change.versioning, wanted);
  }));
  return http::Response();
}

Result<http::Response> get_versioning(S3Call& call) {
  TRY(call.read([](meta::Transaction&) { return Result<>(); }));
  TRY(call.record_success());
  const auto& bucket = call.found_bucket();
  aws::XmlWriter xml;
  xml.begin("VersioningConfiguration", kS3Xmlns);
  if (bucket.keeps_versions()) {
    const bool enabled = bucket.versioning == s3::Versioning::Enabled;
    xml.element("Status", enabled ? "Enabled" : "Suspended");
  }
  if (bucket.mfa_delete != s3::MfaDelete::Never) {
    xml.element("MfaDelete", name_of(bucket.mfa_delete));
  }
  xml.end();
  return s3_xml(std::move(xml).take());
}

void add_version(const S3Call& call, aws::XmlWriter& xml, const s3::ObjectInfo& version) {
  xml.begin(version.delete_marker ? "DeleteMarker" : "Version")
      .element("Key", s3_listed(call, version.key))
      .element("VersionId", version.version_id)
      .element("IsLatest", version.latest ? "true" : "false")
      .element("LastModified", format_iso_milliseconds(version.last_modified));
  if (!version.delete_marker) {
    xml.element("ETag", s3_quoted(version.etag))
        .element("Size", static_cast<int64_t>(version.size))
        .element("StorageClass", s3::name_of(version.storage_class));
  }
  xml.begin("Owner").element("ID", s3_owner(call.found_bucket(), version)).end();
  xml.end();
}

Result<http::Response> list_versions(S3Call& call) {
  TRY_ASSIGN(auto options, s3_list_options(call));
  options.after = call.query_or_empty("key-marker");
  options.after_version = call.query_or_empty("version-id-marker");
  if (options.after.empty() && !options.after_version.empty()) {
    return s3_error("InvalidArgument",
                    "A version-id marker cannot be specified without a key marker.");
  }
  s3::ListResult result;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(result, call.services().s3.list_versions(transaction, call.bucket(), options));
    return {};
  }));
  TRY(call.record_success());
  aws::XmlWriter xml;
  xml.begin("ListVersionsResult", kS3Xmlns);
  s3_add_question(call, xml, options, result);
  xml.element("KeyMarker", s3_listed(call, options.after))
      .element("VersionIdMarker", options.after_version);
  if (result.truncated) {
    xml.element("NextKeyMarker", s3_listed(call, result.next));
    if (!result.next_version.empty()) xml.element("NextVersionIdMarker", result.next_version);
  }
  for (const auto& version : result.objects) add_version(call, xml, version);
  s3_add_common_prefixes(call, xml, result);
  xml.end();
  return s3_xml(std::move(xml).take());
}

}  // namespace

std::span<const S3Operation> s3_version_operations() {
  constexpr auto kManagement = event::Category::Management;
  static const std::vector<S3Operation> operations{{"GetBucketVersioning",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "versioning",
                                                    {},
                                                    "s3:GetBucketVersioning",
                                                    kManagement,
                                                    true,
                                                    get_versioning},
                                                   {"PutBucketVersioning",
                                                    "PUT",
                                                    S3Level::Bucket,
                                                    "versioning",
                                                    {},
                                                    "s3:PutBucketVersioning",
                                                    kManagement,
                                                    false,
                                                    put_versioning},
                                                   {"ListObjectVersions",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "versions",
                                                    {},
                                                    "s3:ListBucketVersions",
                                                    event::Category::Data,
                                                    true,
                                                    list_versions}};
  return operations;
}

}  // namespace traccia::api
