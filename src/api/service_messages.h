// What services send to queues and topics by themselves: SNS, S3 and CloudTrail.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/services.h"
#include "base/error.h"
#include "sns/messages.h"
#include "sqs/messages.h"

namespace traccia::api {

// A service and the resource on whose behalf it acts: aws:SourceArn.
struct ServiceActor {
  std::string_view service;  // "s3.amazonaws.com"
  std::string_view source_arn;
  std::string_view account = {};  // of an ARN that has none: aws:SourceAccount
};

// The policy of the queue or topic decides. The data event of the call, of a denied one too, is
// added to the drafts where a trail takes it. Gives the refusal, which is the destination's:
// NotFound, AccessDenied, Throttling, or what a message must not be; nothing when it was taken.
// Errors are the server's own.
Result<std::optional<Error>> send_for_service(Services& services, meta::Transaction& transaction,
                                              const ServiceActor& actor, std::string_view queue_arn,
                                              sqs::NewMessage message,
                                              std::vector<ingest::Draft>& drafts);
Result<std::optional<Error>> publish_for_service(Services& services, meta::Transaction& transaction,
                                                 const ServiceActor& actor,
                                                 std::string_view topic_arn,
                                                 const sns::Content& content,
                                                 std::vector<ingest::Draft>& drafts);

}  // namespace traccia::api
