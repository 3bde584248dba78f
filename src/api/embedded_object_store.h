// Delivery's door to the server's own S3: writes as the CloudTrail service, and records it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/authoriser.h"
#include "api/outbox.h"
#include "blob/blob.h"
#include "delivery/object_store.h"
#include "os/os.h"
#include "s3/s3.h"
#include "trail/trails.h"

namespace traccia::api {

// Thread-safe. The object and its data event (only when some trail takes it) commit together; the
// eventID derives from bucket and key, so that a replay adds none.
class EmbeddedObjectStore : public delivery::ObjectStore {
 public:
  EmbeddedObjectStore(os::Os os, meta::Database& database, Outbox& outbox, Authoriser& authoriser,
                      s3::S3& s3, const trail::Trails& trails)
      : os_(os),
        database_(database),
        outbox_(outbox),
        authoriser_(authoriser),
        s3_(s3),
        trails_(trails) {}

  Result<> put_if_absent(const delivery::PutRequest& request) override;
  Result<std::string> get(std::string_view bucket, std::string_view key) override;

 private:
  Result<s3::Bucket> authorise(meta::Transaction& transaction, const delivery::PutRequest& request);
  Result<std::vector<ingest::Draft>> put_in(meta::Transaction& transaction,
                                            const delivery::PutRequest& request,
                                            const blob::BlobId& blob);

  os::Os os_;
  meta::Database& database_;
  Outbox& outbox_;
  Authoriser& authoriser_;
  s3::S3& s3_;
  const trail::Trails& trails_;
};

}  // namespace traccia::api
