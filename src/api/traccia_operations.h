// Traccia's own operations: JSON 1.1, X-Amz-Target Traccia_20261101.NAME.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "api/operation_call.h"

namespace traccia::api::traccia_service {

inline constexpr std::string_view kService = "traccia";
inline constexpr std::string_view kSource = "traccia.amazonaws.com";
inline constexpr std::string_view kVersion = "2026-11-01";

// POST /v1/events under a signature, as events and the list of operations tell it.
inline constexpr aws::Operation kPutEvents{.service = kService,
                                           .event_source = kSource,
                                           .name = "PutEvents",
                                           .protocol = aws::Protocol::RestJson,
                                           .api_version = kVersion,
                                           .iam_action = kPutEventsAction};

extern const Binding kCreateAccount;
extern const Binding kListAccounts;
extern const Binding kCreateIngestToken;
extern const Binding kListIngestTokens;
extern const Binding kRevokeIngestToken;
extern const Binding kSearchEvents;
extern const Binding kTailEvents;

}  // namespace traccia::api::traccia_service
