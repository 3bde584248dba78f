// Whether a resource's policy gives anything to everybody.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/document.h"

namespace traccia::policy {

// S3's meaning of public ("Blocking public access to your Amazon S3 storage"): some Allow is for
// everybody, and no condition on who or where from holds it to fixed values. A range of addresses
// is fixed down to /8 (IPv6: /32); a wildcard or variable is not. Denies do not count.
bool is_public(const Document& document);

}  // namespace traccia::policy
