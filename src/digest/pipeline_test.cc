// The storage path from the log to signed digests, under power loss and failing stores: invariants
// I1 (each acknowledged event in exactly one file), I2 (no object is replaced), I3 (each file in
// exactly one digest, chains do not fork); and each file's one announcement (decision 25).
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "digest/test_machine.h"

namespace traccia::digest {
namespace {

using test::Contents;
using test::kRegions;
using test::Machine;
using test::make_trail;
using test::MemoryStore;

constexpr auto kAll = trail::ReadWriteType::All;

class Pipeline {
 public:
  explicit Pipeline(uint64_t seed) : random_(seed), fake_(seed) {
    EXPECT_TRUE(fake_.files.make_directories("/d/wal"));
    trails_ = {make_trail("one", false), make_trail("all", true)};
    for (auto& config : trails_) config.topic = "arn:aws:sns:us-east-1:111122223333:files";
  }

  enum class End { Stopped, Killed, PowerFailed };

  void live(End end) {
    if (end != End::Stopped) fake_.files.lose_power_after(random_() % 400);
    auto machine = Machine::open(fake_, store_);
    if (machine) follow_changes(**machine);
    if (machine && !store_trails(**machine)) machine->reset();
    for (int i = 0; machine && *machine && i < 60; ++i) {
      act(**machine);
      if (!(*machine)->step() || fake_.files.power_lost()) break;
    }
    if (machine) machine->reset();
    if (end == End::PowerFailed) {
      fake_.files.restart(random_());
    } else {
      fake_.files.restart_keeping_all();
    }
  }

  // Stops the trails and lets everything land.
  void settle() {
    store_.set_mood(MemoryStore::Mood::Good);
    auto machine = Machine::open(fake_, store_);
    ASSERT_TRUE(machine) << machine.error().message();
    follow_changes(**machine);
    ASSERT_TRUE(store_trails(**machine));
    for (auto& config : trails_) {
      config.logging = false;
      ASSERT_TRUE((*machine)->change(fake_, config));
    }
    for (int i = 0; i < 60; ++i) {
      const auto done = (*machine)->step();
      ASSERT_TRUE(done) << done.error().message();
      fake_.clock.advance(std::chrono::seconds(20));
    }
    EXPECT_EQ((*machine)->delivery->pending(), 0U);
    EXPECT_GT((*machine)->log->begin(), 0U) << "the log was cut on the way";
    keys_ = (*machine)->keys();
    read_announcements(**machine);
  }

  void check() const {
    Contents(store_.objects(), keys_).expect(expected_, unexpected_);
    std::multiset<std::string> files;
    for (const auto& [name, object] : store_.objects()) {
      const auto key = name.substr(name.find('/') + 1);
      if (key.find("/CloudTrail/") != std::string::npos) files.insert(key);
    }
    EXPECT_EQ(announced_, files);
  }

 private:
  // With their topic, as CreateTrail leaves them, also where the store is younger than the log.
  bool store_trails(Machine& machine) {
    trail::Trails trails({"us-east-1"});
    const auto done = machine.database->write([&](meta::Transaction& transaction) -> Result<> {
      for (const auto& config : trails_) {
        TRY(trails.store(transaction, {config, std::nullopt, std::nullopt}));
      }
      return {};
    });
    return done.has_value();
  }

  void read_announcements(Machine& machine) {
    constexpr int64_t kMost = 100'000;
    ASSERT_TRUE(machine.database->read([&](meta::Transaction& transaction) -> Result<> {
      for (const auto& config : trails_) {
        TRY_ASSIGN(const auto found,
                   delivery::load_announcements(transaction, {config.arn, config.created}, kMost));
        for (const auto& one : found) announced_.insert(one.key);
      }
      return {};
    }));
  }

  // A change that got no answer may have survived the crash all the same: delivery knows, or the
  // log behind it.
  void follow_changes(Machine& machine) {
    for (auto& config : trails_) config.logging = false;
    const auto apply = [&](const trail::TrailChange& change) {
      for (auto& config : trails_) {
        if (config.arn == change.config.arn) config = change.config;
      }
    };
    ASSERT_TRUE(machine.database->read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto changes, delivery::load_changes(transaction, 0));
      for (const auto& at : changes) apply(at.change);
      return {};
    }));
    for (auto at = machine.delivery->cursor();;) {
      const auto entry = machine.log->read(at);
      if (!entry || !*entry) return;
      const auto decoded = ingest::decode_entry((*entry)->payload).value();
      for (const auto& record : decoded->records) {
        if (record.kind != ingest::Kind::TrailChange) continue;
        apply(trail::decode_change(record.json).value());
      }
      at = (*entry)->next;
    }
  }

  void act(Machine& machine) {
    const auto what = random_() % 12;
    if (what == 0) {
      auto& config = trails_[random_() % trails_.size()];
      auto next = config;
      if (random_() % 3 == 0) {
        auto& type = next.selectors[0].read_write_type;
        type = type == kAll ? trail::ReadWriteType::ReadOnly : kAll;
      } else {
        next.logging = !next.logging;
      }
      if (machine.change(fake_, next)) config = next;
    } else if (what == 1) {
      store_.set_mood(static_cast<MemoryStore::Mood>(random_() % 3));
    } else if (what < 4) {
      fake_.clock.advance(std::chrono::seconds(random_() % 90));
    } else {
      send(machine);
    }
  }

  void send(Machine& machine) {
    std::vector<ingest::Draft> drafts;
    std::vector<std::string> ids;
    for (uint64_t n = random_() % 5 + 1; n > 0; --n) {
      ids.push_back(fake_.random.uuid());
      auto draft =
          Machine::event(fake_, ids.back(), kRegions[random_() % kRegions.size()], filler());
      regions_[ids.back()] = draft.record.region;
      drafts.push_back(std::move(draft));
    }
    const auto trails = trails_;
    machine.ingest->submit(std::move(drafts), [&](Result<ingest::Outcome> done) {
      if (!done) return;
      for (const auto& id : ids) {
        for (const auto& config : trails) {
          if (!config.logging || !trail::covers_region(config, regions_[id])) continue;
          // None of the events says that it reads.
          const bool taken = config.selectors[0].read_write_type == kAll;
          (taken ? expected_ : unexpected_).insert({config.name, id});
        }
      }
    });
    machine.log->step(Duration(0));
  }

  // Now and then so much that a block is a part of the file as the log has it.
  std::string filler() { return std::string(random_() % 12 == 0 ? 20'000 : random_() % 400, 'x'); }

  std::mt19937_64 random_;
  os::FakeOs fake_;
  MemoryStore store_;
  std::vector<trail::TrailConfig> trails_;
  std::map<std::string, std::string> regions_;              // by eventID
  std::set<std::pair<std::string, std::string>> expected_;  // trail, eventID
  std::set<std::pair<std::string, std::string>> unexpected_;
  std::map<std::string, std::string> keys_;  // by fingerprint
  std::multiset<std::string> announced_;     // keys of files
};

class PipelineTest : public testing::TestWithParam<uint64_t> {};

TEST_P(PipelineTest, HoldsItsInvariantsAcrossPowerLoss) {
  for (uint64_t seed = GetParam() * 4; seed < GetParam() * 4 + 4; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Pipeline pipeline(seed);
    using enum Pipeline::End;
    for (const auto end : {PowerFailed, PowerFailed, Stopped, Killed, PowerFailed, Killed, Killed,
                           PowerFailed, Stopped}) {
      pipeline.live(end);
    }
    pipeline.settle();
    pipeline.check();
    if (HasFailure()) return;
  }
}

TEST(Delivery, AFileStaysOpenForItsIntervalHoweverManyWereClosedBefore) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/d/wal"));
  MemoryStore store;
  test::MachineOptions options;
  options.delivery.open_bytes_max = 100'000;
  const auto machine = Machine::open(fake, store, options).value();
  auto config = make_trail("one", false);
  config.logging = true;
  ASSERT_TRUE(machine->change(fake, config));
  for (size_t files = 1; files <= 20; ++files) {
    for (int i = 0; i < 5; ++i) {
      std::vector<ingest::Draft> drafts{Machine::event(fake, fake.random.uuid(), "us-east-1", "x")};
      machine->ingest->submit(std::move(drafts), [](auto done) { EXPECT_TRUE(done); });
      ASSERT_TRUE(machine->step());
      EXPECT_GT(machine->delivery->open_bytes(), 0U);
      fake.clock.advance(std::chrono::seconds(2));
    }
    ASSERT_TRUE(machine->step());
    EXPECT_EQ(machine->delivery->open_bytes(), 0U);
    const auto objects = store.objects();
    EXPECT_EQ(std::ranges::count_if(
                  objects, [](const auto& one) { return one.first.contains("_CloudTrail_"); }),
              static_cast<ptrdiff_t>(files));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PipelineTest, testing::Range<uint64_t>(0, 5));

}  // namespace
}  // namespace traccia::digest
