// The threads that bring what is published to subscribers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thread>

#include "api/services.h"
#include "api/sns_announcer.h"
#include "api/sns_dispatch.h"
#include "server/signals.h"

namespace traccia::server {

// Runs from its making to stop().
class Notifications {
 public:
  Notifications(api::Services& services, api::SnsDispatchOptions options);
  ~Notifications() { stop(); }
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

  void stop();

 private:
  void run_queues();

  api::Services& services_;
  api::SnsAnnouncer announcer_;  // of the queues' thread
  api::SnsDispatch dispatch_;
  StopSignal stopping_;
  std::jthread queues_thread_;
};

}  // namespace traccia::server
