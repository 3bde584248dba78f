// KMS GenerateMac and VerifyMac.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/kms_call.h"
#include "api/kms_use.h"
#include "base/bytes.h"

namespace traccia::api::kms_service {
namespace {

constexpr Shape kMac{.type = aws::MemberType::Blob, .min = 1, .max = 6144};
constexpr std::string_view kConditions[] = {"kms:RequestAlias", "kms:MacAlgorithm"};
constexpr Member kMessage{"Message", &kPlaintext, Presence::Required, Sensitivity::Unseen};
constexpr Member kAlgorithmMember{"MacAlgorithm", &kMacAlgorithm, Presence::Required};

constexpr Member kGenerateInput[] = {kMessage, kKeyIdMember, kAlgorithmMember, kGrantTokensMember,
                                     kDryRunMember};
constexpr Shape kGenerateRequest = aws::structure_shape(kGenerateInput);
constexpr Member kGenerateOutput[] = {
    {"Mac", &kMac}, {"MacAlgorithm", &kMacAlgorithm}, {"KeyId", &kString}};
constexpr Shape kGenerateAnswer = aws::structure_shape(kGenerateOutput);
constexpr std::string_view kGenerateErrors[] = {kNotFound, kDisabled, kInvalidUsage, kInvalidState,
                                                kDryRun};
constexpr auto kGenerate = query("kms:GenerateMac", kGenerateRequest, kGenerateAnswer,
                                 kGenerateErrors, on_key(kConditions));

constexpr Member kVerifyInput[] = {kMessage,           kKeyIdMember,
                                   kAlgorithmMember,   {"Mac", &kMac, Presence::Required},
                                   kGrantTokensMember, kDryRunMember};
constexpr Shape kVerifyRequest = aws::structure_shape(kVerifyInput);
constexpr Member kVerifyOutput[] = {
    {"KeyId", &kString}, {"MacValid", &kBoolean}, {"MacAlgorithm", &kMacAlgorithm}};
constexpr Shape kVerifyAnswer = aws::structure_shape(kVerifyOutput);
constexpr std::string_view kVerifyErrors[] = {kNotFound,     kDisabled, kInvalidUsage,
                                              kInvalidState, kDryRun,   "KMSInvalidMacException"};
constexpr auto kVerify =
    query("kms:VerifyMac", kVerifyRequest, kVerifyAnswer, kVerifyErrors, on_key(kConditions));

// The request's message under the request's key.
struct Made {
  kms::Known known;
  std::string mac;
};

Result<Made> make(Call& call, std::string_view operation) {
  TRY_ASSIGN(auto known, find_usable(call, get_string(call.input, "KeyId"), kms::kGenerateVerifyMac,
                                     operation));
  TRY(check_algorithm(known->key, get_string(call.input, "MacAlgorithm")));
  TRY(check_dry_run(call));
  TRY_ASSIGN(const auto open, call.services.keys.open(call.transaction, known->key));
  auto mac = open->mac(read_blob(call.input, "Message"));
  return Made{std::move(known), std::move(mac)};
}

Result<json::Object> generate(Call& call) {
  TRY_ASSIGN(const auto made, make(call, kGenerate.name));
  return json::Object{{"Mac", base64_encode(made.mac)},
                      {"MacAlgorithm", get_string(call.input, "MacAlgorithm")},
                      {"KeyId", made.known->key.arn}};
}

Result<json::Object> verify(Call& call) {
  TRY_ASSIGN(const auto made, make(call, kVerify.name));
  if (!constant_time_equal(made.mac, read_blob(call.input, "Mac"))) {
    return fail(ErrorCode::InvalidArgument, "KMSInvalidMac", "");
  }
  return json::Object{{"KeyId", made.known->key.arn},
                      {"MacValid", true},
                      {"MacAlgorithm", get_string(call.input, "MacAlgorithm")}};
}

}  // namespace

std::span<const Binding> mac_bindings() {
  static const std::array bindings{Binding{&kGenerate, generate}, Binding{&kVerify, verify}};
  return bindings;
}

}  // namespace traccia::api::kms_service
