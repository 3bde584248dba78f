// OpenID Connect providers: whose tokens an account takes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

struct OidcProvider {
  std::string arn = {};  // arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH
  std::string account_id = {};
  std::string url = {};  // HOST/PATH, as condition keys name it
  std::vector<std::string> client_ids = {};
  // Of certificates, kept for clients that read them back: connections trust the authorities of the
  // server's machine.
  std::vector<std::string> thumbprints = {};
  Time created = {};
};

// Thread-safe; state lives in the caller's transaction. Reasons of errors: NoSuchEntity,
// EntityAlreadyExists, LimitExceeded, InvalidInput; messages are IAM's.
class OidcProviders {
 public:
  // "IAM and AWS STS quotas"
  static constexpr int64_t kPerAccountMax = 100;
  static constexpr size_t kClientIdsMax = 100;
  static constexpr size_t kThumbprintsMax = 5;

  explicit OidcProviders(os::Os os) : os_(os) {}

  // Takes account, url (with its scheme), client ids and thumbprints of `wanted`.
  Result<OidcProvider> create(meta::Transaction& transaction, OidcProvider wanted);
  Result<OidcProvider> get(meta::Transaction& transaction, std::string_view account_id,
                           std::string_view arn);
  // ARNs, in their order.
  Result<std::vector<std::string>> list(meta::Transaction& transaction,
                                        std::string_view account_id);
  // One that is not there is no error ("DeleteOpenIDConnectProvider").
  Result<> remove(meta::Transaction& transaction, std::string_view account_id,
                  std::string_view arn);
  // Stores client ids and thumbprints.
  Result<> update(meta::Transaction& transaction, const OidcProvider& provider);

 private:
  os::Os os_;
};

}  // namespace traccia::identity
