// Transactions, migrations and errors of the control-plane store, and power loss.
// SPDX-License-Identifier: Apache-2.0
#include "meta/database.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "os/fake_os.h"

namespace traccia::meta {
namespace {

constexpr std::string_view kFirst = "CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER) STRICT;";
constexpr std::string_view kSecond = "ALTER TABLE t ADD COLUMN w BLOB; CREATE TABLE u (x INTEGER);";

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fake_.files.make_directories("/d")); }
  Result<std::unique_ptr<Database>> open(std::vector<std::string_view> schema = {kFirst}) {
    return Database::open(fake_.os(), "/d/meta.db", Durability::Full, schema);
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
  { ASSERT_TRUE(put(*open().value(), "a", 1)); }
  { EXPECT_EQ(keys(*open({kFirst, kSecond}).value()), Strings{"a"}); }
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
  { ASSERT_TRUE(put(*open().value(), "a", 1)); }
  auto database = open().value();
  fake_.files.set_fault([](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != os::Operation::SyncDirectory) return std::nullopt;
    return Error(ErrorCode::Unavailable, "input/output error");
  });
  // The first write makes the log file, whose name must be durable with it.
  EXPECT_EQ(put(*database, "b", 1).error().code(), ErrorCode::Unavailable);
  fake_.files.set_fault(nullptr);
  EXPECT_EQ(put(*database, "c", 1).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(database->checkpoint().error().code(), ErrorCode::Unavailable);
}

TEST_F(DatabaseTest, WritesAhead) {
  auto database = open().value();
  const auto paths = fake_.files.paths();
  EXPECT_EQ(std::ranges::count(paths, "/d/meta.db-wal"), 1);
}

TEST_F(DatabaseTest, ACheckpointMakesNormalWritesDurable) {
  const auto open_normal = [&] {
    return Database::open(fake_.os(), "/d/meta.db", Durability::Normal, {kFirst});
  };
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    auto database = open_normal().value();
    const auto before = keys(*database).size();
    ASSERT_TRUE(put(*database, fmt::format("{:03}-kept", seed), 1));
    ASSERT_TRUE(database->checkpoint());
    ASSERT_TRUE(put(*database, fmt::format("{:03}-maybe", seed), 1));
    fake_.files.lose_power_after(0);
    database.reset();
    fake_.files.restart(seed);
    const auto after = keys(*open_normal().value()).size();
    ASSERT_GE(after, before + 1) << "seed " << seed;
    lost += after == before + 1;
  }
  EXPECT_GT(lost, 0) << "or this test shows nothing";
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
  { ASSERT_TRUE(put(*open().value(), "a", 1)); }
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
      if (auto database = Database::open(fake.os(), "/d/meta.db", Durability::Full, {kFirst})) {
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
      auto database = Database::open(fake.os(), "/d/meta.db", Durability::Full, {kFirst});
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

}  // namespace
}  // namespace traccia::meta
