// Server-side encryption of S3's objects: what requests and buckets say of it, and the keys.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/s3_call.h"
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
// The data key of what is stored, opened in the caller's name: empty unless under SSE-KMS.
Result<std::string> s3_open(S3Call& call, const s3::Encryption& encryption);
// x-amz-server-side-encryption and the other headers that tell of it.
void s3_add_encryption(http::Headers& headers, const s3::Encryption& encryption);

// KMS's refusal as S3 shows it: "KMS.DisabledException", …; AccessDenied stays.
Error refuse_key(const Error& error);

}  // namespace traccia::api
