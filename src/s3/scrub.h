// Reads all objects now and then, so that rot on the disk is found before somebody needs them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "meta/database.h"
#include "os/os.h"
#include "s3/rows.h"
#include "s3/s3.h"

namespace traccia::s3 {

// An object whose bytes are not what was stored.
struct DamagedObject {
  std::string bucket, key, version_id;
  std::string what;  // the file or row, and the byte
};

struct ScrubState {
  uint64_t objects = 0;  // read in this pass
  uint64_t bytes = 0;
  uint64_t passes = 0;                 // done since the start
  std::vector<DamagedObject> damaged;  // of the last pass and this one, at most kDamagedMax
  uint64_t damaged_count = 0;          // all of them
};

// step() runs on one thread; state() is thread-safe. A pass goes over all versions of all objects;
// what is written behind its back is of the next one. Checks the checksums of blocks, for which
// encrypted content needs no key.
class Scrub {
 public:
  static constexpr std::chrono::hours kPassEvery{7 * 24};
  static constexpr size_t kDamagedMax = 100;

  Scrub(os::Clock& clock, meta::Database& database, S3& s3)
      : clock_(clock), database_(database), s3_(s3) {}

  // Reads one version. The bytes; 0 when the pass is over and the next not due.
  Result<uint64_t> step();
  ScrubState state() const;

 private:
  struct Item {
    std::string bucket, key, version_id;
    int64_t place = 0;
    Parts parts;
  };
  Result<> load();
  void end_pass();
  void tell(const Item& item, std::string what);

  os::Clock& clock_;
  meta::Database& database_;
  S3& s3_;
  std::vector<Item> items_;  // to be read next, the last first
  Item at_;                  // the last that was loaded
  bool kept_ = false;        // in s3_versions, behind all of s3_objects
  Duration next_pass_{};     // monotonic
  bool passing_ = false;

  mutable Mutex mutex_;
  ScrubState state_ GUARDED_BY(mutex_);
  std::vector<DamagedObject> found_ GUARDED_BY(mutex_);  // in this pass
  uint64_t found_count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::s3
