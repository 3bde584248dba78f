// Object bytes in files named by a random id, under a versioned header with room for encryption.
// Format: docs/formats/blob.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/os.h"

namespace traccia::blob {

// 32 hex characters.
using BlobId = std::string;

// Small: compressed where that saves something, and slower to read. The content is the same.
enum class Packing : uint8_t { None, Small };

// Reads one blob; every block's checksum is verified before its bytes are given out.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual uint64_t size() const = 0;
  // Any range inside the blob. DataLoss names the file and offset of a block that does not match.
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> out) = 0;
};

// Thread-safe.
class BlobStore {
 public:
  // Makes the directory; removes temporary files left by a crash.
  static Result<std::unique_ptr<BlobStore>> open(os::Os os, const std::string& directory);
  // Durable on return: file synced, renamed into place, directory synced.
  // With a data key of 32 bytes the content is encrypted, under a key that is the blob's own;
  // without one it is stored plain.
  Result<BlobId> put(std::string_view bytes, std::string_view data_key = {},
                     Packing packing = Packing::None);
  // `data_key` as at put(). FailedPrecondition for an encrypted blob without one.
  Result<std::unique_ptr<Reader>> open_blob(const BlobId& id, std::string_view data_key = {});
  Result<std::string> read_all(const BlobId& id, std::string_view data_key = {});
  // Reads all of the file and checks it, for which an encrypted blob needs no key. DataLoss as of
  // Reader::read_at().
  Result<> scrub(const BlobId& id);
  // Idempotent.
  Result<> remove(const BlobId& id);
  // Ids on disk, for finding orphans at start-up.
  Result<std::vector<BlobId>> list();

 private:
  BlobStore(os::Os os, std::string directory) : os_(os), directory_(std::move(directory)) {}
  os::Os os_;
  std::string directory_;
};

}  // namespace traccia::blob
