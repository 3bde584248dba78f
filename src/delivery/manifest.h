// What delivery remembers: the exact content of every file, fixed before its first PUT, and the
// history of trail configurations that decides it again on replay.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "delivery/keys.h"
#include "ingest/ingest.h"
#include "meta/database.h"
#include "trail/config.h"
#include "wal/wal.h"

namespace traccia::delivery {

extern const std::string_view kSchema;
extern const std::string_view kLanesSchema;    // follows it
extern const std::string_view kChangesSchema;  // likewise

enum class FileState { Pending = 0, Delivered = 1, Abandoned = 2 };

struct Manifest {
  int64_t id = 0;
  ChainId chain;
  ingest::Sequence first_sequence = 0;
  ingest::Sequence last_sequence = 0;
  uint64_t count = 0;
  wal::Position first_position = 0;  // log entry that holds the first event
  std::string bucket;
  std::string key;
  std::string sha256_hex;  // of the uncompressed bytes
  Time oldest_event_time;
  Time newest_event_time;
  bool validated = false;  // the trail had log file validation on: a digest must list the file
  Time closed;
  FileState state = FileState::Pending;
  std::optional<Time> delivered;
};

struct TrailChangeAt {
  ingest::Sequence sequence = 0;
  wal::Position position = 0;
  Time time;  // ingest time
  trail::TrailChange change;
};

struct Status {
  std::optional<Time> latest_delivery;
  std::optional<Time> latest_attempt;
  std::string error;  // an S3 error code; empty after a success
};

// Manifests read and written inside the caller's transaction.
Result<int64_t> insert_manifest(meta::Transaction& transaction, const Manifest& manifest);
// Files whose PUT is outstanding: how many each trail has for each bucket; those of one from the id
// on, the oldest first; and the log position that the first of them all needs.
struct PendingLane {
  std::string bucket;
  std::string trail_arn;
  size_t count = 0;
};
Result<std::vector<PendingLane>> load_pending_lanes(meta::Transaction& transaction);
Result<std::vector<Manifest>> load_pending(meta::Transaction& transaction, std::string_view bucket,
                                           std::string_view trail_arn, int64_t from_id,
                                           size_t count_max);
Result<std::optional<wal::Position>> pending_floor(meta::Transaction& transaction);
Result<> mark(meta::Transaction& transaction, int64_t id, FileState state, Time time);

// The last sequence that closed files of a chain hold; 0 when there are none.
struct ClosedChain {
  ChainId chain;
  ingest::Sequence last_sequence = 0;
};
Result<std::vector<ClosedChain>> load_closed(meta::Transaction& transaction);

Result<> insert_change(meta::Transaction& transaction, const TrailChangeAt& change);
// In log order, those with sequence > `after`; or those of one trail.
Result<std::vector<TrailChangeAt>> load_changes(meta::Transaction& transaction,
                                                ingest::Sequence after);
Result<std::vector<TrailChangeAt>> load_changes_of(meta::Transaction& transaction,
                                                   std::string_view trail_arn);
// Removes those of the trail that a later one supersedes for every file that is still to be made or
// rendered, and for whoever has followed the changes up to `followed`.
Result<> prune_changes(meta::Transaction& transaction, std::string_view trail_arn,
                       ingest::Sequence followed);

Result<wal::Position> load_cursor(meta::Transaction& transaction);
Result<> store_cursor(meta::Transaction& transaction, wal::Position position);

// Of the newest incarnation of the trail.
Result<Status> read_status(meta::Transaction& transaction, std::string_view trail_arn);
Result<> record_attempt(meta::Transaction& transaction, const ChainId& chain, Time time,
                        std::string_view error);

// For digests: files of the chain that were delivered by `end`, with first_sequence > `after` and
// last_sequence < `before`, and are in no digest yet; in order of delivery.
Result<std::vector<Manifest>> load_undigested(meta::Transaction& transaction, const ChainId& chain,
                                              ingest::Sequence after, ingest::Sequence before,
                                              Time end);
// Whether such files are still on their way.
Result<bool> any_pending(meta::Transaction& transaction, const ChainId& chain,
                         ingest::Sequence after, ingest::Sequence before);
Result<> assign_digest(meta::Transaction& transaction, int64_t manifest_id, int64_t digest_id);

}  // namespace traccia::delivery
