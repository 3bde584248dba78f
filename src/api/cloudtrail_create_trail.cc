// CloudTrail CreateTrail.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"
#include "api/trail_topic.h"

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
                                        "InvalidSnsTopicNameException",
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

Result<trail::CreateRequest> request_of(const trail::Scope& scope, const json::Object& input) {
  trail::CreateRequest request;
  request.name = get_string(input, "Name");
  request.bucket = get_string(input, "S3BucketName");
  request.prefix = get_string(input, "S3KeyPrefix");
  if (const auto topic = get_string(input, "SnsTopicName"); !topic.empty()) {
    TRY_ASSIGN(request.topic, resolve_topic_name(topic, scope.account, scope.region));
  }
  request.include_global_service_events =
      optional_bool(input, "IncludeGlobalServiceEvents").value_or(true);
  request.multi_region = optional_bool(input, "IsMultiRegionTrail").value_or(false);
  request.log_file_validation = optional_bool(input, "EnableLogFileValidation").value_or(false);
  request.recursive_logging = optional_bool(input, "RecursiveLogging").value_or(true);
  return request;
}

// An outside bucket is touched only for a trail that could be made.
Result<Prepared> prepare(Services& services, const Caller& caller, const json::Object& input) {
  trail::Trail planned;
  const trail::Scope scope{caller.principal.account_id, caller.region};
  TRY_ASSIGN(const auto request, request_of(scope, input));
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(planned,
               services.trails.plan_create(transaction, scope, request, services.os.clock.now()));
    return {};
  }));
  TRY(preflight_outside(services, planned.config));
  return Prepared{};
}

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(auto request, request_of(call.scope(), call.input));
  TRY(trail::check_trail_name(request.name));
  TRY_ASSIGN(request.tags, parse_tags(call.input, "TagsList"));
  TRY(check_other_destinations(call));
  auto& trails = call.services.trails;
  TRY_ASSIGN(auto trail, trails.create(call.transaction, call.scope(), request, call.now));
  TRY_ASSIGN(trail.config.kms_key,
             preflight_key(call, trail.config, get_string(call.input, "KmsKeyId")));
  TRY(preflight_bucket(call, trail.config));
  TRY(preflight_topic(call, trail.config));
  TRY(try_topic(call, trail.config));
  TRY(trails.store(call.transaction, trail));
  call.after_event.push_back(change_draft(call, {trail.config, false}));
  call.resources = trail_resources(trail.config);
  call.trails_changed = true;
  return render_answer(trail.config);
}

}  // namespace

const Binding kCreateTrail{.operation = &kOperation, .run = run, .prepare = prepare};

}  // namespace traccia::api::cloudtrail
