// The classes, as data.
// SPDX-License-Identifier: Apache-2.0
#include "s3/storage_class.h"

#include <algorithm>

#include "base/assert.h"

namespace traccia::s3 {
namespace {

struct Kind {
  StorageClass storage_class;
  std::string_view name;
  int rank;
  bool archive;
  blob::Packing packing;
};

constexpr Kind kKinds[] = {
    {StorageClass::Standard, "STANDARD", 0, false, blob::Packing::None},
    {StorageClass::ReducedRedundancy, "REDUCED_REDUNDANCY", 0, false, blob::Packing::None},
    {StorageClass::StandardIa, "STANDARD_IA", 1, false, blob::Packing::Small},
    {StorageClass::IntelligentTiering, "INTELLIGENT_TIERING", 2, false, blob::Packing::None},
    {StorageClass::OnezoneIa, "ONEZONE_IA", 3, false, blob::Packing::Small},
    {StorageClass::GlacierIr, "GLACIER_IR", 4, false, blob::Packing::Small},
    {StorageClass::Glacier, "GLACIER", 5, true, blob::Packing::Small},
    {StorageClass::DeepArchive, "DEEP_ARCHIVE", 6, true, blob::Packing::Small}};

const Kind& kind_of(StorageClass storage_class) {
  const auto* const at = std::ranges::find(kKinds, storage_class, &Kind::storage_class);
  TRACCIA_ASSERT(at != std::end(kKinds));
  return *at;
}

}  // namespace

std::string_view name_of(StorageClass storage_class) {
  return kind_of(storage_class).name;
}

std::optional<StorageClass> storage_class_of(std::string_view name) {
  const auto* const at = std::ranges::find(kKinds, name, &Kind::name);
  return at == std::end(kKinds) ? std::nullopt : std::optional(at->storage_class);
}

int rank_of(StorageClass storage_class) {
  return kind_of(storage_class).rank;
}

bool is_archive(StorageClass storage_class) {
  return kind_of(storage_class).archive;
}

blob::Packing packing_of(StorageClass storage_class) {
  return kind_of(storage_class).packing;
}

}  // namespace traccia::s3
