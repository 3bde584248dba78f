// S3: the server access logging of buckets, configured.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_logging.h"

#include <fmt/format.h>

#include "api/s3_call.h"

namespace traccia::api {
namespace {

using aws::XmlElement;
using s3::Document;

constexpr std::string_view kRoot = "BucketLoggingStatus";
constexpr std::string_view kEventTime = "EventTime";
constexpr std::string_view kDeliveryTime = "DeliveryTime";

std::unexpected<Error> malformed(std::string message) {
  return s3_error("MalformedXML", std::move(message));
}

Result<LogKeyFormat> parse_format(const XmlElement& element) {
  if (element.children.size() != 1) return malformed("one format of keys");
  const auto& format = element.children.front();
  if (format.name == "SimplePrefix") return LogKeyFormat::Simple;
  if (format.name != "PartitionedPrefix") return malformed("no such format of keys");
  const auto* source = format.child("PartitionDateSource");
  // Not required by the API's model; of the two this one needs no further thought of readers.
  if (source == nullptr || source->text == kDeliveryTime) return LogKeyFormat::ByDeliveryTime;
  if (source->text == kEventTime) return LogKeyFormat::ByEventDay;
  return malformed("PartitionDateSource is EventTime or DeliveryTime");
}

std::unexpected<Error> invalid_target(S3Call& call, std::string_view bucket, std::string message) {
  call.failure_details.emplace_back("TargetBucket", bucket);
  return s3_error("InvalidTargetBucketForLogging", std::move(message));
}

// "Logging requests with server access logging": a bucket of the same account and Region without a
// default retention. Whether its policy lets logs in shows when they are delivered.
Result<> check_target(S3Call& call, meta::Transaction& transaction, const LoggingStatus& asked) {
  const auto& name = asked.logging->target_bucket;
  auto& s3 = call.services().s3;
  const auto target = s3.get_bucket(transaction, name);
  if (!target && target.error().reason() == "NoSuchBucket") {
    return invalid_target(call, name, "The target bucket for logging does not exist");
  }
  if (!target) return std::unexpected(target.error());
  const auto& source = call.found_bucket();
  if (target->owner_account != source.owner_account) {
    return invalid_target(call, name,
                          "The owner for the bucket to be logged and the target bucket must be the "
                          "same.");
  }
  if (target->region != source.region) {
    call.failure_details.emplace_back("SourceBucketLocation", source.region);
    call.failure_details.emplace_back("TargetBucketLocation", target->region);
    return fail(ErrorCode::PermissionDenied, "CrossLocationLoggingProhibitted",
                "Cross S3 location logging not allowed. ");
  }
  if (target->default_retention.mode != s3::LockMode::None) {
    return invalid_target(call, name,
                          "The target bucket for logging must not have a default retention period");
  }
  if (!asked.grants) return {};
  if (target->ownership == s3::Ownership::Enforced) {
    return s3_error("TargetGrantsNotSupported", "grants to others");
  }
  return s3_error("NotImplemented", "Target grants are not available on this server");
}

Result<http::Response> put_logging(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto root, aws::parse_xml(call.request().body));
  TRY_ASSIGN(const auto asked, parse_logging(root));
  call.extra_parameters[kRoot] = s3_as_json(root);
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    if (!asked.logging) return s3.delete_document(transaction, call.bucket(), Document::Logging);
    TRY(check_target(call, transaction, asked));
    return s3.put_document(transaction, call.bucket(), Document::Logging,
                           render_logging(asked.logging));
  }));
  TRY(call.services().access_logs.refresh(call.services().database, call.services().s3));
  return http::Response();
}

Result<http::Response> get_logging(S3Call& call) {
  std::optional<std::string> document;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(document,
               call.services().s3.get_document(transaction, call.bucket(), Document::Logging));
    return {};
  }));
  TRY(call.record_success());
  return s3_xml(document ? std::move(*document) : render_logging(std::nullopt));
}

}  // namespace

Result<LoggingStatus> parse_logging(const XmlElement& root) {
  if (root.name != kRoot || root.children.size() > 1) return malformed("no BucketLoggingStatus");
  LoggingStatus out;
  if (root.children.empty()) return out;
  const auto* enabled = root.child("LoggingEnabled");
  if (enabled == nullptr) return malformed("LoggingEnabled or nothing");
  const auto* prefix = enabled->child("TargetPrefix");
  BucketLogging logging{std::string(enabled->child_text("TargetBucket")),
                        prefix == nullptr ? "" : prefix->text};
  if (logging.target_bucket.empty() || prefix == nullptr) {
    return malformed("TargetBucket and TargetPrefix are required");
  }
  if (logging.target_prefix.size() > kLogPrefixBytesMax) {
    return s3_error("InvalidArgument", "TargetPrefix leaves no room for the rest of a key");
  }
  if (const auto* format = enabled->child("TargetObjectKeyFormat")) {
    TRY_ASSIGN(logging.format, parse_format(*format));
  }
  const auto* grants = enabled->child("TargetGrants");
  out.grants = grants != nullptr && !grants->children.empty();
  out.logging = std::move(logging);
  return out;
}

std::string render_logging(const std::optional<BucketLogging>& logging) {
  aws::XmlWriter xml;
  xml.begin(kRoot, kS3Xmlns);
  if (logging) {
    xml.begin("LoggingEnabled")
        .element("TargetBucket", logging->target_bucket)
        .element("TargetPrefix", logging->target_prefix);
    if (logging->format == LogKeyFormat::Simple) {
      xml.begin("TargetObjectKeyFormat").begin("SimplePrefix").end().end();
    } else if (logging->format) {
      const bool by_event = logging->format == LogKeyFormat::ByEventDay;
      xml.begin("TargetObjectKeyFormat")
          .begin("PartitionedPrefix")
          .element("PartitionDateSource", by_event ? kEventTime : kDeliveryTime)
          .end()
          .end();
    }
    xml.end();
  }
  xml.end();
  return std::move(xml).take();
}

std::span<const S3Operation> s3_logging_operations() {
  constexpr auto kManagement = event::Category::Management;
  static const std::vector<S3Operation> operations{{"GetBucketLogging",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "logging",
                                                    {},
                                                    "s3:GetBucketLogging",
                                                    kManagement,
                                                    true,
                                                    get_logging},
                                                   {"PutBucketLogging",
                                                    "PUT",
                                                    S3Level::Bucket,
                                                    "logging",
                                                    {},
                                                    "s3:PutBucketLogging",
                                                    kManagement,
                                                    false,
                                                    put_logging}};
  return operations;
}

}  // namespace traccia::api
