// How objects lie in the index.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "meta/database.h"
#include "s3/s3.h"

namespace traccia::s3 {

using Parts = std::vector<std::pair<blob::BlobId, uint64_t>>;

// "ID:SIZE ID:SIZE …"
std::string encode_parts(const Parts& parts);
Result<Parts> decode_parts(std::string_view text);

// System headers, user metadata, checksums, the lock and the encryption as one JSON document.
std::string encode_properties(const ObjectInfo& object);
Result<> decode_properties(std::string_view text, ObjectInfo& object);

// Of s3_objects and s3_versions; only the latter has markers.
inline constexpr std::string_view kObjectColumns =
    "key, size, etag, modified, owner, properties, parts, version, place";
// A row of kObjectColumns and, as the column behind them, whether it is a delete marker.
Result<ObjectInfo> read_object_row(const meta::Row& row, std::string_view bucket);

// The blobs become garbage, to be removed once the transaction is committed.
Result<> discard(meta::Transaction& transaction, const Parts& parts);

Result<> check_key(std::string_view key);
Result<> check_metadata(const PutOptions& options);
// PreconditionFailed, or NoSuchKey for If-Match on a key that is not there.
Result<> check_conditions(const std::optional<ObjectInfo>& there, const PutOptions& options);
// The current version, unless it is a delete marker.
Result<std::optional<ObjectInfo>> find_object(meta::Transaction& transaction,
                                              std::string_view bucket, std::string_view key);

}  // namespace traccia::s3
