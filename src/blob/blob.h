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

// A blob as put() writes it, for who keeps it elsewhere. With a data key of 32 bytes the content is
// encrypted, under a key that is the blob's own; without one it is stored plain.
std::string make_blob(os::Random& random, std::string_view bytes, std::string_view data_key = {},
                      Packing packing = Packing::None);
// Errors call it by the name. FailedPrecondition for an encrypted blob without a data key.
Result<std::unique_ptr<Reader>> open_made_blob(std::string blob, std::string name,
                                               std::string_view data_key = {});
// Checks all of it, for which an encrypted blob needs no key. DataLoss as of Reader::read_at().
Result<> scrub_made_blob(std::string blob, std::string name);

// Thread-safe.
class BlobStore {
 public:
  // Makes the directory; removes temporary files of earlier versions.
  static Result<std::unique_ptr<BlobStore>> open(os::Os os, const std::string& directory);
  // Durable on return: file and directory are synced. Otherwise as make_blob(). A crash may leave a
  // part of a file whose id nobody was given.
  Result<BlobId> put(std::string_view bytes, std::string_view data_key = {},
                     Packing packing = Packing::None);
  // `data_key` as at put(). FailedPrecondition for an encrypted blob without one.
  Result<std::unique_ptr<Reader>> open_blob(const BlobId& id, std::string_view data_key = {});
  Result<std::string> read_all(const BlobId& id, std::string_view data_key = {});
  // As scrub_made_blob().
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
