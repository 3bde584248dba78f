// New credentials for an account's root user, on the machine that has the data directory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "custody/master_key.h"
#include "os/os.h"

namespace traccia::server {

struct RootCredentials {
  std::string account_id;
  std::string password;
  std::string access_key_id, secret_access_key;
};

// Gives the root user a password and an access key in place of those it had, takes its MFA devices
// from it, and ends its sign-in sessions. Durable on return, together with its event, which the
// next start of the server writes into the log. `account_id` empty: the management account.
// `master_key` as for the server. FailedPrecondition while a server runs on the
// directory; NotFound for a directory that no server was started on, and for accounts that do not
// exist or are closed.
Result<RootCredentials> reset_root(os::Os os, const std::string& directory,
                                   const custody::Settings& master_key,
                                   std::string_view account_id);

}  // namespace traccia::server
