// KMS as the services of this process use it: CloudTrail by itself, S3 on behalf of who calls it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/audit.h"
#include "api/services.h"
#include "base/error.h"
#include "kms/keys.h"
#include "meta/database.h"

namespace traccia::api {

struct DataKey {
  std::string key_arn = {};
  std::string plaintext = {};  // 32 bytes
  std::string sealed = {};     // what decrypt_data_key() takes, at most 6144 bytes
};

// Calls of KMS, decided by the key's policy and recorded as those on the wire are. A service names
// the key by its ARN and acts on behalf of `caller.source_arn`; what it does is told to the key's
// account. For whom it makes the call otherwise stands in `caller`, with its own name in
// `via_service`. Reasons are KMS's: NotFound, InvalidArn, Disabled, KMSInvalidState, AccessDenied.
// Not to be called inside a transaction.
Result<DataKey> generate_data_key(Services& services, const Caller& caller, std::string_view key,
                                  const kms::EncryptionContext& context);
// Reason InvalidCiphertext too.
Result<std::string> decrypt_data_key(Services& services, const Caller& caller, std::string_view key,
                                     std::string_view sealed,
                                     const kms::EncryptionContext& context);
// DescribeKey; the key's ARN.
Result<std::string> describe_key(Services& services, const Caller& caller, std::string_view key);

// Whether generate_data_key() would succeed; inside a transaction, and without a trace. For who
// sets a key up: a key that there is not is NotFound, whatever is allowed.
Result<> check_data_key(Services& services, meta::Transaction& transaction, const Caller& caller,
                        std::string_view key, const kms::EncryptionContext& context);

}  // namespace traccia::api
