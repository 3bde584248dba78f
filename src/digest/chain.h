// Chains and digests in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "delivery/keys.h"
#include "digest/format.h"
#include "ingest/ingest.h"
#include "meta/database.h"

namespace traccia::digest {

extern const std::string_view kChainSchema;
extern const std::string_view kPendingSchema;  // follows it

// One run of digests, from a start of logging or validation to its stop.
struct Chain {
  int64_t id = 0;
  delivery::ChainId files;
  std::string trail_name;
  std::string home_region;
  std::string bucket;  // of the next digest
  std::string prefix;
  ingest::Sequence start_sequence = 0;  // the change that started it
  std::optional<ingest::Sequence> stop_sequence;
  Time activation;
  std::optional<Time> last_end;  // none: the starting digest is to come
  Time next_end;
  std::optional<Previous> previous;
  bool finished = false;

  ingest::Sequence before() const {
    return stop_sequence.value_or(
        static_cast<ingest::Sequence>(std::numeric_limits<int64_t>::max()));
  }
};

Result<> insert_chain(meta::Transaction& transaction, const Chain& chain);
Result<> update_chain(meta::Transaction& transaction, const Chain& chain);
Result<std::vector<Chain>> load_unfinished(meta::Transaction& transaction);
// Chains of the trail's incarnation that have not been stopped.
Result<std::vector<Chain>> load_active(meta::Transaction& transaction, std::string_view trail_arn,
                                       Time created);
// The newest end of any digest with the same trail name, account and region, home included.
Result<std::optional<Time>> newest_end(meta::Transaction& transaction, const Chain& chain);
// Whether an older chain of the same trail name, account and region has its final digest to come.
Result<bool> older_unfinished(meta::Transaction& transaction, const Chain& chain);

struct StoredDigest {
  int64_t id = 0;
  std::string trail_arn;
  Time created;  // of the trail
  std::string region;
  std::string bucket;
  std::string key;
  std::string bytes;  // gzip
  std::string signature_hex;
  Time made;
};
Result<int64_t> insert_digest(meta::Transaction& transaction, const Chain& chain,
                              const StoredDigest& digest, Time end);
// Those that need a PUT: which trails have some, and a trail's oldest.
struct PendingTrail {
  std::string trail_arn;
  std::string bucket;  // of its oldest
};
Result<std::vector<PendingTrail>> load_pending_trails(meta::Transaction& transaction);
Result<std::optional<StoredDigest>> load_oldest_pending(meta::Transaction& transaction,
                                                        std::string_view trail_arn);
Result<std::optional<std::string>> next_pending_bucket(meta::Transaction& transaction,
                                                       std::string_view trail_arn);
// The digest needs no PUT any more: its bytes are dropped here.
Result<> settle(meta::Transaction& transaction, int64_t digest_id);
Result<> record_attempt(meta::Transaction& transaction, const StoredDigest& digest, Time time,
                        std::string_view error);

Result<ingest::Sequence> load_cursor(meta::Transaction& transaction);
Result<> store_cursor(meta::Transaction& transaction, ingest::Sequence sequence);

}  // namespace traccia::digest
