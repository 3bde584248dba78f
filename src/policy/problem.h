// What can be wrong with a policy document, in AWS's words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::policy {

enum class Problem : uint8_t {
  NotJson,
  Syntax,        // the wrong JSON type, or elements that exclude each other
  DuplicateKey,  // detail: the key
  UnknownElement,
  Version,
  MissingElement,
  EffectValue,
  SidForm,
  SidTwice,
  PrincipalProhibited,
  PrincipalMissing,
  PrincipalForm,
  ActionMissing,
  ActionVendorMissing,
  ActionColons,
  ActionVendor,
  ActionForm,
  ActionForeign,  // of another service, or one that this kind of policy may not name
  ResourceMissing,
  ResourceProhibited,
  ResourceForm,
  ResourcePartition,
  ResourceVendor,
  ResourceParts,
  ResourceRegion,
  ResourceForeign,
  ConditionOperator,
  ConditionKey,
  ConditionValue,
  Character,
  Unsupported,  // not in this kind of policy
  TooLarge,
};

enum class Wording : uint8_t { Iam, S3 };

// The message without place. `detail` is the offending text or a reason; each wording says whether
// and where it stands.
std::string describe(Problem problem, Wording wording, std::string_view detail);
// The reason of the error: MalformedPolicyDocument, MalformedPolicy or LimitExceeded.
std::string_view reason_of(Problem problem, Wording wording);

}  // namespace traccia::policy
