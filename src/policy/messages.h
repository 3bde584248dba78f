// The texts of AWS's AccessDenied answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/evaluate.h"
#include "policy/problem.h"

namespace traccia::policy {

// Whether the deciding policy's name follows an explicit deny, as AWS does since 2026 for callers
// of the same account or organization. Names that are no ARN are never told.
enum class NamePolicy : uint8_t { No, Yes };

// "User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based policy
// allows the ACTION action", "… with an explicit deny in a service control policy" ("Troubleshoot
// access denied error messages"). Of a request for "*" the part "on resource" is left out, unless
// it has words for it. The decision must be a deny.
//
// S3 writes the resource in quotes.
std::string access_denied_message(const Request& request, const Decision& decision,
                                  NamePolicy name = NamePolicy::No, Wording wording = Wording::Iam);

// What callers of another organization are told: the text without the reason.
std::string access_denied_message(const Request& request, Wording wording = Wording::Iam);

// "identity-based policy", "service control policy", …: how AWS calls policies of this type.
std::string_view policy_type_name(PolicyType type);

// One line for people and logs: "allowed by statement 'Read' of policy arn:…", "denied: no
// service control policy of ou-1 allows it".
std::string summarize(const Decision& decision);

}  // namespace traccia::policy
