// Messages of queues that have a key of KMS.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "api/audit.h"
#include "api/services.h"
#include "base/error.h"

namespace traccia::api::sqs_service {

// Where the queue has a key, asks KMS for a data key that the message is sealed with ("Encryption
// at rest in Amazon SQS"): the permissions are the sender's. Events of KMS are added to the drafts.
// Reasons: KmsNotFound, KmsDisabled, KmsInvalidState, KmsInvalidKeyUsage, KmsAccessDenied.
Result<> seal_message(Services& services, meta::Transaction& transaction, const Caller& sender,
                      const sqs::Queue& queue, sqs::NewMessage& message,
                      std::vector<ingest::Draft>& drafts);
// Opens a sealed one with the receiver's permissions; others are as they were. Reasons: as above.
Result<> open_message(Services& services, meta::Transaction& transaction, const Caller& receiver,
                      sqs::Received& message, std::vector<ingest::Draft>& drafts);

}  // namespace traccia::api::sqs_service
