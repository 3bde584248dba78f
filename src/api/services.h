// What operations work with. Borrowed from the composition root, which outlives every call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/authoriser.h"
#include "api/key_uses.h"
#include "api/outbox.h"
#include "api/outside_buckets.h"
#include "api/pacer.h"
#include "api/s3_access_logs.h"
#include "api/tail.h"
#include "delivery/delivery.h"
#include "digest/digest.h"
#include "history/history.h"
#include "identity/identity.h"
#include "ingest/ingest.h"
#include "meta/database.h"
#include "oidc/issuers.h"
#include "organization/organizations.h"
#include "os/os.h"
#include "s3/s3.h"
#include "sns/sns.h"
#include "sqs/messages.h"
#include "sqs/queues.h"
#include "trail/trails.h"

namespace traccia::kms {
class Keys;
}  // namespace traccia::kms

namespace traccia::api {

struct Services {
  os::Os os;
  meta::Database& database;
  Outbox& outbox;
  Authoriser& authoriser;
  identity::Identity& identity;
  organization::Organizations& organizations;
  ingest::Ingest& ingest;
  s3::S3& s3;
  history::History& history;
  trail::Trails& trails;
  OutsideBuckets& outside;
  delivery::Delivery& delivery;
  digest::Digest& digest;
  Tail& tail;
  Pacer& pacer;
  oidc::Issuers& issuers;
  kms::Keys& keys;
  sqs::Queues& queues;
  sqs::Messages& messages;
  KeyUses& key_uses;
  sns::Sns& sns;
  AccessLogs& access_logs;
  std::vector<std::string> regions;

  bool serves_region(std::string_view region) const {
    return std::ranges::find(regions, region) != regions.end();
  }
};

}  // namespace traccia::api
