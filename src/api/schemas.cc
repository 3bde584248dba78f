// The one list of schemas.
// SPDX-License-Identifier: Apache-2.0
#include "api/schemas.h"

#include "api/outbox.h"
#include "delivery/announcements.h"
#include "delivery/delivery.h"
#include "digest/digest.h"
#include "identity/schema.h"
#include "kms/schema.h"
#include "organization/schema.h"
#include "s3/s3.h"
#include "sns/schema.h"
#include "sqs/schema.h"
#include "trail/trails.h"

namespace traccia::api {

std::vector<std::string_view> control_plane_schemas() {
  return {identity::kSchema,
          s3::kSchema,
          trail::kSchema,
          kOutboxSchema,
          delivery::kSchema,
          digest::kKeySchema,
          digest::kChainSchema,
          digest::kPendingSchema,
          delivery::kLanesSchema,
          delivery::kChangesSchema,
          identity::kIamSchema,
          identity::kAccountsSchema,
          identity::kSigninSchema,
          identity::kMfaSchema,
          identity::kOidcSchema,
          organization::kSchema,
          identity::kRoleUsesSchema,
          identity::kRoleDeletionsSchema,
          s3::kVersionsSchema,
          kms::kSchema,
          sqs::kSchema,
          s3::kLocksSchema,
          kms::kRotationSchema,
          kms::kGrantsSchema,
          s3::kEncryptionSchema,
          trail::kKeysSchema,
          kms::kManagersSchema,
          sns::kSchema,
          delivery::kAnnouncementsSchema,
          kms::kReplicasSchema,
          sqs::kRecentSchema,
          sqs::kSealingSchema,
          s3::kSmallSchema,
          s3::kChecksumsSchema,
          s3::kAclSchema,
          kms::kVersionsSchema};
}

std::vector<std::string_view> control_plane_busy_tables() {
  return {"s3_objects",       "s3_versions",     "s3_small",         "s3_uploads",
          "s3_parts",         "s3_garbage",      "outbox",           "queue_messages",
          "queue_deletions",  "topic_messages",  "topic_deliveries", "delivery_announcements",
          "delivery_changes", "delivery_cursor", "delivery_files",   "delivery_notifications",
          "delivery_status",  "digest_chains",   "digest_cursor",    "digest_files",
          "digest_status"};
}

}  // namespace traccia::api
