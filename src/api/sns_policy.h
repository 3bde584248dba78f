// The policies of topics.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"
#include "policy/document.h"

namespace traccia::api::sns_service {

// Reason InvalidParameter, with what follows "Invalid parameter: " as message.
Result<policy::Document> parse_topic_policy(std::string_view text);
// As it is stored, with the unique ids of principals (identity/trust.h). InvalidParameter too for
// principals that there are not.
Result<std::string> bind_topic_policy(meta::Transaction& transaction, std::string_view text);

}  // namespace traccia::api::sns_service
