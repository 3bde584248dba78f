// KMS GetPublicKey and DeriveSharedSecret.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_call.h"
#include "api/kms_use.h"
#include "base/bytes.h"

namespace traccia::api::kms_service {
namespace {

constexpr Member kGetInput[] = {kKeyIdMember, kGrantTokensMember};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Member kGetOutput[] = {{"KeyId", &kString},
                                 {"PublicKey", &kPublicKey},
                                 {"CustomerMasterKeySpec", &kMasterKeySpec},
                                 {"KeySpec", &kKeySpec},
                                 {"KeyUsage", &kKeyUsage},
                                 {"EncryptionAlgorithms", &kEncryptionAlgorithmList},
                                 {"SigningAlgorithms", &kSigningAlgorithmList},
                                 {"KeyAgreementAlgorithms", &kAgreementList},
                                 {"EncapsulationAlgorithms", &kEncapsulationList}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr std::string_view kGetErrors[] = {kNotFound,   kDisabled,     kUnsupported,
                                           kInvalidArn, kInvalidUsage, kInvalidState};
constexpr auto kGet =
    query("kms:GetPublicKey", kGetRequest, kGetAnswer, kGetErrors, on_key(kAliasKeys));

constexpr Member kDeriveInput[] = {kKeyIdMember,
                                   {"KeyAgreementAlgorithm", &kAgreement, Presence::Required},
                                   {"PublicKey", &kPublicKey, Presence::Required},
                                   kGrantTokensMember,
                                   kDryRunMember,
                                   kRecipientMember};
constexpr Shape kDeriveRequest = aws::structure_shape(kDeriveInput);
constexpr Member kDeriveOutput[] = {
    {"KeyId", &kString},
    {"SharedSecret", &kPlaintext, Presence::Optional, Sensitivity::Unseen},
    kForRecipientMember,
    {"KeyAgreementAlgorithm", &kAgreement},
    {"KeyOrigin", &kOrigin}};
constexpr Shape kDeriveAnswer = aws::structure_shape(kDeriveOutput);
constexpr std::string_view kDeriveErrors[] = {kNotFound, kDisabled, kInvalidUsage, kInvalidState,
                                              kDryRun};
constexpr std::string_view kDeriveKeys[] = {"kms:RequestAlias", "kms:KeyAgreementAlgorithm"};
constexpr auto kDerive = query("kms:DeriveSharedSecret", kDeriveRequest, kDeriveAnswer,
                               kDeriveErrors, on_key(kDeriveKeys));

Result<json::Object> get_public_key(Call& call) {
  TRY_ASSIGN(const auto key, find_key(call, "KeyId", kms::AliasesAre::Allowed));
  TRY(check_pair(key));
  TRY(kms::check_state(key, kms::Needs::Enabled));
  TRY_ASSIGN(auto open, call.services.keys.open(call.transaction, key));
  call.rest = [key, open = std::move(open)]() -> Result<Output> {
    TRY_ASSIGN(const auto public_key, open->public_key());
    json::Object out{{"KeyId", key.arn},
                     {"PublicKey", base64_encode(public_key)},
                     {"CustomerMasterKeySpec", key.spec},
                     {"KeySpec", key.spec},
                     {"KeyUsage", key.usage}};
    write_algorithms(out, key);
    return Output{std::move(out), {}};
  };
  return json::Object{};
}

Result<json::Object> derive(Call& call) {
  TRY(check_recipient(call.input));
  TRY_ASSIGN(auto known,
             find_usable(call, get_string(call.input, "KeyId"), kms::kKeyAgreement, kDerive.name));
  TRY(check_algorithm(known->key, get_string(call.input, "KeyAgreementAlgorithm")));
  TRY_ASSIGN(auto open, call.services.keys.open(call.transaction, known->key));
  call.rest = [known = std::move(known), open = std::move(open),
               peer = read_blob(call.input, "PublicKey"),
               dry_run = check_dry_run(call)]() -> Result<Output> {
    const auto secret = open->agree(peer);
    // AWS gives no text.
    if (!secret && secret.error().code() == ErrorCode::InvalidArgument) return invalid("");
    if (!secret) return std::unexpected(secret.error());
    TRY(dry_run);
    return Output{json::Object{{"KeyId", known->key.arn},
                               {"SharedSecret", base64_encode(*secret)},
                               {"KeyAgreementAlgorithm", "ECDH"},
                               {"KeyOrigin", known->key.origin}},
                  {}};
  };
  return json::Object{};
}

}  // namespace

std::span<const Binding> pair_bindings() {
  static const std::array bindings{Binding{&kGet, get_public_key}, Binding{&kDerive, derive}};
  return bindings;
}

}  // namespace traccia::api::kms_service
