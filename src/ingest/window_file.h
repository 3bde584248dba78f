// A generation of the repeat window on disk, never changed. Format: docs/formats/window.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/generation.h"
#include "os/os.h"

namespace traccia::ingest {

inline constexpr std::string_view kWindowSuffix = ".window";

std::string window_path(const std::string& directory, uint64_t ordinal);

// Numbered from 0 in the order of the log.
struct WindowHeader {
  uint64_t ordinal = 0;
  wal::Position log_end = 0;  // the records of all entries below are in this file or earlier ones
  SequencerState state;       // there
  uint64_t count = 0;         // read from a file; of no meaning when one is written
};

// Durable on return; replaces an earlier state of the same generation as a whole.
Result<> write_window_file(os::FileSystem& files, const std::string& directory,
                           const WindowHeader& header, std::vector<Remembered> records);

// Thread-safe.
class WindowFile {
 public:
  // Reads and checks what precedes the pages. DataLoss names the file.
  static Result<std::shared_ptr<const WindowFile>> open(os::FileSystem& files, std::string path);

  const WindowHeader& header() const { return header_; }
  const std::string& path() const { return path_; }
  // DataLoss names file and page.
  Result<std::optional<Seen>> find(const RecordKey& key) const;
  size_t pages() const { return first_prefixes_.size(); }
  Result<std::vector<Remembered>> read_page(size_t page) const;

 private:
  WindowFile() = default;
  Result<> parse_header(std::string_view bytes);

  std::string path_;
  std::unique_ptr<os::File> file_;
  WindowHeader header_;
  uint64_t pages_offset_ = 0;
  std::vector<uint64_t> first_prefixes_;  // key_prefix of each page's first record
};

}  // namespace traccia::ingest
