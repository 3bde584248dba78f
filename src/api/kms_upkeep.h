// What KMS does by itself: as time goes by, and for services.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "api/services.h"
#include "kms/managed.h"

namespace traccia::api {

// Removes the keys whose deletion is due, and records DeleteKey of each; how many there were.
// Durable, with its events, on return.
Result<size_t> remove_due_keys(Services& services);

// Gives new material to the enabled keys whose rotation is due, and records RotateKey of each; how
// many there were. Durable, with its events, on return.
Result<size_t> rotate_due_keys(Services& services);

// The key that the service has for itself in an account and region, behind alias/aws/SERVICE; made
// when there is none yet, of which CreateKey tells. Durable, with its event, on return. Not to be
// called inside a transaction.
Result<kms::Key> find_managed_key(Services& services, const kms::ManagedService& service,
                                  const kms::Place& place);

// CreateKey of a key that KMS makes by itself.
Result<ingest::Draft> creation_event(Services& services, Time now, const kms::Key& key);
// Forgets imported material that has expired, and records DeleteExpiredKeyMaterial of each key; how
// many there were. Durable, with its events, on return.
Result<size_t> forget_expired_material(Services& services);

// RotateKey of a key. `type` is "AUTOMATIC" or "ON_DEMAND".
Result<ingest::Draft> rotation_event(Services& services, Time now, const kms::Key& key,
                                     std::string_view type);

}  // namespace traccia::api
