// For tests: the storage path from the log to signed digests on a machine in memory, a store that
// outlives its crashes, and the account of what that store must hold in the end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/mutex.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "delivery/announcements.h"
#include "delivery/delivery.h"
#include "digest/digest.h"
#include "ingest/ingest.h"
#include "json/json.h"
#include "os/fake_os.h"
#include "trail/trails.h"

namespace traccia::digest::test {

inline constexpr std::string_view kAccount = "111122223333";
inline const std::vector<std::string> kRegions{"eu-south-1", "us-east-1"};

// A store that outlives crashes. Thread-safe.
class MemoryStore : public delivery::ObjectStore {
 public:
  struct Object {
    std::string bytes;
    std::map<std::string, std::string> metadata;
  };
  enum class Mood { Good, Refuses, LosesAnswers };
  using Objects = std::map<std::string, Object>;  // by bucket/key

  Result<> put_if_absent(const delivery::PutRequest& request) override {
    if (on_put) on_put(request);
    const MutexLock lock(mutex_);
    ++puts_[std::string(request.bucket)];
    const auto refusal = refusals_.find(request.bucket);
    if (refusal != refusals_.end()) return fail(ErrorCode::Unavailable, refusal->second, "no");
    if (mood_ == Mood::Refuses) return fail(ErrorCode::NotFound, "NoSuchBucket", "no bucket");
    const auto name = std::string(request.bucket) + "/" + std::string(request.key);
    if (objects_.contains(name)) {
      return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "taken");
    }
    objects_[name] = {std::string(request.bytes), request.metadata};
    if (mood_ == Mood::LosesAnswers) return fail(ErrorCode::Unavailable, "connection lost");
    return {};
  }
  Result<bool> holds(const delivery::PutRequest& request) override {
    const MutexLock lock(mutex_);
    const auto at = objects_.find(std::string(request.bucket) + "/" + std::string(request.key));
    if (at == objects_.end()) return fail(ErrorCode::NotFound, "NoSuchKey", "no key");
    return at->second.bytes == request.bytes;
  }

  void set_mood(Mood mood) {
    const MutexLock lock(mutex_);
    mood_ = mood;
  }
  // Every PUT into the bucket gets this S3 error code; empty: no more.
  void refuse(const std::string& bucket, const std::string& code) {
    const MutexLock lock(mutex_);
    refusals_.erase(bucket);
    if (!code.empty()) refusals_.emplace(bucket, code);
  }
  // Somebody else's object.
  void take_key(const std::string& name, std::string bytes) {
    const MutexLock lock(mutex_);
    objects_[name] = {std::move(bytes), {}};
  }
  Objects objects() const {
    const MutexLock lock(mutex_);
    return objects_;
  }
  uint64_t puts(const std::string& bucket) const {
    const MutexLock lock(mutex_);
    const auto at = puts_.find(bucket);
    return at == puts_.end() ? 0 : at->second;
  }

  // Called at the start of each PUT, without a lock: it may wait. Set before threads run.
  std::function<void(const delivery::PutRequest&)> on_put;

 private:
  mutable Mutex mutex_;
  Mood mood_ GUARDED_BY(mutex_) = Mood::Good;
  Objects objects_ GUARDED_BY(mutex_);
  std::map<std::string, std::string, std::less<>> refusals_ GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> puts_ GUARDED_BY(mutex_);
};

inline trail::TrailConfig make_trail(const std::string& name, bool multi_region) {
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

struct MachineOptions {
  wal::Options log;
  ingest::Options ingest;
  delivery::Options delivery;
  Options digest;

  // Small, so that a short test meets every limit.
  MachineOptions() {
    log.segment_bytes_max = 1500;  // so that the log is cut often
    ingest.checkpoint_log_bytes = 1000;
    delivery.interval = std::chrono::seconds(10);
    delivery.file_bytes_max = 4000;
    delivery.rendered_bytes_max = 3000;  // so that files are rendered again from the log, too
    digest.interval = std::chrono::seconds(60);
  }
};

// Everything of a server that is on the path, opened anew after each crash.
struct Machine {
  static Result<std::unique_ptr<Machine>> open(os::FakeOs& fake, MemoryStore& store,
                                               const MachineOptions& options = {}) {
    auto machine = std::make_unique<Machine>();
    TRY_ASSIGN(machine->log, wal::Wal::open(fake.files, "/d/wal", options.log));
    TRY_ASSIGN(machine->ingest,
               ingest::Ingest::open(fake.os(), "/d/window", *machine->log, options.ingest));
    TRY_ASSIGN(
        machine->database,
        meta::Database::open(fake.os(), "/d/meta.db",
                             {delivery::kSchema, kKeySchema, kChainSchema, kPendingSchema,
                              delivery::kLanesSchema, delivery::kChangesSchema, trail::kSchema,
                              trail::kKeysSchema, delivery::kAnnouncementsSchema}));
    TRY_ASSIGN(machine->delivery, delivery::Delivery::open(fake.os(), *machine->database,
                                                           *machine->log, store, options.delivery));
    const Sealer sealer{
        [](std::string_view plaintext, std::string_view) { return std::string(plaintext); },
        [](std::string_view sealed, std::string_view) -> Result<std::string> {
          return std::string(sealed);
        }};
    TRY_ASSIGN(machine->digest,
               Digest::open(fake.os(), *machine->database, store, machine->delivery->slots(),
                            sealer, kRegions, options.digest));
    return machine;
  }

  // One turn of each of the server's threads.
  Result<> step() {
    log->step(Duration(0));
    TRY(delivery->step());
    while (true) {
      TRY_ASSIGN(const bool attempted, delivery->put_next());
      if (!attempted) break;
    }
    TRY(digest->step());
    while (true) {
      TRY_ASSIGN(const bool attempted, digest->put_next());
      if (!attempted) break;
    }
    TRY(ingest->maintain());
    return log->remove_below(std::min(delivery->log_floor(), ingest->durable_cursor()));
  }

  // True when the change is durable.
  bool change(os::FakeOs& fake, const trail::TrailConfig& config) const {
    bool durable = false;
    std::vector<ingest::Draft> drafts{
        ingest::change_draft(trail::encode_change({config, false}), fake.random.uuid(), "sender")};
    ingest->submit(std::move(drafts),
                   [&](Result<ingest::Outcome> done) { durable = done.has_value(); });
    log->step(Duration(0));
    return durable;
  }

  // An event that does not say that it reads.
  static ingest::Draft event(os::FakeOs& fake, std::string_view id, std::string_view region,
                             std::string_view filler) {
    event::AdmitOptions options;
    options.account = kAccount;
    options.default_region = region;
    options.now = fake.clock.now();
    return ingest::event_draft(
               fmt::format(R"({{"eventTime":"{}","eventName":"n","eventID":"{}","x":"{}"}})",
                           format_iso_seconds(fake.clock.now()), id, filler),
               options, "sender")
        .value();
  }

  delivery::Status status(const trail::TrailConfig& config) const {
    delivery::Status status;
    EXPECT_TRUE(database->read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(status, delivery::read_status(transaction, config.arn));
      return {};
    }));
    return status;
  }

  std::map<std::string, std::string> keys() const {
    std::map<std::string, std::string> keys;
    EXPECT_TRUE(database->read([&](meta::Transaction& transaction) -> Result<> {
      for (const auto& region : kRegions) {
        TRY_ASSIGN(const auto list,
                   list_public_keys(transaction, region, Time(), Time::max(), Time()));
        for (const auto& key : list) keys[key.fingerprint] = key.public_pkcs1_der;
      }
      return {};
    }));
    return keys;
  }

  std::unique_ptr<wal::Wal> log;
  std::unique_ptr<meta::Database> database;
  std::unique_ptr<ingest::Ingest> ingest;
  std::unique_ptr<delivery::Delivery> delivery;
  std::unique_ptr<Digest> digest;
};

using TrailAndId = std::pair<std::string, std::string>;  // trail's prefix, eventID

// What lies in the store: each event in how many files, each file in how many digests.
class Contents {
 public:
  // Checks every object by itself, and that chains hold together. Keys are by fingerprint.
  Contents(const MemoryStore::Objects& objects, std::map<std::string, std::string> keys)
      : objects_(objects), keys_(std::move(keys)) {
    for (const auto& [name, object] : objects_) {
      const auto slash = name.find('/');
      read(name.substr(0, slash), name.substr(slash + 1), object);
    }
    for (const auto& [key, count] : followers_) EXPECT_EQ(count, 1) << key << ": the chain forks";
  }

  // I1 and I3. `gaps`: digests whose predecessor was given up.
  void expect(const std::set<TrailAndId>& expected, const std::set<TrailAndId>& unexpected = {},
              size_t gaps = 0) const {
    EXPECT_EQ(gaps_, gaps) << "digests that follow one that is missing";
    for (const auto& [trail_and_id, count] : seen_) EXPECT_EQ(count, 1) << trail_and_id.second;
    for (const auto& one : expected) {
      EXPECT_TRUE(seen_.contains(one)) << one.first << " " << one.second;
    }
    for (const auto& one : unexpected) {
      EXPECT_FALSE(seen_.contains(one)) << one.first << " " << one.second;
    }
    for (const auto& [key, hash] : log_hashes_) {
      const auto at = listed_.find(key);
      EXPECT_EQ(at == listed_.end() ? 0 : at->second, 1) << key;
    }
    for (const auto& [key, count] : listed_) {
      EXPECT_EQ(count, 1) << key;
      EXPECT_TRUE(log_hashes_.contains(key)) << key;
    }
  }

  size_t log_files() const { return log_hashes_.size(); }
  bool holds(const TrailAndId& one) const { return seen_.contains(one); }

 private:
  void read(const std::string& bucket, const std::string& key, const MemoryStore::Object& object) {
    const auto body = compress::gunzip(object.bytes, {});
    ASSERT_TRUE(body) << key;
    if (parse_digest_key(key)) return read_digest(bucket, key, *body, object);
    ASSERT_TRUE(parse_log_key(key)) << key;
    log_hashes_[key] = crypto::sha256_hex(*body);
    const auto document = json::parse(*body).value();
    for (const auto& record : document.at("Records").as_array()) {
      ++seen_[{key.substr(0, key.find('/')), std::string(record.at("eventID").as_string())}];
    }
  }

  void read_digest(const std::string& bucket, const std::string& key, const std::string& body,
                   const MemoryStore::Object& object) {
    const auto digest = parse_digest(body);
    ASSERT_TRUE(digest) << digest.error().message();
    EXPECT_EQ(digest->key, key);
    const auto to_sign = string_to_sign(*digest, crypto::sha256_hex(body));
    ASSERT_TRUE(keys_.contains(digest->fingerprint));
    EXPECT_TRUE(crypto::rsa_verify_sha256(keys_[digest->fingerprint], to_sign,
                                          hex_decode(object.metadata.at("signature")).value())
                    .value());
    for (const auto& file : digest->log_files) ++listed_[file.key];
    if (!digest->previous) return;
    ++followers_[digest->previous->key];
    const auto at = objects_.find(bucket + "/" + digest->previous->key);
    if (at == objects_.end()) {
      ++gaps_;
      return;
    }
    EXPECT_EQ(crypto::sha256_hex(compress::gunzip(at->second.bytes, {}).value()),
              digest->previous->sha256_hex);
    EXPECT_EQ(at->second.metadata.at("signature"), digest->previous->signature_hex);
  }

  MemoryStore::Objects objects_;
  std::map<std::string, std::string> keys_;
  std::map<TrailAndId, int> seen_;                 // → files
  std::map<std::string, std::string> log_hashes_;  // by key
  std::map<std::string, int> listed_;              // in digests, by key
  size_t gaps_ = 0;
  std::map<std::string, int> followers_;  // of a digest, by its key
};

}  // namespace traccia::digest::test
