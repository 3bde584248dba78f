// The sequencer: decides what is new, gives every log record its place, makes it durable.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "event/record.h"
#include "os/os.h"
#include "wal/wal.h"

namespace traccia::ingest {

// Numbers every log record of the server, events and changes alike, without gaps, from 1.
using Sequence = uint64_t;

enum class Kind : uint8_t {
  Event = 1,
  // A trail's configuration from here on: JSON written and read by `trail`. Each event is judged by
  // the configuration valid at its place.
  TrailChange = 2,
};

// What goes into the log. Views into `memory`.
struct Draft {
  Kind kind = Kind::Event;
  event::Record record;          // Event
  std::string_view change_json;  // TrailChange
  std::string_view change_id;    // TrailChange: unique; a repeat is dropped as a duplicate
  std::string_view sender;       // ARN or token id that sent the event; stored beside it
  std::shared_ptr<const event::RecordMemory> memory;
};

// Drafts in memory of their own. The reasons of event::admit.
Result<Draft> event_draft(std::string_view json, const event::AdmitOptions& options,
                          std::string_view sender);
Draft change_draft(std::string_view json, std::string_view id, std::string_view sender);

// What comes out of it, in order. Views into its LogEntry.
struct LogRecord {
  Sequence sequence = 0;
  Kind kind = Kind::Event;
  Time ingest_time;
  std::string_view sender;
  std::string_view account;   // Event
  std::string_view region;    // Event
  uint64_t region_index = 0;  // Event: 0-based place in its region's log
  std::string_view json;      // the record, or the change
  event::Record event;        // Event: its members, except from decode_entry
};

enum class Codec : uint8_t {
  Stored = 0,
  Zstd = 1,  // with record_dictionary()
  // A stretch of a deflate stream, which may become part of a gzip member as it is.
  Deflate = 2
};

// Records of one sender, account and region that follow one another in the log.
struct Block {
  size_t first = 0;       // of LogEntry::records
  size_t count = 0;       // from 1
  std::string_view text;  // their JSON, joined by commas
  Codec codec = Codec::Stored;
  std::string compressed;  // the text, as the codec says; empty when Stored
};

// One entry of the log: what was submitted together and is new. Immutable once it is in the log.
struct LogEntry {
  std::vector<LogRecord> records;
  std::vector<Block> blocks;  // cover the records in order
  std::vector<std::shared_ptr<const event::RecordMemory>> memory;

  // What it takes, about.
  uint64_t bytes() const;
};

struct Receipt {
  std::string region;
  uint64_t first_index = 0;
  uint64_t count = 0;
};

struct Rejection {
  size_t draft = 0;  // place in the submitted batch
  std::string_view code;
  std::string message;
};

struct Outcome {
  uint64_t accepted = 0;
  uint64_t duplicates = 0;
  std::vector<Receipt> receipts;    // runs in submission order; a duplicate names its first index
  std::vector<Rejection> rejected;  // EventIdConflict
};

struct Options {
  // How many of the newest events the server remembers to recognise a repeated eventID (I1).
  uint64_t window_events = 16'000'000;
  // What the log may grow by until the sequencer's state is written down, so that it can be cut.
  uint64_t checkpoint_log_bytes = 256ULL << 20;
  std::chrono::hours checkpoint_age{24};
};

// Called once after everything accepted is durable (duplicates: after their original is), on the
// log's thread; or with the log's error, when nothing may be assumed kept.
using Completion = std::move_only_function<void(Result<Outcome>)>;

// Thread-safe.
class Ingest {
 public:
  ~Ingest();
  // Reads what maintain() has written to the directory, which is made when missing, and replays the
  // log behind it. DataLoss when the two do not meet, or when a file is missing or damaged.
  static Result<std::unique_ptr<Ingest>> open(os::Os os, const std::string& directory,
                                              wal::Wal& wal, Options options);

  // One atomic batch: after a crash all of its accepted drafts are in the log or none.
  // ResourceExhausted (queue full) and Unavailable (log stopped) come through the completion too.
  // Room::Reserve is for the server's own records, Haste::None for what nobody waits for.
  void submit(std::vector<Draft> drafts, Completion completion, wal::Room room = wal::Room::Queue,
              wal::Haste haste = wal::Haste::Some);
  // The same with Room::Reserve, waiting. Not to be called from the log's thread.
  Result<Outcome> submit_and_wait(std::vector<Draft> drafts);

  // Writes down what the window remembers and where sequencing stands, and forgets what is beyond
  // the window. True when there was something to do. An error leaves all as it was; the next call
  // tries again. Called from one thread; without it submissions are refused once the window is two
  // generations ahead of its files.
  Result<bool> maintain();
  // Sequencing does not need the log below this position any more. Never goes back.
  wal::Position durable_cursor() const;

  // Written time never decreases: the newest ingest time given so far, or now.
  Time written_time();
  // Whether the log refuses everything since a failed write.
  bool stopped() const;

 private:
  struct State;
  explicit Ingest(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Decodes one log entry's payload; events are not parsed. DataLoss on corrupt bytes.
Result<std::shared_ptr<LogEntry>> decode_entry(std::string_view payload);

struct ReadEntry {
  std::shared_ptr<const std::vector<LogRecord>> records;  // those of `entry`, which they keep
  std::shared_ptr<const LogEntry> entry;
  wal::Position next = 0;
};
// The entry at `position`, as it came in when it is recent; nullopt at the log's durable end.
// DataLoss names the place.
Result<std::optional<ReadEntry>> read_entry(wal::Wal& wal, wal::Position position);
// The same for a reader that wal.recent() knows: readers that catch up share what they decode, for
// which the faster one may wait (wal/recent.h).
Result<std::optional<ReadEntry>> read_entry_for(wal::Wal& wal, size_t reader,
                                                wal::Position position);

}  // namespace traccia::ingest
