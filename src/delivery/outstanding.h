// Files whose PUT is outstanding, and which of them may be tried now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/time.h"
#include "delivery/manifest.h"
#include "wal/wal.h"

namespace traccia::delivery {

// Thread-safe.
class Outstanding {
 public:
  struct File {
    Manifest manifest;
    std::string rendered;  // gzip; empty: render from the log
    Duration delay{};      // since the attempt before
  };

  // At most `per_bucket_max` files of one bucket are taken at a time, so that a slow store does not
  // hold up the others; rendered files beyond `rendered_bytes_max` together are not kept.
  Outstanding(size_t per_bucket_max, uint64_t rendered_bytes_max)
      : per_bucket_max_(per_bucket_max), rendered_bytes_max_(rendered_bytes_max) {}

  // Due at once.
  void add(std::unique_ptr<File> file);
  // The one that has been due for longest; the caller has it alone until retry() or finish().
  // nullptr when none is due.
  std::unique_ptr<File> take(Duration now);
  void retry(std::unique_ptr<File> file, Duration at);
  void finish(std::unique_ptr<File> file);

  // The least first_position of all files, those that are taken included, or `otherwise`.
  wal::Position floor(wal::Position otherwise) const;
  size_t count() const;
  // Whether more than rendered_bytes_max are kept.
  bool full() const;
  uint64_t rendered_bytes() const;
  // Grows when take() may give more than before.
  uint64_t changes() const;
  // Waits until changes() differs from `seen` or the time is over.
  void wait(uint64_t seen, Duration timeout);
  void wake();

 private:
  const size_t per_bucket_max_;
  const uint64_t rendered_bytes_max_;

  mutable Mutex mutex_;
  Condition changed_;
  uint64_t changes_ GUARDED_BY(mutex_) = 0;
  std::map<int64_t, std::unique_ptr<File>> waiting_ GUARDED_BY(mutex_);  // by manifest id
  std::set<std::pair<Duration, int64_t>> due_ GUARDED_BY(mutex_);        // those that wait
  std::map<std::string, size_t> busy_ GUARDED_BY(mutex_);                // taken, by bucket
  std::multiset<wal::Position> positions_ GUARDED_BY(mutex_);            // of all
  uint64_t rendered_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::delivery
