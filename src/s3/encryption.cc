// The key of SSE-S3.
// SPDX-License-Identifier: Apache-2.0
#include "s3/encryption.h"

#include <optional>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::s3 {

const std::string_view kEncryptionSchema = R"sql(
CREATE TABLE s3_service_keys (
  number INTEGER PRIMARY KEY,
  sealed BLOB NOT NULL       -- 32 bytes, under the master key
) STRICT;
)sql";

namespace {

constexpr size_t kKeyBytes = 32;
constexpr std::string_view kPlace = "s3-service-key/1";

constexpr std::string_view kEtagKey = "traccia etag 1\n";
constexpr size_t kEtagBytes = 16;

}  // namespace

std::string etag_of(std::string_view bytes, const Sealing& sealing, const blob::BlobId& blob) {
  const auto sum = crypto::md5(bytes);
  if (sealing.encryption.kind != Sse::Kms) return hex_encode(sum);
  const auto text = std::string(kEtagKey).append(blob).append(sum);
  return hex_encode(crypto::hmac_sha256(sealing.data_key, text).substr(0, kEtagBytes));
}

std::string_view algorithm_of(Sse kind) {
  return kind == Sse::Kms ? "aws:kms" : "AES256";
}

Result<std::string> load_service_key(meta::Database& database, os::Os os,
                                     const identity::MasterKey& master_key) {
  std::string key;
  TRY(database.write([&](meta::Transaction& transaction) -> Result<> {
    std::optional<std::string> sealed;
    TRY(transaction.query("SELECT sealed FROM s3_service_keys WHERE number = 1", {},
                          [&](const meta::Row& row) -> Result<> {
                            sealed = row.text(0);
                            return {};
                          }));
    if (sealed) {
      TRY_ASSIGN(key, master_key.open(*sealed, kPlace));
      return {};
    }
    key = os.random.bytes(kKeyBytes);
    const auto stored = master_key.seal(key, kPlace);
    TRY(transaction.execute("INSERT INTO s3_service_keys (number, sealed) VALUES (1, ?)",
                            {meta::Blob{stored}}));
    return {};
  }));
  return key;
}

}  // namespace traccia::s3
