// The log on a disk that is full or fails: it stops for good, acknowledges nothing that is not
// durable, and the next start finds all that was acknowledged.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "os/fake_os.h"
#include "wal/wal.h"

namespace traccia::wal {
namespace {

Options small() {
  Options options;
  options.segment_bytes_max = 2048;
  return options;
}

// What was appended, what of it was acknowledged, and the log that must hold it.
class Writer {
 public:
  Result<> open(os::FakeOs& fake) {
    wal_.reset();
    TRY_ASSIGN(wal_, Wal::open(fake.files, "/wal", small()));
    return {};
  }

  // Until the log stops, or `groups` groups of one to four entries are written.
  void write(std::mt19937_64& random, int groups) {
    for (int i = 0; i < groups && !wal_->stopped(); ++i) {
      for (auto count = random() % 4 + 1; count > 0; --count) {
        auto payload = std::to_string(appended_.size()) + std::string(random() % 900, '.');
        appended_.push_back(payload);
        const auto number = appended_.size();
        ASSERT_TRUE(wal_->append(std::move(payload), [this, number](Result<Position> done) {
          if (!done) return;
          EXPECT_EQ(acknowledged_ + 1, number) << "in order";
          acknowledged_ = number;
        }));
      }
      wal_->step(Duration(0));
    }
  }

  // All that was acknowledged is there; of the rest a prefix may be.
  void check() {
    std::vector<std::string> found;
    for (auto at = wal_->begin();;) {
      const auto entry = wal_->read(at);
      ASSERT_TRUE(entry) << entry.error().message();
      if (!*entry) break;
      found.push_back((*entry)->payload);
      at = (*entry)->next;
    }
    ASSERT_GE(found.size(), acknowledged_);
    ASSERT_LE(found.size(), appended_.size());
    appended_.resize(found.size());
    ASSERT_EQ(found, appended_);
    acknowledged_ = found.size();
  }

  // Nothing is taken any more, however sound the disk is.
  void expect_stopped() {
    ASSERT_TRUE(wal_->stopped());
    EXPECT_EQ(wal_->append("later", [](auto) { FAIL(); }).error().reason(), "LogStopped");
    EXPECT_EQ(wal_->step(Duration(0)), 0U);
  }

  Wal& wal() { return *wal_; }
  size_t acknowledged() const { return acknowledged_; }

 private:
  std::unique_ptr<Wal> wal_;
  std::vector<std::string> appended_;
  size_t acknowledged_ = 0;
};

// Strikes the operation that comes after `sound` others of its kind.
os::FakeFileSystem::Fault strike_after(os::Operation kind, uint64_t sound, Error error) {
  auto left = std::make_shared<uint64_t>(sound);
  return [=](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != kind || (*left)-- != 0) return std::nullopt;
    return error;
  };
}

TEST(WalFaults, EachOperationMayFailOnce) {
  const Error full(ErrorCode::ResourceExhausted, "no space left on device");
  const Error broken(ErrorCode::Unavailable, "input/output error");
  for (const auto kind : {os::Operation::Write, os::Operation::Sync, os::Operation::Open,
                          os::Operation::SyncDirectory}) {
    for (const auto* error : {&full, &broken}) {
      for (uint64_t sound = 0; sound < 24; ++sound) {
        SCOPED_TRACE(fmt::format("operation {}, {} sound, {}", static_cast<int>(kind), sound,
                                 error->message()));
        std::mt19937_64 random(sound);
        os::FakeOs fake(sound);
        ASSERT_TRUE(fake.files.make_directories("/wal"));
        Writer writer;
        ASSERT_TRUE(writer.open(fake));
        fake.files.set_fault(strike_after(kind, sound, *error));
        writer.write(random, 60);
        fake.files.set_fault(nullptr);
        writer.expect_stopped();
        EXPECT_GT(writer.acknowledged() + 4, sound / 3) << "what was durable was told";

        // The process starts anew, and works on; then the power fails, which shows what was only in
        // the kernel's memory.
        fake.files.restart_keeping_all();
        ASSERT_TRUE(writer.open(fake));
        writer.check();
        writer.write(random, 5);
        ASSERT_FALSE(writer.wal().stopped());
        fake.files.restart(random());
        const auto opened = writer.open(fake);
        ASSERT_TRUE(opened) << opened.error().message();
        writer.check();
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(WalFaults, ADiskThatIsFullAtAnyByte) {
  for (uint64_t capacity = 3000; capacity < 9000; capacity += 61) {
    SCOPED_TRACE(fmt::format("capacity {}", capacity));
    std::mt19937_64 random(capacity);
    os::FakeOs fake(capacity);
    ASSERT_TRUE(fake.files.make_directories("/wal"));
    fake.files.set_capacity(capacity);
    Writer writer;
    ASSERT_TRUE(writer.open(fake));
    writer.write(random, 60);
    writer.expect_stopped();
    if (capacity % 2 == 0) {
      fake.files.restart(random());
    } else {
      fake.files.restart_keeping_all();
    }
    // Starting needs no room: what is there can be read, and delivered, on a full disk.
    const auto opened = writer.open(fake);
    ASSERT_TRUE(opened) << opened.error().message();
    writer.check();
    writer.write(random, 20);
    writer.expect_stopped();

    fake.files.set_capacity(std::nullopt);
    fake.files.restart_keeping_all();
    ASSERT_TRUE(writer.open(fake));
    writer.check();
    writer.write(random, 10);
    EXPECT_FALSE(writer.wal().stopped());
    writer.check();
    if (testing::Test::HasFatalFailure()) return;
  }
}

// What the server does with limit_disk: the log never meets the end of the disk.
TEST(WalFaults, ALimitKeepsTheLogFromFillingTheDisk) {
  constexpr uint64_t kKeptFree = 6000;
  std::mt19937_64 random(5);
  os::FakeOs fake(5);
  ASSERT_TRUE(fake.files.make_directories("/wal"));
  fake.files.set_capacity(40'000);
  auto options = small();
  options.disk_reserve_bytes = 2000;
  options.disk_go_on_bytes = 100;
  const auto wal = Wal::open(fake.files, "/wal", options).value();
  const auto limit = [&] {
    ASSERT_TRUE(wal->limit_to_disk(std::numeric_limits<uint64_t>::max(), kKeptFree));
  };
  std::string refusal;
  const auto put = [&](Room room) {
    limit();
    auto told = wal->append(
        std::string(300 + random() % 600, 'x'), [](Result<Position> done) { EXPECT_TRUE(done); },
        room);
    refusal = told ? "" : told.error().reason();
    wal->step(Duration(0));
    return told.has_value();
  };
  for (int round = 0; round < 5; ++round) {
    int taken = 0;
    while (put(Room::Queue)) ++taken;
    EXPECT_GT(taken, 5) << "round " << round;
    EXPECT_EQ(refusal, "LogDiskFull");
    EXPECT_TRUE(wal->disk_full());
    EXPECT_GT(fake.files.free_bytes("/wal").value(), kKeptFree / 2);
    ASSERT_TRUE(wal->remove_below(wal->durable_end()));
    limit();
    EXPECT_FALSE(wal->disk_full());
  }
}

// Entries and a segment that is made ready, on a disk that is small for both.
class SmallDisk : public testing::Test {
 protected:
  static constexpr uint64_t kSegmentBytes = 4 << 20;
  static constexpr uint64_t kKeptFree = 6 << 20;

  SmallDisk() : fake_(6) {
    (void)fake_.files.make_directories("/wal");
    fake_.files.set_capacity(kKeptFree + 7 * (1 << 20));
    Options options;
    options.segment_bytes_max = kSegmentBytes;
    options.disk_reserve_bytes = 2 << 20;
    options.disk_go_on_bytes = 1 << 20;
    wal_ = Wal::open(fake_.files, "/wal", options).value();
  }

  void limit() {
    ASSERT_TRUE(wal_->limit_to_disk(std::numeric_limits<uint64_t>::max(), kKeptFree));
  }

  // The reason of a refusal.
  std::string put(Room room) {
    limit();
    auto told = wal_->append(
        std::string(100'000, 'x'), [](Result<Position> done) { EXPECT_TRUE(done); }, room);
    wal_->step(Duration(0));
    return told ? "" : std::string(told.error().reason());
  }

  std::string fill(Room room) {
    std::string refused;
    for (int i = 0; i < 200 && refused.empty(); ++i) refused = put(room);
    return refused;
  }

  uint64_t free_bytes() { return fake_.files.free_bytes("/wal").value(); }

  os::FakeOs fake_;
  std::unique_ptr<Wal> wal_;
};

TEST_F(SmallDisk, ASegmentHalfReadyDoesNotMoveTheLimit) {
  limit();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(wal_->prepare().value());
  EXPECT_EQ(fill(Room::Queue), "LogDiskFull");
  limit();
  EXPECT_TRUE(wal_->disk_full()) << "and so it stays";
  EXPECT_FALSE(wal_->prepare().value()) << "given up";
  EXPECT_EQ(wal_->disk_bytes(), fake_.files.used_bytes());
  EXPECT_EQ(fill(Room::Queue), "LogDiskFull") << "its room is used";
  EXPECT_GE(free_bytes(), kKeptFree - 200'000);
  EXPECT_LE(free_bytes(), kKeptFree + (1 << 20));
}

TEST_F(SmallDisk, WhatWasRefusedOnceWaitsForSomeRoom) {
  EXPECT_EQ(fill(Room::Queue), "LogDiskFull");
  fake_.files.set_capacity(kKeptFree + 7 * (1 << 20) + 500'000);
  limit();
  EXPECT_TRUE(wal_->disk_full()) << "somebody else removed a file";
  EXPECT_EQ(put(Room::Queue), "LogDiskFull");
  EXPECT_EQ(put(Room::Reserve), "");
  fake_.files.set_capacity(kKeptFree + 7 * (1 << 20) + 1'500'000);
  limit();
  EXPECT_FALSE(wal_->disk_full());
  EXPECT_EQ(put(Room::Queue), "");
}

TEST_F(SmallDisk, TheReserveEndsBeforeTheDisk) {
  EXPECT_EQ(fill(Room::Queue), "LogDiskFull");
  fake_.files.set_capacity(fake_.files.used_bytes() + kKeptFree - (1 << 20));
  EXPECT_EQ(put(Room::Reserve), "") << "others took of what is kept free";
  EXPECT_EQ(fill(Room::Reserve), "LogDiskFull");
  EXPECT_LT(free_bytes(), kKeptFree / 2);
  EXPECT_GT(free_bytes(), 500'000U);
  EXPECT_FALSE(wal_->stopped());
}

}  // namespace
}  // namespace traccia::wal
