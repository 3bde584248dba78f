// Versions of keys: how they are named, ordered, added and removed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"
#include "os/os.h"
#include "s3/s3.h"

namespace traccia::s3 {

// 32 hexadecimal digits: the place, so that ids of a key order as its versions do and a page can go
// on behind one that is gone, and 64 random bits.
std::string make_version_id(int64_t place, os::Random& random);
// nullopt for what make_version_id cannot give.
std::optional<int64_t> place_of(std::string_view version_id);

// A version of a key, or a delete marker; nullopt when there is none of that id.
Result<std::optional<ObjectInfo>> find_version(meta::Transaction& transaction,
                                               std::string_view bucket, std::string_view key,
                                               std::string_view version_id);

// Makes the object, or delete marker, the key's current version and fills its version_id and place.
// What it replaces becomes garbage: everything where no versions are kept, the null version where
// they are suspended.
Result<> add_version(meta::Transaction& transaction, const os::Os& os, const Bucket& holder,
                     ObjectInfo& object);

// Writes down what was changed of a version's properties.
Result<> store_properties(meta::Transaction& transaction, const ObjectInfo& version);

// Removes a version that find_version gave, for good, whatever locks it has.
Result<> remove_version(meta::Transaction& transaction, const ObjectInfo& version);

}  // namespace traccia::s3
