// What subscribers reach without a signature: links of confirmations and notifications.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "api/operation_call.h"
#include "aws/query_protocol.h"

namespace traccia::api::sns_service {

// The operation that an unsigned request asks for, when it is one of those that links have.
const Binding* find_link(const aws::Form& form);
// Who follows the link: nobody, in the account and region of the topic that it is about. Reason
// InvalidParameter when it is about none.
Result<Caller> caller_of_link(Services& services, const json::Object& input);

}  // namespace traccia::api::sns_service
