// Who signed a request, and for which service and region.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/key_cache.h"
#include "aws/sigv4.h"
#include "aws/sigv4_key.h"
#include "base/error.h"
#include "http/message.h"
#include "identity/identity.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::api {

struct Authenticated {
  identity::Principal principal;
  aws::Scope scope;
};

// Thread-safe. A key that was found costs no SQL until something is written to the database.
class Authenticator {
 public:
  // `regions` are those that requests may be signed for; S3's may name any. All outlive this.
  Authenticator(meta::Database& database, identity::Identity& identity, os::Clock& clock,
                const std::vector<std::string>& regions)
      : database_(database), identity_(identity), clock_(clock), regions_(regions) {}

  // Notes the key's use. On success the body is as aws::verify leaves it. Reasons: those of
  // aws::parse_authorization and aws::verify, UnknownAccessKey, UnknownSessionToken, ExpiredToken,
  // UnknownOperationException (no such service here), InvalidRegion.
  Result<Authenticated> authenticate(http::Request& request);

 private:
  meta::Database& database_;
  identity::Identity& identity_;
  os::Clock& clock_;
  const std::vector<std::string>& regions_;
  aws::SigningKeyCache signing_keys_;
  KeyCache keys_;
};

}  // namespace traccia::api
