// Blobs as files in 256 folders.
// SPDX-License-Identifier: Apache-2.0
#include "blob/blob.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/assert.h"
#include "base/bytes.h"
#include "blob/format.h"
#include "blob/packing.h"
#include "crypto/block_cipher.h"

namespace traccia::blob {
namespace {

constexpr size_t kIdBytes = 16;
constexpr std::string_view kTemporary = ".tmp";  // of earlier versions
constexpr uint64_t kUncachedMin = 256 << 10;  // smaller ones are written as fast through the cache

std::string folder_of(const std::string& directory, std::string_view id) {
  return fmt::format("{}/{}", directory, id.substr(0, 2));
}
std::string path_of(const std::string& directory, std::string_view id) {
  return fmt::format("{}/{}", folder_of(directory, id), id);
}

bool id_shaped(std::string_view id) {
  return id.size() == kIdBytes * 2 && id.find_first_not_of("0123456789abcdef") == id.npos;
}

// Where a blob lies.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<uint64_t> size() = 0;
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> out) = 0;
};

class FileSource : public Source {
 public:
  explicit FileSource(std::unique_ptr<os::File> file) : file_(std::move(file)) {}
  Result<uint64_t> size() override { return file_->size(); }
  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    return file_->read_at(offset, out);
  }

 private:
  std::unique_ptr<os::File> file_;
};

class MemorySource : public Source {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<uint64_t> size() override { return bytes_.size(); }
  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    if (offset >= bytes_.size()) return size_t{0};
    return bytes_.copy(out.data(), out.size(), offset);
  }

 private:
  std::string bytes_;
};

class BlobReader : public Reader {
 public:
  BlobReader(std::unique_ptr<Source> source, std::string name, Header header)
      : source_(std::move(source)), name_(std::move(name)), header_(std::move(header)) {}

  void decrypt(std::string_view data_key) {
    cipher_.emplace(block_key(data_key, header_.salt));
    context_ = block_context(header_);
  }
  uint64_t size() const override { return header_.size; }

  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    size_t done = 0;
    while (done < out.size() && offset + done < size()) {
      const auto at = offset + done;
      TRY_ASSIGN(const auto block, load(at / kBlockBytes));
      const auto inside = at % kBlockBytes;
      const auto count = std::min<uint64_t>(out.size() - done, block.size() - inside);
      std::memcpy(out.data() + done, block.data() + inside, count);
      done += count;
    }
    return done;
  }

  // The content of a block, from the one read last when it is the same; as it is stored where the
  // blob is encrypted and no key was given.
  Result<std::string_view> load(uint64_t number) {
    const auto length = std::min<uint64_t>(kBlockBytes, size() - number * kBlockBytes);
    if (number_ == number && !block_.empty()) return std::string_view(block_).substr(0, length);
    block_.assign(length + header_.overhead(), '\0');
    const auto stored = block_.size() - kBlockSumBytes;
    TRY_ASSIGN(const auto count, source_->read_at(header_.block_offset(number), block_));
    ByteReader tail(std::string_view(block_).substr(stored));
    const auto sum = tail.u32();
    if (count != block_.size() ||
        *sum != block_sum(number, std::string_view(block_).substr(0, stored))) {
      return damaged(number, "the block's checksum does not match");
    }
    if (cipher_) {
      const auto tag = std::string_view(block_).substr(length, crypto::BlockCipher::kTagBytes);
      const auto opened =
          cipher_->open(number, std::span(block_).subspan(0, length), tag, context_);
      if (!opened) return damaged(number, opened.error().message());
    }
    number_ = number;
    return std::string_view(block_).substr(0, length);
  }

 private:
  std::unexpected<Error> damaged(uint64_t number, std::string_view what) {
    block_.clear();
    return fail(ErrorCode::DataLoss,
                fmt::format("'{}' at byte {}: {}", name_, header_.block_offset(number), what));
  }

  std::unique_ptr<Source> source_;
  std::string name_;
  Header header_;
  std::optional<crypto::BlockCipher> cipher_;
  std::string context_;
  uint64_t number_ = 0;
  std::string block_;
};

Result<std::unique_ptr<BlobReader>> read_header(std::unique_ptr<Source> source, std::string name,
                                                Header& header) {
  std::string bytes(kHeaderBytes, '\0');
  TRY_ASSIGN(const auto count, source->read_at(0, bytes));
  bytes.resize(count);
  auto parsed = parse_header(bytes);
  if (!parsed) {
    return std::unexpected(std::move(parsed).error().with_context(fmt::format("'{}'", name)));
  }
  header = std::move(*parsed);
  TRY_ASSIGN(const auto length, source->size());
  if (length != header.file_bytes()) {
    return fail(ErrorCode::DataLoss, fmt::format("'{}' has {} bytes; its header says {}", name,
                                                 length, header.file_bytes()));
  }
  return std::make_unique<BlobReader>(std::move(source), std::move(name), header);
}

Result<std::unique_ptr<Reader>> open_source(std::unique_ptr<Source> source, const std::string& name,
                                            std::string_view data_key) {
  Header header;
  TRY_ASSIGN(auto reader, read_header(std::move(source), name, header));
  if (header.encryption != Encryption::None) {
    if (data_key.empty()) {
      return fail(ErrorCode::FailedPrecondition,
                  fmt::format("'{}' is encrypted; no key was given", name));
    }
    reader->decrypt(data_key);
  }
  if (!header.unpacked) return reader;
  auto unpacking = unpacking_reader(std::move(reader), *header.unpacked);
  if (unpacking) return unpacking;
  return std::unexpected(std::move(unpacking).error().with_context(fmt::format("'{}'", name)));
}

Result<> scrub_source(std::unique_ptr<Source> source, std::string name) {
  Header header;
  TRY_ASSIGN(const auto reader, read_header(std::move(source), std::move(name), header));
  for (uint64_t number = 0; number * kBlockBytes < header.size; ++number) {
    TRY(reader->load(number));
  }
  return {};
}

Result<std::unique_ptr<Source>> open_file(os::Os os, const std::string& path) {
  TRY_ASSIGN(auto file, os.files.open(path, os::OpenMode::ReadOnly));
  return std::make_unique<FileSource>(std::move(file));
}

Result<> check_id(const BlobId& id) {
  if (id_shaped(id)) return {};
  return fail(ErrorCode::DataLoss, fmt::format("'{}' is not the id of a blob", id));
}

// What a blob is made of.
struct Content {
  Content(os::Random& random, std::string_view plain, bool encrypted, Packing packing) {
    if (packing == Packing::Small) packed = pack(plain);
    if (packed) header.unpacked = plain.size();
    bytes = packed ? std::string_view(*packed) : plain;
    header.size = bytes.size();
    if (!encrypted) return;
    header.encryption = Encryption::Aes256Gcm;
    header.salt = random.bytes(kSaltBytes);
  }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  std::optional<std::string> packed;
  std::string_view bytes;  // as they are stored
  Header header;
};

}  // namespace

std::string make_blob(os::Random& random, std::string_view bytes, std::string_view data_key,
                      Packing packing) {
  const Content content(random, bytes, !data_key.empty(), packing);
  std::string out;
  out.reserve(content.header.file_bytes());
  const auto done =
      render_blob(content.bytes, content.header, data_key, [&](std::string_view piece) {
        out += piece;
        return Result<>();
      });
  TRACCIA_ASSERT(done.has_value());
  return out;
}

Result<std::unique_ptr<Reader>> open_made_blob(std::string blob, std::string name,
                                               std::string_view data_key) {
  return open_source(std::make_unique<MemorySource>(std::move(blob)), name, data_key);
}

Result<> scrub_made_blob(std::string blob, std::string name) {
  return scrub_source(std::make_unique<MemorySource>(std::move(blob)), std::move(name));
}

Result<std::unique_ptr<BlobStore>> BlobStore::open(os::Os os, const std::string& directory) {
  TRY(os.files.make_directories(directory));
  for (int i = 0; i < 256; ++i) {
    const auto folder = fmt::format("{}/{:02x}", directory, i);
    TRY(os.files.make_directories(folder));
    TRY_ASSIGN(const auto entries, os.files.list(folder));
    for (const auto& entry : entries) {
      if (entry.name.ends_with(kTemporary)) {
        TRY(os.files.remove(fmt::format("{}/{}", folder, entry.name)));
      }
    }
  }
  return std::unique_ptr<BlobStore>(new BlobStore(os, directory));
}

Result<BlobId> BlobStore::put(std::string_view bytes, std::string_view data_key, Packing packing) {
  auto id = hex_encode(os_.random.bytes(kIdBytes));
  const auto path = path_of(directory_, id);
  const Content content(os_.random, bytes, !data_key.empty(), packing);
  const auto size = content.header.file_bytes();
  const auto mode = size < kUncachedMin ? os::OpenMode::CreateNew : os::OpenMode::CreateNewUncached;
  auto written = [&]() -> Result<> {
    TRY_ASSIGN(const auto file, os_.files.open(path, mode));
    os::PagedWriter writer(*file, size);
    TRY(render_blob(content.bytes, content.header, data_key,
                    [&](std::string_view piece) { return writer.append(piece); }));
    TRY(writer.finish());
    return os_.files.sync_directory(folder_of(directory_, id));
  }();
  if (written) return id;
  // Room for others on a full disk. Where even that fails, nobody names the id.
  (void)os_.files.remove(path);
  return std::unexpected(std::move(written).error());
}

Result<std::unique_ptr<Reader>> BlobStore::open_blob(const BlobId& id, std::string_view data_key) {
  TRY(check_id(id));
  const auto path = path_of(directory_, id);
  TRY_ASSIGN(auto source, open_file(os_, path));
  return open_source(std::move(source), path, data_key);
}

Result<std::string> BlobStore::read_all(const BlobId& id, std::string_view data_key) {
  TRY_ASSIGN(const auto reader, open_blob(id, data_key));
  std::string out(reader->size(), '\0');
  TRY_ASSIGN(const auto count, reader->read_at(0, out));
  out.resize(count);
  return out;
}

Result<> BlobStore::scrub(const BlobId& id) {
  TRY(check_id(id));
  const auto path = path_of(directory_, id);
  TRY_ASSIGN(auto source, open_file(os_, path));
  return scrub_source(std::move(source), path);
}

Result<> BlobStore::remove(const BlobId& id) {
  const auto removed = os_.files.remove(path_of(directory_, id));
  if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  return {};
}

Result<std::vector<BlobId>> BlobStore::list() {
  std::vector<BlobId> ids;
  for (int i = 0; i < 256; ++i) {
    TRY_ASSIGN(const auto entries, os_.files.list(fmt::format("{}/{:02x}", directory_, i)));
    for (const auto& entry : entries) {
      if (id_shaped(entry.name)) ids.push_back(entry.name);
    }
  }
  return ids;
}

}  // namespace traccia::blob
