// The backlog is a log that a server would have written.
// SPDX-License-Identifier: Apache-2.0
#include "backlog.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "os/fake_os.h"

namespace traccia::load {
namespace {

event::AdmitOptions admit_options() {
  event::AdmitOptions options;
  options.account = kAccount;
  options.default_region = kRegion;
  options.now = from_unix_seconds(4'000'000'000);
  return options;
}

// Events are not parsed for a backlog; this is why they need not be.
TEST(Backlog, EventsAreAsAdmissionLeavesThem) {
  for (const auto& draft : backlog_batch(EventPool(5), 123, EventPool::kBases)) {
    event::RecordMemory memory(draft.record.json.size());
    const auto admitted = event::admit(draft.record.json, admit_options(), memory);
    ASSERT_TRUE(admitted) << admitted.error().message() << '\n' << draft.record.json;
    ASSERT_EQ(admitted->json, draft.record.json);
    ASSERT_EQ(admitted->event_id, draft.record.event_id);
    ASSERT_EQ(admitted->account, draft.record.account);
    ASSERT_EQ(admitted->region, draft.record.region);
  }
}

TEST(Backlog, EveryEventIsInTheLogOnceAndCanBeRead) {
  os::FakeOs fake;
  const EventPool pool(5);
  const BacklogOptions options{.bytes = 3 << 20, .first = 20'000, .threads = 3};
  ASSERT_TRUE(fake.files.make_directories("/wal"));
  Backlog filled;
  {
    const auto log = wal::Wal::open(fake.files, "/wal", {.segment_bytes_max = 1 << 20}).value();
    // Small, so that upkeep writes files meanwhile.
    const auto ingest =
        ingest::Ingest::open(fake.os(), "/window", *log, {.window_events = 30'000}).value();
    const auto done = fill_backlog(*log, *ingest, pool, options);
    ASSERT_TRUE(done) << done.error().message();
    filled = *done;
  }
  EXPECT_GE(filled.log_bytes, options.bytes);
  const auto log = wal::Wal::open(fake.files, "/wal", {}).value();
  EXPECT_EQ(log->durable_end(), filled.log_bytes);
  while (log->check_next()) {
  }
  EXPECT_GT(log->check_state().bytes_checked, options.bytes / 2);
  EXPECT_TRUE(log->check_state().damages.empty());

  std::set<std::string> ids, expected;
  uint64_t events = 0;
  for (auto at = log->begin();;) {
    const auto entry = ingest::read_entry(*log, at).value();  // which parses every event
    if (!entry) break;
    for (const auto& record : *entry->records) {
      EXPECT_EQ(record.sequence, ++events);
      ids.emplace(record.event.event_id);
    }
    for (const auto& block : entry->entry->blocks) {
      EXPECT_EQ(block.codec, ingest::Codec::Deflate);
      EXPECT_LT(block.compressed.size(), block.text.size() / 3);
    }
    at = entry->next;
  }
  EXPECT_EQ(events, filled.events);
  for (uint64_t i = 0; i < filled.events; ++i) expected.insert(pool.event_id(options.first + i));
  EXPECT_TRUE(ids == expected);

  // The sequencer goes on behind it and knows what was there.
  const auto ingest = ingest::Ingest::open(fake.os(), "/window", *log, {}).value();
  uint64_t repeats = 0;
  ingest->submit(backlog_batch(pool, options.first + filled.events - 500, 1000),
                 [&](Result<ingest::Outcome> outcome) {
                   repeats = outcome->duplicates + outcome->rejected.size();
                 });
  log->step(Duration(0));
  EXPECT_EQ(repeats, 500U) << "as conflicts, where a second has passed since";
}

TEST(Backlog, AnErrorOfTheDiskEndsIt) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/wal"));
  const auto log = wal::Wal::open(fake.files, "/wal", {}).value();
  const auto ingest = ingest::Ingest::open(fake.os(), "/window", *log, {}).value();
  fake.files.set_capacity(fake.files.used_bytes() + (1 << 20));
  const auto filled =
      fill_backlog(*log, *ingest, EventPool(5), {.bytes = 1 << 30, .first = 0, .threads = 2});
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code(), ErrorCode::Unavailable) << filled.error().message();
}

}  // namespace
}  // namespace traccia::load
