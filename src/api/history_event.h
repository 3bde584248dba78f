// How answers show an event of the history.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/operation.h"
#include "base/error.h"
#include "json/json.h"

namespace traccia::api {

// LookupEvents' Event, as CloudTrail's model has it.
inline constexpr aws::Member kHistoryResourceMembers[] = {{"ResourceType", &aws::kString},
                                                          {"ResourceName", &aws::kString}};
inline constexpr aws::Shape kHistoryResource = aws::structure_shape(kHistoryResourceMembers);
inline constexpr aws::Shape kHistoryResources = aws::list_shape(kHistoryResource);
inline constexpr aws::Member kHistoryEventMembers[] = {
    {"EventId", &aws::kString},        {"EventName", &aws::kString},
    {"ReadOnly", &aws::kString},       {"AccessKeyId", &aws::kString},
    {"EventTime", &aws::kTimestamp},   {"EventSource", &aws::kString},
    {"Username", &aws::kString},       {"Resources", &kHistoryResources},
    {"CloudTrailEvent", &aws::kString}};
inline constexpr aws::Shape kHistoryEvent = aws::structure_shape(kHistoryEventMembers);
inline constexpr aws::Shape kHistoryEvents = aws::list_shape(kHistoryEvent);

// The answer with a page of them, as JSON text: {"Events":[…]}, and the token when there is one.
Result<std::string> render_history_page(const std::vector<std::string>& records,
                                        std::string_view token_name,
                                        const std::optional<std::string>& token);

}  // namespace traccia::api
