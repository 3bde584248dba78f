// Where objects' bytes lie: in files of the blob store, or beside the index when they are few.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/assert.h"
#include "s3/rows.h"
#include "s3/s3.h"

namespace traccia::s3 {

const std::string_view kSmallSchema = R"sql(
-- A table with row ids, unlike the others: its leaves hold values of up to a page whole.
CREATE TABLE s3_small (
  id   INTEGER PRIMARY KEY,
  blob BLOB NOT NULL           -- docs/formats/blob.md
) STRICT;
)sql";

namespace {

constexpr size_t kGarbagePerStep = 256;
constexpr size_t kSmallIdDigits = 16;  // files have 32

// The row of an id that is of s3_small.
std::optional<int64_t> small_row(const blob::BlobId& id) {
  if (id.size() != kSmallIdDigits) return std::nullopt;
  int64_t row = 0;
  const auto* end = id.data() + id.size();
  if (std::from_chars(id.data(), end, row, 16).ptr != end) return std::nullopt;
  return row;
}

std::string name_of_small(const blob::BlobId& id) {
  return fmt::format("s3_small/{}", id);
}

Result<std::optional<std::string>> find_small(meta::Transaction& transaction, int64_t row) {
  std::optional<std::string> blob;
  TRY(transaction.query("SELECT blob FROM s3_small WHERE id = ?", {row},
                        [&](const meta::Row& found) -> Result<> {
                          blob = found.text(0);
                          return {};
                        }));
  return blob;
}

}  // namespace

std::string_view S3::key_of(const Encryption& encryption, std::string_view data_key) const {
  switch (encryption.kind) {
    case Sse::None:
      return {};
    case Sse::S3:
      return service_key_;
    case Sse::Kms:
      TRACCIA_ASSERT(!data_key.empty());
      return data_key;
  }
  return {};
}

// Ascending, so that rows are added at the table's end. A clock that was put back may repeat a
// number: then the row is refused, and with it the request.
blob::BlobId S3::next_small_id() {
  const auto now = to_unix_nanoseconds(os_.clock.now());
  auto last = last_small_.load();
  while (!last_small_.compare_exchange_weak(last, std::max(last + 1, now))) {
  }
  return fmt::format("{:016x}", std::max(last + 1, now));
}

Result<StoredBytes> S3::store_bytes(std::string_view bytes, const Sealing& sealing) {
  const auto key = key_of(sealing.encryption, sealing.data_key);
  const auto packing = packing_of(sealing.storage_class);
  if (bytes.size() <= kInIndexMax) {
    return StoredBytes{next_small_id(), blob::make_blob(os_.random, bytes, key, packing)};
  }
  TRY_ASSIGN(auto id, blobs_.put(bytes, key, packing));
  return StoredBytes{std::move(id)};
}

Result<> S3::discard_bytes(const blob::BlobId& blob) {
  if (small_row(blob)) return {};  // gone with its transaction
  return blobs_.remove(blob);
}

Result<> S3::keep_small(meta::Transaction& transaction, const StoredBytes& stored) {
  const auto row = small_row(stored.id);
  if (!row) return {};
  const auto kept = transaction.execute("INSERT INTO s3_small (id, blob) VALUES (?, ?)",
                                        {*row, meta::Blob{stored.blob}});
  if (kept) return {};
  if (kept.error().code() != ErrorCode::AlreadyExists) return std::unexpected(kept.error());
  return fail(ErrorCode::Unavailable,
              fmt::format("bytes of an object were made twice in the same nanosecond ({}): the "
                          "clock was put back; try again",
                          stored.id));
}

Result<std::string> S3::read_small(const blob::BlobId& id) {
  std::optional<std::string> blob;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(blob, find_small(transaction, small_row(id).value()));
    return {};
  }));
  if (blob) return std::move(*blob);
  return fail(ErrorCode::NotFound, fmt::format("'{}' is not there", name_of_small(id)));
}

Result<StoredBytes> S3::load_small(meta::Transaction& transaction, const ObjectInfo& object) {
  if (object.parts.size() != 1) return StoredBytes();
  const auto& id = object.parts.front().first;
  const auto row = small_row(id);
  if (!row) return StoredBytes();
  TRY_ASSIGN(auto blob, find_small(transaction, *row));
  if (blob) return StoredBytes{id, std::move(*blob)};
  return fail(ErrorCode::DataLoss,
              fmt::format("the index names '{}', which it has not", name_of_small(id)));
}

Result<std::unique_ptr<blob::Reader>> S3::open_bytes(const blob::BlobId& id, std::string_view key) {
  if (!small_row(id)) return blobs_.open_blob(id, key);
  TRY_ASSIGN(auto blob, read_small(id));
  return blob::open_made_blob(std::move(blob), name_of_small(id), key);
}

Result<> S3::check_bytes(const blob::BlobId& id) {
  if (!small_row(id)) return blobs_.scrub(id);
  TRY_ASSIGN(auto blob, read_small(id));
  return blob::scrub_made_blob(std::move(blob), name_of_small(id));
}

Result<std::string> S3::read_object(const ObjectInfo& object, uint64_t offset, uint64_t count,
                                    std::string_view data_key, StoredBytes small) {
  const auto key = key_of(object.encryption, data_key);
  std::string out;
  uint64_t start = 0;  // of the part in the object
  for (const auto& [id, size] : object.parts) {
    const auto end = start + size;
    const auto from = std::max(offset, start);
    const auto to = std::min(offset + count, end);
    if (from < to) {
      auto reader = id == small.id
                        ? blob::open_made_blob(std::move(small.blob), name_of_small(id), key)
                        : open_bytes(id, key);
      if (!reader && reader.error().code() == ErrorCode::NotFound) {
        // Overwritten or deleted since its row was read.
        return fail(ErrorCode::NotFound, "NoSuchKey",
                    fmt::format("key '{}' was replaced while it was read", object.key));
      }
      if (!reader) return std::unexpected(std::move(reader).error());
      const auto filled = out.size();
      out.resize(filled + (to - from));
      TRY_ASSIGN(const auto read, (*reader)->read_at(from - start, std::span(out).subspan(filled)));
      if (read != to - from) {
        return fail(ErrorCode::DataLoss, fmt::format("blob {} is shorter than the index says", id));
      }
    }
    start = end;
  }
  return out;
}

Result<> S3::collect_garbage() {
  while (true) {
    std::vector<std::string> ids;
    TRY(database_.read([&](meta::Transaction& transaction) {
      return transaction.query("SELECT blob FROM s3_garbage LIMIT ?",
                               {static_cast<int64_t>(kGarbagePerStep)},
                               [&](const meta::Row& row) -> Result<> {
                                 ids.push_back(row.text(0));
                                 return {};
                               });
    }));
    if (ids.empty()) return {};
    for (const auto& id : ids) TRY(discard_bytes(id));
    TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
      for (const auto& id : ids) {
        if (const auto row = small_row(id)) {
          TRY(transaction.execute("DELETE FROM s3_small WHERE id = ?", {*row}));
        }
        TRY(transaction.execute("DELETE FROM s3_garbage WHERE blob = ?", {id}));
      }
      return {};
    }));
  }
}

Result<> S3::remove_orphans() {
  std::set<std::string> named;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY(transaction.query("SELECT parts FROM s3_objects UNION ALL SELECT parts FROM s3_versions",
                          {}, [&](const meta::Row& row) -> Result<> {
                            TRY_ASSIGN(const auto parts, decode_parts(row.view(0)));
                            for (const auto& [id, size] : parts) named.insert(id);
                            return {};
                          }));
    return transaction.query("SELECT blob FROM s3_parts UNION ALL SELECT blob FROM s3_garbage", {},
                             [&](const meta::Row& row) -> Result<> {
                               named.insert(row.text(0));
                               return {};
                             });
  }));
  TRY_ASSIGN(const auto ids, blobs_.list());
  for (const auto& id : ids) {
    if (!named.contains(id)) TRY(blobs_.remove(id));
  }
  return {};
}

}  // namespace traccia::s3
