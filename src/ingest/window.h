// What the server remembers of the newest records, to recognise a repeat.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <deque>
#include <optional>
#include <unordered_map>

#include "ingest/batch.h"

namespace traccia::ingest {

// Remembers at most `size_max` records, the newest. Not thread-safe.
class Window {
 public:
  struct Seen {
    ContentHash content;
    uint32_t region = 0;  // the sequencer's number of it
    uint64_t region_index = 0;
  };

  explicit Window(uint64_t size_max) : size_max_(size_max) {}

  const Seen* find(const RecordKey& key) const {
    const auto at = seen_.find(key);
    return at == seen_.end() ? nullptr : &at->second;
  }
  void add(const RecordKey& key, const Seen& seen) {
    seen_.emplace(key, seen);
    order_.push_back(key);
  }
  // Takes back the newest `count` records.
  void take_back(size_t count) {
    for (; count > 0; --count) {
      seen_.erase(order_.back());
      order_.pop_back();
    }
  }
  // Forgets what is beyond the limit; apart from add, so that take_back loses nothing older.
  void trim() {
    while (order_.size() > size_max_) {
      seen_.erase(order_.front());
      order_.pop_front();
    }
  }

 private:
  struct Hash {
    size_t operator()(const RecordKey& key) const {
      size_t out = 0;
      std::memcpy(&out, key.data(), sizeof out);  // the key is a hash already
      return out;
    }
  };
  uint64_t size_max_;
  std::unordered_map<RecordKey, Seen, Hash> seen_;
  std::deque<RecordKey> order_;
};

}  // namespace traccia::ingest
