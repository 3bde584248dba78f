// Segments written before they are used, and used again: what a crash makes of them.
// SPDX-License-Identifier: Apache-2.0
#include "wal/spares.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "os/fake_os.h"
#include "wal/entry.h"
#include "wal/wal.h"

namespace traccia::wal {
namespace {

constexpr uint64_t kSegmentBytes = 2048;

// A log that is written, cut and prepared, and what must be in it.
class Machine {
 public:
  explicit Machine(uint64_t seed) : fake(seed) { (void)fake.files.make_directories("/wal"); }

  Result<> open() {
    wal.reset();
    Options options;
    options.segment_bytes_max = kSegmentBytes;
    TRY_ASSIGN(wal, Wal::open(fake.files, "/wal", options));
    return {};
  }

  // A group of `count` entries; false once the log has stopped.
  bool write(std::mt19937_64& random, uint64_t count, size_t bytes_max) {
    for (; count > 0; --count) {
      auto payload = std::to_string(appended.size()) + std::string(random() % bytes_max, '.');
      appended.push_back(payload);
      const auto number = appended.size();
      (void)wal->append(std::move(payload), [this, number](Result<Position> done) {
        if (!done) return;
        acknowledged = number;
        positions.push_back(*done);
      });
    }
    wal->step(Duration(0));
    return !wal->stopped();
  }

  // Any one thing that upkeep does.
  void keep_up(std::mt19937_64& random) {
    if (random() % 3 == 0) {
      if (positions.empty()) return;
      const auto below = positions[random() % positions.size()];
      cut = std::max(cut, below);
      (void)wal->remove_below(below);
    } else {
      (void)wal->prepare();
    }
  }

  // From the first entry that is kept on, all that was acknowledged, in order; of the rest a
  // prefix may be.
  void check() {
    std::vector<std::string> found;
    auto at = wal->begin();
    EXPECT_LE(at, cut) << "no more is cut than was said";
    while (true) {
      const auto entry = wal->read(at);
      ASSERT_TRUE(entry) << entry.error().message();
      if (!*entry) break;
      found.push_back((*entry)->payload);
      at = (*entry)->next;
    }
    size_t first = acknowledged;  // of `found`, by number
    if (!found.empty()) first = std::stoul(found.front());
    ASSERT_LE(first + found.size(), appended.size());
    ASSERT_GE(first + found.size(), acknowledged);
    for (size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], appended[first + i]);
    appended.resize(first + found.size());
    acknowledged = appended.size();
  }

  os::FakeOs fake;
  std::unique_ptr<Wal> wal;
  std::vector<std::string> appended;
  size_t acknowledged = 0;
  std::vector<Position> positions;
  Position cut = 0;
};

size_t spares(const os::FakeOs& fake) {
  size_t count = 0;
  for (const auto& path : fake.files.paths()) count += path.find("/spare-") != std::string::npos;
  return count;
}

TEST(Spares, ASegmentIsWrittenBeforeItIsUsed) {
  std::mt19937_64 random(1);
  Machine machine(1);
  ASSERT_TRUE(machine.open());
  EXPECT_TRUE(machine.wal->prepare().value());
  EXPECT_EQ(spares(machine.fake), 1U);
  EXPECT_FALSE(machine.wal->prepare().value()) << "one is enough";
  ASSERT_TRUE(machine.write(random, 1, 100));
  ASSERT_TRUE(machine.write(random, 1, 100));
  EXPECT_EQ(spares(machine.fake), 0U) << "the first segment, which grows, is left";
  EXPECT_FALSE(machine.wal->prepare().value()) << "not needed soon";
  const auto before = machine.fake.files.used_bytes();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(machine.write(random, 1, 100));
  EXPECT_EQ(machine.fake.files.used_bytes(), before) << "no file grows";
  EXPECT_TRUE(machine.wal->prepare().value());
  machine.check();
}

TEST(Spares, CutSegmentsAreUsedAgain) {
  std::mt19937_64 random(2);
  Machine machine(2);
  ASSERT_TRUE(machine.open());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(machine.write(random, 1, 900));
  machine.cut = machine.wal->durable_end();
  ASSERT_TRUE(machine.wal->remove_below(machine.cut));
  EXPECT_EQ(spares(machine.fake), Spares::kSparesMax);
  EXPECT_FALSE(machine.wal->prepare().value());
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(machine.write(random, 1, 900));
  EXPECT_LT(spares(machine.fake), Spares::kSparesMax);
  machine.check();
  machine.fake.files.restart_keeping_all();
  ASSERT_TRUE(machine.open());
  machine.check();
  EXPECT_EQ(machine.wal->disk_bytes(), machine.fake.files.used_bytes());
}

// Entries of an earlier life would be whole and undamaged, were their place not part of them.
TEST(Spares, WhatASegmentHeldBeforeIsNotItsContent) {
  constexpr Position kStart = 4096;
  for (const bool forged : {false, true}) {
    os::FakeOs fake;
    ASSERT_TRUE(fake.files.make_directories("/wal"));
    auto bytes = render_segment_header(kStart);
    append_entry(bytes, kStart, kStart, "this life");
    const auto end = kStart + entry_extent(9);
    // Even one that says the right place, for it says that less was durable.
    append_entry(bytes, forged ? end : end - kStart, forged ? kStart - 8 : 0, "an earlier life");
    const auto path = "/wal/00000000000000004096.wal";
    ASSERT_TRUE(fake.files.open(path, os::OpenMode::CreateNew).value()->write_at(0, bytes));
    const auto wal = Wal::open(fake.files, "/wal", {}).value();
    EXPECT_EQ(wal->durable_end(), end);
    EXPECT_EQ(wal->read(kStart).value()->payload, "this life");
  }
}

TEST(Spares, DamageInAPreparedSegmentIsProven) {
  std::mt19937_64 random(3);
  Machine machine(3);
  ASSERT_TRUE(machine.open());
  ASSERT_TRUE(machine.write(random, 1, 10));
  ASSERT_TRUE(machine.wal->prepare());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(machine.write(random, 1, 10));
  const auto path = machine.fake.files.paths().back();
  machine.fake.files.restart_keeping_all();
  ASSERT_TRUE(machine.open()) << "zeros behind the end are no damage";
  machine.check();
  machine.fake.files.corrupt(path, kSegmentHeaderBytes + 4, 1);
  const auto damaged = machine.open();
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), ErrorCode::DataLoss);
  EXPECT_NE(damaged.error().message().find("at byte 32"), std::string::npos)
      << damaged.error().message();
}

TEST(Spares, AFullDiskOnlyPutsOffThePreparing) {
  std::mt19937_64 random(4);
  Machine machine(4);
  ASSERT_TRUE(machine.open());
  ASSERT_TRUE(machine.write(random, 4, 200));
  machine.fake.files.set_capacity(machine.fake.files.used_bytes() + kSegmentBytes / 2);
  EXPECT_EQ(machine.wal->prepare().error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(spares(machine.fake), 0U) << "its room is free again";
  ASSERT_TRUE(machine.write(random, 1, 100));
  machine.fake.files.set_capacity(std::nullopt);
  EXPECT_TRUE(machine.wal->prepare().value());
  ASSERT_TRUE(machine.write(random, 4, 200));
  machine.check();
}

TEST(Spares, PreparingKeepsTheLimit) {
  std::mt19937_64 random(5);
  Machine machine(5);
  ASSERT_TRUE(machine.open());
  ASSERT_TRUE(machine.write(random, 1, 100));
  const auto used = machine.wal->disk_bytes();
  machine.wal->limit_disk(used + kSegmentBytes);
  EXPECT_FALSE(machine.wal->prepare().value());
  machine.wal->limit_disk(used + kSegmentBytes + kSegmentHeaderBytes);
  EXPECT_TRUE(machine.wal->prepare().value());
  machine.wal->limit_disk(machine.wal->disk_bytes());  // nothing beyond
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(machine.write(random, 1, 100));
  EXPECT_FALSE(machine.wal->disk_full()) << "what is allocated is used";
  EXPECT_LE(machine.fake.files.used_bytes(), machine.wal->disk_bytes());
}

// As the server does it, with power failing at a random operation, upkeep's among them.
TEST(Spares, AcknowledgedEntriesSurvivePowerLoss) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    Machine machine(seed);
    // Entries of one size lie at the same places in each life of a file.
    const size_t bytes_max = seed % 2 == 0 ? 1 : 700;
    for (int life = 0; life < 5; ++life) {
      machine.fake.files.lose_power_after(random() % 150);
      if (machine.open()) {
        for (int i = 0; i < 60; ++i) {
          machine.keep_up(random);
          if (!machine.write(random, random() % 4 + 1, bytes_max)) break;
          if (!machine.fake.files.power_lost()) {
            EXPECT_EQ(machine.wal->disk_bytes(), machine.fake.files.used_bytes());
          }
        }
      }
      if (random() % 3 == 0) {
        machine.fake.files.restart_keeping_all();
      } else {
        machine.fake.files.restart(random());
      }
      const auto opened = machine.open();
      ASSERT_TRUE(opened) << opened.error().message();
      machine.check();
      EXPECT_EQ(machine.wal->disk_bytes(), machine.fake.files.used_bytes());
      if (testing::Test::HasFailure()) return;
    }
  }
}

// A fault strikes one operation, whoever does it: the log stops or goes on, and loses nothing.
TEST(Spares, EachOperationMayFailOnce) {
  for (uint64_t sound = 0; sound < 200; ++sound) {
    SCOPED_TRACE(fmt::format("{} sound", sound));
    std::mt19937_64 random(sound);
    Machine machine(sound);
    ASSERT_TRUE(machine.open());
    auto left = sound;
    machine.fake.files.set_fault([&](auto, const auto&) -> std::optional<Error> {
      if (left-- != 0) return std::nullopt;
      return Error(ErrorCode::Unavailable, "input/output error");
    });
    for (int i = 0; i < 60; ++i) {
      machine.keep_up(random);
      if (!machine.write(random, 2, 400)) break;
    }
    machine.fake.files.restart_keeping_all();
    ASSERT_TRUE(machine.open());
    machine.check();
    for (int i = 0; i < 10; ++i) {
      machine.keep_up(random);
      ASSERT_TRUE(machine.write(random, 2, 400));
    }
    machine.fake.files.restart(random());
    ASSERT_TRUE(machine.open());
    machine.check();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace traccia::wal
