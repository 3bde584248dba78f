// A key as its row has it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "kms/key.h"
#include "meta/database.h"

namespace traccia::kms {

// A condition follows; read_key() reads the rows.
inline constexpr std::string_view kSelectKey =
    "SELECT arn, account, region, id, spec, usage, description, state, created, deletion, policy, "
    "material, manager, primary_region, window_days, origin, valid_to, version FROM kms_keys "
    "WHERE ";
Key read_key(const meta::Row& row);

}  // namespace traccia::kms
