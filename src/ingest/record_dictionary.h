// What records have in common, for blocks too small to learn it themselves.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compress/compress.h"

namespace traccia::ingest {

// Of Codec::Zstd (docs/formats/wal.md). Thread-safe.
const compress::Dictionary& record_dictionary();

}  // namespace traccia::ingest
