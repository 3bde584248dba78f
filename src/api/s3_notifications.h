// Event notifications of buckets: to queues and topics, with the change that they tell of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/services.h"
#include "aws/xml.h"
#include "base/error.h"
#include "json/json.h"
#include "s3/s3.h"

namespace traccia::api {

inline constexpr size_t kNotificationRulesMax = 100;

struct NotificationRule {
  std::string id;
  std::string destination;          // an ARN
  bool topic = false;               // else a queue
  std::vector<std::string> events;  // "s3:ObjectCreated:*"
  std::string prefix, suffix;

  bool takes(std::string_view event, std::string_view key) const;
};

// A NotificationConfiguration, checked. Reasons: MalformedXML, InvalidArgument, NotImplemented for
// destinations that this server does not have.
Result<std::vector<NotificationRule>> parse_notifications(const aws::XmlElement& root);

// What happened to an object.
struct S3Notice {
  std::string_view event;  // "ObjectCreated:Put"
  std::string key;
  uint64_t size = 0;
  std::string etag = {};
  std::string version_id = {};  // where the bucket keeps versions
  json::Object more = {};       // members beside the usual: glacierEventData, lifecycleEventData
};

// Who did it, and in which request. Of what S3 does by itself: kS3Itself.
struct NoticeSource {
  std::string principal_id, source_ip, request_id, host_id;
};

inline constexpr std::string_view kS3Itself = "s3.amazonaws.com";

// Sends what the bucket's rules say, as S3 on behalf of the bucket; commits with the change, so
// that each notice comes once. What a queue or topic does not take is lost, as on AWS, and told to
// the log.
Result<> send_notices(Services& services, meta::Transaction& transaction, const s3::Bucket& bucket,
                      std::span<const S3Notice> notices, const NoticeSource& source,
                      std::vector<ingest::Draft>& drafts);

}  // namespace traccia::api
