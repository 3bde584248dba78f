// The topics of trails: CloudTrail publishes to them, on behalf of the trail.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/services.h"
#include "base/error.h"
#include "trail/config.h"

namespace traccia::api {

// What a topic gets when a trail is given it (facts 3.3).
inline constexpr std::string_view kTopicTrial = "CloudTrail validation message.";
// {"s3Bucket":"…","s3ObjectKey":["…"]}
std::string announcement_text(std::string_view bucket, std::string_view key);

// The ARN that SnsTopicName means in the trail's region and account. InvalidSnsTopicName.
Result<std::string> resolve_topic_name(std::string_view name, std::string_view account,
                                       std::string_view region);

// Whether the trail may publish to its topic, without a trace; as the service, with aws:SourceArn.
// Reasons: NotFound, AccessDenied.
Result<> check_topic(Services& services, meta::Transaction& transaction,
                     const trail::TrailConfig& config);
// Publishes the text; the event of it is added to the drafts where a trail takes it, that of a
// denial too. Reasons: as above, and those of sns_service::publish().
Result<> publish_for_trail(Services& services, meta::Transaction& transaction,
                           const trail::TrailConfig& config, std::string_view text,
                           std::vector<ingest::Draft>& drafts);
// Of what the two above give: errors that are the topic's, not the server's own.
bool is_topic_refusal(const Error& error);
// As GetTrailStatus shows it: SNS's code.
std::string_view shown_topic_error(const Error& error);

}  // namespace traccia::api
