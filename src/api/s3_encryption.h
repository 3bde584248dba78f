// Server-side encryption of S3's objects: what requests and buckets say of it, and the keys.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/s3_call.h"
#include "api/service_keys.h"
#include "s3/encryption.h"

namespace traccia::api {

// "ServerSideEncryptionConfiguration", for what comes without headers of its own.
struct DefaultEncryption {
  s3::Sse kind = s3::Sse::S3;
  std::string key;  // as it was given; of Sse::Kms, empty for the AWS managed key
  bool bucket_key = false;
};
// MalformedXML, InvalidArgument, NotImplemented.
Result<DefaultEncryption> parse_default_encryption(const std::string& xml);

// Authorises the call, so that whoever may not put anything does not fill the disk, and gives what
// its bytes are to be stored under: as the headers say or else the bucket, in the
// storage class of its header. Under SSE-KMS the data
// key is asked for in the caller's name. Shows it in the answer and the call's event. Reasons:
// InvalidArgument, InvalidEncryptionAlgorithmError, InvalidStorageClass, NotImplemented, and
// refuse_key()'s.
Result<s3::Sealing> s3_seal_object(S3Call& call);
// Likewise, as the upload has it. NoSuchUpload.
Result<s3::OpenUpload> s3_seal_part(S3Call& call);
// Asks in the caller's name for the data key of what is stored, within the transaction that read
// it; `writes` is what the database said before that (kms::Keys::know). Nothing unless under
// SSE-KMS. InvalidArgument for a caller without an account.
Result<> s3_ask_to_open(S3Call& call, meta::Transaction& transaction,
                        const s3::Encryption& encryption, std::optional<uint64_t> writes,
                        std::optional<KeyRequest>& request);
// What came of it: the data key, empty when nothing was asked; or refuse_key()'s. Outside of a
// transaction.
Result<std::string> s3_open(std::optional<KeyRequest>& request);
// x-amz-server-side-encryption and the other headers that tell of it.
void s3_add_encryption(http::Headers& headers, const s3::Encryption& encryption);

// KMS's refusal as S3 shows it: "KMS.DisabledException", …; AccessDenied stays.
Error refuse_key(const Error& error);

}  // namespace traccia::api
