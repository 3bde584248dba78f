// The control-plane store on a disk that is full or fails: writes that returned stay, others leave
// no trace or stay for good, and nothing is corrupt.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "meta/database.h"
#include "os/fake_os.h"

namespace traccia::meta {
namespace {

constexpr std::string_view kSchema = "CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT) STRICT;";

using Strings = std::vector<std::string>;

Result<std::unique_ptr<Database>> open(os::FakeOs& fake) {
  return Database::open(fake.os(), "/d/meta.db", {kSchema});
}

Result<> put(Database& database, const std::string& key, size_t bytes = 100) {
  return database.write([&](Transaction& transaction) -> Result<> {
    TRY(transaction.execute("INSERT INTO t VALUES (?, ?)", {key, std::string(bytes, 'v')}));
    return {};
  });
}

Strings column(Database& database, std::string_view sql) {
  Strings out;
  EXPECT_TRUE(database.read([&](Transaction& transaction) {
    return transaction.query(sql, {}, [&](const Row& row) -> Result<> {
      out.push_back(row.text(0));
      return {};
    });
  }));
  return out;
}
Strings keys(Database& database) {
  EXPECT_EQ(column(database, "PRAGMA integrity_check"), Strings{"ok"});
  return column(database, "SELECT k FROM t ORDER BY k");
}

TEST(DatabaseFaults, WhatWasReadAfterAKillStaysWhenThePowerFails) {
  int unsynced = 0;
  for (uint64_t operations = 0; operations < 60; ++operations) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(fmt::format("killed after {} operations, seed {}", operations, seed));
      os::FakeOs fake(seed);
      ASSERT_TRUE(fake.files.make_directories("/d"));
      auto database = open(fake).value();
      Strings returned;
      fake.files.lose_power_after(operations);
      for (int i = 10; i < 30; ++i) {
        if (!put(*database, std::to_string(i))) break;
        returned.push_back(std::to_string(i));
      }
      database.reset();
      fake.files.restart_keeping_all();  // the process was killed; the kernel has its writes
      database = open(fake).value();
      const auto read = keys(*database);
      ASSERT_TRUE(std::ranges::includes(read, returned));
      unsynced += read.size() > returned.size() ? 1 : 0;
      fake.files.restart(seed);  // before closing moves anything
      database.reset();
      ASSERT_EQ(keys(*open(fake).value()), read);
    }
  }
  EXPECT_GT(unsynced, 0) << "or this test shows nothing";
}

TEST(DatabaseFaults, AnySyncMayFail) {
  for (uint64_t sound = 0; sound < 40; ++sound) {
    SCOPED_TRACE(fmt::format("{} sound syncs", sound));
    os::FakeOs fake(sound);
    ASSERT_TRUE(fake.files.make_directories("/d"));
    auto database = open(fake).value();
    auto left = sound;
    fake.files.set_fault([&](os::Operation operation, const std::string&) -> std::optional<Error> {
      if (operation != os::Operation::Sync || left-- != 0) return std::nullopt;
      return Error(ErrorCode::Unavailable, "input/output error");
    });
    Strings returned;
    for (int i = 100; i < 900; ++i) {
      if (!put(*database, std::to_string(i), 3000)) break;
      returned.push_back(std::to_string(i));
    }
    EXPECT_LT(returned.size(), 800U);
    database.reset();
    fake.files.restart_keeping_all();
    database = open(fake).value();
    const auto read = keys(*database);
    ASSERT_TRUE(std::ranges::includes(read, returned));
    ASSERT_TRUE(put(*database, "after"));
    database.reset();
    fake.files.restart(sound);
    auto expected = read;
    expected.emplace_back("after");
    ASSERT_EQ(keys(*open(fake).value()), expected);
  }
}

TEST(DatabaseFaults, ADiskThatIsFullAtAnyByteIsToldAndPasses) {
  for (uint64_t capacity = 60'000; capacity < 200'000; capacity += 3'301) {
    SCOPED_TRACE(fmt::format("capacity {}", capacity));
    os::FakeOs fake(capacity);
    ASSERT_TRUE(fake.files.make_directories("/d"));
    auto database = open(fake).value();
    fake.files.set_capacity(capacity);
    Strings returned;
    for (int life = 1; life <= 3; ++life) {
      for (int i = 100; i < 400; ++i) {
        const auto key = fmt::format("{}-{}", life, i);
        const auto done = put(*database, key, 1000);
        if (done) {
          returned.push_back(key);
          continue;
        }
        EXPECT_EQ(done.error().code(), ErrorCode::ResourceExhausted) << done.error().message();
        break;
      }
      ASSERT_EQ(keys(*database), returned) << "it answers while the disk is full";
      if (life == 2) {
        database.reset();
        fake.files.restart(capacity);
        auto opened = open(fake);
        ASSERT_TRUE(opened) << "on a full disk: " << opened.error().message();
        database = std::move(*opened);
        ASSERT_EQ(keys(*database), returned);
      }
      fake.files.set_capacity(capacity * static_cast<uint64_t>(life + 1));
    }
    ASSERT_TRUE(put(*database, "4"));
  }
}

// SQLite repeats a commit's last frame up to the end of a sector: when only that finds no room, the
// commit is whole on disk and yet has failed.
TEST(DatabaseFaults, AWriteThatFoundNoRoomDoesNotAppearLater) {
  int failed = 0;
  for (uint64_t room = 0; room < 40'000; room += 400) {
    for (const bool killed : {true, false}) {
      SCOPED_TRACE(fmt::format("room {}, killed {}", room, killed));
      os::FakeOs fake(room);
      ASSERT_TRUE(fake.files.make_directories("/d"));
      auto database = open(fake).value();
      ASSERT_TRUE(put(*database, "before"));
      fake.files.set_capacity(fake.files.used_bytes() + room);
      Strings expected{"before"};
      if (put(*database, "maybe", 9000)) {
        expected.emplace_back("maybe");
      } else {
        ++failed;
      }
      fake.files.lose_power_after(0);  // closing moves nothing
      database.reset();
      if (killed) {
        fake.files.restart_keeping_all();
      } else {
        fake.files.restart(room);
      }
      database = open(fake).value();
      ASSERT_EQ(keys(*database), expected);
      fake.files.set_capacity(std::nullopt);
      ASSERT_TRUE(put(*database, "z"));
      expected.emplace_back("z");
      database.reset();
      ASSERT_EQ(keys(*open(fake).value()), expected);
    }
  }
  EXPECT_GT(failed, 20) << "or this test shows little";
}

}  // namespace
}  // namespace traccia::meta
