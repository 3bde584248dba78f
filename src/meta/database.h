// The control plane's store: SQLite over a VFS on `os`, so that crash tests cover it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "os/os.h"

struct sqlite3;
struct sqlite3_stmt;

namespace traccia::meta {

// A blob argument; strings bind as TEXT.
struct Blob {
  std::string_view bytes;
};
using Argument = std::variant<std::nullptr_t, int64_t, std::string_view, Blob>;

// One row of a result, valid inside the callback only. Columns count from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const;
  int64_t integer(int column) const;
  std::string text(int column) const;  // TEXT or BLOB; empty for NULL
  std::string_view view(int column) const;

 private:
  sqlite3_stmt* statement_;
};

// Numbers the commits of a process in their order, from 1.
using CommitNumber = uint64_t;

class Database;
class Vfs;

// A transaction in progress, handed to Database::write and read callbacks. Statements are prepared
// once and cached by their text.
class Transaction {
 public:
  // Runs a statement that returns no rows; the count of rows changed.
  Result<int64_t> execute(std::string_view sql, std::initializer_list<Argument> arguments = {});
  // Calls `row` for each row; an error from it ends the query and is returned.
  Result<> query(std::string_view sql, std::initializer_list<Argument> arguments,
                 const std::function<Result<>(const Row&)>& row);
  Result<> query(std::string_view sql, const std::vector<Argument>& arguments,
                 const std::function<Result<>(const Row&)>& row);
  int64_t last_insert_id() const;
  // Whether execute() was called: what this transaction reads may differ from what is committed.
  bool wrote() const { return wrote_; }

 private:
  friend class Database;
  explicit Transaction(Database& database) : database_(database) {}
  Result<> begin(std::string_view how);
  Result<> end(Result<> done);
  Result<> step(std::string_view sql);
  Result<> run(std::string_view sql, std::span<const Argument> arguments,
               const std::function<Result<>(const Row&)>& row);
  Database& database_;
  std::optional<MutexLock> lock_;  // from its first statement, or from its begin()
  CommitNumber seen_ = 0;          // the last commit that it is, or could see
  bool wrote_ = false;
};

// Thread-safe: one connection, one transaction at a time; transactions do not nest. A sync of the
// write-ahead log is none of theirs: while it runs others commit, and the next one covers them all
// (decision 34). Constraint violations are AlreadyExists; corruption is DataLoss; a full disk
// ResourceExhausted. After a failed sync all is Unavailable until the process starts anew.
class Database {
 public:
  // Creates the file when missing and applies the migrations whose numbers are above the stored
  // user_version. `schema` is the ordered list of migration scripts; it only ever grows. `busy`
  // names tables that writes() leaves out.
  static Result<std::unique_ptr<Database>> open(os::Os os, const std::string& path,
                                                const std::vector<std::string_view>& schema,
                                                const std::vector<std::string_view>& busy = {});
  ~Database();

  // Runs `body` in a transaction: commits when it succeeds, rolls back when it returns an error.
  // Survives power loss on return.
  Result<> write(const std::function<Result<>(Transaction&)>& body);
  // The same, but it survives power loss once wait_durable() returned; so does what came before.
  Result<CommitNumber> commit(const std::function<Result<>(Transaction&)>& body);
  // Not to be called inside a transaction. Unavailable: the commit may be there after a restart or
  // not.
  Result<> wait_durable(CommitNumber number);
  // What it read survives power loss. The store is not touched, and nobody waits for it, before the
  // first statement of `body`.
  Result<> read(const std::function<Result<>(Transaction&)>& body);
  // The same without that: for who reads or writes again before anybody is told anything, which
  // waits for both.
  Result<> look(const std::function<Result<>(Transaction&)>& body);
  // Changes with every statement that writes to a table which is not busy, also by triggers and
  // cascades: what was read from those after a call is as it was while this stays the same.
  uint64_t writes() const { return writes_.load(std::memory_order_acquire); }

 private:
  friend class Transaction;
  Database() = default;
  Result<> configure();
  Result<> migrate(const std::vector<std::string_view>& schema);
  Result<> refuse_after_failed_sync() const;
  // A statement, and whether writes() is to change when it runs.
  struct Statement {
    sqlite3_stmt* handle = nullptr;
    bool counted = false;
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Result<> command(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  static int note_action(void* database, int action, const char* table, const char*, const char*,
                         const char*);
  void forget_statements();
  Error error(std::string_view doing) const;

  // Held for a whole transaction; the members below are touched inside one only.
  Mutex mutex_;
  std::unique_ptr<Vfs> vfs_;
  sqlite3* connection_ = nullptr;
  std::string path_;
  std::atomic<uint64_t> writes_{0};
  std::atomic<CommitNumber> committed_{0};  // the last one; changes under mutex_
  std::unordered_map<std::string, Statement, TextHash, std::equal_to<>> statements_;
  std::set<std::string, std::less<>> busy_;  // tables
  bool writes_elsewhere_ = false;            // the statement that is being prepared

  // One syncs for all who wait. Those whom the sync under way covers wait at the one condition, the
  // others at the other one, where the next to sync is found; then they change places.
  Mutex sync_mutex_;
  Condition synced_changed_[2];
  uint64_t syncs_ GUARDED_BY(sync_mutex_) = 0;  // begun; its last bit tells the condition
  bool syncing_ GUARDED_BY(sync_mutex_) = false;
  CommitNumber covered_ GUARDED_BY(sync_mutex_) = 0;  // by the last one that was begun
  CommitNumber synced_ GUARDED_BY(sync_mutex_) = 0;   // survive power loss, up to this one
};

}  // namespace traccia::meta
