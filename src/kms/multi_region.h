// Multi-Region keys: keys of one id in several regions, which have the same material.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kms/keys.h"
#include "meta/database.h"

namespace traccia::kms {

// The keys of a multi-Region key's id, itself too, by region; of those whose deletion is due by
// `now` there is nothing any more.
Result<std::vector<Key>> related_keys(meta::Transaction& transaction, const Key& key, Time now);

// Makes another of the keys the primary one, for all of them; automatic rotation is that one's from
// now on.
Result<> set_primary(meta::Transaction& transaction, const Key& primary, const Key& replica);

}  // namespace traccia::kms
