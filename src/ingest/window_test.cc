// The repeat window: its parts, and the sequencer on files and a log that is cut behind it.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/window.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "os/fake_os.h"

namespace traccia::ingest {
namespace {

constexpr uint64_t kWindow = 56;  // two records a generation

RecordKey random_key(std::mt19937_64& random) {
  RecordKey key;
  for (auto& c : key) c = static_cast<char>(random());
  return key;
}

TEST(Generation, FindsWhatWasAddedAndForgetsWhatWasTakenBack) {
  std::mt19937_64 random(7);
  Generation generation;
  std::map<RecordKey, uint64_t> oracle;
  std::vector<RecordKey> order;
  for (int round = 0; round < 300; ++round) {
    const auto batch = random() % 40;
    for (uint64_t i = 0; i < batch; ++i) {
      const auto key = random_key(random);
      generation.add(key, {{}, 0, order.size()});
      oracle[key] = order.size();
      order.push_back(key);
    }
    if (random() % 3 != 0) continue;
    generation.take_back(batch);
    for (uint64_t i = 0; i < batch; ++i) {
      EXPECT_EQ(generation.find(order.back()), nullptr);
      oracle.erase(order.back());
      order.pop_back();
    }
  }
  ASSERT_GT(order.size(), 1024U) << "has grown";
  for (const auto& [key, index] : oracle) {
    const auto* seen = generation.find(key);
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(seen->region_index, index);
  }
}

TEST(WindowFilter, NeverMissesAndSeldomErrs) {
  std::mt19937_64 random(7);
  constexpr uint64_t kKeys = 2048;
  WindowFilter filter(kKeys);
  EXPECT_EQ(filter.candidates(random_key(random)), 0U) << "nothing added";
  filter.set_rows(std::vector<uint32_t>(filter.rows()));
  std::vector<std::vector<RecordKey>> keys(WindowFilter::kColumns);
  for (unsigned column = 0; column < WindowFilter::kColumns; ++column) {
    for (uint64_t i = 0; i < kKeys; ++i) {
      keys[column].push_back(random_key(random));
      filter.add(keys[column].back(), column);
    }
  }
  for (unsigned column = 0; column < WindowFilter::kColumns; ++column) {
    for (const auto& key : keys[column]) ASSERT_TRUE(filter.candidates(key) >> column & 1);
  }
  int wrong = 0;
  constexpr int kProbes = 10'000;
  for (int i = 0; i < kProbes; ++i) wrong += std::popcount(filter.candidates(random_key(random)));
  EXPECT_LT(wrong, kProbes / 5) << "files asked in vain";
  filter.clear(3, 0, filter.rows());
  for (const auto& key : keys[3]) EXPECT_FALSE(filter.candidates(key) >> 3 & 1);
  for (const auto& key : keys[4]) EXPECT_TRUE(filter.candidates(key) >> 4 & 1);
}

class WindowFileTest : public testing::Test {
 protected:
  static constexpr size_t kRecords = 500;  // several pages

  void SetUp() override {
    std::mt19937_64 random(3);
    for (size_t i = 0; i < kRecords; ++i) records_.push_back({random_key(random), {{}, 1, i}});
    // Same prefixes across the border of pages.
    for (size_t i = 0; i < 200; ++i) {
      RecordKey key{};
      key[9] = static_cast<char>(i);
      records_.push_back({key, {{}, 2, i}});
    }
    WindowHeader header{4, 77, {9, from_unix_seconds(5), {{"eu-south-1", 3}, {"us-east-1", 0}}}, 0};
    ASSERT_TRUE(fake_.files.make_directories("/w"));
    ASSERT_TRUE(write_window_file(fake_.files, "/w", header, records_));
  }

  os::FakeOs fake_;
  std::vector<Remembered> records_;
  const std::string path_ = window_path("/w", 4);
};

TEST_F(WindowFileTest, SaysWhatWasWritten) {
  const auto file = WindowFile::open(fake_.files, path_).value();
  EXPECT_EQ(file->header().ordinal, 4U);
  EXPECT_EQ(file->header().log_end, 77U);
  EXPECT_EQ(file->header().state.next_sequence, 9U);
  EXPECT_EQ(file->header().state.newest, from_unix_seconds(5));
  EXPECT_EQ(file->header().state.regions.at(0), std::pair(std::string("eu-south-1"), uint64_t{3}));
  EXPECT_EQ(file->header().count, records_.size());
  for (const auto& record : records_) {
    const auto seen = file->find(record.key).value();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->region_index, record.seen.region_index);
    EXPECT_EQ(seen->region, record.seen.region);
  }
  std::mt19937_64 random(99);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(file->find(random_key(random)).value());
}

TEST_F(WindowFileTest, EachDamagedByteIsTold) {
  const auto bytes = os::read_file(fake_.files, path_, 1 << 20).value();
  for (size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    ASSERT_TRUE(os::write_file_atomically(fake_.files, "/w/damaged", damaged));
    const auto file = WindowFile::open(fake_.files, "/w/damaged");
    bool told = !file;
    for (size_t page = 0; file && page < (*file)->pages(); ++page) {
      told = told || !(*file)->read_page(page);
    }
    // Zeros between header and pages carry nothing.
    const bool filling = file && bytes[at] == '\0' && at < 4096;
    EXPECT_TRUE(told || filling) << "byte " << at;
  }
  for (const size_t size : {size_t{0}, size_t{11}, size_t{100}, bytes.size() - 1}) {
    ASSERT_TRUE(os::write_file_atomically(fake_.files, "/w/short", bytes.substr(0, size)));
    EXPECT_EQ(WindowFile::open(fake_.files, "/w/short").error().code(), ErrorCode::DataLoss);
  }
}

Draft some_draft(const std::string& id, const std::string& name = "n") {
  event::AdmitOptions options;
  options.account = "111122223333";
  options.default_region = "eu-south-1";
  options.now = from_unix_seconds(1'900'000'000);
  return event_draft(R"({"eventTime":"2026-11-24T11:00:00Z","eventName":")" + name +
                         R"(","eventID":")" + id + "\"}",
                     options, "tkn-1")
      .value();
}

// A server's log and sequencer, small enough that everything happens often.
class Machine {
 public:
  explicit Machine(os::FakeOs& fake, Options options = small()) : fake_(fake), options_(options) {}

  static Options small() {
    Options options;
    options.window_events = kWindow;
    options.checkpoint_log_bytes = 1 << 30;
    return options;
  }
  Result<> open() {
    ingest.reset();
    wal.reset();
    TRY(fake_.files.make_directories("/wal"));
    wal::Options log;
    log.segment_bytes_max = 2000;
    TRY_ASSIGN(wal, wal::Wal::open(fake_.files, "/wal", log));
    TRY_ASSIGN(ingest, Ingest::open(fake_.os(), "/window", *wal, options_));
    return {};
  }
  Result<Outcome> submit(const std::vector<std::string>& ids) {
    std::vector<Draft> drafts;
    for (const auto& id : ids) drafts.push_back(some_draft(id));
    Result<Outcome> result = fail(ErrorCode::Internal, "not completed");
    ingest->submit(std::move(drafts), [&](Result<Outcome> done) { result = std::move(done); });
    wal->step(Duration(0));
    return result;
  }
  // All that there is to write, then cuts the log.
  Result<> settle() {
    for (bool worked = true; worked;) {
      TRY_ASSIGN(worked, ingest->maintain());
      wal->step(Duration(0));
    }
    return wal->remove_below(ingest->durable_cursor());
  }

  std::unique_ptr<wal::Wal> wal;
  std::unique_ptr<Ingest> ingest;

 private:
  os::FakeOs& fake_;
  Options options_;
};

std::string id_of(uint64_t i) {
  return fmt::format("event-{}", i);
}

TEST(WindowOnDisk, RemembersAtLeastTheWindowAndForgetsTheRest) {
  os::FakeOs fake;
  Machine machine(fake);
  ASSERT_TRUE(machine.open());
  constexpr uint64_t kEvents = 300;
  for (uint64_t i = 0; i < kEvents; ++i) {
    ASSERT_EQ(machine.submit({id_of(i)})->accepted, 1U);
    ASSERT_TRUE(machine.settle());
    if (i % 70 == 69) {
      ASSERT_TRUE(machine.open());
    }
  }
  EXPECT_GT(machine.wal->begin(), 0U) << "the log was cut";
  for (uint64_t i = kEvents - kWindow; i < kEvents; ++i) {
    const auto outcome = machine.submit({id_of(i)}).value();
    ASSERT_EQ(outcome.duplicates, 1U) << i;
    EXPECT_EQ(outcome.receipts.at(0).first_index, i);
  }
  EXPECT_LE(fake.files.list("/window")->size(), 30U);
  const auto again = machine.submit({id_of(0)}).value();
  EXPECT_EQ(again.accepted, 1U) << "beyond the window";
  EXPECT_EQ(again.receipts.at(0).first_index, kEvents) << "numbering goes on";
}

TEST(WindowOnDisk, AConflictIsToldFromAFileToo) {
  os::FakeOs fake;
  Machine machine(fake);
  ASSERT_TRUE(machine.open());
  ASSERT_TRUE(machine.submit({"a", "b", "c"}));
  ASSERT_TRUE(machine.settle());
  std::vector<Draft> drafts{some_draft("a", "other")};
  Result<Outcome> result = fail(ErrorCode::Internal, "not completed");
  machine.ingest->submit(std::move(drafts),
                         [&](Result<Outcome> done) { result = std::move(done); });
  machine.wal->step(Duration(0));
  EXPECT_EQ(result->rejected.at(0).code, "EventIdConflict");
}

TEST(WindowOnDisk, ALogThatGrowsLetsTheSequencerBeWrittenDown) {
  os::FakeOs fake;
  auto options = Machine::small();
  options.window_events = 1'000'000;
  options.checkpoint_log_bytes = 4000;
  Machine machine(fake, options);
  ASSERT_TRUE(machine.open());
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(machine.submit({id_of(i)}));
    ASSERT_TRUE(machine.settle());
  }
  EXPECT_GT(machine.wal->begin(), 0U);
  EXPECT_EQ(fake.files.list("/window")->size(), 1U) << "one generation, replaced as it grows";
  ASSERT_TRUE(machine.open());
  for (uint64_t i = 0; i < 100; ++i) {
    const auto outcome = machine.submit({id_of(i)}).value();
    ASSERT_EQ(outcome.duplicates, 1U) << i;
    EXPECT_EQ(outcome.receipts.at(0).first_index, i);
  }
  EXPECT_EQ(machine.submit({"new"})->receipts.at(0).first_index, 100U);
}

TEST(WindowOnDisk, RefusesToRunAheadOfItsFiles) {
  os::FakeOs fake;
  Machine machine(fake);
  ASSERT_TRUE(machine.open());
  fake.files.set_fault(
      [](os::Operation operation, const std::string& path) -> std::optional<Error> {
        if (operation != os::Operation::Write || !path.starts_with("/window")) return std::nullopt;
        return Error(ErrorCode::ResourceExhausted, "no space left on device");
      });
  uint64_t accepted = 0;
  Result<Outcome> last;
  for (uint64_t i = 0; i < 20; ++i) {
    last = machine.submit({id_of(i)});
    accepted += last.has_value();
    EXPECT_FALSE(accepted >= 2 && machine.settle()) << "the error is told";
  }
  EXPECT_EQ(last.error().reason(), "RepeatWindowFull");
  EXPECT_EQ(accepted, 6U) << "two generations wait, the third is full";
  ASSERT_TRUE(machine.open()) << "a start does not need the room either";
  EXPECT_EQ(machine.submit({id_of(accepted)}).error().reason(), "RepeatWindowFull");
  fake.files.set_fault(nullptr);
  ASSERT_TRUE(machine.settle());
  EXPECT_EQ(machine.submit({id_of(accepted)})->accepted, 1U);
  EXPECT_EQ(machine.submit({id_of(0)})->duplicates, 1U);
}

TEST(WindowOnDisk, MissingDamagedAndUnlikeFilesAreTold) {
  os::FakeOs fake;
  Machine machine(fake);
  ASSERT_TRUE(machine.open());
  for (uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(machine.submit({id_of(i)}));
    ASSERT_TRUE(machine.settle());
  }
  const auto path = window_path("/window", 10);
  const auto bytes = os::read_file(fake.files, path, 1 << 20).value();
  ASSERT_TRUE(fake.files.remove(path));
  EXPECT_NE(machine.open().error().message().find(path), std::string::npos);
  auto damaged = bytes;
  damaged[damaged.size() - 1] = static_cast<char>(damaged.back() ^ 1);
  ASSERT_TRUE(os::write_file_atomically(fake.files, path, damaged));
  ASSERT_TRUE(machine.open());
  EXPECT_EQ(machine.submit({id_of(20)}).error().code(), ErrorCode::DataLoss);
  ASSERT_TRUE(os::write_file_atomically(fake.files, path, bytes));
  ASSERT_TRUE(machine.open());
  EXPECT_EQ(machine.submit({id_of(20)})->duplicates, 1U);
  const auto listed = fake.files.list("/window").value();
  for (const auto& entry : listed) {
    ASSERT_TRUE(fake.files.remove("/window/" + entry.name));
  }
  EXPECT_NE(machine.open().error().message().find("not of one backup"), std::string::npos)
      << "the log was cut: it does not begin at 0";
}

// What a killed process left is built upon at the next start: the log is cut behind it.
TEST(WindowCrash, AFileThatAKilledProcessLeftStaysWhenThePowerFails) {
  for (uint64_t before = 8; before < 20; ++before) {
    for (uint64_t operations = 0; operations < 10; ++operations) {
      for (uint64_t seed = 1; seed <= 4; ++seed) {
        os::FakeOs fake(seed);
        Machine machine(fake);
        ASSERT_TRUE(machine.open());
        for (uint64_t i = 0; i < before; ++i) {
          ASSERT_TRUE(machine.submit({id_of(i)}));
          ASSERT_TRUE(machine.settle());
        }
        for (uint64_t i = before; i < before + 3; ++i) ASSERT_TRUE(machine.submit({id_of(i)}));
        fake.files.lose_power_after(operations);
        (void)machine.settle();
        fake.files.restart_keeping_all();
        ASSERT_TRUE(machine.open());
        ASSERT_TRUE(machine.wal->remove_below(machine.ingest->durable_cursor()));
        fake.files.restart(seed);
        const auto opened = machine.open();
        ASSERT_TRUE(opened) << before << " before, " << operations << " operations, seed " << seed
                            << ": " << opened.error().message();
        for (uint64_t i = 0; i < before; ++i) {
          ASSERT_EQ(machine.submit({id_of(i)})->duplicates, 1U);
        }
      }
    }
  }
}

// I1 while generations are written, forgotten, and the log is cut behind them.
TEST(WindowCrash, PowerLossAtAnyPointKeepsTheWindow) {
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    std::mt19937_64 random(seed);
    os::FakeOs fake(seed);
    auto options = Machine::small();
    if (seed % 2 == 0) options.checkpoint_log_bytes = 600;
    Machine machine(fake, options);
    std::map<uint64_t, uint64_t> index_of;  // of acknowledged ids
    uint64_t next = 0;
    for (int life = 0; life < 6; ++life) {
      fake.files.lose_power_after(random() % 250);
      if (machine.open()) {
        while (!machine.wal->stopped() && !fake.files.power_lost()) {
          const auto id = next++;
          const auto outcome = machine.submit({id_of(id)});
          if (outcome) index_of[id] = outcome->receipts.at(0).first_index;
          if (random() % 2 == 0) (void)machine.settle();
        }
      }
      fake.files.restart(random());
      const auto opened = machine.open();
      ASSERT_TRUE(opened) << "seed " << seed << ": " << opened.error().message();
      const auto probe = next++;
      const auto end = machine.submit({id_of(probe)})->receipts.at(0).first_index;
      for (const auto& [id, index] : index_of) {
        if (index + kWindow <= end + 1) continue;
        const auto again = machine.submit({id_of(id)}).value();
        ASSERT_EQ(again.duplicates, 1U) << "seed " << seed << " id " << id;
        ASSERT_EQ(again.receipts.at(0).first_index, index);
      }
      index_of[probe] = end;
      fake.files.restart_keeping_all();
    }
  }
}

}  // namespace
}  // namespace traccia::ingest
