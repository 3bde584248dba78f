// What becomes of files and digests while their store is down, full, slow or forgetful: nothing is
// lost or delivered twice, the log keeps what memory cannot, and the store is not stormed.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "digest/test_machine.h"

namespace traccia::digest {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::Contents;
using test::Machine;
using test::MachineOptions;
using test::MemoryStore;
using test::TrailAndId;

constexpr uint64_t kSeed = 20'250'301;

class OutageTest : public testing::Test {
 protected:
  void SetUp() override {
    RecordProperty("seed", std::to_string(kSeed));
    ASSERT_TRUE(fake_.files.make_directories("/d/wal"));
    options_.ingest.checkpoint_log_bytes = 20'000;  // else each few events write a checkpoint
  }

  void open() {
    auto opened = Machine::open(fake_, store_, options_);
    ASSERT_TRUE(opened) << opened.error().message();
    machine_ = *std::move(opened);
  }

  // A trail with a bucket of its own.
  trail::TrailConfig start(const std::string& name, bool multi_region) {
    auto config = test::make_trail(name, multi_region);
    config.bucket = name;
    config.logging = true;
    EXPECT_TRUE(machine_->change(fake_, config));
    trails_.push_back(config);
    return config;
  }

  void stop_trails() {
    for (auto& config : trails_) {
      config.logging = false;
      ASSERT_TRUE(machine_->change(fake_, config));
    }
  }

  // One acknowledged event.
  void send(size_t filler = 200) {
    const auto& region = test::kRegions[sent_++ % test::kRegions.size()];
    const auto id = fake_.random.uuid();
    std::vector<ingest::Draft> drafts{Machine::event(fake_, id, region, std::string(filler, 'x'))};
    bool acknowledged = false;
    machine_->ingest->submit(
        std::move(drafts), [&](Result<ingest::Outcome> done) { acknowledged = done.has_value(); });
    machine_->log->step(Duration(0));
    ASSERT_TRUE(acknowledged);
    for (const auto& config : trails_) {
      if (config.logging && trail::covers_region(config, region)) {
        expected_.insert({config.name, id});
      }
    }
  }

  void step() {
    const auto done = machine_->step();
    ASSERT_TRUE(done) << done.error().message();
    const auto& limits = options_.delivery;
    EXPECT_LE(machine_->delivery->held(), limits.files_held_max);
    EXPECT_LE(machine_->delivery->rendered_bytes(),
              limits.rendered_bytes_max + limits.file_bytes_max);
    EXPECT_LE(machine_->delivery->open_bytes(), limits.open_bytes_max + limits.file_bytes_max);
  }

  // Steady traffic.
  void run(Duration time, Duration between) {
    for (Duration passed{}; passed < time; passed += between) {
      send();
      fake_.clock.advance(between);
      step();
      if (HasFatalFailure()) return;
    }
  }

  // Ends the trails and lets everything land.
  void settle() {
    stop_trails();
    for (int i = 0; i < 40; ++i) {
      step();
      fake_.clock.advance(seconds(20));
    }
    EXPECT_EQ(machine_->delivery->pending(), 0U);
  }

  int64_t count(const std::string& sql) {
    int64_t found = 0;
    EXPECT_TRUE(machine_->database->read([&](meta::Transaction& transaction) {
      return transaction.query(sql, {}, [&](const meta::Row& row) -> Result<> {
        found = row.integer(0);
        return {};
      });
    }));
    return found;
  }

  os::FakeOs fake_{kSeed};
  MemoryStore store_;
  MachineOptions options_;
  std::unique_ptr<Machine> machine_;
  std::vector<trail::TrailConfig> trails_;
  std::set<TrailAndId> expected_;
  size_t sent_ = 0;
};

// A sink that catches up behind delivery takes what that decoded, whatever the store does.
TEST_F(OutageTest, DeliveryReadsOnAndSharesWhileTheStoreIsDown) {
  constexpr size_t kEvents = 200;
  options_.delivery.entries_per_step = 10;
  open();
  start("all", true);
  for (size_t i = 0; i < kEvents; ++i) send();
  machine_.reset();
  open();  // with nothing in memory
  store_.set_mood(MemoryStore::Mood::Refuses);
  auto& recent = machine_->log->recent();
  const auto other = recent.add_reader(0);
  size_t shared = 0;
  for (wal::Position at = 0; at < machine_->log->durable_end();) {
    if (machine_->delivery->read_position() <= at) step();
    const auto found = recent.find(at);
    if (found) ++shared;
    at = ingest::read_entry_for(*machine_->log, other, at).value()->next;
    recent.set_reader(other, at);
  }
  EXPECT_EQ(shared, kEvents + 1) << "the change of the trail, too";
  EXPECT_GT(machine_->delivery->pending(), 0U);
  EXPECT_EQ(recent.waits(), 0U);
  store_.set_mood(MemoryStore::Mood::Good);
  fake_.clock.advance(minutes(10));
  settle();
}

TEST_F(OutageTest, AStoreThatIsDownForAnHourLosesNothing) {
  options_.delivery.open_bytes_max = 2000;
  options_.delivery.files_held_max = 40;
  open();
  const auto config = start("all", true);
  run(minutes(3), seconds(1));
  EXPECT_EQ(machine_->status(config).error, "");
  const auto down_since = fake_.clock.now();
  const auto log_end = machine_->log->durable_end();
  const auto puts_before = store_.puts("all");
  store_.refuse("all", "ServiceUnavailable");
  for (int minute = 1; minute <= 60; ++minute) {
    run(minutes(1), seconds(1));
    const auto status = machine_->status(config);
    EXPECT_EQ(status.error, "ServiceUnavailable") << "minute " << minute;
    ASSERT_TRUE(status.latest_delivery && status.latest_attempt);
    EXPECT_LE(*status.latest_delivery, down_since);
    EXPECT_GE(*status.latest_attempt, fake_.clock.now() - options_.delivery.retry_max - seconds(1));
    EXPECT_LE(machine_->log->begin(), log_end) << "the log keeps what is not delivered";
  }
  EXPECT_GT(machine_->delivery->pending(), 300U);
  // 1 + 2 + 4 + … + 256 s, then each 300 s: 20 for log files and as many for digests; at most
  // three files were on their way when it began.
  EXPECT_LE(store_.puts("all") - puts_before, 45U);
  EXPECT_GE(store_.puts("all") - puts_before, 30U);

  store_.refuse("all", "");
  const auto up_since = fake_.clock.now();
  run(seconds(301), seconds(1));
  EXPECT_LT(machine_->delivery->pending(), 20U) << "all goes once one has gone";
  EXPECT_EQ(machine_->status(config).error, "");
  EXPECT_GT(*machine_->status(config).latest_delivery, up_since);
  settle();
  EXPECT_EQ(machine_->status(config).latest_delivery, machine_->status(config).latest_attempt);
  EXPECT_GT(machine_->log->begin(), log_end) << "the log is cut again";
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

TEST_F(OutageTest, ARestartDuringAnOutageGoesOnFromTheLog) {
  options_.delivery.files_held_max = 50;
  open();
  const auto config = start("all", true);
  run(minutes(2), seconds(1));
  store_.refuse("all", "InternalError");
  for (int life = 0; life < 4; ++life) {
    run(minutes(10), seconds(1));
    machine_.reset();
    fake_.files.restart(fake_.random.bytes(1)[0] & 0x7F);
    open();
  }
  EXPECT_EQ(machine_->delivery->rendered_bytes(), 0U);
  store_.refuse("all", "");
  settle();
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

TEST_F(OutageTest, AFilePast30DaysIsGivenUpAndTheChainGoesOn) {
  options_.delivery.interval = hours(1);
  options_.digest.interval = hours(1);
  options_.delivery.files_held_max = 20;
  open();
  const auto config = start("gone", false);
  run(hours(4), minutes(30));
  const auto delivered = expected_;
  store_.refuse("gone", "NoSuchBucket");
  run(hours(24 * 29), hours(2));
  EXPECT_EQ(count("SELECT count(*) FROM delivery_files WHERE state = 2"), 0)
      << "not before 30 days";
  const auto kept_from = machine_->log->begin();
  run(hours(24 * 11), hours(2));
  const auto given_up = count("SELECT count(*) FROM delivery_files WHERE state = 2");
  const auto waiting = count("SELECT count(*) FROM delivery_files WHERE state = 0");
  EXPECT_GT(given_up, 50);
  EXPECT_GT(waiting, 100) << "the younger ones are tried on";
  // The oldest that waits is at most 30 days old, plus the time between two attempts: every other
  // one is of the newest.
  EXPECT_EQ(count(fmt::format("SELECT count(*) FROM delivery_files WHERE state = 0 AND closed < {}",
                              to_unix_nanoseconds(fake_.clock.now() - hours(24 * 30 + 4)))),
            0);
  EXPECT_GT(machine_->log->begin(), kept_from) << "given up: the log need not keep it";
  EXPECT_EQ(machine_->status(config).error, "NoSuchBucket");

  store_.refuse("gone", "");
  run(hours(4), minutes(30));
  settle();
  EXPECT_EQ(machine_->status(config).error, "");
  EXPECT_EQ(count("SELECT count(*) FROM delivery_files WHERE state = 2 AND digest IS NOT NULL"), 0)
      << "what was given up is in no digest";
  const Contents contents(store_.objects(), machine_->keys());
  std::set<TrailAndId> lost;
  for (const auto& one : expected_) {
    if (!contents.holds(one)) lost.insert(one);
  }
  EXPECT_GT(lost.size(), 50U);
  EXPECT_EQ(count("SELECT sum(count) FROM delivery_files WHERE state = 2"),
            static_cast<int64_t>(lost.size()));
  for (const auto& one : lost) expected_.erase(one);
  // The digests of the first ten days were given up too: one digest names a predecessor that is
  // not there, which verification reports.
  contents.expect(expected_, lost, 1);
}

TEST_F(OutageTest, AStoreThatIsFullTakesAllOnceItHasRoom) {
  open();
  const auto full = start("full", true);
  const auto other = start("other", true);
  for (const auto* code : {"SlowDown", "QuotaExceeded", "InsufficientStorage"}) {
    SCOPED_TRACE(code);
    store_.refuse("full", code);
    run(minutes(5), seconds(1));
    EXPECT_EQ(machine_->status(full).error, code);
    EXPECT_EQ(machine_->status(other).error, "");
    EXPECT_GE(*machine_->status(other).latest_delivery, fake_.clock.now() - seconds(12));
    store_.refuse("full", "");
    run(seconds(301), seconds(1));
    EXPECT_EQ(machine_->status(full).error, "");
  }
  settle();
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

TEST_F(OutageTest, ALostAnswerIsFoundOutByTheBytes) {
  open();
  const auto config = start("all", true);
  store_.set_mood(MemoryStore::Mood::LosesAnswers);
  run(minutes(10), seconds(1));
  EXPECT_LT(machine_->delivery->pending(), 10U) << "the second attempt finds the object";
  store_.set_mood(MemoryStore::Mood::Good);
  settle();
  EXPECT_EQ(machine_->status(config).error, "");
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

TEST_F(OutageTest, AnotherObjectUnderAFilesKeyHoldsUpOnlyThatFile) {
  open();
  const auto config = start("all", false);
  std::string taken;
  store_.on_put = [&](const delivery::PutRequest& request) {
    if (!taken.empty() || !parse_log_key(request.key)) return;
    taken = std::string(request.bucket) + "/" + std::string(request.key);
    store_.take_key(taken, "somebody else's");
  };
  run(minutes(5), seconds(1));
  EXPECT_EQ(store_.objects().at(taken).bytes, "somebody else's") << "never replaced (I2)";
  EXPECT_LT(machine_->delivery->pending(), 4U) << "the others go on";
  EXPECT_GE(*machine_->status(config).latest_delivery, fake_.clock.now() - seconds(30));
  fake_.clock.advance(options_.delivery.retry_max);
  step();
  EXPECT_EQ(machine_->status(config).error, "ObjectAlreadyExistsWithOtherContent");
}

TEST_F(OutageTest, OneRefusedFileDoesNotHoldUpTheOthersOfItsTrail) {
  open();
  start("all", false);
  // The store dislikes one file for ever and says so as if it were down.
  const auto poison = std::make_shared<std::string>();
  store_.on_put = [&, poison](const delivery::PutRequest& request) {
    if (!parse_log_key(request.key)) return;
    if (poison->empty()) *poison = request.key;
    store_.refuse("all", request.key == *poison ? "InternalError" : "");
  };
  run(minutes(20), seconds(1));
  EXPECT_LT(machine_->delivery->pending(), 4U);
}

TEST_F(OutageTest, DigestsOfOneTrailDoNotHoldUpThoseOfTheOthers) {
  open();
  start("gone", true);
  start("good", true);
  store_.refuse("gone", "NoSuchBucket");
  run(hours(4), minutes(1));
  EXPECT_GT(count("SELECT count(*) FROM digest_files WHERE bytes IS NOT NULL AND bucket = 'gone'"),
            400);
  EXPECT_EQ(count("SELECT count(*) FROM digest_files WHERE bytes IS NOT NULL AND bucket = 'good'"),
            0);
  store_.refuse("gone", "");
  settle();
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

TEST_F(OutageTest, ChangesOfTrailsAreForgottenOnceNoFileNeedsThem) {
  open();
  auto config = start("all", false);
  const auto change = [&](bool all) {
    config.selectors[0].read_write_type =
        all ? trail::ReadWriteType::All : trail::ReadWriteType::WriteOnly;
    ASSERT_TRUE(machine_->change(fake_, config));
  };
  const auto changes = [&] { return count("SELECT count(*) FROM delivery_changes"); };
  for (int i = 0; i < 30; ++i) {
    change(i % 2 == 0);
    run(seconds(20), seconds(5));
  }
  EXPECT_LE(changes(), 3);
  store_.refuse("all", "SlowDown");
  for (int i = 0; i < 30; ++i) {
    change(i % 2 == 0);
    run(seconds(20), seconds(5));
  }
  EXPECT_GE(changes(), 30) << "files that wait are rendered by them";
  machine_.reset();
  open();
  store_.refuse("all", "");
  run(seconds(310), seconds(5));
  change(true);
  run(seconds(20), seconds(5));
  EXPECT_LE(changes(), 3);
  settle();
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

// The server's threads: whoever PUTs may hang, stepping and the other buckets do not.
class SlowStoreTest : public OutageTest {
 protected:
  void SetUp() override {
    OutageTest::SetUp();
    store_.on_put = [this](const delivery::PutRequest& request) {
      if (!request.bucket.starts_with("slow")) return;
      const MutexLock lock(mutex_);
      ++hanging_;
      changed_.notify_all();
      while (!answers_) changed_.wait_for(mutex_, seconds(1));
    };
  }

  void start_threads() {
    for (size_t i = 0; i < options_.delivery.puts.puts_max; ++i) {
      threads_.emplace_back([this] {
        while (!stop_) {
          const auto seen = machine_->delivery->changes();
          const auto file = machine_->delivery->put_next();
          const auto digest = machine_->digest->put_next();
          ASSERT_TRUE(file && digest);
          if (!*file && !*digest) {
            machine_->delivery->wait_for_files(seen, std::chrono::milliseconds(50));
          }
        }
      });
    }
  }

  void answer() {
    const MutexLock lock(mutex_);
    answers_ = true;
    changed_.notify_all();
  }

  void TearDown() override {
    answer();
    stop_ = true;
    machine_->delivery->wake();
    for (auto& thread : threads_) thread.join();
  }

  void wait_for_hanging(int count) {
    const MutexLock lock(mutex_);
    while (hanging_ < count) changed_.wait_for(mutex_, seconds(1));
  }

  size_t good() const {
    size_t files = 0;
    for (const auto& [name, object] : store_.objects()) files += name.starts_with("good/") ? 1 : 0;
    return files;
  }

  int64_t waiting_digests(const std::string& bucket) {
    return count(fmt::format(
        "SELECT count(*) FROM digest_files WHERE bytes IS NOT NULL AND bucket = '{}'", bucket));
  }

  // Closes what is open and hands it to the threads.
  void close_files() {
    machine_->log->step(Duration(0));
    ASSERT_TRUE(machine_->delivery->step());
    fake_.clock.advance(options_.delivery.interval);
    ASSERT_TRUE(machine_->delivery->step());
  }

  Mutex mutex_;
  Condition changed_;
  int hanging_ GUARDED_BY(mutex_) = 0;
  bool answers_ GUARDED_BY(mutex_) = false;
  std::atomic<bool> stop_{false};
  std::vector<std::jthread> threads_;
};

TEST_F(SlowStoreTest, ABucketThatHangsHoldsUpNeitherStepsNorOtherBuckets) {
  options_.delivery.puts.slow_after = hours(1);
  open();
  start("slow", false);
  start("good", false);
  start_threads();
  for (int round = 0; round < 30; ++round) {
    send();
    send();
    close_files();
    if (round == 5) wait_for_hanging(3);
  }
  // Only a working thread ends this.
  while (good() < 30 || machine_->delivery->pending() > 30) std::this_thread::yield();
  EXPECT_EQ(machine_->delivery->pending(), 30U) << "those of the slow bucket";
  EXPECT_EQ(machine_->log->begin(), 0U);
  {
    const MutexLock lock(mutex_);
    EXPECT_EQ(hanging_, 3) << "the other threads stay free";
  }
  answer();
  while (machine_->delivery->pending() > 0) std::this_thread::yield();
  stop_trails();
  for (int i = 0; i < 5; ++i) {
    close_files();
    ASSERT_TRUE(machine_->digest->step());
  }
  while (machine_->delivery->pending() > 0) std::this_thread::yield();
  ASSERT_TRUE(machine_->digest->step());
  while (waiting_digests("slow") + waiting_digests("good") > 0) std::this_thread::yield();
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

TEST_F(SlowStoreTest, SeveralBucketsThatHangLeaveThreadsToTheOthers) {
  open();
  for (const auto* bucket : {"slow", "slow 2", "slow 3", "slow 4", "good"}) start(bucket, false);
  start_threads();
  for (size_t round = 1; round <= 30; ++round) {
    send();
    send();
    close_files();
    wait_for_hanging(4);
    while (machine_->delivery->pending() > 4 * round) std::this_thread::yield();
    EXPECT_EQ(good(), round);
  }
  {
    const MutexLock lock(mutex_);
    EXPECT_EQ(hanging_, 4) << "one of each";
  }
  answer();
  while (machine_->delivery->pending() > 0) std::this_thread::yield();
}

TEST_F(SlowStoreTest, ADigestWhosePutHangsHoldsUpNothingElse) {
  options_.delivery.puts.slow_after = hours(100);
  const auto hang = std::move(store_.on_put);
  store_.on_put = [hang](const delivery::PutRequest& request) {
    if (parse_digest_key(request.key)) hang(request);
  };
  open();
  start("slow", false);
  start("good", false);
  start_threads();
  for (int round = 0; round < 20; ++round) {
    send();
    send();
    close_files();
    ASSERT_TRUE(machine_->digest->step());
    wait_for_hanging(1);
    while (machine_->delivery->pending() > 0 || waiting_digests("good") > 0)
      std::this_thread::yield();
    fake_.clock.advance(options_.digest.interval);
  }
  EXPECT_EQ(waiting_digests("slow"), 20);
  EXPECT_EQ(store_.puts("slow"), 20U) << "log files only";
  answer();
  stop_trails();
  for (int i = 0; i < 3; ++i) {
    close_files();
    while (machine_->delivery->pending() > 0) std::this_thread::yield();
    ASSERT_TRUE(machine_->digest->step());
  }
  while (waiting_digests("slow") > 0 || waiting_digests("good") > 0) std::this_thread::yield();
  Contents(store_.objects(), machine_->keys()).expect(expected_);
}

}  // namespace
}  // namespace traccia::digest
