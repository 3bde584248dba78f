// The log's promises under crashes, damage and failing disks.
// SPDX-License-Identifier: Apache-2.0
#include "wal/wal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "os/fake_os.h"
#include "wal/entry.h"

namespace traccia::wal {
namespace {

class WalTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fake_.files.make_directories("/wal")); }

  Result<std::unique_ptr<Wal>> open() {
    Options options;
    options.segment_bytes_max = 4096;
    options.entry_bytes_max = 3000;
    options.queue_bytes_max = 16384;
    return Wal::open(fake_.files, "/wal", options);
  }

  // Appends and steps; the entry's position when it is durable.
  static Result<Position> put(Wal& wal, std::string payload) {
    Result<Position> result = fail(ErrorCode::Internal, "not completed");
    TRY(wal.append(std::move(payload), [&](Result<Position> done) { result = std::move(done); }));
    wal.step(Duration(0));
    return result;
  }

  static Result<std::vector<std::string>> read_all(Wal& wal) {
    std::vector<std::string> out;
    auto at = wal.begin();
    while (true) {
      TRY_ASSIGN(auto entry, wal.read(at));
      if (!entry) return out;
      out.push_back(std::move(entry->payload));
      at = entry->next;
    }
  }

  os::FakeOs fake_;
};

TEST_F(WalTest, KeepsEntriesInOrderAcrossReopening) {
  std::vector<std::string> expected;
  {
    auto wal = open().value();
    EXPECT_EQ(wal->begin(), 0U);
    for (int i = 0; i < 100; ++i) {
      expected.push_back(
          std::string(static_cast<size_t>(i * 13 % 400 + 1), static_cast<char>('a' + i % 26)));
      ASSERT_TRUE(put(*wal, expected.back()));
    }
    EXPECT_EQ(read_all(*wal).value(), expected);
  }
  EXPECT_GT(fake_.files.paths().size(), 3U) << "several segments";
  fake_.files.restart_keeping_all();
  auto wal = open().value();
  EXPECT_EQ(read_all(*wal).value(), expected);
  expected.emplace_back("after");
  ASSERT_TRUE(put(*wal, "after"));
  EXPECT_EQ(read_all(*wal).value(), expected);
}

TEST_F(WalTest, OneSyncServesAGroupAndABarrierWritesNothing) {
  auto wal = open().value();
  int syncs = 0;
  fake_.files.set_fault([&](os::Operation operation, const std::string&) {
    syncs += operation == os::Operation::Sync;
    return std::nullopt;
  });
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(wal->append(i == 3 ? "" : "x", [&order, i](Result<Position> done) {
      EXPECT_TRUE(done);
      order.push_back(i);
    }));
  }
  EXPECT_EQ(wal->step(Duration(0)), 5U);
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(syncs, 1);
  EXPECT_EQ(read_all(*wal).value().size(), 4U);
  ASSERT_TRUE(put(*wal, ""));
  EXPECT_EQ(syncs, 1) << "nothing to sync";
}

TEST_F(WalTest, AFailedSyncStopsTheLogForGood) {
  auto wal = open().value();
  ASSERT_TRUE(put(*wal, "kept"));
  fake_.files.set_fault([](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != os::Operation::Sync) return std::nullopt;
    return Error(ErrorCode::Unavailable, "input/output error");
  });
  EXPECT_EQ(put(*wal, "lost").error().reason(), "LogStopped");
  fake_.files.set_fault(nullptr);
  EXPECT_EQ(put(*wal, "later").error().reason(), "LogStopped") << "a healthy disk changes nothing";
  EXPECT_TRUE(wal->stopped());
  EXPECT_EQ(read_all(*wal).value(), std::vector<std::string>{"kept"});
}

TEST_F(WalTest, LimitsQueueAndEntries) {
  auto wal = open().value();
  EXPECT_EQ(wal->append(std::string(3001, 'x'), [](auto) {}).error().code(),
            ErrorCode::InvalidArgument);
  int done = 0;
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(wal->append(std::string(2000, 'x'), [&](auto) { ++done; }));
  EXPECT_EQ(wal->append(std::string(2000, 'x'), [](auto) {}).error().reason(), "LogQueueFull");
  wal->step(Duration(0));
  EXPECT_EQ(done, 8);
  EXPECT_TRUE(put(*wal, "room again"));
}

TEST_F(WalTest, DamageInTheMiddleIsReportedByPlace) {
  Position second = 0;
  {
    auto wal = open().value();
    ASSERT_TRUE(put(*wal, "first"));
    second = put(*wal, "second").value();
    ASSERT_TRUE(put(*wal, "third"));
  }
  const auto path = fake_.files.paths().front();
  fake_.files.corrupt(path, kSegmentHeaderBytes + second + kEntryHeaderBytes, 4);
  const auto error = open().error();
  EXPECT_EQ(error.code(), ErrorCode::DataLoss);
  EXPECT_NE(error.message().find(path), std::string::npos) << error.message();
  EXPECT_NE(error.message().find(std::to_string(kSegmentHeaderBytes + second)), std::string::npos);
}

TEST_F(WalTest, DamageOfASealedSegmentIsReportedWhenRead) {
  auto wal = open().value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(put(*wal, std::string(1000, 'x')));
  fake_.files.corrupt(fake_.files.paths().front(), 200, 1);
  EXPECT_EQ(read_all(*wal).error().code(), ErrorCode::DataLoss);
}

TEST_F(WalTest, AMissingSegmentIsDataLoss) {
  {
    auto wal = open().value();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(put(*wal, std::string(1000, 'x')));
  }
  ASSERT_TRUE(fake_.files.remove(fake_.files.paths()[1]));
  EXPECT_EQ(open().error().code(), ErrorCode::DataLoss);
}

TEST_F(WalTest, RemovesWholeSegmentsBelowAPosition) {
  auto wal = open().value();
  std::vector<Position> positions;
  for (int i = 0; i < 12; ++i) positions.push_back(put(*wal, std::string(1000, 'x')).value());
  const auto before = fake_.files.paths();
  ASSERT_TRUE(wal->remove_below(positions[6]));
  EXPECT_LE(wal->begin(), positions[6]);
  EXPECT_GT(wal->begin(), 0U);
  EXPECT_FALSE(fake_.files.exists(before.front()).value());
  EXPECT_EQ(wal->disk_bytes(), fake_.files.used_bytes()) << "what is kept as a spare counts";
  EXPECT_TRUE(wal->read(positions[6]).value());
  EXPECT_EQ(wal->read(0).error().code(), ErrorCode::DataLoss);
  ASSERT_TRUE(wal->remove_below(wal->durable_end()));
  EXPECT_TRUE(put(*wal, "the active segment stays"));
}

TEST_F(WalTest, PowerLossWhileSegmentsAreRemovedLeavesNoGap) {
  for (uint64_t operations = 0; operations < 12; ++operations) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      os::FakeOs machine(seed);
      ASSERT_TRUE(machine.files.make_directories("/wal"));
      Options options;
      options.segment_bytes_max = 1000;
      auto wal = Wal::open(machine.files, "/wal", options).value();
      Position last = 0;
      for (int i = 0; i < 8; ++i) last = put(*wal, std::string(900, 'x')).value();
      machine.files.lose_power_after(operations);
      (void)wal->remove_below(last);
      wal.reset();
      machine.files.restart(seed);
      auto again = Wal::open(machine.files, "/wal", options);
      ASSERT_TRUE(again) << again.error().message();
      EXPECT_TRUE((*again)->read(last).value()) << "what was not removed";
      ASSERT_TRUE((*again)->remove_below(last));
      EXPECT_TRUE(put(**again, "goes on"));
    }
  }
}

TEST_F(WalTest, ADiskLimitRefusesAndKeepsAReserve) {
  Options options;
  options.segment_bytes_max = 1000;
  options.disk_reserve_bytes = 2000;
  options.disk_go_on_bytes = 500;
  auto wal = Wal::open(fake_.files, "/wal", options).value();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(put(*wal, std::string(900, 'x')));
  wal->limit_disk(4 * 1000);
  EXPECT_FALSE(wal->disk_full());
  ASSERT_TRUE(put(*wal, std::string(900, 'x')));
  EXPECT_TRUE(wal->disk_full());
  EXPECT_EQ(put(*wal, "x").error().reason(), "LogDiskFull");
  EXPECT_TRUE(put(*wal, "")) << "a barrier writes nothing";
  int reserved = 0;
  for (; reserved < 10; ++reserved) {
    if (!wal->append(std::string(900, 'r'), [](Result<Position>) {}, Room::Reserve)) break;
    wal->step(Duration(0));
  }
  EXPECT_GT(reserved, 0);
  EXPECT_LT(reserved, 4) << "the reserve has an end";
  ASSERT_TRUE(wal->remove_below(wal->durable_end()));
  EXPECT_FALSE(wal->disk_full());
  EXPECT_TRUE(put(*wal, "accepts again"));
}

TEST_F(WalTest, AFailedRemovalIsTriedAgain) {
  auto wal = open().value();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(put(*wal, std::string(1000, 'x')));
  fake_.files.set_fault([](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != os::Operation::Rename) return std::nullopt;  // it becomes a spare
    return Error(ErrorCode::PermissionDenied, "read-only");
  });
  EXPECT_FALSE(wal->remove_below(wal->durable_end()));
  EXPECT_EQ(wal->begin(), 0U);
  fake_.files.set_fault(nullptr);
  ASSERT_TRUE(wal->remove_below(wal->durable_end()));
  EXPECT_GT(wal->begin(), 0U);
  ASSERT_TRUE(open());
}

// Random groups, the power fails at a random operation, what survived is checked: everything
// acknowledged, in order, and of the rest a prefix of what was appended.
TEST_F(WalTest, AcknowledgedEntriesSurvivePowerLoss) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    std::mt19937_64 random(seed);
    os::FakeOs machine(seed);
    ASSERT_TRUE(machine.files.make_directories("/wal"));
    std::vector<std::string> appended;
    size_t acknowledged = 0;
    for (int life = 0; life < 4; ++life) {
      Options options;
      options.segment_bytes_max = 2048;
      machine.files.lose_power_after(random() % 60);
      {
        auto wal = Wal::open(machine.files, "/wal", options);
        for (int i = 0; wal && i < 30; ++i) {
          const auto count = random() % 4 + 1;
          for (uint64_t n = 0; n < count; ++n) {
            auto payload = std::to_string(appended.size()) + std::string(random() % 900, '.');
            appended.push_back(payload);
            const auto index = appended.size();
            (void)(*wal)->append(std::move(payload), [&, index](Result<Position> done) {
              if (done) acknowledged = index;
            });
          }
          (*wal)->step(Duration(0));
          if ((*wal)->stopped()) break;
        }
      }
      machine.files.restart(random());
      auto wal = Wal::open(machine.files, "/wal", options);
      ASSERT_TRUE(wal) << "seed " << seed << ": " << wal.error().message();
      const auto survived = read_all(**wal);
      ASSERT_TRUE(survived) << "seed " << seed << ": " << survived.error().message();
      ASSERT_GE(survived->size(), acknowledged) << "seed " << seed;
      ASSERT_LE(survived->size(), appended.size()) << "seed " << seed;
      appended.resize(survived->size());
      ASSERT_EQ(*survived, appended) << "seed " << seed;
      acknowledged = survived->size();
      machine.files.restart_keeping_all();
    }
  }
}

TEST(Wal, KeepsDurableEntriesAsTheirWritersHadThem) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/w"));
  const auto wal = Wal::open(fake.files, "/w", {}).value();
  std::vector<Position> positions;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(wal->append("x", [&](Result<Position> done) { positions.push_back(done.value()); },
                            Room::Queue, {std::make_shared<const int>(i), 40}));
    EXPECT_FALSE(wal->recent().find(wal->durable_end())) << "not durable yet";
    wal->step(Duration(0));
  }
  for (size_t i = 0; i < 5; ++i) {
    const auto recent = wal->recent().find(positions[i]);
    ASSERT_TRUE(recent) << i;
    EXPECT_EQ(*std::static_pointer_cast<const int>(recent->content), static_cast<int>(i));
    EXPECT_EQ(recent->next, wal->read(positions[i]).value()->next);
  }
}

// What nobody waits for shares a sync with what somebody does.
TEST(Wal, GathersEntriesWithoutHaste) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/w"));
  Options options;
  options.gather_time = std::chrono::minutes(1);
  const auto wal = Wal::open(fake.files, "/w", options).value();
  const auto append = [&](Haste haste) {
    return wal->append(
        "x", [](Result<Position> done) { EXPECT_TRUE(done); }, Room::Queue, {}, haste);
  };
  size_t taken = 0;
  std::thread writer([&] { taken = wal->step(std::chrono::minutes(1)); });
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(append(Haste::None));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // in which it must not be written
  }
  ASSERT_TRUE(append(Haste::Some));
  writer.join();
  EXPECT_EQ(taken, 4U);
}

TEST(Wal, WritesEntriesWithoutHasteBeforeLong) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/w"));
  const auto wal = Wal::open(fake.files, "/w", {}).value();
  ASSERT_TRUE(wal->append("x", [](Result<Position>) {}, Room::Queue, {}, Haste::None));
  EXPECT_EQ(wal->step(std::chrono::minutes(1)), 1U);
  EXPECT_TRUE(wal->read(0).value());
}

TEST(Wal, EndsTheGatheringWhenWoken) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/w"));
  Options options;
  options.gather_time = std::chrono::minutes(1);
  const auto wal = Wal::open(fake.files, "/w", options).value();
  ASSERT_TRUE(wal->append("x", [](Result<Position>) {}, Room::Queue, {}, Haste::None));
  std::atomic<size_t> taken = 0;
  std::thread writer([&] { taken = wal->step(std::chrono::minutes(1)); });
  while (taken == 0) {  // the writer may not wait yet
    wal->wake();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  writer.join();
  EXPECT_EQ(taken, 1U);
}

}  // namespace
}  // namespace traccia::wal
