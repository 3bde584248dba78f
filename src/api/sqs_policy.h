// The policies of queues.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"
#include "policy/document.h"

namespace traccia::api::sqs_service {

// Reason InvalidAttributeValue, with the place of the fault.
Result<policy::Document> parse_queue_policy(std::string_view text);
// As it is stored, with the unique ids of principals (identity/trust.h). InvalidAttributeValue too
// for principals that there are not.
Result<std::string> bind_queue_policy(meta::Transaction& transaction, std::string_view text);

}  // namespace traccia::api::sqs_service
