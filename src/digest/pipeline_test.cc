// The storage path from the log to signed digests, under power loss and failing stores: invariants
// I1 (each acknowledged event in exactly one file), I2 (no object is replaced), I3 (each file in
// exactly one digest, chains do not fork).
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "delivery/delivery.h"
#include "digest/digest.h"
#include "ingest/ingest.h"
#include "json/json.h"
#include "os/fake_os.h"

namespace traccia::digest {
namespace {

constexpr std::string_view kAccount = "111122223333";
const std::vector<std::string> kRegions{"eu-south-1", "us-east-1"};

// A store that outlives crashes. It may refuse, or do the work and lose the answer.
class MemoryStore : public delivery::ObjectStore {
 public:
  struct Object {
    std::string bytes;
    std::map<std::string, std::string> metadata;
  };
  enum class Mood { Good, Refuses, LosesAnswers };

  Result<> put_if_absent(const delivery::PutRequest& request) override {
    if (mood == Mood::Refuses) return fail(ErrorCode::NotFound, "NoSuchBucket", "no bucket");
    const auto name = std::string(request.bucket) + "/" + std::string(request.key);
    if (objects.contains(name)) {
      return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "taken");
    }
    objects[name] = {std::string(request.bytes), request.metadata};
    if (mood == Mood::LosesAnswers) return fail(ErrorCode::Unavailable, "connection lost");
    return {};
  }
  Result<std::string> get(std::string_view bucket, std::string_view key) override {
    const auto at = objects.find(std::string(bucket) + "/" + std::string(key));
    if (at == objects.end()) return fail(ErrorCode::NotFound, "NoSuchKey", "no key");
    return at->second.bytes;
  }

  Mood mood = Mood::Good;
  std::map<std::string, Object> objects;
};

trail::TrailConfig make_trail(const std::string& name, bool multi_region) {
  trail::TrailConfig config;
  config.name = name;
  config.home_region = "us-east-1";
  config.account = kAccount;
  config.arn = fmt::format("arn:aws:cloudtrail:us-east-1:{}:trail/{}", kAccount, name);
  config.bucket = "bucket";
  config.prefix = name;
  config.multi_region = multi_region;
  config.log_file_validation = true;
  config.created = from_unix_seconds(1'789'000'000);
  config.selectors = {trail::EventSelector{}};
  return config;
}

// Everything of a server that is on the path, opened anew after each crash.
struct Machine {
  static Result<std::unique_ptr<Machine>> open(os::FakeOs& fake, MemoryStore& store) {
    auto machine = std::make_unique<Machine>();
    wal::Options log_options;
    log_options.segment_bytes_max = 1500;  // so that the log is cut often
    TRY_ASSIGN(machine->log, wal::Wal::open(fake.files, "/d/wal", log_options));
    ingest::Options ingest_options;
    ingest_options.checkpoint_log_bytes = 1000;
    TRY_ASSIGN(machine->ingest,
               ingest::Ingest::open(fake.os(), "/d/window", *machine->log, ingest_options));
    TRY_ASSIGN(machine->database,
               meta::Database::open(fake.os(), "/d/meta.db", meta::Durability::Full,
                                    {delivery::kSchema, kKeySchema, kChainSchema}));
    delivery::Options options;
    options.interval = std::chrono::seconds(10);
    options.file_bytes_max = 4000;
    options.rendered_bytes_max = 3000;  // so that files are rendered again from the log, too
    TRY_ASSIGN(machine->delivery, delivery::Delivery::open(fake.os(), *machine->database,
                                                           *machine->log, store, options));
    Options digest_options;
    digest_options.interval = std::chrono::seconds(60);
    const Sealer sealer{
        [](std::string_view plaintext, std::string_view) { return std::string(plaintext); },
        [](std::string_view sealed, std::string_view) -> Result<std::string> {
          return std::string(sealed);
        }};
    TRY_ASSIGN(machine->digest, Digest::open(fake.os(), *machine->database, store, sealer, kRegions,
                                             digest_options));
    return machine;
  }

  Result<> step() {
    log->step(Duration(0));
    TRY(delivery->step());
    while (true) {
      TRY_ASSIGN(const bool attempted, delivery->put_next());
      if (!attempted) break;
    }
    TRY(digest->step());
    TRY(ingest->maintain());
    return log->remove_below(std::min(delivery->log_floor(), ingest->durable_cursor()));
  }

  std::unique_ptr<wal::Wal> log;
  std::unique_ptr<meta::Database> database;
  std::unique_ptr<ingest::Ingest> ingest;
  std::unique_ptr<delivery::Delivery> delivery;
  std::unique_ptr<Digest> digest;
};

constexpr auto kAll = trail::ReadWriteType::All;

class Pipeline {
 public:
  explicit Pipeline(uint64_t seed) : random_(seed), fake_(seed) {
    EXPECT_TRUE(fake_.files.make_directories("/d/wal"));
    trails_ = {make_trail("one", false), make_trail("all", true)};
  }

  void live(bool crash) {
    if (crash) fake_.files.lose_power_after(random_() % 400);
    auto machine = Machine::open(fake_, store_);
    if (machine) follow_changes(**machine);
    for (int i = 0; machine && i < 60; ++i) {
      act(**machine);
      if (!(*machine)->step() || fake_.files.power_lost()) break;
    }
    if (machine) machine->reset();
    if (crash) {
      fake_.files.restart(random_());
    } else {
      fake_.files.restart_keeping_all();
    }
  }

  // Stops the trails and lets everything land.
  void settle() {
    store_.mood = MemoryStore::Mood::Good;
    auto machine = Machine::open(fake_, store_);
    ASSERT_TRUE(machine) << machine.error().message();
    follow_changes(**machine);
    for (auto& config : trails_) {
      config.logging = false;
      ASSERT_TRUE(change(**machine, config));
    }
    for (int i = 0; i < 60; ++i) {
      const auto done = (*machine)->step();
      ASSERT_TRUE(done) << done.error().message();
      fake_.clock.advance(std::chrono::seconds(20));
    }
    EXPECT_EQ((*machine)->delivery->pending(), 0U);
    EXPECT_GT((*machine)->log->begin(), 0U) << "the log was cut on the way";
    keys_ = load_keys(**machine);
  }

  void check();

 private:
  bool change(Machine& machine, const trail::TrailConfig& config) {
    bool durable = false;
    std::vector<ingest::Draft> drafts{
        ingest::change_draft(trail::encode_change({config, false}), fake_.random.uuid(), "sender")};
    machine.ingest->submit(std::move(drafts),
                           [&](Result<ingest::Outcome> done) { durable = done.has_value(); });
    machine.log->step(Duration(0));
    return durable;
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
      if (change(machine, next)) config = next;
    } else if (what == 1) {
      store_.mood = static_cast<MemoryStore::Mood>(random_() % 3);
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
      event::AdmitOptions options;
      options.account = kAccount;
      options.default_region = kRegions[random_() % kRegions.size()];
      options.now = fake_.clock.now();
      ids.push_back(fake_.random.uuid());
      auto draft =
          ingest::event_draft(
              fmt::format(R"({{"eventTime":"{}","eventName":"n","eventID":"{}","x":"{}"}})",
                          format_iso_seconds(fake_.clock.now()), ids.back(), filler()),
              options, "sender")
              .value();
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

  static std::map<std::string, std::string> load_keys(Machine& machine) {
    std::map<std::string, std::string> keys;
    EXPECT_TRUE(machine.database->read([&](meta::Transaction& transaction) -> Result<> {
      for (const auto& region : kRegions) {
        TRY_ASSIGN(const auto list,
                   list_public_keys(transaction, region, Time(), Time::max(), Time()));
        for (const auto& key : list) keys[key.fingerprint] = key.public_pkcs1_der;
      }
      return {};
    }));
    return keys;
  }

  std::mt19937_64 random_;
  os::FakeOs fake_;
  MemoryStore store_;
  std::vector<trail::TrailConfig> trails_;
  std::map<std::string, std::string> regions_;              // by eventID
  std::set<std::pair<std::string, std::string>> expected_;  // trail, eventID
  std::set<std::pair<std::string, std::string>> unexpected_;
  std::map<std::string, std::string> keys_;  // by fingerprint
};

void Pipeline::check() {
  std::map<std::pair<std::string, std::string>, int> seen;  // trail, eventID → files
  std::map<std::string, std::string> log_hashes;
  std::map<std::string, int> listed;
  std::map<std::string, int> followers;  // of a digest: a chain must not fork
  for (const auto& [name, object] : store_.objects) {
    const auto key = name.substr(name.find('/') + 1);
    const auto body = compress::gunzip(object.bytes, {});
    ASSERT_TRUE(body) << name;
    if (!parse_digest_key(key)) {
      ASSERT_TRUE(parse_log_key(key)) << key;
      log_hashes[key] = crypto::sha256_hex(*body);
      const auto document = json::parse(*body).value();
      for (const auto& record : document.at("Records").as_array()) {
        const auto id = std::string(record.at("eventID").as_string());
        ++seen[{key.substr(0, key.find('/')), id}];
      }
      continue;
    }
    const auto digest = parse_digest(*body);
    ASSERT_TRUE(digest) << digest.error().message();
    EXPECT_EQ(digest->key, key);
    const auto to_sign = string_to_sign(*digest, crypto::sha256_hex(*body));
    ASSERT_TRUE(keys_.contains(digest->fingerprint));
    EXPECT_TRUE(crypto::rsa_verify_sha256(keys_[digest->fingerprint], to_sign,
                                          hex_decode(object.metadata.at("signature")).value())
                    .value());
    for (const auto& file : digest->log_files) ++listed[file.key];
    if (!digest->previous) continue;
    ++followers[digest->previous->key];
    const auto at = store_.objects.find("bucket/" + digest->previous->key);
    ASSERT_NE(at, store_.objects.end());
    EXPECT_EQ(crypto::sha256_hex(compress::gunzip(at->second.bytes, {}).value()),
              digest->previous->sha256_hex);
    EXPECT_EQ(at->second.metadata.at("signature"), digest->previous->signature_hex);
  }
  for (const auto& [trail_and_id, count] : seen) EXPECT_EQ(count, 1) << trail_and_id.second;
  for (const auto& one : expected_)
    EXPECT_TRUE(seen.contains(one)) << one.first << " " << one.second;
  for (const auto& one : unexpected_)
    EXPECT_FALSE(seen.contains(one)) << one.first << " " << one.second;
  for (const auto& [key, hash] : log_hashes) EXPECT_EQ(listed[key], 1) << key;
  for (const auto& [key, count] : listed) {
    EXPECT_EQ(count, 1) << key;
    EXPECT_TRUE(log_hashes.contains(key)) << key;
  }
  for (const auto& [key, count] : followers) EXPECT_EQ(count, 1) << key;
}

class PipelineTest : public testing::TestWithParam<uint64_t> {};

TEST_P(PipelineTest, HoldsItsInvariantsAcrossPowerLoss) {
  for (uint64_t seed = GetParam() * 4; seed < GetParam() * 4 + 4; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Pipeline pipeline(seed);
    for (int life = 0; life < 6; ++life) pipeline.live(life % 3 != 2);
    pipeline.settle();
    pipeline.check();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PipelineTest, testing::Range<uint64_t>(0, 5));

}  // namespace
}  // namespace traccia::digest
