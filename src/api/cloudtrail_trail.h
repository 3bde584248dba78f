// What the trail operations share: rendering trails, preflights, log records of changes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/operation_call.h"
#include "trail/trails.h"

namespace traccia::api::cloudtrail {

// The answer of CreateTrail and UpdateTrail. Unset members are left out: clients rely on absence.
json::Object render_answer(const trail::TrailConfig& config);
// The Trail structure of GetTrail and DescribeTrails.
json::Object render_trail(const trail::TrailConfig& config);

// The member's texts; none when it is absent.
std::vector<std::string> get_strings(const json::Object& object, std::string_view name);
json::Object render_selector(const trail::EventSelector& selector);
std::vector<trail::EventSelector> parse_selectors(const json::Array& selectors);
Result<std::vector<trail::Tag>> parse_tags(const json::Object& input, std::string_view member);

// Checks and touches the bucket as the CloudTrail service before a trail is stored (facts 3.3):
// GetBucketAcl, then a zero-byte object at the log folder's key (and the digest folder's), stored
// as the trail's files will be. S3BucketDoesNotExist, InsufficientS3BucketPolicy,
// InvalidS3BucketName, InsufficientEncryptionPolicy. Of an outside bucket nothing is left to do:
// preflight_outside() comes before.
Result<> preflight_bucket(Call& call, const trail::TrailConfig& config);
// The same for an outside bucket, whose policy only its store knows: the objects are PUT there.
// Nothing for other buckets. Not to be called inside a transaction: the store may take its time.
// OutsideStoreUnavailable too.
Result<> preflight_outside(Services& services, const trail::TrailConfig& config);

// The ARN of the key that KmsKeyId names by id, ARN or alias, asked of KMS as the CloudTrail
// service on behalf of the trail; empty for an empty text. It must lie in the bucket's region.
// KmsKeyNotFound, InsufficientEncryptionPolicy, and Kms for one that cannot be used.
Result<std::string> preflight_key(Call& call, const trail::TrailConfig& config,
                                  std::string_view key);

// Whether the trail may publish to its topic, when it has one. InsufficientSnsTopicPolicy.
Result<> preflight_topic(Call& call, const trail::TrailConfig& config);
// Has "CloudTrail validation message." sent to it.
Result<> try_topic(Call& call, const trail::TrailConfig& config);

// Destinations this server does not have yet are refused as missing:
// InvalidCloudWatchLogsLogGroupArn; so are trails for an
// organization: OrganizationsNotInUse, NotOrganizationMasterAccount,
// OrganizationNotInAllFeaturesMode, CloudTrailAccessNotEnabled, UnsupportedOperation. An empty text
// clears nothing and is accepted.
Result<> check_other_destinations(Call& call);

// The log record that makes a configuration valid from its place on.
ingest::Draft change_draft(Call& call, const trail::TrailChange& change);

// resources member of the call's event.
json::Value trail_resources(const trail::TrailConfig& config);

}  // namespace traccia::api::cloudtrail
