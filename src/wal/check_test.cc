// The check of sealed segments behind the start.
// SPDX-License-Identifier: Apache-2.0
#include "wal/check.h"

#include <gtest/gtest.h>

#include <random>

#include "os/fake_os.h"
#include "wal/entry.h"

namespace traccia::wal {
namespace {

class CheckTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/wal"));
    open();
  }

  void open() {
    wal_.reset();
    Options options;
    options.segment_bytes_max = 4000;
    auto opened = Wal::open(fake_.files, "/wal", options);
    ASSERT_TRUE(opened) << opened.error().message();
    wal_ = std::move(*opened);
  }

  Position put(size_t bytes) {
    Position at = 0;
    EXPECT_TRUE(wal_->append(std::string(bytes, 'x'), [&](Result<Position> done) { at = *done; }));
    wal_->step(Duration(0));
    return at;
  }

  CheckState check_all() {
    while (wal_->check_next()) {
    }
    return wal_->check_state();
  }

  os::FakeOs fake_;
  std::unique_ptr<Wal> wal_;
};

TEST_F(CheckTest, ReadsAllThatIsSealed) {
  for (int i = 0; i < 40; ++i) put(static_cast<size_t>(1 + i * 37 % 900));
  const auto active = fake_.files.paths().back();
  EXPECT_EQ(check_all().bytes, 0U) << "what this process sealed it has just written";
  open();
  const auto before = wal_->check_state();
  EXPECT_EQ(before.bytes, std::stoull(active.substr(5, 20))) << "from 0 to the active segment";
  EXPECT_EQ(before.bytes_checked, 0U);
  const auto after = check_all();
  EXPECT_EQ(after.bytes_checked, before.bytes);
  EXPECT_TRUE(after.damages.empty());
}

TEST_F(CheckTest, EntriesLongerThanAPiece) {
  for (const size_t bytes : {SegmentCheck::kPieceBytes - 24, SegmentCheck::kPieceBytes - 23,
                             2 * SegmentCheck::kPieceBytes + 5}) {
    put(bytes);
  }
  put(1);
  open();
  EXPECT_GT(check_all().bytes_checked, 4 * SegmentCheck::kPieceBytes - 100);
  EXPECT_TRUE(wal_->check_state().damages.empty());
}

// Headers and payloads are cut by the pieces at any place.
TEST_F(CheckTest, PiecesMayEndAnywhere) {
  std::mt19937_64 random(1);
  Options options;
  options.segment_bytes_max = 3 * SegmentCheck::kPieceBytes;
  auto wal = Wal::open(fake_.files, "/wal", options).value();
  while (wal->durable_end() < options.segment_bytes_max) {
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(wal->append(std::string(1 + random() % 200, 'x'), [](auto) {}));
    }
    wal->step(Duration(0));
  }
  ASSERT_TRUE(wal->append("x", [](auto) {}));
  wal->step(Duration(0));
  open();
  const auto state = check_all();
  EXPECT_GE(state.bytes_checked, options.segment_bytes_max);
  EXPECT_TRUE(state.damages.empty());
}

TEST_F(CheckTest, NamesEachDamagedSegment) {
  std::vector<Position> positions;
  for (int i = 0; i < 12; ++i) positions.push_back(put(900));  // five a segment
  const auto paths = fake_.files.paths();
  const auto in_file = [&](size_t i, size_t segment) {
    return kSegmentHeaderBytes + positions[i] - positions[segment * 5];
  };
  fake_.files.corrupt(paths[0], in_file(1, 0) + kEntryHeaderBytes + 7, 1);  // a payload
  fake_.files.corrupt(paths[0], in_file(3, 0) + kEntryHeaderBytes, 1);
  fake_.files.corrupt(paths[1], in_file(7, 1) + 5, 1);  // a length
  open();
  const auto damages = check_all().damages;
  ASSERT_EQ(damages.size(), 2U);
  EXPECT_EQ(damages[0].path, paths[0]);
  EXPECT_EQ(damages[0].byte, in_file(1, 0));
  EXPECT_EQ(damages[0].position, positions[1]);
  EXPECT_EQ(damages[0].end, positions[4]);
  EXPECT_EQ(damages[0].places, 2U);
  EXPECT_EQ(damages[0].what, "the entry's checksum does not match");
  EXPECT_EQ(damages[1].path, paths[1]);
  EXPECT_EQ(damages[1].byte, in_file(7, 1));
  EXPECT_EQ(damages[1].end, positions[10]) << "up to the segment's end";
  EXPECT_EQ(wal_->check_state().bytes_checked, positions[10]);
  ASSERT_TRUE(wal_->remove_below(positions[5]));
  ASSERT_EQ(wal_->check_state().damages.size(), 1U) << "what is cut hurts nobody";
  EXPECT_EQ(wal_->check_state().damages[0].path, paths[1]);
}

TEST_F(CheckTest, AnyFlippedByteOfASealedSegmentIsFound) {
  for (int i = 0; i < 12; ++i) put(896);  // no padding, which carries nothing
  const auto path = fake_.files.paths().front();
  const uint64_t end = kSegmentHeaderBytes + 5 * 920;
  for (uint64_t byte = kSegmentHeaderBytes; byte < end; byte += 3) {
    SCOPED_TRACE(byte);
    fake_.files.corrupt(path, byte, 0x10);
    open();
    const auto damages = check_all().damages;
    ASSERT_EQ(damages.size(), 1U);
    EXPECT_EQ(damages[0].byte, byte - (byte - kSegmentHeaderBytes) % 920);
    fake_.files.corrupt(path, byte, 0x10);
  }
  open();
  EXPECT_TRUE(check_all().damages.empty());
}

TEST_F(CheckTest, WhatIsCutMeanwhileIsNotChecked) {
  Position last = 0;
  for (int i = 0; i < 30; ++i) last = put(900);
  fake_.files.corrupt(fake_.files.paths().front(), 100, 1);
  open();
  ASSERT_TRUE(wal_->remove_below(last));
  // Their files are used again, so that other entries are where these were.
  for (int i = 0; i < 10; ++i) put(500);
  const auto state = check_all();
  EXPECT_TRUE(state.damages.empty());
  EXPECT_EQ(state.bytes, state.bytes_checked);
}

TEST_F(CheckTest, AFileThatIsGoneIsDamage) {
  for (int i = 0; i < 30; ++i) put(900);
  open();
  const auto path = fake_.files.paths().front();
  ASSERT_TRUE(fake_.files.remove(path));
  const auto damages = check_all().damages;
  ASSERT_EQ(damages.size(), 1U);
  EXPECT_EQ(damages[0].path, path);
  EXPECT_NE(damages[0].what.find("no such file"), std::string::npos) << damages[0].what;
}

}  // namespace
}  // namespace traccia::wal
