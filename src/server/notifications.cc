// Loops over deliveries.
// SPDX-License-Identifier: Apache-2.0
#include "server/notifications.h"

#include <chrono>

#include "base/log.h"
#include "os/thread.h"

namespace traccia::server {
namespace {

constexpr std::chrono::milliseconds kIdle{200};
constexpr std::chrono::milliseconds kRetryAfterError{1000};

}  // namespace

Notifications::Notifications(api::Services& services, api::SnsDispatchOptions options)
    : services_(services),
      announcer_(services),
      dispatch_(services, std::move(options)),
      queues_thread_(
          os::start_thread("notifications", os::ThreadRole::Follower, [this] { run_queues(); })) {}

void Notifications::stop() {
  stopping_.set();
  services_.sns.outgoing.wake();
  if (queues_thread_.joinable()) queues_thread_.join();
}

void Notifications::run_queues() {
  auto& outgoing = services_.sns.outgoing;
  while (!stopping_.is_set()) {
    const auto seen = outgoing.changes();
    const auto told = announcer_.step();
    auto worked = dispatch_.deliver_to_queues();  // whatever became of the other
    if (worked) worked = told ? Result<bool>(*worked || *told) : told;
    if (!worked) {
      log(LogLevel::Error, "notifications", {{"error", worked.error().message()}});
      stopping_.wait_for(kRetryAfterError);
    } else if (!*worked) {
      outgoing.wait(seen, kIdle);
    }
  }
}

}  // namespace traccia::server
