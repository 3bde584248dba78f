// What the server's threads do.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/s3_log_delivery.h"
#include "base/log.h"
#include "server/state.h"

namespace traccia::server {
namespace {

constexpr std::chrono::milliseconds kLogIdle{50};
constexpr std::chrono::milliseconds kSinkIdle{200};
constexpr std::chrono::milliseconds kUpkeepIdle{20};
constexpr std::chrono::milliseconds kRetryAfterError{1000};
constexpr std::chrono::seconds kGarbageInterval{60};
constexpr std::chrono::seconds kLifecycleInterval{30};
constexpr std::chrono::milliseconds kObjectsIdle{1000};
constexpr std::chrono::milliseconds kAccessLogsIdle{1000};
constexpr std::chrono::seconds kDropsInterval{60};
constexpr double kScrubShare = 0.05;  // of one CPU's time
constexpr std::chrono::seconds kKeyUseInterval{60};
constexpr std::chrono::seconds kKeyLookInterval{1};
constexpr std::chrono::seconds kHousekeepingIdle{1};
constexpr std::chrono::seconds kResendFirst{1};  // doubles up to kResendMax
constexpr std::chrono::seconds kResendMax{60};
constexpr std::chrono::milliseconds kClockInterval{50};
constexpr size_t kHistoryRecordsPerStep = 4096;
constexpr double kCheckShare = 0.5;     // of one CPU's time, for the check of the sealed log
constexpr double kPrepareShare = 0.25;  // of the disk's, for the log's next segment
constexpr uint64_t kDiskKeptFree = 1ULL << 30;  // the log leaves it for what frees space

}  // namespace

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
  if (auto done = api::forget_expired_material(*services); !done) {
    traccia::log(LogLevel::Error, "expiry of KMS keys", {{"error", done.error().message()}});
  }
  key_uses.data_keys.wipe_old(services->os.clock.monotonic());
  key_uses.decisions.forget_old(to_unix_seconds(services->os.clock.now()));
}

void Server::State::sweep_lifecycle() {
  if (auto done = lifecycle->step([this] { return stop_sinks.is_set(); }); !done) {
    traccia::log(LogLevel::Error, "lifecycle", {{"error", done.error().message()}});
  }
}

// True when there was something to read.
bool Server::State::scrub_objects() {
  const auto before = real_os.clock.monotonic();
  const auto read = scrub->step();
  if (!read) {
    traccia::log(LogLevel::Error, "scrub of objects", {{"error", read.error().message()}});
    return false;
  }
  if (*read == 0) return false;
  rest(before, kScrubShare);
  return true;
}

// Lifecycle rules, and the search for rot: both may take hours.
void Server::State::run_objects() {
  Duration next_sweep{};
  while (!stop_sinks.is_set()) {
    const auto now = real_os.clock.monotonic();
    // A test's clock may have moved by days.
    if (test_clock || now >= next_sweep) {
      next_sweep = now + kLifecycleInterval;
      sweep_lifecycle();
    }
    if (!scrub_objects()) stop_sinks.wait_for(test_clock ? kClockInterval : kObjectsIdle);
  }
}

void Server::State::run_access_logs() {
  auto next_drops = real_os.clock.monotonic() + kDropsInterval;
  while (!stop_sinks.is_set()) {
    api::deliver_access_logs(*services, api::AccessLogs::Take::Due);
    if (const auto now = real_os.clock.monotonic(); now >= next_drops) {
      next_drops = now + kDropsInterval;
      access_logs->tell_drops();
    }
    stop_sinks.wait_for(test_clock ? kClockInterval : kAccessLogsIdle);
  }
}

void Server::State::deliver_last_access_logs() {
  if (!services) return;
  api::deliver_access_logs(*services, api::AccessLogs::Take::All);
  access_logs->tell_drops();
  const auto left = access_logs->counters();
  if (left.waiting_bytes == 0) return;
  traccia::log(LogLevel::Info, "records of the last access logs' own PUTs are lost",
               {{"bytes", left.waiting_bytes}});
}

void Server::State::run_housekeeping() {
  auto next_garbage = real_os.clock.monotonic();
  auto next_key_uses = next_garbage + kKeyUseInterval;
  while (!stop_sinks.is_set()) {
    resend_refused();
    look_after_keys();
    if (real_os.clock.monotonic() >= next_garbage) {
      next_garbage = real_os.clock.monotonic() + kGarbageInterval;
      if (auto done = s3->collect_garbage(); !done) {
        traccia::log(LogLevel::Error, "garbage collection", {{"error", done.error().message()}});
      }
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

}  // namespace traccia::server
