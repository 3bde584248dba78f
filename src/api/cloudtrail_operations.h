// The CloudTrail operations, one file each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/operation_call.h"

namespace traccia::api::cloudtrail {

extern const Binding kAddTags;
extern const Binding kCreateTrail;
extern const Binding kDeleteTrail;
extern const Binding kDescribeTrails;
extern const Binding kGetEventSelectors;
extern const Binding kGetTrail;
extern const Binding kGetTrailStatus;
extern const Binding kListPublicKeys;
extern const Binding kListTags;
extern const Binding kListTrails;
extern const Binding kLookupEvents;
extern const Binding kPutEventSelectors;
extern const Binding kRemoveTags;
extern const Binding kStartLogging;
extern const Binding kStopLogging;
extern const Binding kUpdateTrail;

}  // namespace traccia::api::cloudtrail
