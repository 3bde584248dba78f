// Feeds arbitrary bytes to the Query protocol's decoder and the result to validation and audit.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "aws/query_protocol.h"
#include "base/assert.h"

namespace {

using traccia::aws::Member;
using traccia::aws::Shape;

constexpr Shape kText = traccia::aws::string_shape(1, 8);
constexpr Member kTagMembers[] = {{"K", &kText, traccia::aws::Presence::Required},
                                  {"V", &traccia::aws::kTimestamp}};
constexpr Shape kTag = traccia::aws::structure_shape(kTagMembers);
constexpr Shape kTags = traccia::aws::list_shape(kTag, 0, 3);
constexpr Shape kLabels = traccia::aws::map_shape(kText, kText, 0, 3);
constexpr Member kMembers[] = {{"S", &kText},
                               {"I", &traccia::aws::kInteger},
                               {"F", &traccia::aws::kFloat},
                               {"B", &traccia::aws::kBoolean},
                               {"D", &traccia::aws::kBlob},
                               {"T", &kTags},
                               {"L", &kLabels}};
constexpr Shape kInput = traccia::aws::structure_shape(kMembers);

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = traccia::aws;
  const auto form = aws::parse_form({reinterpret_cast<const char*>(data), size});
  if (!form) {
    TRACCIA_ASSERT(form.error().reason() == "MalformedQueryString");
    return 0;
  }
  const auto request = aws::decode_form(*form, kInput);
  if (!request) return 0;
  const auto result = aws::validate(kInput, *request);
  if (!result) TRACCIA_ASSERT(!result.error().reason().empty());
  static_cast<void>(aws::audit_parameters(kInput, *request));
  return 0;
}
