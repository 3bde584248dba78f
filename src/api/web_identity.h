// Who brings a token of an OpenID Connect provider.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/services.h"
#include "base/error.h"
#include "identity/principal.h"

namespace traccia::api {

// Proves a web identity to the account of a role that it asks for: the issuer is a provider of that
// account, the token is for one of its client ids, signed by one of the issuer's keys, and valid
// now by the clock of clients. May fetch keys, so it must not run inside a transaction. Reasons,
// with STS's texts: InvalidIdentityToken, ExpiredTokenException, IDPCommunicationError,
// AccessDenied (there is no such role; nobody learns more).
Result<identity::Principal> prove_web_identity(Services& services, const std::string& role_arn,
                                               const std::string& token);

}  // namespace traccia::api
