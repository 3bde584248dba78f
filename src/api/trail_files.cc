// Asks KMS for a trail.
// SPDX-License-Identifier: Apache-2.0
#include "api/trail_files.h"

#include "api/service_keys.h"
#include "aws/arn.h"

namespace traccia::api {

std::vector<ContextKey> delivery_keys(const s3::Encryption& encryption) {
  std::vector<ContextKey> keys{
      {"s3:x-amz-acl", "bucket-owner-full-control"},
      {"s3:x-amz-server-side-encryption", s3::algorithm_of(encryption.kind)}};
  if (encryption.kind == s3::Sse::Kms) {
    keys.push_back({"s3:x-amz-server-side-encryption-aws-kms-key-id", encryption.key_arn});
  }
  return keys;
}

Result<SealedFile> seal_trail_file(Services& services, meta::Transaction& transaction,
                                   std::string_view trail_arn, std::string_view key_arn,
                                   const S3Address& object, std::string event_id) {
  TRY_ASSIGN(const auto arn, aws::parse_arn(key_arn));
  const auto caller =
      cloudtrail_service(trail_arn, arn.account, arn.region, services.os.random.uuid());
  const kms::EncryptionContext context{{"aws:cloudtrail:arn", std::string(trail_arn)},
                                       {"aws:s3:arn", s3_arn(object)}};
  TRY_ASSIGN(auto made, generate_data_key_within(services, transaction, caller, key_arn, context,
                                                 std::move(event_id)));
  SealedFile out;
  out.sealing.encryption = {.kind = s3::Sse::Kms,
                            .key_arn = std::move(made.key.key_arn),
                            .sealed_key = std::move(made.key.sealed),
                            .context = json::serialize(render_context(context))};
  out.sealing.data_key = std::move(made.key.plaintext);
  out.records = std::move(made.records);
  return out;
}

}  // namespace traccia::api
