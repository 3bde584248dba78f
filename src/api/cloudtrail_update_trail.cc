// CloudTrail UpdateTrail: absent members stay, empty ones clear.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"

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

Result<json::Object> run(Call& call) {
  auto& trails = call.services.trails;
  TRY_ASSIGN(auto trail,
             trails.get_for_change(call.transaction, call.scope(), get_string(call.input, "Name")));
  TRY(check_other_destinations(call));
  const trail::UpdateRequest request{
      .bucket = optional_string(call.input, "S3BucketName"),
      .prefix = optional_string(call.input, "S3KeyPrefix"),
      .include_global_service_events = optional_bool(call.input, "IncludeGlobalServiceEvents"),
      .multi_region = optional_bool(call.input, "IsMultiRegionTrail"),
      .log_file_validation = optional_bool(call.input, "EnableLogFileValidation"),
      .recursive_logging = optional_bool(call.input, "RecursiveLogging")};
  TRY_ASSIGN(auto config, trails.plan_update(call.transaction, trail, request));
  if (const auto key = optional_string(call.input, "KmsKeyId")) {
    TRY_ASSIGN(config.kms_key, preflight_key(call, config, *key));
  }
  const bool destination_changed =
      config.bucket != trail.config.bucket || config.prefix != trail.config.prefix ||
      config.kms_key != trail.config.kms_key ||
      (config.log_file_validation && !trail.config.log_file_validation);
  if (destination_changed) TRY(preflight_bucket(call, config));
  trail.config = std::move(config);
  TRY(trails.store(call.transaction, trail));
  call.before_event.push_back(change_draft(call, {trail.config, false}));
  call.resources = trail_resources(trail.config);
  call.trails_changed = true;
  return render_answer(trail.config);
}

}  // namespace

const Binding kUpdateTrail{&kOperation, run};

}  // namespace traccia::api::cloudtrail
