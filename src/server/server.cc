// Wires the modules and runs their threads.
// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "api/embedded_object_store.h"
#include "api/front_door.h"
#include "api/kms_upkeep.h"
#include "api/s3_lifecycle_sweep.h"
#include "api/services.h"
#include "base/log.h"
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
#include "server/data_directory.h"
#include "server/pages.h"
#include "server/test_clock.h"
#include "sqs/messages.h"
#include "sqs/queues.h"
#include "trail/trails.h"
#include "wal/wal.h"

namespace traccia::server {
namespace {

constexpr std::chrono::milliseconds kLogIdle{50};
constexpr std::chrono::milliseconds kSinkIdle{200};
constexpr std::chrono::milliseconds kUpkeepIdle{20};
constexpr std::chrono::milliseconds kRetryAfterError{1000};
constexpr std::chrono::seconds kGarbageInterval{60};
constexpr std::chrono::seconds kLifecycleInterval{30};
constexpr std::chrono::seconds kKeyUseInterval{60};
constexpr std::chrono::seconds kKeyLookInterval{1};
constexpr std::chrono::seconds kHousekeepingIdle{1};
constexpr std::chrono::seconds kResendFirst{1};  // doubles up to kResendMax
constexpr std::chrono::seconds kResendMax{60};
constexpr std::chrono::milliseconds kClockInterval{50};
constexpr std::chrono::seconds kDrain{20};
constexpr size_t kHistoryRecordsPerStep = 4096;
constexpr double kCheckShare = 0.5;     // of one CPU's time, for the check of the sealed log
constexpr double kPrepareShare = 0.25;  // of the disk's, for the log's next segment
constexpr uint64_t kDiskKeptFree = 1ULL << 30;  // the log leaves it for what frees space

// Sleeps that stop() ends.
class StopSignal {
 public:
  void set() {
    const MutexLock lock(mutex_);
    set_ = true;
    condition_.notify_all();
  }
  bool is_set() {
    const MutexLock lock(mutex_);
    return set_;
  }
  void wait_for(Duration time) {
    const MutexLock lock(mutex_);
    if (!set_) condition_.wait_for(mutex_, time);
  }

 private:
  Mutex mutex_;
  Condition condition_;
  bool set_ GUARDED_BY(mutex_) = false;
};

// The text of a sink's last error, for /healthz.
class LastError {
 public:
  void set(std::string text) {
    const MutexLock lock(mutex_);
    text_ = std::move(text);
  }
  std::string get() const {
    const MutexLock lock(mutex_);
    return text_;
  }

 private:
  mutable Mutex mutex_;
  std::string text_ GUARDED_BY(mutex_);
};

}  // namespace

struct Server::State {
  State(os::Os real, Config chosen) : real_os(real), config(std::move(chosen)) {}

  Result<> open_stores();
  Result<> open_services();
  Result<> drain_outbox();
  Result<> listen();
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
  void sweep_lifecycle();
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
  std::optional<s3::S3> s3;
  std::optional<api::LifecycleSweep> lifecycle;
  std::optional<trail::Trails> trails;
  std::optional<api::Outbox> outbox;
  std::optional<api::Authoriser> authoriser;
  std::optional<api::EmbeddedObjectStore> object_store;
  std::unique_ptr<history::History> history;
  delivery::Options delivery_options;
  std::unique_ptr<delivery::Delivery> delivery;
  std::unique_ptr<digest::Digest> digest;
  std::optional<api::Tail> tail;
  std::optional<oidc::Issuers> issuers;
  std::optional<api::Pacer> pacer;
  std::optional<api::Services> services;
  std::optional<api::FrontDoor> front_door;
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
      housekeeping_thread;
  std::vector<std::jthread> put_threads;
  bool stopped = false;
};

Result<> Server::State::open_stores() {
  directory.root = config.data_directory;
  TRY_ASSIGN(lock, open_directory(real_os, directory, config.test_clock));
  if (config.test_clock) {
    test_clock.emplace(real_os, directory.test_clock());
    TRY(test_clock->reload());
    os.emplace(os::Os{real_os.files, *test_clock, real_os.random});
  } else {
    os.emplace(real_os);
  }
  const bool inside = config.master_key_file.empty();
  TRY_ASSIGN(master_key, identity::MasterKey::load_or_create(
                             *os, inside ? directory.master_key() : config.master_key_file));
  if (inside) {
    traccia::log(LogLevel::Warning,
                 "the master key lies in the data directory, where it protects little; keep it "
                 "elsewhere with --master-key",
                 {{"path", directory.master_key()}});
  }
  TRY(os->files.make_directories(directory.wal()));
  TRY_ASSIGN(log, wal::Wal::open(os->files, directory.wal(), {}));
  pacer.emplace(os->clock, log->recent());
  TRY_ASSIGN(ingest, ingest::Ingest::open(*os, directory.window(), *log, {}));
  TRY_ASSIGN(database, open_control_plane(*os, directory));
  TRY_ASSIGN(blobs, blob::BlobStore::open(*os, directory.blobs()));
  return {};
}

Result<> Server::State::open_services() {
  identity.emplace(*os, *master_key, real_os.clock);
  organizations.emplace(*os);
  keys.emplace(*os, *master_key);
  queues.emplace(*os);
  messages.emplace(*os, *queues);
  s3.emplace(*os, *blobs);
  lifecycle.emplace(os->clock, *database, *s3);
  trails.emplace(config.regions);
  outbox.emplace(*database, *ingest);
  authoriser.emplace(os->clock, *identity, *organizations, *s3);
  object_store.emplace(*os, *database, *outbox, *authoriser, *s3, *trails);
  TRY(database->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto made, identity->bootstrap(transaction, config.account_id));
    // Written before the commit: without the file nobody could use what was committed.
    if (made) TRY(write_credentials(*os, directory, *made));
    return {};
  }));
  TRY(s3->remove_orphans(*database));
  TRY(trails->refresh(*database));
  TRY(drain_outbox());
  TRY_ASSIGN(history, history::History::open(*os, directory.history(), *log));
  delivery_options.interval = config.delivery_interval;
  TRY_ASSIGN(delivery,
             delivery::Delivery::open(*os, *database, *log, *object_store, delivery_options));
  digest::Options digest_options;
  digest_options.interval = config.digest_interval;
  digest::Sealer sealer{[this](std::string_view plaintext, std::string_view context) {
                          return master_key->seal(plaintext, context);
                        },
                        [this](std::string_view sealed, std::string_view context) {
                          return master_key->open(sealed, context);
                        }};
  TRY_ASSIGN(digest, digest::Digest::open(*os, *database, *object_store, delivery->slots(),
                                          std::move(sealer), config.regions, digest_options));
  tail.emplace(*history, *master_key);
  TRY_ASSIGN(auto guard, http::AddressGuard::parse(config.outbound_allow));
  issuers.emplace(real_os.clock, oidc::IssuersOptions{std::move(guard), config.outbound_ca_file});
  services.emplace(api::Services{*os, *database, *outbox, *authoriser, *identity, *organizations,
                                 *ingest, *s3, *history, *trails, *delivery, *digest, *tail, *pacer,
                                 *issuers, *keys, *queues, *messages, config.regions});
  front_door.emplace(*services, real_os.clock,
                     api::Pages{[this] { return render_health(describe()); },
                                [this] { return render_metrics(describe()); }});
  return {};
}

// What a full log refuses is sent again while the server runs: it must start to free the disk.
Result<> Server::State::drain_outbox() {
  const auto drained = outbox->drain();
  if (drained) {
    if (*drained > 0) traccia::log(LogLevel::Info, "outbox drained", {{"records", *drained}});
    return {};
  }
  if (drained.error().code() != ErrorCode::ResourceExhausted) {
    return std::unexpected(drained.error());
  }
  traccia::log(LogLevel::Warning, "records wait for room in the log",
               {{"error", drained.error().message()}});
  return {};
}

Result<> Server::State::listen() {
  http::ServerOptions options;
  options.address = config.listen_address;
  options.port = config.listen_port;
  options.certificate_file = config.certificate_file;
  options.key_file = config.key_file;
  TRY_ASSIGN(http, http::Server::start(
                       options,
                       [this](http::Request request, http::Responder respond) {
                         front_door->handle(std::move(request), std::move(respond));
                       },
                       [this](int status, std::string_view code, std::string_view message) {
                         return api::render_refusal(*os, status, code, message);
                       },
                       [this](http::Request& request, http::Responder& respond) {
                         return front_door->handle_quickly(request, respond);
                       }));
  return {};
}

// For commands on this machine. On a full disk the server runs without: it is needed to free it.
Result<> Server::State::tell_endpoint(const std::string& endpoint) {
  auto written = os::write_file_atomically(real_os.files, directory.endpoint(), endpoint + "\n");
  if (written || written.error().code() != ErrorCode::ResourceExhausted) return written;
  traccia::log(LogLevel::Warning, "the address could not be written down",
               {{"endpoint", endpoint}, {"error", written.error().message()}});
  return {};
}

ServerState Server::State::describe() const {
  ServerState state;
  state.log_stopped = log->stopped();
  state.log_end = log->durable_end();
  state.log_disk_bytes = log->disk_bytes();
  state.log_disk_full = log->disk_full();
  state.log_check = log->check_state();
  state.sinks = {{"history", history->cursor(),
                  history_error.get().empty() ? upkeep_error.get() : history_error.get()},
                 {"delivery", delivery->read_position(),
                  delivery_error.get().empty() ? put_error.get() : delivery_error.get()}};
  state.log_keepers = {{"history", history->durable_cursor()},
                       {"delivery", delivery->log_floor()},
                       {"repeatWindow", ingest->durable_cursor()}};
  state.files_pending = delivery->pending();
  if (http) state.http = http->counters();
  state.requests = front_door->counts();
  return state;
}

void Server::State::run_log() {
  bool told = false;
  while (true) {
    const auto done = log->step(kLogIdle);
    pacer->check();
    if (log->stopped() && !told) {
      told = true;
      traccia::log(LogLevel::Error, "the log stopped after a failed write; events are refused");
    }
    if (done == 0 && stop_log.is_set()) return pacer->stop();
  }
}

// Waits so long that the work since `before` took no more than this share of the time.
void Server::State::rest(Duration before, double share) {
  const auto worked = real_os.clock.monotonic() - before;
  stop_sinks.wait_for(std::chrono::duration_cast<Duration>(worked * (1 / share - 1)));
}

// True when there was something to check.
bool Server::State::check_log() {
  const auto before = real_os.clock.monotonic();
  if (!log->check_next()) return false;
  for (const auto& damage : log->check_state().damages) {
    if (!damaged_told.insert(damage.path).second) continue;
    traccia::log(LogLevel::Error, "the log is damaged",
                 {{"file", damage.path},
                  {"byte", damage.byte},
                  {"error", damage.what},
                  {"needed_by", needing(describe().log_keepers, damage)}});
  }
  rest(before, kCheckShare);
  return true;
}

// Makes segments ready, and checks those that were there at start.
void Server::State::run_log_files() {
  while (!stop_sinks.is_set()) {
    const auto before = real_os.clock.monotonic();
    const auto prepared = log->prepare();
    if (prepared && *prepared) rest(before, kPrepareShare);
    const auto error = prepared ? "" : prepared.error().message();
    // Nothing is lost by it: the log makes its segments itself.
    if (!error.empty() && error != prepare_error) {
      traccia::log(LogLevel::Warning, "the log's next segment", {{"error", error}});
    }
    prepare_error = error;
    const bool checked = check_log();
    if (!prepared) {
      stop_sinks.wait_for(kRetryAfterError);
    } else if (!*prepared && !checked) {
      stop_sinks.wait_for(kUpkeepIdle);
    }
  }
}

void Server::State::run_history() {
  while (!stop_sinks.is_set()) {
    const auto taken = history->step(kHistoryRecordsPerStep);
    pacer->check();
    history_error.set(taken ? "" : taken.error().message());
    if (!taken) {
      traccia::log(LogLevel::Error, "history", {{"error", taken.error().message()}});
      stop_sinks.wait_for(kRetryAfterError);
    } else if (*taken == 0) {
      log->wait_beyond(history->cursor(), kSinkIdle);
    }
  }
}

// The configured limit, or what the disk has left beside what everything else needs.
Result<> Server::State::limit_log() {
  TRY(log->limit_to_disk(config.log_disk_max, kDiskKeptFree));
  const bool full = log->disk_full();
  if (full != log_was_full) {
    traccia::log(full ? LogLevel::Error : LogLevel::Info,
                 full ? "the log is full; events are refused" : "the log takes events again",
                 {{"bytes", log->disk_bytes()}});
  }
  log_was_full = full;
  return {};
}

Result<bool> Server::State::keep_up() {
  TRY_ASSIGN(const bool history_worked, history->maintain());
  TRY_ASSIGN(const bool window_worked, ingest->maintain());
  TRY(log->remove_below(
      std::min({history->durable_cursor(), delivery->log_floor(), ingest->durable_cursor()})));
  TRY(limit_log());
  return history_worked || window_worked;
}

void Server::State::run_upkeep() {
  while (!stop_sinks.is_set()) {
    const auto worked = keep_up();
    upkeep_error.set(worked ? "" : worked.error().message());
    if (!worked) {
      traccia::log(LogLevel::Error, "upkeep", {{"error", worked.error().message()}});
    }
    if (!worked || !*worked) stop_sinks.wait_for(worked ? kUpkeepIdle : kRetryAfterError);
  }
}

void Server::State::run_delivery() {
  while (!stop_sinks.is_set()) {
    auto worked = delivery->step();  // the PUTs are run_puts()
    pacer->check();
    if (worked) {
      const auto digested = digest->step();
      worked = digested ? Result<bool>(*worked || *digested) : digested;
    }
    delivery_error.set(worked ? "" : worked.error().message());
    if (!worked) {
      traccia::log(LogLevel::Error, "delivery", {{"error", worked.error().message()}});
      stop_sinks.wait_for(kRetryAfterError);
    } else if (!*worked) {
      log->wait_beyond(delivery->read_position(), kSinkIdle);
    }
  }
}

void Server::State::run_puts() {
  while (!stop_sinks.is_set()) {
    const auto seen = delivery->changes();
    auto worked = delivery->put_next();
    const auto digested = digest->put_next();
    if (worked) worked = digested ? Result<bool>(*worked || *digested) : digested;
    if (!worked) {
      traccia::log(LogLevel::Error, "PUT of a log file or digest",
                   {{"error", worked.error().message()}});
      put_error.set(worked.error().message());
      stop_sinks.wait_for(kRetryAfterError);
    } else if (*worked) {
      put_error.set("");
    } else {
      delivery->wait_for_files(seen, kSinkIdle);
    }
  }
}

// Records of changes that the log refused.
void Server::State::resend_refused() {
  if (real_os.clock.monotonic() < next_resend) return;
  const auto sent = outbox->resend();
  if (sent) {
    resend_delay = Duration{};
    if (*sent == 0) return;
    traccia::log(LogLevel::Info, "the log has the records that waited", {{"records", *sent}});
  } else {
    resend_delay = std::clamp<Duration>(resend_delay * 2, kResendFirst, kResendMax);
    traccia::log(LogLevel::Warning, "records wait for room in the log",
                 {{"error", sent.error().message()}});
  }
  next_resend = real_os.clock.monotonic() + resend_delay;
}

void Server::State::store_key_uses() {
  if (auto done = identity->store_uses(*database); !done) {
    traccia::log(LogLevel::Warning, "when keys and roles were used could not be written down",
                 {{"error", done.error().message()}});
  }
}

void Server::State::look_after_keys() {
  if (real_os.clock.monotonic() < next_key_look) return;
  next_key_look = real_os.clock.monotonic() + kKeyLookInterval;
  if (auto done = api::remove_due_keys(*services); !done) {
    traccia::log(LogLevel::Error, "deletion of KMS keys", {{"error", done.error().message()}});
  }
  if (auto done = api::rotate_due_keys(*services); !done) {
    traccia::log(LogLevel::Error, "rotation of KMS keys", {{"error", done.error().message()}});
  }
}

void Server::State::sweep_lifecycle() {
  if (auto done = lifecycle->step(); !done) {
    traccia::log(LogLevel::Error, "lifecycle", {{"error", done.error().message()}});
  }
}

void Server::State::run_housekeeping() {
  auto next_garbage = real_os.clock.monotonic();
  auto next_sweep = next_garbage;
  auto next_key_uses = next_garbage + kKeyUseInterval;
  while (!stop_sinks.is_set()) {
    resend_refused();
    look_after_keys();
    if (real_os.clock.monotonic() >= next_garbage) {
      next_garbage = real_os.clock.monotonic() + kGarbageInterval;
      if (auto done = s3->collect_garbage(*database); !done) {
        traccia::log(LogLevel::Error, "garbage collection", {{"error", done.error().message()}});
      }
    }
    // A test's clock may have moved by days.
    if (test_clock || real_os.clock.monotonic() >= next_sweep) {
      next_sweep = real_os.clock.monotonic() + kLifecycleInterval;
      sweep_lifecycle();
    }
    if (real_os.clock.monotonic() >= next_key_uses) {
      next_key_uses = real_os.clock.monotonic() + kKeyUseInterval;
      store_key_uses();
    }
    if (!test_clock) {
      stop_sinks.wait_for(kHousekeepingIdle);
      continue;
    }
    if (auto done = test_clock->reload(); !done) {
      traccia::log(LogLevel::Error, "test clock", {{"error", done.error().message()}});
    }
    stop_sinks.wait_for(kClockInterval);
  }
  store_key_uses();
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::start(os::Os os, Config config) {
  auto owned = std::make_unique<State>(os, std::move(config));
  auto& state = *owned;
  // From here on every way out goes through stop(), which ends the threads that run.
  std::unique_ptr<Server> server(new Server(std::move(owned)));
  TRY(state.open_stores());
  state.log_thread =
      os::start_thread("log", os::ThreadRole::Foreground, [&state] { state.run_log(); });
  TRY(state.open_services());
  state.history_thread =
      os::start_thread("history", os::ThreadRole::Follower, [&state] { state.run_history(); });
  state.upkeep_thread =
      os::start_thread("upkeep", os::ThreadRole::Background, [&state] { state.run_upkeep(); });
  state.delivery_thread =
      os::start_thread("delivery", os::ThreadRole::Follower, [&state] { state.run_delivery(); });
  for (size_t i = 0; i < state.delivery_options.puts.puts_max; ++i) {
    state.put_threads.push_back(
        os::start_thread("puts", os::ThreadRole::Follower, [&state] { state.run_puts(); }));
  }
  state.housekeeping_thread = os::start_thread("housekeeping", os::ThreadRole::Background,
                                               [&state] { state.run_housekeeping(); });
  TRY(state.listen());
  state.log_files_thread =
      os::start_thread("log files", os::ThreadRole::Follower, [&state] { state.run_log_files(); });
  TRY(state.tell_endpoint(server->endpoint()));
  return server;
}

Server::~Server() {
  stop();
}

uint16_t Server::port() const {
  return state_->http->port();
}

std::string Server::endpoint() const {
  auto address = state_->config.listen_address;
  if (address == "0.0.0.0" || address == "::") address = "127.0.0.1";
  if (address.find(':') != std::string::npos) address = fmt::format("[{}]", address);
  return fmt::format("{}://{}:{}", state_->config.certificate_file.empty() ? "http" : "https",
                     address, port());
}

void Server::stop() {
  auto& state = *state_;
  if (state.stopped) return;
  state.stopped = true;
  // The log runs to the end: answers under way wait for it.
  if (state.tail) state.tail->stop();
  if (state.front_door) state.front_door->stop_waiting();
  if (state.http) state.http->stop(kDrain);
  state.stop_sinks.set();
  if (state.log) state.log->wake();
  if (state.delivery) state.delivery->wake();
  for (auto& thread : state.put_threads) {
    if (thread.joinable()) thread.join();
  }
  for (auto* thread : {&state.log_files_thread, &state.housekeeping_thread, &state.delivery_thread,
                       &state.upkeep_thread, &state.history_thread}) {
    if (thread->joinable()) thread->join();
  }
  state.stop_log.set();
  if (state.log) state.log->wake();
  if (state.log_thread.joinable()) state.log_thread.join();
}

}  // namespace traccia::server
