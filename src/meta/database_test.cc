// Transactions, migrations and errors of the control-plane store, and power loss.
// SPDX-License-Identifier: Apache-2.0
#include "meta/database.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "os/fake_os.h"

namespace traccia::meta {
namespace {

constexpr std::string_view kFirst = "CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER) STRICT;";
constexpr std::string_view kSecond = "ALTER TABLE t ADD COLUMN w BLOB; CREATE TABLE u (x INTEGER);";

// Files whose syncs wait for a sign.
class BlockedFiles : public os::FileSystem {
 public:
  explicit BlockedFiles(os::FileSystem& files) : files_(files) {}
  void block() {
    const MutexLock lock(mutex_);
    blocked_ = true;
    syncs_ = 0;
  }
  void release() {
    const MutexLock lock(mutex_);
    blocked_ = false;
    changed_.notify_all();
  }
  int syncs() {
    const MutexLock lock(mutex_);
    return syncs_;
  }
  void wait() {
    const MutexLock lock(mutex_);
    ++syncs_;
    while (blocked_) changed_.wait(mutex_);
  }

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode,
                                         unsigned mode_bits) override {
    TRY_ASSIGN(auto file, files_.open(path, mode, mode_bits));
    return std::make_unique<BlockedFile>(*this, std::move(file));
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    return files_.rename(from, to);
  }
  Result<> remove(const std::string& path) override { return files_.remove(path); }
  Result<> make_directories(const std::string& path) override {
    return files_.make_directories(path);
  }
  Result<std::vector<os::DirectoryEntry>> list(const std::string& directory) override {
    return files_.list(directory);
  }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<bool> readable_by_others(const std::string& path) override {
    return files_.readable_by_others(path);
  }
  Result<uint64_t> free_bytes(const std::string& directory) override {
    return files_.free_bytes(directory);
  }
  Result<> sync_directory(const std::string& directory) override {
    return files_.sync_directory(directory);
  }
  Result<std::unique_ptr<os::FileLock>> lock(const std::string& path) override {
    return files_.lock(path);
  }

 private:
  class BlockedFile : public os::File {
   public:
    BlockedFile(BlockedFiles& files, std::unique_ptr<os::File> file)
        : files_(files), file_(std::move(file)) {}
    Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
      return file_->read_at(offset, out);
    }
    void read_ahead(uint64_t offset, uint64_t bytes) override { file_->read_ahead(offset, bytes); }
    Result<> write_at(uint64_t offset, std::string_view bytes) override {
      return file_->write_at(offset, bytes);
    }
    Result<> sync_data() override {
      files_.wait();
      return file_->sync_data();
    }
    Result<uint64_t> size() override { return file_->size(); }
    Result<> truncate(uint64_t size) override { return file_->truncate(size); }
    Result<> allocate(uint64_t size) override { return file_->allocate(size); }

   private:
    BlockedFiles& files_;
    std::unique_ptr<os::File> file_;
  };

  os::FileSystem& files_;
  Mutex mutex_;
  Condition changed_;
  bool blocked_ GUARDED_BY(mutex_) = false;
  int syncs_ GUARDED_BY(mutex_) = 0;
};

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fake_.files.make_directories("/d")); }
  Result<std::unique_ptr<Database>> open(std::vector<std::string_view> schema = {kFirst}) {
    return Database::open(fake_.os(), "/d/meta.db", schema);
  }
  static Result<> put(Database& database, std::string_view key, int64_t value) {
    return database.write([&](Transaction& transaction) -> Result<> {
      TRY(transaction.execute("INSERT INTO t (k, v) VALUES (?, ?)", {key, value}));
      return {};
    });
  }
  static std::vector<std::string> keys(Database& database) {
    std::vector<std::string> out;
    EXPECT_TRUE(database.read([&](Transaction& transaction) {
      return transaction.query("SELECT k FROM t ORDER BY k", {}, [&](const Row& row) -> Result<> {
        out.push_back(row.text(0));
        return {};
      });
    }));
    return out;
  }
  os::FakeOs fake_;
};

using Strings = std::vector<std::string>;

TEST_F(DatabaseTest, CommitsOrLeavesNoTrace) {
  auto database = open().value();
  ASSERT_TRUE(put(*database, "a", 1));
  EXPECT_EQ(put(*database, "a", 2).error().code(), ErrorCode::AlreadyExists);
  const auto refused = database->write([&](Transaction& transaction) -> Result<> {
    TRY(transaction.execute("INSERT INTO t (k) VALUES ('b')", {}));
    return fail(ErrorCode::PermissionDenied, "no");
  });
  EXPECT_EQ(refused.error().code(), ErrorCode::PermissionDenied);
  EXPECT_EQ(keys(*database), Strings{"a"});
  database.reset();
  EXPECT_EQ(keys(*open().value()), Strings{"a"});
}

TEST_F(DatabaseTest, BindsAndReadsEveryType) {
  auto database = open({kFirst, kSecond}).value();
  const std::string bytes("\0x\xff", 3);
  ASSERT_TRUE(database->write([&](Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto changed,
               transaction.execute("INSERT INTO t VALUES (?, ?, ?), ('n', NULL, ?)",
                                   {"", int64_t{-5}, Blob{bytes}, nullptr}));
    EXPECT_EQ(changed, 2);
    return transaction.query("SELECT k, v, w FROM t WHERE k = ?", {""},
                             [&](const Row& row) -> Result<> {
                               EXPECT_EQ(row.text(0), "");
                               EXPECT_EQ(row.integer(1), -5);
                               EXPECT_EQ(row.view(2), bytes);
                               // the same statement inside itself
                               return transaction.query("SELECT k, v, w FROM t WHERE k = ?", {"n"},
                                                        [&](const Row& inner) -> Result<> {
                                                          EXPECT_TRUE(inner.is_null(1));
                                                          return {};
                                                        });
                             });
  }));
}

TEST_F(DatabaseTest, MigratesForwardAndRefusesTheFuture) {
  {
    ASSERT_TRUE(put(*open().value(), "a", 1));
  }
  {
    EXPECT_EQ(keys(*open({kFirst, kSecond}).value()), Strings{"a"});
  }
  EXPECT_EQ(open().error().code(), ErrorCode::FailedPrecondition);
}

TEST_F(DatabaseTest, AFailedSyncRefusesWritesForGood) {
  auto database = open().value();
  fake_.files.set_fault([](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != os::Operation::Sync) return std::nullopt;
    return Error(ErrorCode::Unavailable, "input/output error");
  });
  EXPECT_EQ(put(*database, "a", 1).error().code(), ErrorCode::Unavailable);
  fake_.files.set_fault(nullptr);
  EXPECT_EQ(put(*database, "b", 1).error().code(), ErrorCode::Unavailable);
}

TEST_F(DatabaseTest, AFailedDirectorySyncRefusesWritesForGood) {
  {
    ASSERT_TRUE(put(*open().value(), "a", 1));
  }
  auto database = open().value();
  fake_.files.set_fault([](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != os::Operation::SyncDirectory) return std::nullopt;
    return Error(ErrorCode::Unavailable, "input/output error");
  });
  // The first write makes the log file, whose name must be durable with it.
  EXPECT_EQ(put(*database, "b", 1).error().code(), ErrorCode::Unavailable);
  fake_.files.set_fault(nullptr);
  EXPECT_EQ(put(*database, "c", 1).error().code(), ErrorCode::Unavailable);
}

TEST_F(DatabaseTest, WritesAhead) {
  auto database = open().value();
  const auto paths = fake_.files.paths();
  EXPECT_EQ(std::ranges::count(paths, "/d/meta.db-wal"), 1);
}

// A commit that nobody waited for may be lost, but not once it was read.
TEST_F(DatabaseTest, WhatAReadShowedSurvivesPowerLoss) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const bool read : {true, false}) {
      SCOPED_TRACE(fmt::format("seed {}, read {}", seed, read));
      auto database = open().value();
      const auto key = fmt::format("{:03}-{}", seed, read);
      ASSERT_TRUE(database->commit([&](Transaction& transaction) -> Result<> {
        TRY(transaction.execute("INSERT INTO t (k) VALUES (?)", {key}));
        return {};
      }));
      if (read) {
        EXPECT_EQ(std::ranges::count(keys(*database), key), 1);
      }
      fake_.files.lose_power_after(0);
      database.reset();
      fake_.files.restart(seed);
      const auto there = std::ranges::count(keys(*open().value()), key);
      ASSERT_TRUE(there == 1 || !read);
      lost += there == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(lost, 0) << "or this test shows nothing";
}

TEST_F(DatabaseTest, ManyCommitsShareOneSync) {
  int syncs = 0;  // outlives the database, which syncs when it is closed
  auto database = open().value();
  ASSERT_TRUE(put(*database, "first", 0));
  fake_.files.set_fault([&](os::Operation operation, const std::string&) -> std::optional<Error> {
    syncs += operation == os::Operation::Sync ? 1 : 0;
    return std::nullopt;
  });
  std::vector<CommitNumber> numbers;
  for (int i = 0; i < 10; ++i) {
    const auto key = std::to_string(i);
    const auto number = database->commit([&](Transaction& transaction) -> Result<> {
      TRY(transaction.execute("INSERT INTO t (k) VALUES (?)", {key}));
      return {};
    });
    numbers.push_back(number.value());
  }
  EXPECT_EQ(syncs, 0);
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
  for (const auto number : numbers) EXPECT_TRUE(database->wait_durable(number));
  EXPECT_EQ(syncs, 1);
  EXPECT_EQ(keys(*database).size(), 11U);
  EXPECT_EQ(syncs, 1) << "a read waits for what is not durable yet only";
}

TEST_F(DatabaseTest, AFullDiskIsToldAndPasses) {
  auto database = open().value();
  fake_.files.set_fault([](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != os::Operation::Write) return std::nullopt;
    return Error(ErrorCode::ResourceExhausted, "no space left on device");
  });
  EXPECT_EQ(put(*database, "a", 1).error().code(), ErrorCode::ResourceExhausted);
  fake_.files.set_fault(nullptr);
  EXPECT_TRUE(put(*database, "a", 1));
  EXPECT_EQ(keys(*database), Strings{"a"});
}

TEST_F(DatabaseTest, CorruptionIsDataLoss) {
  {
    ASSERT_TRUE(put(*open().value(), "a", 1));
  }
  for (uint64_t i = 0; i < 64; ++i) fake_.files.corrupt("/d/meta.db", i, 0x55);
  EXPECT_EQ(open().error().code(), ErrorCode::DataLoss);
}

// Every write that returned is there after the power failed at any operation; no write is half.
TEST_F(DatabaseTest, ReturnedWritesSurvivePowerLoss) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    os::FakeOs fake(seed);
    ASSERT_TRUE(fake.files.make_directories("/d"));
    int returned = 0, tried = 0;
    for (int life = 0; life < 3; ++life) {
      fake.files.lose_power_after(random() % 120);
      if (auto database = Database::open(fake.os(), "/d/meta.db", {kFirst})) {
        while (!fake.files.power_lost() && tried < 2000) {
          const auto key = fmt::format("{:05}", tried);
          const auto done = (*database)->write([&](Transaction& transaction) -> Result<> {
            TRY(transaction.execute("INSERT INTO t VALUES (?, 1)", {key + "a"}));
            TRY(transaction.execute("INSERT INTO t VALUES (?, 2)", {key + "b"}));
            return {};
          });
          if (!done) break;
          returned = ++tried;
        }
        tried = returned;
      }
      fake.files.restart(random());
      auto database = Database::open(fake.os(), "/d/meta.db", {kFirst});
      ASSERT_TRUE(database) << "seed " << seed << ": " << database.error().message();
      const auto found = keys(**database);
      ASSERT_EQ(found.size() % 2, 0U) << "seed " << seed;
      ASSERT_GE(static_cast<int>(found.size() / 2), returned) << "seed " << seed;
      ASSERT_LE(static_cast<int>(found.size() / 2), returned + 1) << "seed " << seed;
      returned = tried = static_cast<int>(found.size() / 2);
      database->reset();
      fake.files.restart_keeping_all();
    }
  }
}

TEST_F(DatabaseTest, AReadWaitsForNobodyBeforeItsFirstStatement) {
  const auto database = open().value();
  const auto before = database->writes();
  bool entered = false;
  // Inside a write, which holds the store, a read that asks nothing comes through.
  ASSERT_TRUE(database->write([&](Transaction& transaction) -> Result<> {
    TRY(transaction.execute("INSERT INTO t VALUES ('k', 1)"));
    return database->read([&](Transaction&) -> Result<> {
      entered = true;
      return {};
    });
  }));
  EXPECT_TRUE(entered);
  EXPECT_GT(database->writes(), before);
  const auto after = database->writes();
  EXPECT_EQ(keys(*database), Strings{"k"});
  EXPECT_EQ(database->writes(), after) << "a read is no write";
}

constexpr std::string_view kBusy = R"sql(
CREATE TABLE busy (k INTEGER PRIMARY KEY, parent INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE parents (k INTEGER PRIMARY KEY) STRICT;
CREATE TABLE children (k INTEGER PRIMARY KEY REFERENCES parents ON DELETE CASCADE) STRICT;
CREATE TABLE busy_parents (k INTEGER PRIMARY KEY) STRICT;
CREATE TABLE quiet_children (k INTEGER PRIMARY KEY REFERENCES busy_parents ON DELETE CASCADE)
    STRICT, WITHOUT ROWID;
CREATE TABLE noted (k INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER noting AFTER UPDATE ON busy BEGIN INSERT OR REPLACE INTO noted VALUES (NEW.k); END;
)sql";

TEST_F(DatabaseTest, CountsWritesButOfBusyTables) {
  const auto database =
      Database::open(fake_.os(), "/d/busy.db", {kBusy}, {"busy", "busy_parents"}).value();
  // How many times as the statement ran, which it does twice: once prepared, once from the cache.
  const auto counts = [&](std::string_view sql) {
    const auto before = database->writes();
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(database->write([&](Transaction& transaction) -> Result<> {
        TRY(transaction.execute(sql));
        return {};
      })) << sql;
    }
    return database->writes() - before;
  };
  EXPECT_EQ(counts("INSERT OR REPLACE INTO busy VALUES (1, 1)"), 0U);
  EXPECT_EQ(counts("DELETE FROM busy WHERE k = 2"), 0U);
  EXPECT_EQ(counts("INSERT OR REPLACE INTO parents VALUES (1)"), 2U);
  EXPECT_EQ(counts("DELETE FROM parents"), 2U);
  EXPECT_EQ(counts("UPDATE busy SET parent = 2"), 2U) << "the trigger writes elsewhere";
  EXPECT_EQ(counts("DELETE FROM busy_parents"), 2U) << "so may the cascade";
  EXPECT_EQ(counts("DELETE FROM busy"), 0U);
}

// While one waits for the disk, the store is free for others, and one sync more does for all.
TEST_F(DatabaseTest, OthersCommitWhileOneSyncs) {
  BlockedFiles files(fake_.files);
  auto database =
      Database::open({files, fake_.clock, fake_.random}, "/d/meta.db", {kFirst}).value();
  files.block();
  std::vector<std::jthread> writers;
  const auto before = database->writes();
  std::atomic<int> returned{0};
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      EXPECT_TRUE(put(*database, std::to_string(i), i));
      ++returned;
    });
  }
  while (database->writes() < before + 8) std::this_thread::yield();
  EXPECT_EQ(returned, 0) << "nothing is durable yet";
  files.release();
  writers.clear();
  EXPECT_EQ(returned, 8);
  // The last commit may still have been under way when the first sync ended.
  EXPECT_LE(files.syncs(), 4);
  EXPECT_EQ(keys(*database).size(), 8U);
}

}  // namespace
}  // namespace traccia::meta
