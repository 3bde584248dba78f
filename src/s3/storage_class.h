// Storage classes ("Understanding and managing Amazon S3 storage classes").
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "blob/blob.h"

namespace traccia::s3 {

// The values are stored.
enum class StorageClass : uint8_t {
  Standard = 0,
  StandardIa = 1,
  IntelligentTiering = 2,
  OnezoneIa = 3,
  GlacierIr = 4,
  Glacier = 5,
  DeepArchive = 6,
  ReducedRedundancy = 7
};

std::string_view name_of(StorageClass storage_class);  // "DEEP_ARCHIVE"
std::optional<StorageClass> storage_class_of(std::string_view name);

// Lifecycle rules move objects to classes of higher rank only ("Supported transitions").
int rank_of(StorageClass storage_class);
// Whether objects must be restored to be read.
bool is_archive(StorageClass storage_class);
// How bytes of the class lie on disk.
blob::Packing packing_of(StorageClass storage_class);

}  // namespace traccia::s3
