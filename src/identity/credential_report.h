// The credential report: what each user of an account can sign in with, as CSV.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "identity/identity.h"
#include "meta/database.h"

namespace traccia::identity {

// "Get credential reports": how long one is good.
inline constexpr std::chrono::hours kCredentialReportAge{4};

struct CredentialReport {
  Time made;
  std::string content;
};

Result<std::optional<CredentialReport>> find_credential_report(meta::Transaction& transaction,
                                                               std::string_view account_id);
// Replaces the account's. A row for the root user and one for each user, by name, in AWS's columns.
Result<> make_credential_report(meta::Transaction& transaction, Identity& identity,
                                std::string_view account_id, Time now);

}  // namespace traccia::identity
