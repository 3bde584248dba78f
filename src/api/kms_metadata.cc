// Renders keys.
// SPDX-License-Identifier: Apache-2.0
#include "api/kms_metadata.h"

#include "kms/multi_region.h"

namespace traccia::api::kms_service {
namespace {

json::Object render_related(const kms::Key& key) {
  return {{"Arn", key.arn}, {"Region", key.place.region}};
}

Result<json::Object> render_regions(const Services& services, meta::Transaction& transaction,
                                    const kms::Key& key) {
  TRY_ASSIGN(const auto related, kms::related_keys(transaction, key, services.os.clock.now()));
  json::Object out{{"MultiRegionKeyType", key.is_primary() ? "PRIMARY" : "REPLICA"}};
  json::Array replicas;
  for (const auto& one : related) {
    if (one.is_primary()) {
      out["PrimaryKey"] = render_related(one);
    } else {
      replicas.push_back(render_related(one));
    }
  }
  out["ReplicaKeys"] = std::move(replicas);
  return out;
}

}  // namespace

Result<json::Object> render_metadata(const Services& services, meta::Transaction& transaction,
                                     const kms::Key& key) {
  json::Object out{{"AWSAccountId", key.place.account},
                   {"KeyId", key.id},
                   {"Arn", key.arn},
                   {"CreationDate", render(key.created)},
                   {"Enabled", key.state == kms::KeyState::Enabled},
                   {"Description", key.description},
                   {"KeyUsage", key.usage},
                   {"KeyState", kms::name_of(key.state)},
                   {"Origin", key.origin},
                   {"KeyManager", key.manager == kms::KeyManager::Aws ? "AWS" : "CUSTOMER"},
                   {"CustomerMasterKeySpec", key.spec},
                   {"KeySpec", key.spec},
                   {"MultiRegion", key.is_multi_region()}};
  write_algorithms(out, key);
  if (key.deletion) out["DeletionDate"] = render(*key.deletion);
  if (key.origin == kms::kExternal && key.state != kms::KeyState::PendingImport) {
    out["ExpirationModel"] = key.valid_to ? "KEY_MATERIAL_EXPIRES" : "KEY_MATERIAL_DOES_NOT_EXPIRE";
    if (key.valid_to) out["ValidTo"] = render(*key.valid_to);
  }
  if (key.state == kms::KeyState::PendingReplicaDeletion) {
    out["PendingDeletionWindowInDays"] = key.window_days;
  }
  if (key.is_multi_region()) {
    TRY_ASSIGN(out["MultiRegionConfiguration"], render_regions(services, transaction, key));
  }
  if (key.spec == kms::kSymmetric) {
    TRY_ASSIGN(const auto material, services.keys.material_id(transaction, key));
    if (!material.empty()) out["CurrentKeyMaterialId"] = material;
  }
  return out;
}

}  // namespace traccia::api::kms_service
