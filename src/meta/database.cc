// Transactions, statements and migrations over SQLite.
// SPDX-License-Identifier: Apache-2.0
#include "meta/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/assert.h"
#include "meta/vfs.h"

namespace traccia::meta {
namespace {

constexpr size_t kStatementsMax = 512;

// Gives a cached statement back, or ends one that was made for a nested use.
class Lease {
 public:
  Lease(sqlite3_stmt* statement, bool cached) : statement_(statement), cached_(cached) {}
  ~Lease() {
    if (cached_) {
      sqlite3_reset(statement_);
      sqlite3_clear_bindings(statement_);
    } else {
      sqlite3_finalize(statement_);
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  sqlite3_stmt* get() const { return statement_; }

 private:
  sqlite3_stmt* statement_;
  bool cached_;
};

// Bound views must outlive the statement's run; callers hold them in the argument list.
int bind(sqlite3_stmt* statement, int at, const Argument& argument) {
  if (const auto* number = std::get_if<int64_t>(&argument)) {
    return sqlite3_bind_int64(statement, at, *number);
  }
  if (const auto* text = std::get_if<std::string_view>(&argument)) {
    return sqlite3_bind_text64(statement, at, text->empty() ? "" : text->data(), text->size(),
                               SQLITE_STATIC, SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<Blob>(&argument)) {
    return sqlite3_bind_blob64(statement, at, blob->bytes.empty() ? "" : blob->bytes.data(),
                               blob->bytes.size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, at);
}

ErrorCode code_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
      return ErrorCode::AlreadyExists;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::DataLoss;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::ResourceExhausted;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
      return ErrorCode::Unavailable;
    default:
      return ErrorCode::Internal;
  }
}

}  // namespace

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
int64_t Row::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
std::string_view Row::view(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}
std::string Row::text(int column) const {
  return std::string(view(column));
}

Error Database::error(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(connection_);
  return Error(code_of(code),
               fmt::format("database '{}': {}: {}", path_, doing, sqlite3_errmsg(connection_)));
}

Result<std::unique_ptr<Database>> Database::open(os::Os os, const std::string& path,
                                                 const std::vector<std::string_view>& schema,
                                                 const std::vector<std::string_view>& busy) {
  std::unique_ptr<Database> database(new Database);
  database->busy_.insert(busy.begin(), busy.end());
  database->path_ = path;
  database->vfs_ = std::make_unique<Vfs>(os);
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code =
      sqlite3_open_v2(path.c_str(), &database->connection_, flags, database->vfs_->name());
  TRACCIA_ASSERT(database->connection_ != nullptr);
  if (code != SQLITE_OK) return std::unexpected(database->error("open"));
  TRY(database->configure());
  sqlite3_set_authorizer(database->connection_, &Database::note_action, database.get());
  TRY(database->migrate(schema));
  return database;
}

Database::~Database() {
  forget_statements();
  sqlite3_close(connection_);
}

void Database::forget_statements() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement.handle);
  statements_.clear();
}

Result<> Database::command(const char* sql) {
  if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(error(sql));
  }
  return {};
}

Result<> Database::configure() {
  // Exclusive locking comes first: it lets write-ahead logging do without shared memory.
  TRY(command("PRAGMA locking_mode = EXCLUSIVE"));
  TRY(command("PRAGMA journal_mode = WAL"));
  // Commits are made durable by wait_durable(), several at a time.
  TRY(command("PRAGMA synchronous = NORMAL"));
  TRY(command("PRAGMA foreign_keys = ON"));
  TRY(command("PRAGMA trusted_schema = OFF"));
  TRY(command("PRAGMA temp_store = MEMORY"));
  TRY(command("PRAGMA cache_size = -16384"));  // KiB
  return command("PRAGMA cell_size_check = ON");
}

Result<> Database::migrate(const std::vector<std::string_view>& schema) {
  int64_t version = 0;
  TRY(read([&](Transaction& transaction) {
    return transaction.query("PRAGMA user_version", {}, [&](const Row& row) -> Result<> {
      version = row.integer(0);
      return {};
    });
  }));
  if (version > static_cast<int64_t>(schema.size())) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("database '{}' was written by a newer version (schema {}, this program "
                            "knows {}); use that version",
                            path_, version, schema.size()));
  }
  for (auto next = static_cast<size_t>(version); next < schema.size(); ++next) {
    TRY(write([&](Transaction&) -> Result<> {
      TRY(command(std::string(schema[next]).c_str()));
      return command(fmt::format("PRAGMA user_version = {}", next + 1).c_str());
    }));
  }
  return {};
}

Result<> Transaction::begin(std::string_view how) {
  lock_.emplace(database_.mutex_);
  seen_ = database_.committed_;
  database_.vfs_->begin_frames();
  auto begun = step(how);
  if (!begun) lock_.reset();
  return begun;
}

Result<> Transaction::end(Result<> done) {
  if (!lock_) return done;
  const bool commits = done.has_value();
  if (commits) done = step("COMMIT");
  // A failed commit may have ended the transaction by itself.
  if (!done && sqlite3_get_autocommit(database_.connection_) == 0) {
    (void)step("ROLLBACK");
  }
  if (commits && done && database_.vfs_->wrote_frames()) seen_ = ++database_.committed_;
  if (commits && !done) {
    if (auto forgotten = database_.vfs_->forget_frames(); !forgotten) done = std::move(forgotten);
  }
  lock_.reset();
  return done;
}

Result<> Database::refuse_after_failed_sync() const {
  if (!vfs_->failed) return {};
  return fail(ErrorCode::Unavailable,
              fmt::format("database '{}': a sync failed earlier; restart the server once the "
                          "disk is sound",
                          path_));
}

Result<CommitNumber> Database::commit(const std::function<Result<>(Transaction&)>& body) {
  TRY(refuse_after_failed_sync());
  Transaction transaction(*this);
  TRY(transaction.begin("BEGIN IMMEDIATE"));
  TRY(transaction.end(body(transaction)));
  return transaction.seen_;
}

Result<> Database::write(const std::function<Result<>(Transaction&)>& body) {
  TRY_ASSIGN(const auto number, commit(body));
  return wait_durable(number);
}

Result<> Database::wait_durable(CommitNumber number) {
  size_t mine = 0;
  {
    const MutexLock lock(sync_mutex_);
    while (syncing_ && synced_ < number) {
      synced_changed_[(syncs_ + (number > covered_ ? 1 : 0)) % 2].wait(sync_mutex_);
    }
    if (synced_ >= number) return {};
    TRY(refuse_after_failed_sync());
    syncing_ = true;
    covered_ = committed_;
    mine = ++syncs_ % 2;
  }
  auto done = vfs_->sync_log();
  {
    const MutexLock lock(sync_mutex_);
    syncing_ = false;
    if (done) synced_ = covered_;
  }
  synced_changed_[mine].notify_all();
  if (done) {
    synced_changed_[1 - mine].notify_one();
    return {};
  }
  synced_changed_[1 - mine].notify_all();
  return std::unexpected(std::move(done).error().with_context(fmt::format("database '{}'", path_)));
}

Result<> Database::look(const std::function<Result<>(Transaction&)>& body) {
  Transaction transaction(*this);
  return transaction.end(body(transaction));
}

Result<> Database::read(const std::function<Result<>(Transaction&)>& body) {
  Transaction transaction(*this);
  TRY(transaction.end(body(transaction)));
  return wait_durable(transaction.seen_);
}

// SQLite names every table that a statement is compiled to write to.
int Database::note_action(void* database, int action, const char* table, const char*, const char*,
                          const char*) {
  const bool writes = action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE;
  auto& self = *static_cast<Database*>(database);
  if (writes && !self.busy_.contains(std::string_view(table))) self.writes_elsewhere_ = true;
  return SQLITE_OK;
}

Result<Database::Statement> Database::prepare(std::string_view sql) {
  Statement statement;
  writes_elsewhere_ = false;
  if (sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement.handle, nullptr) != SQLITE_OK) {
    return std::unexpected(error(sql));
  }
  statement.counted = writes_elsewhere_;
  return statement;
}

Result<> Transaction::step(std::string_view sql) {
  return run(sql, {}, [](const Row&) -> Result<> { return {}; });
}

Result<> Transaction::run(std::string_view sql, std::span<const Argument> arguments,
                          const std::function<Result<>(const Row&)>& row) {
  if (!lock_) TRY(begin("BEGIN"));
  auto& cache = database_.statements_;
  const auto cached = cache.find(sql);
  auto prepared = cached == cache.end() ? Database::Statement() : cached->second;
  const bool nested = prepared.handle != nullptr && sqlite3_stmt_busy(prepared.handle) != 0;
  bool keep = !nested;
  if (prepared.handle == nullptr || nested) {
    TRY_ASSIGN(prepared, database_.prepare(sql));
    keep = keep && cache.size() < kStatementsMax;
    if (keep) cache.emplace(std::string(sql), prepared);
  }
  auto* const statement = prepared.handle;
  const Lease lease(statement, keep);
  // Before the commit, which nobody overtakes: who reads after this waits for it.
  if (prepared.counted) database_.writes_.fetch_add(1, std::memory_order_release);
  TRACCIA_ASSERT(static_cast<size_t>(sqlite3_bind_parameter_count(statement)) == arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (bind(statement, static_cast<int>(i + 1), arguments[i]) != SQLITE_OK) {
      return std::unexpected(database_.error(sql));
    }
  }
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return std::unexpected(database_.error(sql));
    TRY(row(Row(statement)));
  }
}

Result<int64_t> Transaction::execute(std::string_view sql,
                                     std::initializer_list<Argument> arguments) {
  wrote_ = true;
  TRY(run(sql, arguments, [](const Row&) -> Result<> { return {}; }));
  return sqlite3_changes64(database_.connection_);
}

Result<> Transaction::query(std::string_view sql, std::initializer_list<Argument> arguments,
                            const std::function<Result<>(const Row&)>& row) {
  return run(sql, arguments, row);
}

Result<> Transaction::query(std::string_view sql, const std::vector<Argument>& arguments,
                            const std::function<Result<>(const Row&)>& row) {
  return run(sql, arguments, row);
}

int64_t Transaction::last_insert_id() const {
  return sqlite3_last_insert_rowid(database_.connection_);
}

}  // namespace traccia::meta
