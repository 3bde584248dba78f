// Deletes and rotates keys when their time has come; makes those of services.
// SPDX-License-Identifier: Apache-2.0
#include "api/kms_upkeep.h"

#include "api/audit.h"

namespace traccia::api {
namespace {

constexpr size_t kKeysPerTransaction = 100;

// "DeleteKey" and "RotateKey" of "Logging AWS KMS API calls with AWS CloudTrail".
Result<ingest::Draft> key_event(Services& services, Time now, std::string_view name,
                                const kms::Key& key, json::Object details) {
  details["keyId"] = key.id;
  return service_event_draft(
      services.os, now,
      {.service = "kms.amazonaws.com",
       .account = key.place.account,
       .region = key.place.region,
       .name = name,
       .details = std::move(details),
       .resources = json::Array{json::Object{
           {"accountId", key.place.account}, {"type", "AWS::KMS::Key"}, {"ARN", key.arn}}},
       .actor = "AWS Internal"});
}

// What is done with keys that are due, and how it is told.
struct Work {
  Result<bool> (kms::Keys::*any)(meta::Transaction&);
  Result<std::vector<kms::Key>> (kms::Keys::*done)(meta::Transaction&, size_t keys_max);
  Result<ingest::Draft> (*event)(Services&, Time, const kms::Key&);
};

// Nothing is written while nothing is due.
Result<size_t> carry_out(Services& services, const Work& work) {
  auto& keys = services.keys;
  bool any = false;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(any, (keys.*work.any)(transaction));
    return {};
  }));
  if (!any) return size_t{0};
  size_t count = 0;
  TRY(services.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        TRY_ASSIGN(const auto due, (keys.*work.done)(transaction, kKeysPerTransaction));
        std::vector<ingest::Draft> drafts;
        for (const auto& key : due) {
          TRY_ASSIGN(auto draft, work.event(services, services.os.clock.now(), key));
          drafts.push_back(std::move(draft));
        }
        count = due.size();
        return drafts;
      }));
  return count;
}

}  // namespace

Result<ingest::Draft> rotation_event(Services& services, Time now, const kms::Key& key,
                                     std::string_view type) {
  return key_event(services, now, "RotateKey", key, {{"rotationType", type}});
}

Result<size_t> remove_due_keys(Services& services) {
  return carry_out(services, {&kms::Keys::has_due, &kms::Keys::remove_due,
                              [](Services& all, Time now, const kms::Key& key) {
                                return key_event(all, now, "DeleteKey", key, {});
                              }});
}

Result<size_t> rotate_due_keys(Services& services) {
  return carry_out(services, {&kms::Keys::has_rotation_due, &kms::Keys::rotate_due,
                              [](Services& all, Time now, const kms::Key& key) {
                                return rotation_event(all, now, key, "AUTOMATIC");
                              }});
}

Result<ingest::Draft> creation_event(Services& services, Time now, const kms::Key& key) {
  return key_event(services, now, "CreateKey", key, {});
}

Result<size_t> forget_expired_material(Services& services) {
  return carry_out(services, {&kms::Keys::has_expired, &kms::Keys::forget_expired,
                              [](Services& all, Time now, const kms::Key& key) {
                                return key_event(all, now, "DeleteExpiredKeyMaterial", key, {});
                              }});
}

Result<kms::Key> find_managed_key(Services& services, const kms::ManagedService& service,
                                  const kms::Place& place) {
  std::optional<kms::Key> found;
  const kms::KeyName name{kms::NameKind::Alias, kms::alias_arn(place, service.alias()),
                          place.account};
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(found, services.keys.find(transaction, name));
    return {};
  }));
  if (found) return std::move(*found);
  TRY(services.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        const auto now = services.os.clock.now();
        TRY_ASSIGN(auto managed, kms::managed_key(transaction, services.keys, service, place, now));
        found = std::move(managed.key);
        std::vector<ingest::Draft> drafts;
        if (!managed.made) return drafts;  // somebody else was quicker
        TRY_ASSIGN(auto draft, creation_event(services, now, *found));
        drafts.push_back(std::move(draft));
        return drafts;
      }));
  return std::move(*found);
}

}  // namespace traccia::api
