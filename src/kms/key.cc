// States of keys, and what KMS says of them.
// SPDX-License-Identifier: Apache-2.0
#include "kms/key.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::kms {

namespace {

constexpr KeyKind kKinds[] = {{kSymmetric, kEncryptDecrypt, 32},
                              {"HMAC_224", kGenerateVerifyMac, 28, "HMAC_SHA_224"},
                              {"HMAC_256", kGenerateVerifyMac, 32, "HMAC_SHA_256"},
                              {"HMAC_384", kGenerateVerifyMac, 48, "HMAC_SHA_384"},
                              {"HMAC_512", kGenerateVerifyMac, 64, "HMAC_SHA_512"}};

}  // namespace

const KeyKind* find_kind(std::string_view spec) {
  const auto* at = std::ranges::find(kKinds, spec, &KeyKind::spec);
  return at == std::end(kKinds) ? nullptr : at;
}

std::string_view name_of(KeyState state) {
  switch (state) {
    case KeyState::Enabled:
      return "Enabled";
    case KeyState::Disabled:
      return "Disabled";
    case KeyState::PendingDeletion:
      return "PendingDeletion";
  }
  return {};
}

Result<> check_state(const Key& key, Needs needs) {
  const bool pending = key.state == KeyState::PendingDeletion;
  if (needs == Needs::PendingDeletion) {
    if (pending) return {};
    return fail(ErrorCode::FailedPrecondition, "KMSInvalidState",
                fmt::format("{} is not pending deletion.", key.arn));
  }
  if (pending) {
    return fail(ErrorCode::FailedPrecondition, "KMSInvalidState",
                fmt::format("{} is pending deletion.", key.arn));
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
