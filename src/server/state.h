// What a server consists of, and what its threads do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/embedded_object_store.h"
#include "api/front_door.h"
#include "api/kms_upkeep.h"
#include "api/outside_buckets.h"
#include "api/s3_access_logs.h"
#include "api/s3_lifecycle_sweep.h"
#include "api/services.h"
#include "base/mutex.h"
#include "blob/blob.h"
#include "delivery/delivery.h"
#include "digest/digest.h"
#include "history/history.h"
#include "identity/identity.h"
#include "ingest/ingest.h"
#include "kms/keys.h"
#include "meta/database.h"
#include "oidc/issuers.h"
#include "organization/organizations.h"
#include "os/thread.h"
#include "s3/s3.h"
#include "s3/scrub.h"
#include "server/data_directory.h"
#include "server/notifications.h"
#include "server/outside_watch.h"
#include "server/pages.h"
#include "server/server.h"
#include "server/signals.h"
#include "server/test_clock.h"
#include "sns/sns.h"
#include "sqs/messages.h"
#include "sqs/queues.h"
#include "trail/trails.h"
#include "wal/wal.h"

namespace traccia::server {

struct Server::State {
  State(os::Os real, Config chosen) : real_os(real), config(std::move(chosen)) {}

  Result<> open_stores();
  Result<> open_services();
  Result<> drain_outbox();
  Result<> listen();
  Result<> start_notifications(const std::string& endpoint);
  void run_log();
  void run_log_files();
  void rest(Duration before, double share);
  bool check_log();
  void run_history();
  void run_upkeep();
  Result<bool> keep_up();
  Result<> limit_log();
  void run_delivery();
  void run_puts();
  Result<> tell_endpoint(const std::string& endpoint);
  void resend_refused();
  void store_key_uses();
  void look_after_keys();
  void run_housekeeping();
  void run_access_logs();
  void deliver_last_access_logs();
  void sweep_lifecycle();
  bool scrub_objects();
  void run_objects();
  ServerState describe() const;

  os::Os real_os;
  Config config;
  DataDirectory directory;
  std::unique_ptr<os::FileLock> lock;
  std::optional<TestClock> test_clock;
  std::optional<os::Os> os;  // with the test clock, when there is one
  std::optional<identity::MasterKey> master_key;
  std::unique_ptr<wal::Wal> log;
  std::unique_ptr<meta::Database> database;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<ingest::Ingest> ingest;
  std::optional<identity::Identity> identity;
  std::optional<organization::Organizations> organizations;
  std::optional<kms::Keys> keys;
  std::optional<sqs::Queues> queues;
  std::optional<sqs::Messages> messages;
  api::KeyUses key_uses;
  std::optional<sns::Sns> sns;
  std::optional<s3::S3> s3;
  std::optional<api::AccessLogs> access_logs;
  std::optional<api::LifecycleSweep> lifecycle;
  std::optional<s3::Scrub> scrub;
  std::optional<trail::Trails> trails;
  std::optional<api::Outbox> outbox;
  std::optional<api::Authoriser> authoriser;
  std::optional<api::EmbeddedObjectStore> embedded_store;
  std::optional<api::OutsideBuckets> outside;
  std::optional<api::RoutingObjectStore> object_store;
  std::unique_ptr<history::History> history;
  delivery::Options delivery_options;
  std::unique_ptr<delivery::Delivery> delivery;
  std::unique_ptr<digest::Digest> digest;
  std::optional<api::Tail> tail;
  std::optional<oidc::Issuers> issuers;
  std::optional<api::Pacer> pacer;
  std::optional<api::Services> services;
  std::optional<api::FrontDoor> front_door;
  std::optional<Notifications> notifications;
  std::unique_ptr<http::Server> http;
  LastError history_error, upkeep_error, delivery_error, put_error;

  bool log_was_full = false;  // upkeep's own
  // housekeeping's own
  Duration next_resend{}, resend_delay{}, next_key_look{};
  // run_log_files()'s own.
  std::string prepare_error;
  std::set<std::string> damaged_told;

  StopSignal stop_sinks, stop_log;
  std::jthread log_thread, log_files_thread, history_thread, upkeep_thread, delivery_thread,
      housekeeping_thread, objects_thread, outside_thread, access_logs_thread;
  std::vector<std::jthread> put_threads;
  bool stopped = false;
};

}  // namespace traccia::server
