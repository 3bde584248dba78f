// CloudTrail UpdateTrail: absent members stay, empty ones clear.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"
#include "api/trail_topic.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kInput[] = {{"Name", &kString, Presence::Required},
                             {"S3BucketName", &kString},
                             {"S3KeyPrefix", &kString},
                             {"SnsTopicName", &kString},
                             {"IncludeGlobalServiceEvents", &kBoolean},
                             {"IsMultiRegionTrail", &kBoolean},
                             {"EnableLogFileValidation", &kBoolean},
                             {"CloudWatchLogsLogGroupArn", &kString},
                             {"CloudWatchLogsRoleArn", &kString},
                             {"KmsKeyId", &kString},
                             {"IsOrganizationTrail", &kBoolean},
                             {"RecursiveLogging", &kBoolean}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr std::string_view kErrors[] = {"S3BucketDoesNotExistException",
                                        "InsufficientS3BucketPolicyException",
                                        "InsufficientSnsTopicPolicyException",
                                        "TrailNotFoundException",
                                        "InvalidS3BucketNameException",
                                        "InvalidS3PrefixException",
                                        "InvalidSnsTopicNameException",
                                        "InvalidTrailNameException",
                                        "CloudTrailARNInvalidException",
                                        "InvalidParameterCombinationException",
                                        "InvalidHomeRegionException",
                                        "KmsKeyNotFoundException",
                                        "KmsException",
                                        "InsufficientEncryptionPolicyException",
                                        "InvalidCloudWatchLogsLogGroupArnException",
                                        "InvalidCloudWatchLogsRoleArnException",
                                        "OrganizationsNotInUseException",
                                        "NotOrganizationMasterAccountException",
                                        "OrganizationNotInAllFeaturesModeException",
                                        "CloudTrailAccessNotEnabledException",
                                        "UnsupportedOperationException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "UpdateTrail",
                                    .api_version = kVersion,
                                    .iam_action = "cloudtrail:UpdateTrail",
                                    .access = on_trail("Name"),
                                    .input = &kRequest,
                                    .output = &kTrailAnswer,
                                    .errors = kErrors};

Result<trail::UpdateRequest> request_of(const trail::Scope& scope, const json::Object& input) {
  auto topic = optional_string(input, "SnsTopicName");
  if (topic && !topic->empty()) {
    TRY_ASSIGN(topic, resolve_topic_name(*topic, scope.account, scope.region));
  }
  return trail::UpdateRequest{
      .bucket = optional_string(input, "S3BucketName"),
      .prefix = optional_string(input, "S3KeyPrefix"),
      .topic = std::move(topic),
      .include_global_service_events = optional_bool(input, "IncludeGlobalServiceEvents"),
      .multi_region = optional_bool(input, "IsMultiRegionTrail"),
      .log_file_validation = optional_bool(input, "EnableLogFileValidation"),
      .recursive_logging = optional_bool(input, "RecursiveLogging")};
}

bool destination_changes(const trail::TrailConfig& from, const trail::TrailConfig& to) {
  return to.bucket != from.bucket || to.prefix != from.prefix || to.kms_key != from.kms_key ||
         (to.log_file_validation && !from.log_file_validation);
}

// An outside bucket is touched only for a change that could be made.
Result<Prepared> prepare(Services& services, const Caller& caller, const json::Object& input) {
  trail::Trail trail;
  trail::TrailConfig planned;
  const trail::Scope scope{caller.principal.account_id, caller.region};
  TRY_ASSIGN(const auto request, request_of(scope, input));
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(trail,
               services.trails.get_for_change(transaction, scope, get_string(input, "Name")));
    TRY_ASSIGN(planned, services.trails.plan_update(transaction, trail, request));
    return {};
  }));
  if (destination_changes(trail.config, planned)) TRY(preflight_outside(services, planned));
  return Prepared{};
}

Result<json::Object> run(Call& call) {
  auto& trails = call.services.trails;
  TRY_ASSIGN(auto trail,
             trails.get_for_change(call.transaction, call.scope(), get_string(call.input, "Name")));
  TRY(check_other_destinations(call));
  TRY_ASSIGN(const auto request, request_of(call.scope(), call.input));
  TRY_ASSIGN(auto config, trails.plan_update(call.transaction, trail, request));
  if (const auto key = optional_string(call.input, "KmsKeyId")) {
    TRY_ASSIGN(config.kms_key, preflight_key(call, config, *key));
  }
  if (destination_changes(trail.config, config)) TRY(preflight_bucket(call, config));
  TRY(preflight_topic(call, config));  // also where it stays as it was
  if (config.topic != trail.config.topic) TRY(try_topic(call, config));
  trail.config = std::move(config);
  TRY(trails.store(call.transaction, trail));
  call.before_event.push_back(change_draft(call, {trail.config, false}));
  call.resources = trail_resources(trail.config);
  call.trails_changed = true;
  return render_answer(trail.config);
}

}  // namespace

const Binding kUpdateTrail{.operation = &kOperation, .run = run, .prepare = prepare};

}  // namespace traccia::api::cloudtrail
