// Writes a segment from its source, in steps and with little memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "history/key_filter.h"
#include "history/segment_source.h"
#include "os/os.h"

namespace traccia::history {

// The name of a segment is where it starts in the log.
std::string segment_path(const std::string& directory, Cursor start);

// What becomes of a list is in the file before its term is. Owned by one thread.
class SegmentWriter {
 public:
  // Writes `directory`/<start>.segment.new; borrows the source.
  static Result<std::unique_ptr<SegmentWriter>> create(os::FileSystem& files,
                                                       const std::string& directory,
                                                       SegmentSource& source);
  // Does so many events' worth of one part of the file; true when all of it is on the disk and
  // publish() is due.
  Result<bool> step(uint32_t events);
  // Gives the file its name, in place of an older one; durable on return. May be tried again.
  Result<> publish();
  bool has_name() const { return named_; }  // publish() got that far
  const std::string& path() const { return path_; }
  const std::string& temporary_path() const { return temporary_path_; }
  // Of what is written; complete once step() was true. nullptr when the segment is too large.
  std::shared_ptr<const KeyFilter> filter() const { return filter_; }

 private:
  enum class Part : uint8_t { Records, Times, Terms, Ids, Tail, Done };

  SegmentWriter(os::FileSystem& files, SegmentSource& source) : files_(files), source_(source) {}
  void begin();
  Result<bool> add_records(uint32_t events);  // true: the part is complete
  Result<bool> add_groups(uint32_t events);
  Result<bool> add_terms(uint32_t events);
  Result<bool> add_ids(uint32_t events);
  Result<> add_group(uint32_t count);
  void finish_records();
  void finish_groups();
  void finish_terms_unit();
  void add_term(const SegmentSource::Term& term);
  void add_list(const std::vector<uint32_t>& numbers);
  std::string add_page(const std::vector<uint32_t>& numbers, size_t begin, size_t end);
  void add_tail();
  Result<> flush(uint64_t at_least);
  uint64_t offset() const { return written_ + out_.size(); }

  os::FileSystem& files_;
  SegmentSource& source_;
  std::string directory_, path_, temporary_path_;
  std::unique_ptr<os::File> file_;
  uint64_t written_ = 0, synced_ = 0;
  bool named_ = false;
  std::shared_ptr<KeyFilter> filter_;
  std::string out_;  // not written yet
  std::string footer_;
  Part part_ = Part::Records;

  std::string lengths_;  // of record blocks, and later of units of times, for the footer
  uint32_t units_ = 0;   // of the part, so far
  size_t place_ = 0;     // that times are written of
  uint32_t in_place_ = 0;
  uint32_t first_ = 0;  // event of the place after it
  int64_t newest_ = 0;  // time of the event read last
  std::string places_;  // their part of the footer

  std::string terms_;       // of the unit being filled
  std::string terms_from_;  // a text between the unit's first term and the one before it
  std::string before_;      // the term before
  uint32_t terms_count_ = 0;
  uint64_t lists_at_ = 0;
};

struct WrittenSegment {
  std::string path;
  std::shared_ptr<const KeyFilter> filter;
};
// At once.
Result<WrittenSegment> write_segment(os::FileSystem& files, const std::string& directory,
                                     SegmentSource& source);

}  // namespace traccia::history
