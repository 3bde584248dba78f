// States of keys, and what KMS says of them.
// SPDX-License-Identifier: Apache-2.0
#include "kms/key.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace traccia::kms {

namespace {

using crypto::PairKind;

constexpr std::string_view kCipher[] = {kSymmetric};
constexpr std::string_view kHmac224[] = {"HMAC_SHA_224"};
constexpr std::string_view kHmac256[] = {"HMAC_SHA_256"};
constexpr std::string_view kHmac384[] = {"HMAC_SHA_384"};
constexpr std::string_view kHmac512[] = {"HMAC_SHA_512"};
constexpr std::string_view kOaep[] = {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"};
constexpr std::string_view kRsaSignatures[] = {
    "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",        "RSASSA_PSS_SHA_384",        "RSASSA_PSS_SHA_512"};
constexpr std::string_view kEcdsa256[] = {"ECDSA_SHA_256"};
constexpr std::string_view kEcdsa384[] = {"ECDSA_SHA_384"};
constexpr std::string_view kEcdsa512[] = {"ECDSA_SHA_512"};
constexpr std::string_view kEcdh[] = {"ECDH"};

// "Key spec reference" of the KMS developer guide.
constexpr KeyKind kKinds[] = {{kSymmetric, kEncryptDecrypt, kCipher, 32},
                              {"HMAC_224", kGenerateVerifyMac, kHmac224, 28},
                              {"HMAC_256", kGenerateVerifyMac, kHmac256, 32},
                              {"HMAC_384", kGenerateVerifyMac, kHmac384, 48},
                              {"HMAC_512", kGenerateVerifyMac, kHmac512, 64},
                              {"RSA_2048", kEncryptDecrypt, kOaep, 0, PairKind::Rsa2048},
                              {"RSA_3072", kEncryptDecrypt, kOaep, 0, PairKind::Rsa3072},
                              {"RSA_4096", kEncryptDecrypt, kOaep, 0, PairKind::Rsa4096},
                              {"RSA_2048", kSignVerify, kRsaSignatures, 0, PairKind::Rsa2048},
                              {"RSA_3072", kSignVerify, kRsaSignatures, 0, PairKind::Rsa3072},
                              {"RSA_4096", kSignVerify, kRsaSignatures, 0, PairKind::Rsa4096},
                              {"ECC_NIST_P256", kSignVerify, kEcdsa256, 0, PairKind::P256},
                              {"ECC_NIST_P384", kSignVerify, kEcdsa384, 0, PairKind::P384},
                              {"ECC_NIST_P521", kSignVerify, kEcdsa512, 0, PairKind::P521},
                              {"ECC_SECG_P256K1", kSignVerify, kEcdsa256, 0, PairKind::Secp256k1},
                              {"ECC_NIST_P256", kKeyAgreement, kEcdh, 0, PairKind::P256},
                              {"ECC_NIST_P384", kKeyAgreement, kEcdh, 0, PairKind::P384},
                              {"ECC_NIST_P521", kKeyAgreement, kEcdh, 0, PairKind::P521}};

}  // namespace

bool KeyKind::has(std::string_view algorithm) const {
  return std::ranges::find(algorithms, algorithm) != algorithms.end();
}

const KeyKind* find_kind(std::string_view spec, std::string_view usage) {
  const auto* at = std::ranges::find_if(
      kKinds, [&](const KeyKind& kind) { return kind.spec == spec && kind.usage == usage; });
  return at == std::end(kKinds) ? nullptr : at;
}

bool is_spec(std::string_view spec) {
  return std::ranges::find(kKinds, spec, &KeyKind::spec) != std::end(kKinds);
}

std::optional<PairKind> find_pair_kind(std::string_view spec) {
  const auto* at = std::ranges::find(kKinds, spec, &KeyKind::spec);
  return at == std::end(kKinds) ? std::nullopt : at->pair;
}

const KeyKind& Key::kind() const {
  const auto* kind = find_kind(spec, usage);
  TRACCIA_ASSERT(kind != nullptr);
  return *kind;
}

std::string_view name_of(KeyState state) {
  switch (state) {
    case KeyState::Enabled:
      return "Enabled";
    case KeyState::Disabled:
      return "Disabled";
    case KeyState::PendingDeletion:
      return "PendingDeletion";
    case KeyState::PendingReplicaDeletion:
      return "PendingReplicaDeletion";
    case KeyState::PendingImport:
      return "PendingImport";
  }
  return {};
}

bool is_pending_deletion(KeyState state) {
  return state == KeyState::PendingDeletion || state == KeyState::PendingReplicaDeletion;
}

Result<> check_state(const Key& key, Needs needs) {
  const bool pending = is_pending_deletion(key.state);
  if (needs == Needs::PendingDeletion) {
    if (pending) return {};
    return fail(ErrorCode::FailedPrecondition, "KMSInvalidState",
                fmt::format("{} is not pending deletion.", key.arn));
  }
  if (pending) {
    return fail(ErrorCode::FailedPrecondition, "KMSInvalidState",
                fmt::format("{} is pending deletion.", key.arn));
  }
  if (needs != Needs::Kept && key.state == KeyState::PendingImport) {
    return fail(ErrorCode::FailedPrecondition, "KMSInvalidState",
                fmt::format("{} is pending import.", key.arn));
  }
  if (needs == Needs::Enabled && key.state == KeyState::Disabled) {
    return fail(ErrorCode::FailedPrecondition, "Disabled", fmt::format("{} is disabled.", key.arn));
  }
  return {};
}

std::string key_arn(const Place& place, std::string_view id) {
  return fmt::format("arn:aws:kms:{}:{}:key/{}", place.region, place.account, id);
}

std::string alias_arn(const Place& place, std::string_view name) {
  return fmt::format("arn:aws:kms:{}:{}:{}", place.region, place.account, name);
}

}  // namespace traccia::kms
