// CloudTrail GetTrailStatus: what delivery and digests last did.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"
#include "delivery/announcements.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kInput[] = {{"Name", &kString, Presence::Required}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {{"IsLogging", &kBoolean},
                              {"LatestDeliveryError", &kString},
                              {"LatestNotificationError", &kString},
                              {"LatestDeliveryTime", &kTimestamp},
                              {"LatestNotificationTime", &kTimestamp},
                              {"StartLoggingTime", &kTimestamp},
                              {"StopLoggingTime", &kTimestamp},
                              {"LatestCloudWatchLogsDeliveryError", &kString},
                              {"LatestCloudWatchLogsDeliveryTime", &kTimestamp},
                              {"LatestDigestDeliveryTime", &kTimestamp},
                              {"LatestDigestDeliveryError", &kString},
                              {"LatestDeliveryAttemptTime", &kString},
                              {"LatestNotificationAttemptTime", &kString},
                              {"LatestNotificationAttemptSucceeded", &kString},
                              {"LatestDeliveryAttemptSucceeded", &kString},
                              {"TimeLoggingStarted", &kString},
                              {"TimeLoggingStopped", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {"TrailNotFoundException", "InvalidTrailNameException",
                                        "CloudTrailARNInvalidException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "GetTrailStatus",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "cloudtrail:GetTrailStatus",
                                    .access = on_trail("Name"),
                                    .input = &kRequest,
                                    .output = &kAnswer,
                                    .errors = kErrors};

// The legacy members are ISO text, empty when it never happened (facts 1.6).
std::string iso_or_empty(const std::optional<Time>& time) {
  return time ? format_iso_seconds(*time) : "";
}

void add_time(json::Object& out, std::string_view name, const std::optional<Time>& time) {
  if (time) out[name] = aws::encode_timestamp(*time);
}

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(const auto trail, call.services.trails.get(call.transaction, call.scope(),
                                                        get_string(call.input, "Name")));
  TRY_ASSIGN(const auto files, delivery::read_status(call.transaction, trail.config.arn));
  TRY_ASSIGN(const auto digests, digest::read_status(call.transaction, trail.config.arn));
  TRY_ASSIGN(const auto told, delivery::read_notification_status(
                                  call.transaction, {trail.config.arn, trail.config.created}));
  json::Object out;
  out["IsLogging"] = trail.config.logging;
  add_time(out, "StartLoggingTime", trail.started);
  add_time(out, "StopLoggingTime", trail.stopped);
  add_time(out, "LatestDeliveryTime", files.latest_delivery);
  if (!files.error.empty()) out["LatestDeliveryError"] = files.error;
  add_time(out, "LatestDigestDeliveryTime", digests.latest_delivery);
  if (!digests.error.empty()) out["LatestDigestDeliveryError"] = digests.error;
  out["LatestDeliveryAttemptTime"] = iso_or_empty(files.latest_attempt);
  add_time(out, "LatestNotificationTime", told.latest_success);
  // Of a trail without a topic it would be of one that it had.
  if (!told.error.empty() && !trail.config.topic.empty()) {
    out["LatestNotificationError"] = told.error;
  }
  out["LatestNotificationAttemptTime"] = iso_or_empty(told.latest_attempt);
  out["LatestNotificationAttemptSucceeded"] = iso_or_empty(told.latest_success);
  out["LatestDeliveryAttemptSucceeded"] = iso_or_empty(files.latest_delivery);
  out["TimeLoggingStarted"] = iso_or_empty(trail.started);
  out["TimeLoggingStopped"] = iso_or_empty(trail.stopped);
  return out;
}
}  // namespace

const Binding kGetTrailStatus{&kOperation, run};

}  // namespace traccia::api::cloudtrail
