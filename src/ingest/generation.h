// The newest records that the window remembers, in memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "ingest/batch.h"

namespace traccia::ingest {

// What is kept of a record.
struct Seen {
  ContentHash content{};
  uint32_t region = 0;  // the sequencer's number of it
  uint64_t region_index = 0;
};

struct Remembered {
  RecordKey key{};
  Seen seen;
};

// Where the sequencer stands between two log entries.
struct SequencerState {
  Sequence next_sequence = 1;
  Time newest{};                                          // ingest time
  std::vector<std::pair<std::string, uint64_t>> regions;  // by number: name, next index
};

// As bytes: the elements of a key are signed.
inline bool key_less(const RecordKey& a, const RecordKey& b) {
  return std::memcmp(a.data(), b.data(), a.size()) < 0;
}
// The first eight bytes of a key; keys in order have them in order.
inline uint64_t key_prefix(const RecordKey& key) {
  uint64_t out = 0;
  std::memcpy(&out, key.data(), sizeof out);
  return __builtin_bswap64(out);
}

// Open addressing over records in order of arrival; the key is a hash already. Not thread-safe.
class Generation {
 public:
  Generation() : slots_(kSlotsFirst) {}

  const Seen* find(const RecordKey& key) const {
    const auto at = slot_of(key);
    return slots_[at] == 0 ? nullptr : &records_[slots_[at] - 1].seen;
  }
  // A key that is there already keeps its place and gets the new content.
  void add(const RecordKey& key, const Seen& seen) {
    const auto at = slot_of(key);
    if (slots_[at] != 0) {
      records_[slots_[at] - 1].seen = seen;
      return;
    }
    records_.push_back({key, seen});
    slots_[at] = static_cast<uint32_t>(records_.size());
    if (records_.size() * 3 > slots_.size() * 2) grow();
  }
  // Forgets the newest `count`. The newest was placed last, so no other key was pushed on by it.
  void take_back(size_t count) {
    TRACCIA_ASSERT(count <= records_.size());
    for (; count > 0; --count) {
      slots_[slot_of(records_.back().key)] = 0;
      records_.pop_back();
    }
  }
  const std::vector<Remembered>& records() const { return records_; }

 private:
  static constexpr size_t kSlotsFirst = 1024;  // a power of two, as all that follow

  // Where the key is, or the free slot where it belongs.
  size_t slot_of(const RecordKey& key) const {
    auto at = key_prefix(key) & (slots_.size() - 1);
    while (slots_[at] != 0 && records_[slots_[at] - 1].key != key) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return at;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, 0);
    for (size_t i = 0; i < records_.size(); ++i) {
      slots_[slot_of(records_[i].key)] = static_cast<uint32_t>(i + 1);
    }
  }

  std::vector<Remembered> records_;
  std::vector<uint32_t> slots_;  // place in records_ from 1; 0: free
};

}  // namespace traccia::ingest
