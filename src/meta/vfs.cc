// The callbacks that SQLite makes for files, time and randomness.
// SPDX-License-Identifier: Apache-2.0
#include "meta/vfs.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>
#include <new>

#include "base/assert.h"

namespace traccia::meta {
namespace {

constexpr int kPathMax = 4096;
constexpr size_t kRewriteBytes = 1 << 20;
constexpr sqlite3_int64 kUnixEpochInJulianMilliseconds = 210866760000000;

}  // namespace

struct Vfs::File {
  sqlite3_file base;  // first: SQLite sees this
  Vfs* vfs;
  os::File* file;
  std::string* path;
  std::atomic<bool> name_durable;
  bool log;  // write-ahead
};

namespace {

using VfsFile = Vfs::File;

VfsFile& as_file(sqlite3_file* file) {
  return *reinterpret_cast<VfsFile*>(file);
}
Vfs& as_vfs(sqlite3_vfs* vfs) {
  return *static_cast<Vfs*>(vfs->pAppData);
}

int code_of(const Error& error, int otherwise) {
  return error.code() == ErrorCode::ResourceExhausted ? SQLITE_FULL : otherwise;
}

int close_file(sqlite3_file* base) {
  auto& file = as_file(base);
  if (file.log) file.vfs->set_log(nullptr);
  delete file.file;
  delete file.path;
  return SQLITE_OK;
}

int read_file(sqlite3_file* base, void* out, int amount, sqlite3_int64 offset) {
  const std::span<char> span(static_cast<char*>(out), static_cast<size_t>(amount));
  const auto count = as_file(base).file->read_at(static_cast<uint64_t>(offset), span);
  if (!count) return SQLITE_IOERR_READ;
  if (*count == span.size()) return SQLITE_OK;
  std::memset(span.data() + *count, 0, span.size() - *count);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* base, const void* bytes, int amount, sqlite3_int64 offset) {
  auto& file = as_file(base);
  if (file.vfs->failed) return SQLITE_IOERR_WRITE;
  if (file.log) file.vfs->wrote_log(static_cast<uint64_t>(offset));
  const auto done =
      file.file->write_at(static_cast<uint64_t>(offset),
                          {static_cast<const char*>(bytes), static_cast<size_t>(amount)});
  return done ? SQLITE_OK : code_of(done.error(), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* base, sqlite3_int64 size) {
  auto& file = as_file(base);
  if (file.vfs->failed) return SQLITE_IOERR_TRUNCATE;
  return file.file->truncate(static_cast<uint64_t>(size)) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

Result<> sync(VfsFile& file) {
  if (file.vfs->failed) {
    return fail(ErrorCode::Unavailable, fmt::format("'{}': a sync failed earlier", *file.path));
  }
  auto done = file.file->sync_data();
  if (done && !file.name_durable) {
    done = file.vfs->os().files.sync_directory(os::parent_directory(*file.path));
    if (done) file.name_durable = true;
  }
  if (!done) file.vfs->failed = true;
  return done;
}

int sync_file(sqlite3_file* base, int) {
  return sync(as_file(base)) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

int file_size(sqlite3_file* base, sqlite3_int64* out) {
  const auto size = as_file(base).file->size();
  if (!size) return SQLITE_IOERR_FSTAT;
  *out = static_cast<sqlite3_int64>(*size);
  return SQLITE_OK;
}

int no_lock(sqlite3_file*, int) {
  return SQLITE_OK;
}
int nobody_locks(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int no_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  return 4096;
}
int no_characteristics(sqlite3_file*) {
  return 0;
}

const sqlite3_io_methods kFileMethods = {
    1,       close_file, read_file,    write_file, truncate_file, sync_file,          file_size,
    no_lock, no_lock,    nobody_locks, no_control, sector_size,   no_characteristics, nullptr,
    nullptr, nullptr,    nullptr,      nullptr,    nullptr};

// What a process that was killed wrote to the log and did not sync is read from here on, so it must
// stay. After a failed sync the kernel takes pages for written that are not: written again they
// are synced.
Result<> write_again(VfsFile& file) {
  TRY_ASSIGN(const auto size, file.file->size());
  if (size == 0) return {};
  std::string piece(kRewriteBytes, '\0');
  for (uint64_t at = 0; at < size; at += piece.size()) {
    TRY_ASSIGN(const auto count, file.file->read_at(at, piece));
    TRY(file.file->write_at(at, std::string_view(piece).substr(0, count)));
  }
  return sync(file);
}

int open_file(sqlite3_vfs* base, const char* name, sqlite3_file* out, int flags, int* out_flags) {
  out->pMethods = nullptr;
  if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files stay in memory
  auto& vfs = as_vfs(base);
  const bool creates = (flags & SQLITE_OPEN_CREATE) != 0;
  const auto there = vfs.os().files.exists(name);
  auto file = vfs.os().files.open(
      name, creates ? os::OpenMode::CreateReadWrite : os::OpenMode::ReadWrite, 0600);
  if (!file || !there) return SQLITE_CANTOPEN;
  // A file that is there may have been made by a process that died before it synced the name.
  new (out) VfsFile{{&kFileMethods}, &vfs, file->release(), new std::string(name), false, false};
  if ((flags & SQLITE_OPEN_WAL) != 0) {
    if (!write_again(as_file(out))) {
      close_file(out);
      out->pMethods = nullptr;
      return SQLITE_CANTOPEN;
    }
    as_file(out).log = true;
    vfs.set_log(&as_file(out));
  }
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* base, const char* name, int sync_directory) {
  auto& vfs = as_vfs(base);
  if (vfs.failed) return SQLITE_IOERR_DELETE;
  const auto removed = vfs.os().files.remove(name);
  if (!removed) {
    return removed.error().code() == ErrorCode::NotFound ? SQLITE_IOERR_DELETE_NOENT
                                                         : SQLITE_IOERR_DELETE;
  }
  if (sync_directory == 0) return SQLITE_OK;
  if (vfs.os().files.sync_directory(os::parent_directory(name))) return SQLITE_OK;
  vfs.failed = true;
  return SQLITE_IOERR_DIR_FSYNC;
}

int access_file(sqlite3_vfs* base, const char* name, int, int* out) {
  const auto there = as_vfs(base).os().files.exists(name);
  if (!there) return SQLITE_IOERR_ACCESS;
  *out = *there ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  if (std::strlen(name) + 1 > static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, std::strlen(name) + 1);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* base, int size, char* out) {
  as_vfs(base).os().random.fill({out, static_cast<size_t>(size)});
  return size;
}

int no_sleep(sqlite3_vfs*, int) {
  return 0;
}  // nobody else holds a lock to wait for

int current_time(sqlite3_vfs* base, sqlite3_int64* out) {
  *out = kUnixEpochInJulianMilliseconds +
         to_unix_nanoseconds(as_vfs(base).os().clock.now()) / 1'000'000;
  return SQLITE_OK;
}

int current_time_days(sqlite3_vfs* base, double* out) {
  sqlite3_int64 milliseconds = 0;
  current_time(base, &milliseconds);
  *out = static_cast<double>(milliseconds) / 86'400'000.0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

// Recovery ends at a frame, or a log, whose header does not fit (sqlite.org/fileformat2.html,
// section 4); the next transaction writes at the same place. Room is there: it is written over.
constexpr std::string_view kNoHeader("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);

}  // namespace

Result<> Vfs::forget_frames() {
  if (log_ == nullptr || !frames_from_ || failed) return {};
  auto& log = *log_->file;
  TRY_ASSIGN(const auto size, log.size());
  if (*frames_from_ >= size) return {};
  auto done = log.write_at(*frames_from_, kNoHeader.substr(0, size - *frames_from_));
  if (done) done = log.sync_data();
  if (!done) failed = true;
  return done;
}

Result<> Vfs::sync_log() {
  TRACCIA_ASSERT(log_ != nullptr);
  return sync(*log_);
}

Vfs::Vfs(os::Os os) : os_(os) {
  static std::atomic<uint64_t> next{1};
  name_ = fmt::format("traccia-{}", next.fetch_add(1));
  registered_ = new sqlite3_vfs{};
  registered_->iVersion = 2;
  registered_->szOsFile = sizeof(VfsFile);
  registered_->mxPathname = kPathMax;
  registered_->zName = name_.c_str();
  registered_->pAppData = this;
  registered_->xOpen = open_file;
  registered_->xDelete = delete_file;
  registered_->xAccess = access_file;
  registered_->xFullPathname = full_path;
  registered_->xRandomness = randomness;
  registered_->xSleep = no_sleep;
  registered_->xCurrentTime = current_time_days;
  registered_->xCurrentTimeInt64 = current_time;
  registered_->xGetLastError = last_error;
  TRACCIA_ASSERT(sqlite3_vfs_register(registered_, 0) == SQLITE_OK);
}

Vfs::~Vfs() {
  sqlite3_vfs_unregister(registered_);
  delete registered_;
}

}  // namespace traccia::meta
