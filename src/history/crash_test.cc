// Power loss and kills at any operation.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>

#include "history/test_history.h"

namespace traccia::history {
namespace {

// What a killed process left is built upon at the next start: the log is cut behind it.
TEST_F(HistoryTest, ASegmentThatAKilledProcessLeftStaysWhenThePowerFails) {
  for (uint64_t operations = 0; operations < 12; ++operations) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      history_.reset();
      fake_.files.restart_keeping_all();
      for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
      for (const std::string name : {"/data/wal", "/data/history"}) {
        ASSERT_TRUE(fake_.files.sync_directory(name));
      }
      options_.head_events_max = 5;
      open();
      for (int i = 0; i < 12; ++i) {
        const auto filler = fmt::format(R"(,"x":"{}")", fake_.random.characters(900, "0123456789"));
        ASSERT_TRUE(submit({{.id = fmt::format("{}", i), .more = filler}}));
      }
      ASSERT_EQ(history_->step(100).value(), 12U);
      ASSERT_EQ(history_->step(100).value(), 0U) << "the head is frozen";
      fake_.files.lose_power_after(operations);
      (void)history_->maintain();
      // The rest is without the sequencer, which keeps nothing here and would need the whole log.
      history_.reset();
      fake_.files.restart_keeping_all();
      open_wal();
      open_history();
      ASSERT_TRUE(wal_->remove_below(history_->durable_cursor()));
      history_.reset();
      fake_.files.restart(seed);
      open_wal();
      open_history();
      if (HasFatalFailure()) return;
      catch_up();
      ASSERT_EQ(ids(query()).size(), 12U) << operations << " operations, seed " << seed;
    }
  }
}

// A merge interrupted at every operation, then power lost again at once after the start.
TEST_F(HistoryTest, AMergeSurvivesPowerLossAtEachOperation) {
  for (uint64_t operations = 0; operations < 30; ++operations) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      history_.reset();
      fake_.files.restart_keeping_all();
      for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
      options_.head_events_max = 4;
      options_.merge = {.inputs_max = 0};
      open();
      for (int i = 0; i < 20; ++i) ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
      catch_up(4);
      ASSERT_EQ(segments().size(), 5U);
      options_.merge = {.idle_time = {}, .step_events = 4, .free_bytes_min = 0};
      open();
      ASSERT_TRUE(wal_->remove_below(history_->durable_cursor()));
      fake_.files.lose_power_after(operations);
      for (int i = 0; i < 40; ++i) (void)history_->maintain();
      history_.reset();
      fake_.files.restart(seed);
      open_wal();
      open_history();
      if (HasFatalFailure()) return;
      ASSERT_EQ(ids(query()).size(), 20U) << operations << " operations, seed " << seed;
      history_.reset();
      fake_.files.restart(seed);
      open_wal();
      open_history();
      if (HasFatalFailure()) return;
      maintain();
      maintain();
      ASSERT_EQ(ids(query()).size(), 20U) << operations << " operations, seed " << seed;
      ASSERT_EQ(segments().size(), 1U);
    }
  }
}

// Whatever is lost of the index comes again from the log; nothing comes twice; the cursor that
// allows cutting the log never goes back.
TEST_F(HistoryTest, SurvivesPowerLoss) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    history_.reset();
    fake_.files.restart_keeping_all();
    for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
    for (const std::string_view name : {"/data/wal", "/data/history"}) {
      ASSERT_TRUE(fake_.files.sync_directory(std::string(name)));
    }
    options_.head_events_max = static_cast<uint32_t>(1 + seed % 20);
    options_.merge = {.inputs_max = seed % 3 == 0 ? 0 : 2 + seed % 8,
                      .idle_time = {},
                      .step_events = static_cast<uint32_t>(1 + seed % 30),
                      .free_bytes_min = 0};
    open();
    std::set<std::string> acknowledged;
    int tried = 0;
    wal::Position durable = 0;
    for (int life = 0; life < 4; ++life) {
      fake_.files.lose_power_after(random() % 300);
      while (!fake_.files.power_lost() && tried < 1000) {
        std::vector<Sample> samples;
        for (auto count = 1 + random() % 4; count > 0; --count) {
          samples.push_back({.id = fmt::format("{}", tried++), .more = std::string(kRich)});
        }
        if (!submit(samples)) break;
        for (const auto& sample : samples) acknowledged.insert(sample.id);
        fake_.clock.advance(std::chrono::milliseconds(random() % 1500));
        if (!history_->step(1 + random() % 20)) break;
        for (auto calls = random() % 8; calls > 4; --calls) (void)history_->maintain();
        durable = history_->durable_cursor();
        ASSERT_LE(durable, history_->cursor());
      }
      history_.reset();
      fake_.files.restart(random());
      open();
      ASSERT_GE(history_->cursor(), durable) << "seed " << seed;
      ASSERT_EQ(history_->durable_cursor(), history_->cursor());
      catch_up(1 + random() % 50);
      auto asked = query(Attribute::ResourceName, "Writer");
      asked.count_max = 1000;
      const auto found = ids(asked);
      const std::set<std::string> unique(found.begin(), found.end());
      ASSERT_EQ(unique.size(), found.size()) << "seed " << seed;
      ASSERT_TRUE(std::ranges::includes(unique, acknowledged)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace traccia::history
