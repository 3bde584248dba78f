// CloudTrail ListPublicKeys: the keys that verify this region's digests.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "base/bytes.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kInput[] = {
    {"StartTime", &kTimestamp}, {"EndTime", &kTimestamp}, {"NextToken", &kString}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kKeyMembers[] = {{"Value", &aws::kBlob},
                                  {"ValidityStartTime", &kTimestamp},
                                  {"ValidityEndTime", &kTimestamp},
                                  {"Fingerprint", &kString}};
constexpr Shape kKey = aws::structure_shape(kKeyMembers);
constexpr Shape kKeys = aws::list_shape(kKey);
constexpr Member kOutput[] = {{"PublicKeyList", &kKeys}, {"NextToken", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {"InvalidTimeRangeException", "InvalidTokenException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "ListPublicKeys",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "cloudtrail:ListPublicKeys",
                                    .input = &kRequest,
                                    .output = &kAnswer,
                                    .errors = kErrors};

// Every matching key comes in one page: the AWS CLI reads only the first.
Result<json::Object> run(Call& call) {
  if (!get_string(call.input, "NextToken").empty()) {
    return fail(ErrorCode::InvalidArgument, "InvalidToken", "The token is not valid.");
  }
  TRY_ASSIGN(const auto start, optional_time(call.input, "StartTime"));
  TRY_ASSIGN(const auto end, optional_time(call.input, "EndTime"));
  if (start && end && *start > *end) {
    return fail(ErrorCode::InvalidArgument, "InvalidTimeRange",
                "The start time must not be after the end time.");
  }
  TRY_ASSIGN(const auto keys,
             digest::list_public_keys(call.transaction, call.caller.region, start, end, call.now));
  json::Array list;
  for (const auto& key : keys) {
    list.push_back(json::Object{{"Value", base64_encode(key.public_pkcs1_der)},
                                {"ValidityStartTime", aws::encode_timestamp(key.valid_from)},
                                {"ValidityEndTime", aws::encode_timestamp(key.valid_to)},
                                {"Fingerprint", key.fingerprint}});
  }
  return json::Object{{"PublicKeyList", std::move(list)}};
}

}  // namespace

const Binding kListPublicKeys{&kOperation, run};

}  // namespace traccia::api::cloudtrail
