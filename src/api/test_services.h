// For tests: the services of a server on one simulated machine, without ports and threads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/embedded_object_store.h"
#include "api/schemas.h"
#include "api/services.h"
#include "blob/blob.h"
#include "json/json.h"
#include "kms/keys.h"
#include "os/fake_os.h"

namespace traccia::api {

inline constexpr std::string_view kAccount = "111122223333";

// Everything that operations work with, state in memory. The log is stepped by the test, or by a
// thread from run_log() on; sinks are stepped by the test only.
class ServicesTest : public testing::Test {
 protected:
  void SetUp() override {
    open_stores();
    const auto same = [](std::string_view text, std::string_view) { return std::string(text); };
    history_ = history::History::open(fake_.os(), "/d/history", *wal_).value();
    delivery_ = delivery::Delivery::open(fake_.os(), *database_, *wal_, *store_, {}).value();
    digest_ = digest::Digest::open(fake_.os(), *database_, *store_, delivery_->slots(),
                                   {same, same}, regions_, {})
                  .value();
    tail_.emplace(*history_, master_key_);
    sns_.emplace(fake_.os(), *database_, sns::Sealer{same, same});
    pacer_.emplace(fake_.clock, wal_->recent());
    services_.emplace(Services{fake_.os(),     *database_,   *outbox_, *authoriser_, identity_,
                               organizations_, *ingest_,     *s3_,     *history_,    trails_,
                               *outside_,      *delivery_,   *digest_, *tail_,       *pacer_,
                               issuers_,       keys_,        queues_,  messages_,    key_uses_,
                               *sns_,          access_logs_, regions_});
    ASSERT_TRUE(trails_.refresh(*database_));
  }
  void TearDown() override {
    if (!log_thread_.joinable()) return;
    stop_log_ = true;
    wal_->wake();
    log_thread_.join();
  }

  // The account's first user, as the server makes it; once.
  identity::Principal administrator() {
    identity::Principal out;
    EXPECT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto made, identity_.bootstrap(transaction, kAccount));
      TRY_ASSIGN(const auto key, identity_.find_access_key(transaction, made->access_key_id));
      out = key->principal;
      return {};
    }));
    return out;
  }
  // For calls that wait until their records are durable.
  void run_log() {
    log_thread_ = std::thread([this] {
      while (!stop_log_) wal_->step(std::chrono::milliseconds(100));
    });
  }

  // A logging trail that takes data events of the objects named by ARN prefixes.
  void log_data_events(std::vector<std::string> prefixes) {
    trail::TrailConfig config;
    config.selectors = {
        {trail::ReadWriteType::All, true, {{"AWS::S3::Object", std::move(prefixes)}}, {}}};
    log_events(std::move(config));
  }
  // With the selectors of the configuration; the rest is filled in.
  void log_events(trail::TrailConfig config) {
    trail::Trail stored;
    config.arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/data";
    config.name = "data";
    config.home_region = "us-east-1";
    config.account = kAccount;
    config.bucket = "elsewhere";
    config.multi_region = true;
    config.logging = true;
    config.created = fake_.clock.now();
    config.logging_since = fake_.clock.now();
    stored.config = std::move(config);
    ASSERT_TRUE(database_->write(
        [&](meta::Transaction& transaction) { return trails_.store(transaction, stored); }));
    ASSERT_TRUE(trails_.refresh(*database_));
  }

  // Events in the log, oldest first.
  std::vector<json::Object> events() {
    std::vector<json::Object> out;
    for (auto at = wal_->begin();;) {
      const auto entry = wal_->read(at).value();
      if (!entry) return out;
      const auto decoded = ingest::decode_entry(entry->payload).value();
      for (const auto& record : decoded->records) {
        if (record.kind != ingest::Kind::Event) continue;
        out.push_back(json::parse(record.json).value().as_object());
      }
      at = entry->next;
    }
  }
  std::vector<std::string> event_names() {
    std::vector<std::string> out;
    for (const auto& event : events()) out.emplace_back(json::find_string(event, "eventName"));
    return out;
  }

  wal::Options log_options_;  // to be changed before SetUp()
  std::vector<OutsideBucket> outside_buckets_;
  os::FakeOs fake_;
  std::vector<std::string> regions_{"us-east-1", "eu-west-1"};
  identity::MasterKey master_key_{std::string(32, 'k')};
  oidc::Issuers issuers_{fake_.clock, {}};
  identity::Identity identity_{fake_.os(), master_key_, {.n = 16, .r = 1, .p = 1}};
  organization::Organizations organizations_{fake_.os()};
  trail::Trails trails_{regions_};
  kms::Keys keys_{fake_.os(), master_key_};
  sqs::Queues queues_{fake_.os()};
  sqs::Messages messages_{fake_.os(), queues_};
  KeyUses key_uses_;
  AccessLogs access_logs_{fake_.clock};
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<meta::Database> database_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::optional<s3::S3> s3_;
  std::optional<Outbox> outbox_;
  std::optional<Authoriser> authoriser_;
  std::optional<EmbeddedObjectStore> store_;
  std::optional<OutsideBuckets> outside_;
  std::unique_ptr<history::History> history_;
  std::unique_ptr<delivery::Delivery> delivery_;
  std::unique_ptr<digest::Digest> digest_;
  std::optional<Tail> tail_;
  std::optional<sns::Sns> sns_;
  std::optional<Pacer> pacer_;
  std::optional<Services> services_;

 private:
  void open_stores() {
    ASSERT_TRUE(fake_.files.make_directories("/d/wal"));
    wal_ = wal::Wal::open(fake_.files, "/d/wal", log_options_).value();
    ingest_ = ingest::Ingest::open(fake_.os(), "/window", *wal_, {}).value();
    database_ = meta::Database::open(fake_.os(), "/d/meta.db", control_plane_schemas(),
                                     control_plane_busy_tables())
                    .value();
    blobs_ = blob::BlobStore::open(fake_.os(), "/d/blobs").value();
    s3_.emplace(fake_.os(), *database_, *blobs_,
                s3::load_service_key(*database_, fake_.os(), master_key_).value());
    outbox_.emplace(*database_, *ingest_);
    authoriser_.emplace(fake_.clock, identity_, organizations_, *s3_);
    store_.emplace(services_);
    outside_.emplace(fake_.clock, outside_buckets_);
  }

  std::atomic<bool> stop_log_{false};
  std::thread log_thread_;
};

}  // namespace traccia::api
