// Wires the modules and starts and stops their threads.
// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <fmt/format.h>

#include "base/log.h"
#include "os/thread.h"
#include "server/outside_config.h"
#include "server/state.h"

namespace traccia::server {
namespace {

constexpr std::chrono::seconds kDrain{20};

}  // namespace

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
  TRY_ASSIGN(master_key, open_master_key(*os, directory, config.master_key));
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
  TRY_ASSIGN(auto service_key, s3::load_service_key(*database, *os, *master_key));
  s3.emplace(*os, *database, *blobs, std::move(service_key));
  access_logs.emplace(os->clock);
  TRY(access_logs->refresh(*database, *s3));
  scrub.emplace(os->clock, *database, *s3);
  trails.emplace(config.regions);
  outbox.emplace(*database, *ingest);
  authoriser.emplace(os->clock, *identity, *organizations, *s3);
  embedded_store.emplace(services);
  TRY_ASSIGN(auto outside_buckets, load_outside_buckets(os->files, config.outside_buckets));
  outside.emplace(real_os.clock, std::move(outside_buckets));
  object_store.emplace(*embedded_store, *outside);
  TRY(database->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto made, identity->bootstrap(transaction, config.account_id));
    // Written before the commit: without the file nobody could use what was committed.
    if (made) TRY(write_credentials(*os, directory, *made));
    return {};
  }));
  TRY(s3->remove_orphans());
  TRY(trails->refresh(*database));
  TRY(drain_outbox());
  TRY_ASSIGN(history, history::History::open(*os, directory.history(), *log));
  delivery_options.interval = config.delivery_interval;
  TRY_ASSIGN(delivery,
             delivery::Delivery::open(*os, *database, *log, *object_store, delivery_options));
  digest::Options digest_options;
  digest_options.interval = config.digest_interval;
  const auto seal = [this](std::string_view plaintext, std::string_view context) {
    return master_key->seal(plaintext, context);
  };
  const auto open = [this](std::string_view sealed, std::string_view context) {
    return master_key->open(sealed, context);
  };
  TRY_ASSIGN(digest, digest::Digest::open(*os, *database, *object_store, delivery->slots(),
                                          {seal, open}, config.regions, digest_options));
  sns.emplace(*os, *database, sns::Sealer{seal, open});
  tail.emplace(*history, *master_key);
  TRY_ASSIGN(auto guard, http::AddressGuard::parse(config.outbound_allow));
  issuers.emplace(real_os.clock, oidc::IssuersOptions{std::move(guard), config.outbound_ca_file});
  services.emplace(
      api::Services{*os,       *database, *outbox,  *authoriser,  *identity,     *organizations,
                    *ingest,   *s3,       *history, *trails,      *outside,      *delivery,
                    *digest,   *tail,     *pacer,   *issuers,     *keys,         *queues,
                    *messages, key_uses,  *sns,     *access_logs, config.regions});
  lifecycle.emplace(*services);
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
  state.objects = scrub->state();
  state.access_logs = access_logs->counters();
  state.outside = outside->states();
  if (http) state.http = http->counters();
  state.requests = front_door->counts();
  return state;
}

Result<> Server::State::start_notifications(const std::string& endpoint) {
  api::SnsDispatchOptions options{
      .base_url = config.public_url.empty() ? endpoint : config.public_url,
      .wake_receivers = [this] { front_door->wake_receivers(); },
      .ca_file = config.outbound_ca_file,
      .relay = {
          .url = config.mail_relay, .from = config.mail_from, .ca_file = config.outbound_ca_file}};
  TRY_ASSIGN(options.guard, http::AddressGuard::parse(config.outbound_allow));
  if (!config.mail_credentials_file.empty()) {
    TRY_ASSIGN(auto text, os::read_file(real_os.files, config.mail_credentials_file, 1024));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    const auto colon = text.find(':');
    if (colon == text.npos) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: it is not USER:PASSWORD", config.mail_credentials_file));
    }
    options.relay.user = text.substr(0, colon);
    options.relay.password = text.substr(colon + 1);
  }
  sns->has_mail = !config.mail_relay.empty();
  notifications.emplace(*services, std::move(options));
  return {};
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
  state.objects_thread =
      os::start_thread("objects", os::ThreadRole::Background, [&state] { state.run_objects(); });
  state.access_logs_thread = os::start_thread("access logs", os::ThreadRole::Background,
                                              [&state] { state.run_access_logs(); });
  if (!state.outside->empty()) {
    state.outside_thread = os::start_thread("outside stores", os::ThreadRole::Background, [&state] {
      watch_outside(*state.outside, state.real_os.clock, state.stop_sinks);
    });
  }
  TRY(state.listen());
  TRY(state.start_notifications(server->endpoint()));
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
  if (state.outside) state.outside->stop();
  if (state.notifications) state.notifications->stop();
  for (auto& thread : state.put_threads) {
    if (thread.joinable()) thread.join();
  }
  for (auto* thread : {&state.log_files_thread, &state.objects_thread, &state.housekeeping_thread,
                       &state.delivery_thread, &state.upkeep_thread, &state.history_thread,
                       &state.outside_thread, &state.access_logs_thread}) {
    if (thread->joinable()) thread->join();
  }
  // The log still runs: what is put is recorded there.
  if (state.log_thread.joinable()) state.deliver_last_access_logs();
  state.stop_log.set();
  if (state.log) state.log->wake();
  if (state.log_thread.joinable()) state.log_thread.join();
}

}  // namespace traccia::server
