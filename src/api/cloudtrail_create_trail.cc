// CloudTrail CreateTrail.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kInput[] = {{"Name", &kString, Presence::Required},
                             {"S3BucketName", &kString, Presence::Required},
                             {"S3KeyPrefix", &kString},
                             {"SnsTopicName", &kString},
                             {"IncludeGlobalServiceEvents", &kBoolean},
                             {"IsMultiRegionTrail", &kBoolean},
                             {"EnableLogFileValidation", &kBoolean},
                             {"CloudWatchLogsLogGroupArn", &kString},
                             {"CloudWatchLogsRoleArn", &kString},
                             {"KmsKeyId", &kString},
                             {"IsOrganizationTrail", &kBoolean},
                             {"TagsList", &kTags},
                             {"RecursiveLogging", &kBoolean}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr std::string_view kErrors[] = {"MaximumNumberOfTrailsExceededException",
                                        "TrailAlreadyExistsException",
                                        "S3BucketDoesNotExistException",
                                        "InsufficientS3BucketPolicyException",
                                        "InsufficientSnsTopicPolicyException",
                                        "InvalidS3BucketNameException",
                                        "InvalidS3PrefixException",
                                        "InvalidTrailNameException",
                                        "TagsLimitExceededException",
                                        "InvalidParameterCombinationException",
                                        "KmsKeyNotFoundException",
                                        "KmsException",
                                        "InsufficientEncryptionPolicyException",
                                        "InvalidCloudWatchLogsLogGroupArnException",
                                        "InvalidCloudWatchLogsRoleArnException",
                                        "InvalidTagParameterException",
                                        "OrganizationsNotInUseException",
                                        "NotOrganizationMasterAccountException",
                                        "OrganizationNotInAllFeaturesModeException",
                                        "CloudTrailAccessNotEnabledException",
                                        "UnsupportedOperationException"};
constexpr aws::Access kAccess{.resource = "trail",
                              .named_by = "Name",
                              .existence = aws::Existence::Made,
                              .keys = kTagsInRequest,
                              .tag_action = "cloudtrail:AddTags"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "CreateTrail",
                                    .api_version = kVersion,
                                    .iam_action = "cloudtrail:CreateTrail",
                                    .access = kAccess,
                                    .input = &kRequest,
                                    .output = &kTrailAnswer,
                                    .errors = kErrors};

Result<json::Object> run(Call& call) {
  trail::CreateRequest request;
  request.name = get_string(call.input, "Name");
  request.bucket = get_string(call.input, "S3BucketName");
  request.prefix = get_string(call.input, "S3KeyPrefix");
  request.include_global_service_events =
      optional_bool(call.input, "IncludeGlobalServiceEvents").value_or(true);
  request.multi_region = optional_bool(call.input, "IsMultiRegionTrail").value_or(false);
  request.log_file_validation =
      optional_bool(call.input, "EnableLogFileValidation").value_or(false);
  request.recursive_logging = optional_bool(call.input, "RecursiveLogging").value_or(true);
  TRY(trail::check_trail_name(request.name));
  TRY_ASSIGN(request.tags, parse_tags(call.input, "TagsList"));
  TRY(check_other_destinations(call));
  auto& trails = call.services.trails;
  TRY_ASSIGN(auto trail, trails.create(call.transaction, call.scope(), request, call.now));
  TRY_ASSIGN(trail.config.kms_key,
             preflight_key(call, trail.config, get_string(call.input, "KmsKeyId")));
  TRY(preflight_bucket(call, trail.config));
  TRY(trails.store(call.transaction, trail));
  call.after_event.push_back(change_draft(call, {trail.config, false}));
  call.resources = trail_resources(trail.config);
  call.trails_changed = true;
  return render_answer(trail.config);
}

}  // namespace

const Binding kCreateTrail{&kOperation, run};

}  // namespace traccia::api::cloudtrail
