// Rendering and preflight of trails.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_trail.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "api/service_keys.h"
#include "api/trail_files.h"
#include "api/trail_topic.h"
#include "base/log.h"
#include "delivery/announcements.h"
#include "kms/key_name.h"
#include "organization/records.h"

namespace traccia::api::cloudtrail {

json::Object render_answer(const trail::TrailConfig& config) {
  json::Object out;
  out["Name"] = config.name;
  out["S3BucketName"] = config.bucket;
  if (!config.prefix.empty()) out["S3KeyPrefix"] = config.prefix;
  if (!config.topic.empty()) {
    // The name alone means a topic of the trail's own place.
    const auto place = fmt::format("arn:aws:sns:{}:{}:", config.home_region, config.account);
    out["SnsTopicName"] =
        config.topic.starts_with(place) ? config.topic.substr(place.size()) : config.topic;
    out["SnsTopicARN"] = config.topic;
  }
  out["IncludeGlobalServiceEvents"] = config.include_global_service_events;
  out["IsMultiRegionTrail"] = config.multi_region;
  out["TrailARN"] = config.arn;
  out["LogFileValidationEnabled"] = config.log_file_validation;
  if (!config.kms_key.empty()) out["KmsKeyId"] = config.kms_key;
  out["IsOrganizationTrail"] = false;
  out["RecursiveLogging"] = config.recursive_logging;
  return out;
}

json::Object render_trail(const trail::TrailConfig& config) {
  auto out = render_answer(config);
  out["HomeRegion"] = config.home_region;
  out["HasCustomEventSelectors"] = trail::has_custom_selectors(config);
  out["HasInsightSelectors"] = false;
  return out;
}

json::Object render_selector(const trail::EventSelector& selector) {
  json::Object out;
  switch (selector.read_write_type) {
    case trail::ReadWriteType::All:
      out["ReadWriteType"] = "All";
      break;
    case trail::ReadWriteType::ReadOnly:
      out["ReadWriteType"] = "ReadOnly";
      break;
    case trail::ReadWriteType::WriteOnly:
      out["ReadWriteType"] = "WriteOnly";
      break;
  }
  out["IncludeManagementEvents"] = selector.include_management_events;
  json::Array resources;
  for (const auto& resource : selector.data_resources) {
    resources.push_back(
        json::Object{{"Type", resource.type},
                     {"Values", json::Array(resource.values.begin(), resource.values.end())}});
  }
  out["DataResources"] = std::move(resources);
  const auto& excluded = selector.exclude_management_event_sources;
  out["ExcludeManagementEventSources"] = json::Array(excluded.begin(), excluded.end());
  return out;
}

std::vector<std::string> get_strings(const json::Object& object, std::string_view name) {
  std::vector<std::string> out;
  const auto* list = json::find(object, name);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& value : list->as_array()) {
    if (value.is_string()) out.emplace_back(value.as_string());
  }
  return out;
}

namespace {

trail::EventSelector parse_selector(const json::Object& object) {
  trail::EventSelector selector;
  const auto kind = get_string(object, "ReadWriteType");
  if (kind == "ReadOnly") selector.read_write_type = trail::ReadWriteType::ReadOnly;
  if (kind == "WriteOnly") selector.read_write_type = trail::ReadWriteType::WriteOnly;
  selector.include_management_events =
      optional_bool(object, "IncludeManagementEvents").value_or(true);
  selector.exclude_management_event_sources = get_strings(object, "ExcludeManagementEventSources");
  const auto* resources = json::find(object, "DataResources");
  if (resources == nullptr || !resources->is_array()) return selector;
  for (const auto& resource : resources->as_array()) {
    selector.data_resources.push_back(
        {get_string(resource.as_object(), "Type"), get_strings(resource.as_object(), "Values")});
  }
  return selector;
}

}  // namespace

std::vector<trail::EventSelector> parse_selectors(const json::Array& selectors) {
  std::vector<trail::EventSelector> out;
  for (const auto& selector : selectors) out.push_back(parse_selector(selector.as_object()));
  return out;
}

Result<std::vector<trail::Tag>> parse_tags(const json::Object& input, std::string_view member) {
  std::vector<trail::Tag> tags;
  const auto* list = json::find(input, member);
  if (list == nullptr || !list->is_array()) return tags;
  for (const auto& value : list->as_array()) {
    const auto& object = value.as_object();
    tags.push_back({get_string(object, "Key"), get_string(object, "Value")});
  }
  TRY(trail::check_tags(tags));
  return tags;
}

namespace {

// One act of the service on the trail's behalf, recorded in the bucket owner's account.
Result<> record_service_call(Call& call, const s3::Bucket& bucket, std::string_view name,
                             event::Category category, json::Object parameters) {
  const auto service =
      cloudtrail_service("", bucket.owner_account, bucket.region, call.services.os.random.uuid());
  AuditEvent event;
  event.source = "s3.amazonaws.com";
  event.name = name;
  event.region = bucket.region;
  event.category = category;
  event.read_only = name.starts_with("Get");
  event.request_parameters = std::move(parameters);
  event.resources = json::Array{json::Object{{"accountId", bucket.owner_account},
                                             {"type", "AWS::S3::Bucket"},
                                             {"ARN", fmt::format("arn:aws:s3:::{}", bucket.name)}}};
  TRY_ASSIGN(auto draft, audit_draft(call.services.os, call.now, service, event));
  if (category == event::Category::Management || call.services.trails.taken_by_any(draft.record)) {
    call.before_event.push_back(std::move(draft));
  }
  return {};
}

Result<> put_marker(Call& call, const s3::Bucket& bucket, const std::string& key,
                    const s3::Sealing& sealing) {
  auto& s3 = call.services.s3;
  TRY_ASSIGN(const auto blob, s3.store_bytes("", sealing));
  s3::PutOptions options;
  options.encryption = sealing.encryption;
  options.headers.content_type = "application/json";
  options.headers.content_encoding = "gzip";
  TRY(s3.put_object(call.transaction, bucket.name, key, s3::etag_of("", sealing, blob.id), 0, blob,
                    options));
  return record_service_call(call, bucket, "PutObject", event::Category::Data,
                             json::Object{{"bucketName", bucket.name}, {"key", key}});
}

// What CreateTrail says about it.
Error shown_refusal(std::string_view bucket, Error error) {
  if (error.reason() == "NoSuchBucket") {
    return {ErrorCode::NotFound, "S3BucketDoesNotExist",
            fmt::format("S3 bucket {} does not exist!", bucket)};
  }
  if (error.reason() != "AccessDenied") return error;
  return {ErrorCode::PermissionDenied, "InsufficientS3BucketPolicy",
          fmt::format("Incorrect S3 bucket policy is detected for bucket: {}", bucket)};
}

Result<s3::Bucket> authorise_service(Call& call, const trail::TrailConfig& config,
                                     std::string_view action, const std::string& resource,
                                     std::span<const ContextKey> keys) {
  const auto service = cloudtrail_service(config.arn, "", config.home_region, "");
  auto bucket = call.services.authoriser.authorise_in_bucket(call.transaction, config.bucket,
                                                             {service, action, resource, keys});
  if (bucket) return bucket;
  return std::unexpected(shown_refusal(config.bucket, std::move(bucket).error()));
}

// Keys of the objects that CloudTrail writes when a trail is made.
std::vector<std::string> marker_keys(const trail::TrailConfig& config) {
  std::vector<std::string> folders{"CloudTrail"};
  if (config.log_file_validation) folders.emplace_back("CloudTrail-Digest");
  for (auto& folder : folders) {
    folder = fmt::format("{}{}AWSLogs/{}/{}/", config.prefix, config.prefix.empty() ? "" : "/",
                         config.account, folder);
  }
  return folders;
}

// What KMS says of a trail's key, in CloudTrail's words. Names, and which there is for what: facts
// 1.5 (KmsKeyId).
std::unexpected<Error> refuse_trail_key(const trail::TrailConfig& config, std::string_view key,
                                        const Error& error) {
  const auto reason = error.reason();
  if (reason == "AccessDenied" || reason == "NotFound") {
    return fail(ErrorCode::PermissionDenied, "InsufficientEncryptionPolicy",
                fmt::format("Insufficient permissions to access S3 bucket {} or KMS key {}.",
                            config.bucket, key));
  }
  if (reason == "Disabled" || reason == "KMSInvalidState" || reason == "InvalidKeyUsage") {
    return fail(ErrorCode::FailedPrecondition, "Kms", error.message());
  }
  return std::unexpected(error);
}

std::unexpected<Error> no_such_key(std::string_view key, std::string_view region) {
  return fail(ErrorCode::NotFound, "KmsKeyNotFound",
              fmt::format("KMS key {} was not found: a trail's key must be in the region of its "
                          "bucket, {}.",
                          key, region));
}

std::unexpected<Error> no_key_outside(std::string_view bucket) {
  return fail(ErrorCode::FailedPrecondition, "Kms",
              fmt::format("Bucket {} lives on another endpoint, whose store knows no keys of this "
                          "server: its encryption is set in the configuration file.",
                          bucket));
}

}  // namespace

Result<std::string> preflight_key(Call& call, const trail::TrailConfig& config,
                                  std::string_view key) {
  if (key.empty()) return std::string();
  if (call.services.outside.has(config.bucket)) return no_key_outside(config.bucket);
  // A bucket that there is not is preflight_bucket()'s to tell.
  const auto bucket = call.services.s3.get_bucket(call.transaction, config.bucket);
  const auto region = bucket ? bucket->region : config.home_region;
  const kms::Place place{config.account, region};
  const auto name = kms::parse_key_name(key, place, kms::AliasesAre::Allowed);
  if (!name) return no_such_key(key, region);
  const auto service = cloudtrail_service(config.arn, "", region, call.services.os.random.uuid());
  auto described = describe_key_within(call.services, call.transaction, service, name->arn);
  if (!described) return refuse_trail_key(config, name->arn, described.error());
  std::ranges::move(described->records, std::back_inserter(call.before_event));
  return get_string(described->output, "Arn");
}

Result<> preflight_bucket(Call& call, const trail::TrailConfig& config) {
  if (auto name = s3::check_bucket_name(config.bucket); !name) {
    return fail(
        ErrorCode::InvalidArgument, "InvalidS3BucketName",
        fmt::format("Bucket name {} is invalid: {}", config.bucket, name.error().message()));
  }
  if (call.services.outside.has(config.bucket)) {
    // A trail that moves there may have one from before.
    if (!config.kms_key.empty()) return no_key_outside(config.bucket);
    return {};
  }
  const auto bucket_arn = fmt::format("arn:aws:s3:::{}", config.bucket);
  TRY_ASSIGN(const auto bucket, authorise_service(call, config, "s3:GetBucketAcl", bucket_arn, {}));
  TRY(record_service_call(call, bucket, "GetBucketAcl", event::Category::Management,
                          json::Object{{"bucketName", bucket.name}, {"acl", ""}}));
  const auto root = config.prefix.empty() ? "" : config.prefix + "/";
  s3::Sealing sealing;
  if (!config.kms_key.empty()) {
    // "Encryption context" of the set-up: the account's folder.
    const S3Address folder{config.bucket, fmt::format("{}AWSLogs/{}/", root, config.account)};
    auto sealed =
        seal_trail_file(call.services, call.transaction, config.arn, config.kms_key, folder);
    if (!sealed) return refuse_trail_key(config, config.kms_key, sealed.error());
    std::ranges::move(sealed->records, std::back_inserter(call.before_event));
    sealing = std::move(sealed->sealing);
  }
  const auto keys = delivery_keys(sealing.encryption);
  const auto folders = marker_keys(config);
  for (const auto& folder : folders) {
    TRY(authorise_service(call, config, "s3:PutObject", fmt::format("{}/{}", bucket_arn, folder),
                          keys));
  }
  for (const auto& folder : folders) TRY(put_marker(call, bucket, folder, sealing));
  return {};
}

Result<> preflight_topic(Call& call, const trail::TrailConfig& config) {
  if (config.topic.empty()) return {};
  const auto checked = check_topic(call.services, call.transaction, config);
  if (checked || !is_topic_refusal(checked.error())) return checked;
  return fail(ErrorCode::PermissionDenied, "InsufficientSnsTopicPolicy",
              "SNS Topic does not exist or the topic policy is incorrect!");
}

Result<> try_topic(Call& call, const trail::TrailConfig& config) {
  if (config.topic.empty()) return {};
  return delivery::add_announcement(call.transaction, {config.arn, config.created}, "", "",
                                    call.now);
}

Result<> preflight_outside(Services& services, const trail::TrailConfig& config) {
  if (!services.outside.has(config.bucket)) return {};
  const auto touch = [&]() -> Result<> {
    TRY(services.outside.admit(config.bucket, config.account));
    for (const auto& key : marker_keys(config)) {
      TRY(services.outside.put_marker(config.bucket, key));
    }
    return {};
  };
  auto touched = touch();
  if (touched) return {};
  auto error = shown_refusal(config.bucket, std::move(touched).error());
  if (error.reason() == "S3BucketDoesNotExist" || error.reason() == "InsufficientS3BucketPolicy") {
    return std::unexpected(std::move(error));
  }
  // The caller learns that it is not its own fault, and the operator why.
  log(LogLevel::Error, "an outside bucket did not take a trail's first objects",
      {{"bucket", config.bucket}, {"error", error.message()}});
  return fail(ErrorCode::Unavailable, "OutsideStoreUnavailable",
              fmt::format("The store of bucket {} did not answer as it should: {}. Retry later.",
                          config.bucket, error.reason()));
}

namespace {

// What CloudTrail asks of an organization first (facts 1.7); where all is as it should be, such
// trails are what this server lacks.
Result<> refuse_organization_trail(Call& call) {
  const auto& account = call.caller.principal.account_id;
  TRY_ASSIGN(const auto organization, call.services.organizations.find(call.transaction, account));
  if (!organization) {
    return fail(ErrorCode::FailedPrecondition, "OrganizationsNotInUse",
                "Your account is not a member of an organization.");
  }
  if (organization->management_account != account) {
    return fail(ErrorCode::PermissionDenied, "NotOrganizationMasterAccount",
                "The account is not the management account of the organization.");
  }
  if (organization->features != organization::FeatureSet::All) {
    return fail(ErrorCode::FailedPrecondition, "OrganizationNotInAllFeaturesMode",
                "The organization does not have all features enabled.");
  }
  TRY_ASSIGN(const bool trusted, organization::trusts_service(call.transaction, *organization,
                                                              "cloudtrail.amazonaws.com"));
  if (!trusted) {
    return fail(ErrorCode::FailedPrecondition, "CloudTrailAccessNotEnabled",
                "Trusted access between CloudTrail and Organizations is not enabled.");
  }
  return fail(ErrorCode::FailedPrecondition, "UnsupportedOperation",
              "This server does not make trails for an organization yet.");
}

}  // namespace

Result<> check_other_destinations(Call& call) {
  const auto& input = call.input;
  const auto group = get_string(input, "CloudWatchLogsLogGroupArn");
  const auto role = get_string(input, "CloudWatchLogsRoleArn");
  if (!group.empty() && role.empty()) {
    return fail(ErrorCode::InvalidArgument, "InvalidCloudWatchLogsRoleArn",
                "You must specify a role ARN as well as a log group.");
  }
  if (!group.empty() || !role.empty()) {
    return fail(ErrorCode::NotFound, "InvalidCloudWatchLogsLogGroupArn",
                "Access denied. Check the permissions for your role.");
  }
  if (optional_bool(input, "IsOrganizationTrail").value_or(false)) {
    return refuse_organization_trail(call);
  }
  return {};
}

ingest::Draft change_draft(Call& call, const trail::TrailChange& change) {
  return ingest::change_draft(trail::encode_change(change), call.services.os.random.uuid(),
                              call.caller.principal.arn);
}

json::Value trail_resources(const trail::TrailConfig& config) {
  return json::Array{json::Object{
      {"accountId", config.account}, {"type", "AWS::CloudTrail::Trail"}, {"ARN", config.arn}}};
}

}  // namespace traccia::api::cloudtrail
