// How CloudTrail puts a trail's files: under which key, with which headers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "api/audit.h"
#include "api/s3_call.h"
#include "api/services.h"
#include "s3/encryption.h"

namespace traccia::api {

// What is sent with each PUT, as condition keys. Views `encryption`.
std::vector<ContextKey> delivery_keys(const s3::Encryption& encryption);

struct SealedFile {
  s3::Sealing sealing;
  std::vector<ingest::Draft> records;  // of GenerateDataKey, to be committed with the file
};
// A data key from the trail's KMS key, asked for as the CloudTrail service on behalf of the trail,
// for the object ("How AWS CloudTrail uses AWS KMS"). Reasons: generate_data_key()'s.
Result<SealedFile> seal_trail_file(Services& services, meta::Transaction& transaction,
                                   std::string_view trail_arn, std::string_view key_arn,
                                   const S3Address& object, std::string event_id = {});

}  // namespace traccia::api
