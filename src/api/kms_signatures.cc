// KMS Sign and Verify.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_call.h"
#include "api/kms_use.h"
#include "base/bytes.h"

namespace traccia::api::kms_service {
namespace {

constexpr std::string_view kMessageTypes[] = {"RAW", "DIGEST", "EXTERNAL_MU"};
constexpr Shape kMessageType = aws::enum_shape(kMessageTypes);
constexpr std::string_view kConditions[] = {"kms:RequestAlias", "kms:MessageType",
                                            "kms:SigningAlgorithm"};
constexpr Member kMessageMember{"Message", &kPlaintext, Presence::Required, Sensitivity::Unseen};
constexpr Member kTypeMember{"MessageType", &kMessageType};
constexpr Member kAlgorithmMember{"SigningAlgorithm", &kSigningAlgorithm, Presence::Required};

constexpr Member kSignInput[] = {kKeyIdMember,       kMessageMember,   kTypeMember,
                                 kGrantTokensMember, kAlgorithmMember, kDryRunMember};
constexpr Shape kSignRequest = aws::structure_shape(kSignInput);
constexpr Member kSignOutput[] = {
    {"KeyId", &kString}, {"Signature", &kCiphertext}, {"SigningAlgorithm", &kSigningAlgorithm}};
constexpr Shape kSignAnswer = aws::structure_shape(kSignOutput);
constexpr std::string_view kSignErrors[] = {kNotFound, kDisabled, kInvalidUsage, kInvalidState,
                                            kDryRun};
constexpr auto kSign =
    query("kms:Sign", kSignRequest, kSignAnswer, kSignErrors, on_key(kConditions));

constexpr Member kVerifyInput[] = {
    kKeyIdMember,     kMessageMember,
    kTypeMember,      {"Signature", &kCiphertext, Presence::Required},
    kAlgorithmMember, kGrantTokensMember,
    kDryRunMember};
constexpr Shape kVerifyRequest = aws::structure_shape(kVerifyInput);
constexpr Member kVerifyOutput[] = {
    {"KeyId", &kString}, {"SignatureValid", &kBoolean}, {"SigningAlgorithm", &kSigningAlgorithm}};
constexpr Shape kVerifyAnswer = aws::structure_shape(kVerifyOutput);
constexpr std::string_view kVerifyErrors[] = {
    kNotFound, kDisabled, kInvalidUsage, kInvalidState, kDryRun, "KMSInvalidSignatureException"};
constexpr auto kVerify =
    query("kms:Verify", kVerifyRequest, kVerifyAnswer, kVerifyErrors, on_key(kConditions));

// The digest of the request's message, and the key that signs such.
struct Signing {
  kms::Known known;
  kms::Opened open;
  std::string algorithm;
  std::string digest;
};

Result<std::string> read_digest(const json::Object& input, std::string_view algorithm) {
  const auto type = optional_string(input, "MessageType").value_or("RAW");
  auto message = read_blob(input, "Message");
  if (type == "RAW") return kms::digest_of(algorithm, message);
  // EXTERNAL_MU is of ML-DSA only.
  if (type != "DIGEST") {
    return invalid(fmt::format("MessageType {} is not valid for algorithm {}.", type, algorithm));
  }
  if (message.size() == kms::digest_bytes(algorithm)) return message;
  return invalid(fmt::format("Digest is invalid length for algorithm {}.", algorithm));
}

Result<Signing> find_signing(Call& call, std::string_view operation) {
  TRY_ASSIGN(auto known,
             find_usable(call, get_string(call.input, "KeyId"), kms::kSignVerify, operation));
  auto algorithm = get_string(call.input, "SigningAlgorithm");
  TRY(check_algorithm(known->key, algorithm));
  TRY_ASSIGN(auto digest, read_digest(call.input, algorithm));
  TRY(check_dry_run(call));
  TRY_ASSIGN(auto open, call.services.keys.open(call.transaction, known->key));
  return Signing{std::move(known), std::move(open), std::move(algorithm), std::move(digest)};
}

Result<json::Object> sign(Call& call) {
  TRY_ASSIGN(auto signing, find_signing(call, kSign.name));
  call.rest = [signing = std::move(signing)]() -> Result<Output> {
    TRY_ASSIGN(const auto signature, signing.open->sign(signing.algorithm, signing.digest));
    return Output{json::Object{{"KeyId", signing.known->key.arn},
                               {"Signature", base64_encode(signature)},
                               {"SigningAlgorithm", signing.algorithm}},
                  {}};
  };
  return json::Object{};
}

Result<json::Object> verify(Call& call) {
  TRY_ASSIGN(auto signing, find_signing(call, kVerify.name));
  call.rest = [signing = std::move(signing),
               signature = read_blob(call.input, "Signature")]() -> Result<Output> {
    TRY_ASSIGN(const bool valid,
               signing.open->verify(signing.algorithm, signing.digest, signature));
    if (!valid) return fail(ErrorCode::InvalidArgument, "KMSInvalidSignature", "");
    return Output{json::Object{{"KeyId", signing.known->key.arn},
                               {"SignatureValid", true},
                               {"SigningAlgorithm", signing.algorithm}},
                  {}};
  };
  return json::Object{};
}

}  // namespace

std::span<const Binding> signature_bindings() {
  static const std::array bindings{Binding{&kSign, sign}, Binding{&kVerify, verify}};
  return bindings;
}

}  // namespace traccia::api::kms_service
