// Chains of signed digests over delivered log files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "delivery/manifest.h"
#include "delivery/object_store.h"
#include "delivery/put_slots.h"
#include "digest/chain.h"
#include "digest/keys.h"
#include "digest/turns.h"
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

// step() runs on the thread that steps delivery, after it; put_next() on several. A digest is
// signed and stored before its PUT, so a crash repeats the same bytes; it lists files whose PUT is
// durably recorded, each once.
class Digest {
 public:
  // `regions` are the server's: where a multi-region trail has chains. `slots` are those of
  // delivery: the same threads PUT digests.
  static Result<std::unique_ptr<Digest>> open(os::Os os, meta::Database& database,
                                              delivery::ObjectStore& store,
                                              delivery::PutSlots& slots, Sealer sealer,
                                              std::vector<std::string> regions, Options options);

  // Follows changes of trails and closes digests that are due. True when there was something to do.
  Result<bool> step();

  // PUTs the oldest digest of the trail that has waited longest. True when there was one. A store's
  // refusal is not an error: it is kept for GetTrailStatus and tried again; the trail's later
  // digests wait, too, so that they arrive in order.
  Result<bool> put_next();

 private:
  Digest(os::Os os, meta::Database& database, delivery::ObjectStore& store,
         delivery::PutSlots& slots, Sealer sealer, std::vector<std::string> regions,
         Options options)
      : os_(os),
        database_(database),
        store_(store),
        sealer_(std::move(sealer)),
        regions_(std::move(regions)),
        options_(options),
        turns_(slots, {options.retry_first, options.retry_max}) {}

  Result<> follow_changes();
  Result<> follow(meta::Transaction& transaction, const delivery::TrailChangeAt& at);
  Result<> add_missing_regions(meta::Transaction& transaction);
  Result<bool> close_due();
  Result<bool> close_one(meta::Transaction& transaction, Chain& chain, Time now);
  Result<> write_digest(meta::Transaction& transaction, Chain& chain, Time start, Time end,
                        Time now);
  struct Attempted {
    bool settled = false;             // the digest needs no PUT any more
    std::optional<std::string> next;  // then: the bucket of the trail's next one
  };
  Result<Attempted> attempt(Turns::Turn& turn);
  std::string put(const StoredDigest& digest);

  os::Os os_;
  meta::Database& database_;
  delivery::ObjectStore& store_;
  Sealer sealer_;
  std::vector<std::string> regions_;
  Options options_;
  Turns turns_;
};

}  // namespace traccia::digest
