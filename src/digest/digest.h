// Chains of signed digests over delivered log files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "delivery/manifest.h"
#include "delivery/object_store.h"
#include "digest/chain.h"
#include "digest/keys.h"
#include "meta/database.h"
#include "os/os.h"
#include "trail/config.h"

namespace traccia::digest {

struct Options {
  std::chrono::seconds interval{3600};
  std::chrono::seconds retry_first{1};  // doubles up to retry_max
  std::chrono::seconds retry_max{300};
  std::chrono::hours retry_for{30 * 24};  // then a digest is given up
};

struct Status {
  std::optional<Time> latest_delivery;
  std::string error;  // an S3 error code; empty after a success
};

// Of the newest incarnation of the trail.
Result<Status> read_status(meta::Transaction& transaction, std::string_view trail_arn);

// step() runs on the thread that steps delivery, after it. A digest is signed and stored before its
// PUT, so a crash repeats the same bytes; it lists files whose PUT is durably recorded, each once.
class Digest {
 public:
  // `regions` are the server's: where a multi-region trail has chains.
  static Result<std::unique_ptr<Digest>> open(os::Os os, meta::Database& database,
                                              delivery::ObjectStore& store, Sealer sealer,
                                              std::vector<std::string> regions, Options options);

  // Follows changes of trails, closes digests that are due, PUTs what is pending. True when there
  // was something to do. A store's refusal is kept for GetTrailStatus and tried again.
  Result<bool> step();

 private:
  struct Backoff {
    Duration next_attempt{};
    Duration delay{};
  };

  Digest(os::Os os, meta::Database& database, delivery::ObjectStore& store, Sealer sealer,
         std::vector<std::string> regions, Options options)
      : os_(os),
        database_(database),
        store_(store),
        sealer_(std::move(sealer)),
        regions_(std::move(regions)),
        options_(options) {}

  Result<> follow_changes();
  Result<> follow(meta::Transaction& transaction, const delivery::TrailChangeAt& at);
  Result<> add_missing_regions(meta::Transaction& transaction);
  Result<bool> close_due();
  Result<bool> close_one(meta::Transaction& transaction, Chain& chain, Time now);
  Result<> write_digest(meta::Transaction& transaction, Chain& chain, Time start, Time end,
                        Time now);
  Result<bool> put_pending();
  Result<> put_pending_of(const std::string& trail_arn);
  Result<bool> put(const StoredDigest& digest, Time now);

  os::Os os_;
  meta::Database& database_;
  delivery::ObjectStore& store_;
  Sealer sealer_;
  std::vector<std::string> regions_;
  Options options_;
  std::map<std::string, Backoff> backoff_;  // by trail ARN
};

}  // namespace traccia::digest
