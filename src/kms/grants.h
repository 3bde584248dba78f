// Grants: single principals that a key lets do single things, beside its policy.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/page.h"
#include "kms/ciphertext.h"
#include "kms/key.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::kms {

// Which encryption contexts a grant is for. The values are stored.
enum class GrantRule : uint8_t {
  Any = 0,
  Subset = 1,  // the request's context has all of these pairs
  Equals = 2,
};

// A principal as it is named, and whom that means: the unique id of a user or role, so that who
// comes later under the name is not meant; the ARN of what has none.
struct GrantPrincipal {
  std::string arn = {};
  std::string means = {};
};

struct Grant {
  std::string id = {};  // 64 hexadecimal digits
  std::string key_arn = {};
  std::string name = {};  // empty: none
  GrantPrincipal grantee = {};
  GrantPrincipal retiring = {};              // empty: none
  std::vector<std::string> operations = {};  // "Decrypt", sorted, each once
  GrantRule rule = GrantRule::Any;
  EncryptionContext context = {};  // of the rule
  std::string issuing_account = {};
  Time created = {};
};

// Whom a caller is: unique id, ARN, and the unique id of the role behind a session.
struct GrantCaller {
  std::string id = {};
  std::string arn = {};
  std::string role_id = {};
};

// What is asked of a grant.
struct GrantedUse {
  std::string_view operation;  // "Decrypt"
  // Of a cryptographic operation: its encryption context. Others are under no rule.
  const EncryptionContext* context = nullptr;
  // Of CreateGrant: the grant to be made, which must not reach further.
  const Grant* made = nullptr;
};

// Reason InvalidArn for what is no principal.
Result<GrantPrincipal> bind_grant_principal(meta::Transaction& transaction, std::string_view arn);

// Gives the grant that there is when one with the same name is the same in all else. Reason
// LimitExceeded ("AWS KMS resource quotas": 50,000 a key).
inline constexpr int64_t kGrantsPerKeyMax = 50'000;
Result<Grant> create_grant(meta::Transaction& transaction, os::Os os, Grant wanted);
// Of this key. Reason NotFound.
Result<Grant> get_grant(meta::Transaction& transaction, const Key& key, std::string_view id);
Result<> remove_grant(meta::Transaction& transaction, const Grant& grant);

// Whether some grant of the key lets the caller do this. RetireGrant is for the grant's retiring
// principal, and for its grantee where it is one of its operations: `id` says of which grant.
Result<bool> is_granted(meta::Transaction& transaction, const Key& key, const GrantCaller& caller,
                        const GrantedUse& use, std::string_view id = {});

// By id; of those that name this grantee when `grantee` is not empty.
Result<identity::Page<Grant>> list_grants(meta::Transaction& transaction, const Key& key,
                                          std::string_view grantee, const identity::Cursor& cursor);
// By id: on keys of the place, for this retiring principal.
Result<identity::Page<Grant>> list_retirable_grants(meta::Transaction& transaction,
                                                    const Place& place, std::string_view retiring,
                                                    const identity::Cursor& cursor);

}  // namespace traccia::kms
