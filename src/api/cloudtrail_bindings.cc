// The list of CloudTrail operations.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/cloudtrail_operations.h"

namespace traccia::api {

std::span<const Binding> cloudtrail_bindings() {
  using namespace cloudtrail;
  static const std::array bindings{
      kAddTags,           kCreateTrail,  kDeleteTrail,    kDescribeTrails,
      kGetEventSelectors, kGetTrail,     kGetTrailStatus, kListPublicKeys,
      kListTags,          kListTrails,   kLookupEvents,   kPutEventSelectors,
      kRemoveTags,        kStartLogging, kStopLogging,    kUpdateTrail};
  return bindings;
}

}  // namespace traccia::api
