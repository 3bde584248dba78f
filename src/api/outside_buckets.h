// Buckets that live on other S3 endpoints: deliveries into them, and what their stores can do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "blob/s3_client.h"
#include "delivery/object_store.h"
#include "os/os.h"

namespace traccia::api {

// As the operator configured it. The endpoint is the operator's word, not a caller's: it may have
// any address, private ones included.
struct OutsideBucket {
  std::string name;
  // Whose trails may deliver to it; "*" is every account. The store cannot tell them apart, as it
  // sees the operator's credentials only.
  std::vector<std::string> accounts;
  blob::S3Endpoint endpoint;
  std::string ca_file;  // PEM; empty: the system's authorities
  std::chrono::milliseconds timeout{60'000};
  std::string encryption, kms_key_id;  // of what is PUT: AES256 or aws:kms; empty: the store's own
  std::string probe_key = "AWSLogs/traccia-probe";
};

// What a store makes of If-None-Match: *.
enum class ConditionalPut : uint8_t {
  Unknown,  // no probe has told yet
  Honoured,
  Ignored,  // the object is written all the same
  Refused,  // the request fails
};
std::string_view to_string(ConditionalPut found);

// What probes found of a bucket.
struct OutsideState {
  std::string name, endpoint;
  ConditionalPut conditional_put = ConditionalPut::Unknown;
  std::optional<Time> checked;  // the last probe, whatever it found
  std::string error;            // for people; empty when the last probe found all as it should be
};

// Thread-safe: each call has a connection of its own meanwhile, so that a store that hangs holds
// only who asked it.
class OutsideBuckets : public delivery::ObjectStore {
 public:
  // `clock` is for signatures: the real one.
  OutsideBuckets(os::Clock& clock, std::vector<OutsideBucket> buckets);

  bool has(std::string_view bucket) const { return buckets_.contains(bucket); }
  bool empty() const { return buckets_.empty(); }
  std::vector<std::string> names() const;

  // The rest is for buckets that it has.
  //
  // AccessDenied: trails of that account may not deliver there.
  Result<> admit(std::string_view bucket, std::string_view account) const;
  // Where the store honours the condition, one conditional PUT. Elsewhere, and until a probe has
  // found out, the key is looked up first, so that what is there is not replaced unless it came in
  // between (decision 26). Only for trails of accounts that admit() lets in.
  Result<> put_if_absent(const delivery::PutRequest& request) override;
  Result<bool> holds(const delivery::PutRequest& request) override;
  // An empty object at the key; nothing happens when it is there. Proves that deliveries may write.
  // For callers who wait: of a store that hangs few of them do, others hear SlowDown.
  Result<> put_marker(std::string_view bucket, std::string_view key);
  // Writes the bucket's probe object and looks at it: is the condition honoured, is metadata kept,
  // does listing show it? The result is kept for states(). An error says what to do.
  Result<> probe(std::string_view bucket);

  std::vector<OutsideState> states() const;
  // Requests under way end within a second; further ones do not begin.
  void stop() { stop_ = true; }

 private:
  struct Bucket {
    OutsideBucket config;
    std::atomic<ConditionalPut> conditional_put = ConditionalPut::Unknown;
    mutable Mutex mutex;
    std::vector<std::unique_ptr<blob::S3Client>> idle GUARDED_BY(mutex);
    std::optional<Time> checked GUARDED_BY(mutex);
    std::string error GUARDED_BY(mutex);
  };
  class Connection;

  Bucket& find(std::string_view bucket) const;
  std::unique_ptr<blob::S3Client> connect(const Bucket& bucket,
                                          std::chrono::milliseconds timeout) const;
  static blob::S3Put put_of(const Bucket& bucket, std::string_view key, std::string_view bytes);
  static Result<ConditionalPut> probe_condition(blob::S3Client& client, const Bucket& bucket);
  static Result<> probe_object(blob::S3Client& client, const Bucket& bucket);
  Result<> run_probe(Bucket& bucket) const;

  os::Clock& clock_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> markers_ = 0;  // under way
  std::map<std::string, std::unique_ptr<Bucket>, std::less<>> buckets_;
};

// Delivery's store: each bucket where it lives.
class RoutingObjectStore : public delivery::ObjectStore {
 public:
  RoutingObjectStore(delivery::ObjectStore& embedded, OutsideBuckets& outside)
      : embedded_(embedded), outside_(outside) {}
  Result<> put_if_absent(const delivery::PutRequest& request) override {
    return store_of(request.bucket).put_if_absent(request);
  }
  Result<bool> holds(const delivery::PutRequest& request) override {
    return store_of(request.bucket).holds(request);
  }

 private:
  delivery::ObjectStore& store_of(std::string_view bucket) {
    if (outside_.has(bucket)) return outside_;
    return embedded_;
  }
  delivery::ObjectStore& embedded_;
  OutsideBuckets& outside_;
};

}  // namespace traccia::api
