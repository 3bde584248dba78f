// Delivery's door to the server's own S3: writes as the CloudTrail service, and records it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "api/service_objects.h"
#include "api/services.h"
#include "api/trail_files.h"
#include "delivery/object_store.h"

namespace traccia::api {

// Thread-safe. The object, its data event (only when some trail takes it) and that of the use of
// the trail's KMS key commit together; the eventIDs derive from bucket and key, so that a replay
// adds none.
class EmbeddedObjectStore : public delivery::ObjectStore {
 public:
  // `services` is there before the first call.
  explicit EmbeddedObjectStore(std::optional<Services>& services) : services_(services) {}

  // Under SSE-KMS with the key that the trail has now, or had last, and under SSE-S3 without one.
  // Reasons of S3, and refuse_key()'s.
  Result<> put_if_absent(const delivery::PutRequest& request) override;
  Result<bool> holds(const delivery::PutRequest& request) override;

 private:
  Result<SealedFile> seal(meta::Transaction& transaction, const delivery::PutRequest& request);
  Result<> put(const delivery::PutRequest& request, ServiceObject object);

  std::optional<Services>& services_;
};

}  // namespace traccia::api
