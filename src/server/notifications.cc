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
          os::start_thread("notifications", os::ThreadRole::Follower, [this] { run_queues(); })) {
  for (size_t i = 0; i < kPushThreads; ++i) {
    push_threads_.push_back(
        os::start_thread("pushes", os::ThreadRole::Background, [this] { run_pushes(); }));
  }
}

void Notifications::stop() {
  stopping_.set();
  services_.sns.outgoing.wake();
  if (queues_thread_.joinable()) queues_thread_.join();
  for (auto& thread : push_threads_) {
    if (thread.joinable()) thread.join();
  }
}

// Until the end; `step` tells whether there was something to do.
template <typename Step>
void Notifications::run(const Step& step) {
  auto& outgoing = services_.sns.outgoing;
  while (!stopping_.is_set()) {
    const auto seen = outgoing.changes();
    const Result<bool> worked = step();
    if (!worked) {
      log(LogLevel::Error, "notifications", {{"error", worked.error().message()}});
      stopping_.wait_for(kRetryAfterError);
    } else if (!*worked) {
      outgoing.wait(seen, kIdle);
    }
  }
}

void Notifications::run_queues() {
  run([&]() -> Result<bool> {
    const auto told = announcer_.step();
    const auto delivered = dispatch_.deliver_to_queues();  // whatever became of the other
    TRY(told);
    TRY(delivered);
    return *told || *delivered;
  });
}

void Notifications::run_pushes() {
  http::Client client(dispatch_.client_options());
  run([&] { return dispatch_.push_next(client); });
}

}  // namespace traccia::server
