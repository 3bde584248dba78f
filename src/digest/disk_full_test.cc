// The whole storage path on a disk that is full or fails now and then: each writer tells its error
// and tries again, the log stops rather than lie, and what was acknowledged is delivered once.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "digest/test_machine.h"

namespace traccia::digest {
namespace {

using std::chrono::seconds;
using test::Contents;
using test::Machine;
using test::MachineOptions;
using test::MemoryStore;
using test::TrailAndId;

class DiskTest : public testing::Test {
 protected:
  void SetUp() override { begin(1); }

  void begin(uint64_t seed) {
    machine_.reset();
    random_.seed(seed);
    fake_ = std::make_unique<os::FakeOs>(seed);
    store_ = std::make_unique<MemoryStore>();
    expected_.clear();
    ASSERT_TRUE(fake_->files.make_directories("/d/wal"));
    ASSERT_TRUE(open());
    config_ = test::make_trail("all", true);
    config_.logging = true;
    ASSERT_TRUE(machine_->change(*fake_, config_));
    // The first digests make the regions' keys, which takes long.
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(turn().empty());
  }

  Result<> open() {
    machine_.reset();
    TRY_ASSIGN(machine_, Machine::open(*fake_, *store_, options_));
    return {};
  }

  // The reason of a refusal; empty when the event was acknowledged.
  std::string send(wal::Room room = wal::Room::Queue) {
    const auto& region = test::kRegions[random_() % test::kRegions.size()];
    const auto id = fake_->random.uuid();
    std::vector<ingest::Draft> drafts{
        Machine::event(*fake_, id, region, std::string(random_() % 800, 'x'))};
    std::string refusal = "no answer";
    machine_->ingest->submit(
        std::move(drafts),
        [&](Result<ingest::Outcome> done) {
          refusal = done ? "" : done.error().reason();
          if (done) expected_.insert({config_.name, id});
        },
        room);
    machine_->log->step(Duration(0));
    return refusal;
  }

  // A turn of each thread, whatever the others meet. The errors.
  std::vector<std::string> turn() {
    std::vector<std::string> errors;
    const auto note = [&](const auto& result) {
      if (result) return;
      const auto code = result.error().code();
      EXPECT_TRUE(code == ErrorCode::ResourceExhausted || code == ErrorCode::Unavailable ||
                  machine_->log->stopped())
          << result.error().message();
      errors.push_back(result.error().message());
    };
    machine_->log->step(Duration(0));
    note(machine_->delivery->step());
    while (true) {
      const auto put = machine_->delivery->put_next();
      note(put);
      if (!put || !*put) break;
    }
    note(machine_->digest->step());
    while (true) {
      const auto put = machine_->digest->put_next();
      note(put);
      if (!put || !*put) break;
    }
    note(machine_->ingest->maintain());
    note(machine_->log->remove_below(
        std::min(machine_->delivery->log_floor(), machine_->ingest->durable_cursor())));
    fake_->clock.advance(seconds(1 + random_() % 5));
    return errors;
  }

  void settle() {
    config_.logging = false;
    ASSERT_TRUE(machine_->change(*fake_, config_));
    for (int i = 0; i < 60; ++i) {
      const auto errors = turn();
      ASSERT_TRUE(errors.empty()) << errors.front();
      fake_->clock.advance(seconds(20));
    }
    EXPECT_EQ(machine_->delivery->pending(), 0U);
    Contents(store_->objects(), machine_->keys()).expect(expected_);
  }

  // The log's limit as the server sets it.
  void limit_log(uint64_t kept_free) {
    ASSERT_TRUE(machine_->log->limit_to_disk(std::numeric_limits<uint64_t>::max(), kept_free));
  }

  std::mt19937_64 random_;
  std::unique_ptr<os::FakeOs> fake_;
  std::unique_ptr<MemoryStore> store_;
  MachineOptions options_;
  std::unique_ptr<Machine> machine_;
  trail::TrailConfig config_;
  std::set<TrailAndId> expected_;
};

TEST_F(DiskTest, EveryWriterMayMeetTheEndOfTheDisk) {
  int stopped = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    begin(seed);
    for (int life = 0; life < 5; ++life) {
      store_->set_mood(random_() % 3 == 0 ? MemoryStore::Mood::Refuses : MemoryStore::Mood::Good);
      fake_->files.set_capacity(fake_->files.used_bytes() + random_() % 40'000);
      for (int i = 0; i < 150 && !machine_->log->stopped(); ++i) {
        send();
        turn();
      }
      if (machine_->log->stopped()) {
        ++stopped;
        EXPECT_EQ(send(), "LogStopped");
      }
      machine_.reset();
      if (random_() % 2 == 0) {
        fake_->files.restart(random_());
      } else {
        fake_->files.restart_keeping_all();
      }
      const auto opened = open();
      ASSERT_TRUE(opened) << "on a full disk: " << opened.error().message();
      fake_->files.set_capacity(std::nullopt);
    }
    store_->set_mood(MemoryStore::Mood::Good);
    settle();
    if (HasFailure()) return;
  }
  EXPECT_GT(stopped, 10) << "or this test shows little";
}

TEST_F(DiskTest, OperationsThatFailNowAndThen) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    begin(seed);
    for (int life = 0; life < 6; ++life) {
      fake_->files.set_fault([this](os::Operation operation,
                                    const std::string& path) -> std::optional<Error> {
        if (random_() % 150 != 0) return std::nullopt;
        return Error(ErrorCode::Unavailable, fmt::format("operation {} on '{}': input/output error",
                                                         static_cast<int>(operation), path));
      });
      for (int i = 0; i < 100 && !machine_->log->stopped(); ++i) {
        send();
        turn();
      }
      fake_->files.set_fault(nullptr);
      machine_.reset();
      if (random_() % 2 == 0) {
        fake_->files.restart(random_());
      } else {
        fake_->files.restart_keeping_all();
      }
      const auto opened = open();
      ASSERT_TRUE(opened) << opened.error().message();
    }
    settle();
    if (HasFailure()) return;
  }
}

TEST_F(DiskTest, WhileTheDatabaseFindsNoRoomDeliveryWaitsAndReadsNothingMore) {
  fake_->files.set_fault(
      [](os::Operation operation, const std::string& path) -> std::optional<Error> {
        if (operation != os::Operation::Write || !path.starts_with("/d/meta")) return std::nullopt;
        return Error(ErrorCode::ResourceExhausted, "no space left on device");
      });
  ASSERT_EQ(send(), "");
  turn();
  fake_->clock.advance(options_.delivery.interval);
  EXPECT_FALSE(turn().empty()) << "the error is told";
  const auto read = machine_->delivery->read_position();
  const auto held = machine_->delivery->open_bytes() + machine_->delivery->rendered_bytes();
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(send(), "") << "the log has room";
    EXPECT_FALSE(turn().empty());
  }
  EXPECT_EQ(machine_->delivery->read_position(), read);
  EXPECT_EQ(machine_->delivery->open_bytes() + machine_->delivery->rendered_bytes(), held);
  EXPECT_EQ(machine_->log->begin(), 0U);
  fake_->files.set_fault(nullptr);
  settle();
}

TEST_F(DiskTest, ALimitKeepsRoomForWhatFreesTheDisk) {
  constexpr uint64_t kKeptFree = 8'000'000;
  options_.log.disk_reserve_bytes = 4000;
  options_.log.disk_go_on_bytes = 50'000;
  begin(3);
  // The database's write-ahead log has its full size.
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(send(), "");
    ASSERT_TRUE(turn().empty());
  }
  store_->set_mood(MemoryStore::Mood::Refuses);
  for (int round = 0; round < 3; ++round) {
    // The database keeps what it has grown by.
    fake_->files.set_capacity(fake_->files.used_bytes() + kKeptFree + 500'000);
    std::string refusal;
    for (int i = 0; i < 2000 && refusal.empty(); ++i) {
      limit_log(kKeptFree);
      refusal = send();
      EXPECT_TRUE(turn().empty()) << "nobody meets the end of the disk";
    }
    EXPECT_EQ(refusal, "LogDiskFull");
    EXPECT_TRUE(machine_->log->disk_full());
    EXPECT_GT(fake_->files.free_bytes("/d/wal").value(), kKeptFree / 2);
    EXPECT_EQ(send(wal::Room::Reserve), "") << "the server's own records";
    EXPECT_GT(machine_->delivery->pending(), 0U);
    store_->set_mood(MemoryStore::Mood::Good);
    for (int i = 0; i < 100 && machine_->log->disk_full(); ++i) {
      fake_->clock.advance(seconds(60));
      EXPECT_TRUE(turn().empty());
      limit_log(kKeptFree);
    }
    EXPECT_FALSE(machine_->log->disk_full()) << "delivered, the log was cut";
    EXPECT_EQ(send(), "");
    store_->set_mood(MemoryStore::Mood::Refuses);
  }
  store_->set_mood(MemoryStore::Mood::Good);
  settle();
}

}  // namespace
}  // namespace traccia::digest
