// How objects are encrypted at rest.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "blob/blob.h"
#include "identity/master_key.h"
#include "meta/database.h"
#include "os/os.h"
#include "s3/storage_class.h"

namespace traccia::s3 {

extern const std::string_view kEncryptionSchema;

// None: of before objects were encrypted; the server shows it as SSE-S3, which it was stored as.
enum class Sse : uint8_t { None = 0, S3 = 1, Kms = 2 };

// Of an object or upload ("Protecting data with server-side encryption").
struct Encryption {
  Sse kind = Sse::S3;
  // Of SSE-KMS:
  std::string key_arn = {};
  std::string sealed_key = {};  // the data key, to be opened by KMS
  std::string context = {};     // the encryption context as a JSON object, with aws:s3:arn
  bool bucket_key = false;      // that context names the bucket
};

// What bytes are stored under.
struct Sealing {
  Encryption encryption = {};
  std::string data_key = {};  // of SSE-KMS, 32 bytes
  StorageClass storage_class = StorageClass::Standard;
};

// 32 hexadecimal digits: the MD5 of the bytes, except under SSE-KMS, where it must tell nothing of
// them ("Common response headers", ETag).
std::string etag_of(std::string_view bytes, const Sealing& sealing, const blob::BlobId& blob);

// "AES256", "aws:kms"
std::string_view algorithm_of(Sse kind);

// The data key of SSE-S3, 32 bytes: made in the first start and sealed under the master key.
// DataLoss when another master key sealed it.
Result<std::string> load_service_key(meta::Database& database, os::Os os,
                                     const identity::MasterKey& master_key);

}  // namespace traccia::s3
