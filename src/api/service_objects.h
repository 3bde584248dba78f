// Objects that services of this process put into buckets in their own names: CloudTrail its files,
// S3 its access logs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/audit.h"
#include "api/services.h"
#include "s3/encryption.h"
#include "s3/s3.h"

namespace traccia::api {

struct ServiceObject {
  Caller caller;  // the service, on behalf of a resource; its account becomes the bucket owner's
  std::string_view bucket, key, bytes;
  s3::PutOptions options = {};        // but how it is encrypted
  std::vector<ContextKey> keys = {};  // what is sent with the PUT, as condition keys
  std::string event_id = {};          // of the PUT's event; made when empty
};

// Whether the bucket's policy lets the service put it. The bucket. Reasons: NoSuchBucket,
// AccessDenied.
Result<s3::Bucket> authorise_service_put(Services& services, meta::Transaction& transaction,
                                         const ServiceObject& object);

// Stores the object under `sealing`; durable on return. It, its data event (only when some trail
// takes it), `records` and what the bucket notifies commit together. Authorised by then, and once
// more. The bucket's access log is for the caller (log_service_put). Reasons: S3's.
Result<> put_service_object(Services& services, ServiceObject object, const s3::Sealing& sealing,
                            std::vector<ingest::Draft> records = {});

}  // namespace traccia::api
