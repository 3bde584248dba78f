// Server access logs of buckets: which buckets have one, and records on their way to objects.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "api/s3_logging.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"
#include "s3/s3.h"

namespace traccia::api {

struct AccessRecord;

// A bucket whose requests are recorded.
struct LoggedBucket {
  std::string name, owner, region;
  BucketLogging logging;
};

// Records of one bucket that become one object.
struct LogBatch {
  LoggedBucket of;  // as it was when the batch began
  std::string text;
  size_t records = 0;
  Time opened = {};  // by the services' clock
  Time day = {};     // of the requests, where the format of keys tells it
  uint64_t number = 0;
};

struct AccessLogCounters {
  uint64_t records = 0;  // all that were made
  uint64_t delivered = 0, dropped = 0;
  uint64_t objects = 0, refusals = 0;  // PUTs of them
  uint64_t waiting_bytes = 0;
};

// Best effort, as S3's own: records wait in memory, so that requests wait for nothing; a crash
// loses them, a stop does not. What is dropped is counted, and told to the log.
// Thread-safe; take(), delivered() and refused() are for one thread at a time.
class AccessLogs {
 public:
  // A batch is over when it has one of these.
  static constexpr size_t kBatchRecordsMax = 10'000;
  static constexpr size_t kBatchBytesMax = 1 << 20;
  static constexpr std::chrono::minutes kBatchAgeMax{5};
  // Beyond these new records are dropped: waiting of one bucket, and of all.
  static constexpr size_t kBucketBytesMax = 8 << 20;
  static constexpr size_t kBytesMax = 64 << 20;
  // What the target refuses is tried again, at last so seldom, and dropped when it is so old.
  static constexpr std::chrono::minutes kRetryFirst{1};
  static constexpr std::chrono::minutes kRetryMax{60};
  static constexpr std::chrono::hours kKept{24};

  explicit AccessLogs(os::Clock& clock) : clock_(clock) {}

  // What the buckets' documents say now: after each change, and once at the start.
  Result<> refresh(meta::Database& database, s3::S3& s3);
  // nullptr: the bucket has no log. Costs next to nothing while no bucket has.
  std::shared_ptr<const LoggedBucket> find(std::string_view bucket) const;

  void add(const LoggedBucket& bucket, const AccessRecord& record);

  enum class Take : uint8_t {
    Due,  // batches that are over, of targets that are not waited for
    All   // the others, too, whatever their targets did
  };
  // The next batch but those that began after `last`; nothing: there is none. To be given back.
  std::optional<LogBatch> take(Take which, uint64_t last = UINT64_MAX);
  void delivered(const LogBatch& batch);
  enum class Again : bool { No, Yes };
  void refused(LogBatch batch, const Error& error, Again again);
  // The number of the newest batch.
  uint64_t newest() const;
  // Tells the log what was dropped since the last time.
  void tell_drops();

  AccessLogCounters counters() const;

 private:
  // Source, target, prefix and format.
  using StreamId = std::tuple<std::string, std::string, std::string, LogKeyFormat>;
  struct Stream {
    std::map<Time, LogBatch> open;  // by day
    std::deque<LogBatch> over;      // the oldest first
    size_t bytes = 0;               // of all of them, and of what was taken
    uint64_t dropped = 0;           // untold
    Time next_try = {};
    std::chrono::minutes delay{0};

    bool idle() const { return bytes == 0 && dropped == 0; }
  };
  static StreamId id_of(const LoggedBucket& bucket);
  void close_old(Stream& stream, Take which, Time now) REQUIRES(mutex_);
  void release(Stream& stream, const LogBatch& batch) REQUIRES(mutex_);

  using Buckets = std::map<std::string, std::shared_ptr<const LoggedBucket>, std::less<>>;

  os::Clock& clock_;
  Mutex refresh_;  // so that what was read first does not come last
  std::atomic<bool> any_{false};
  mutable Mutex mutex_;
  Buckets buckets_ GUARDED_BY(mutex_);
  std::map<StreamId, Stream> streams_ GUARDED_BY(mutex_);
  AccessLogCounters counters_ GUARDED_BY(mutex_);
  uint64_t newest_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::api
