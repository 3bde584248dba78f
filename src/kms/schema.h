// The tables of this module.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace traccia::kms {

// Keys, their material, aliases and tags.
extern const std::string_view kSchema;
// When keys get new material.
extern const std::string_view kRotationSchema;
extern const std::string_view kGrantsSchema;
// Who manages a key.
extern const std::string_view kManagersSchema;
// Keys in several regions, and keys of imported material.
extern const std::string_view kReplicasSchema;
// What tells that a key or something of it was changed.
extern const std::string_view kVersionsSchema;

}  // namespace traccia::kms
