// Deletes keys when their time has come.
// SPDX-License-Identifier: Apache-2.0
#include "api/kms_upkeep.h"

#include "api/audit.h"

namespace traccia::api {
namespace {

constexpr size_t kKeysPerTransaction = 100;

// "DeleteKey" of "Logging AWS KMS API calls with AWS CloudTrail".
Result<ingest::Draft> deletion_event(Services& services, Time now, const kms::Key& key) {
  return service_event_draft(
      services.os, now,
      {.service = "kms.amazonaws.com",
       .account = key.place.account,
       .region = key.place.region,
       .name = "DeleteKey",
       .details = {{"keyId", key.id}},
       .resources = json::Array{json::Object{
           {"accountId", key.place.account}, {"type", "AWS::KMS::Key"}, {"ARN", key.arn}}},
       .actor = "AWS Internal"});
}

}  // namespace

Result<size_t> remove_due_keys(Services& services) {
  bool any = false;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(any, services.keys.has_due(transaction));
    return {};
  }));
  if (!any) return size_t{0};
  size_t removed = 0;
  TRY(services.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        TRY_ASSIGN(const auto keys, services.keys.remove_due(transaction, kKeysPerTransaction));
        std::vector<ingest::Draft> drafts;
        for (const auto& key : keys) {
          TRY_ASSIGN(auto draft, deletion_event(services, services.os.clock.now(), key));
          drafts.push_back(std::move(draft));
        }
        removed = keys.size();
        return drafts;
      }));
  return removed;
}

}  // namespace traccia::api
