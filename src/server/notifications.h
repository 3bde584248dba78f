// The threads that bring what is published to subscribers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thread>
#include <vector>

#include "api/services.h"
#include "api/sns_announcer.h"
#include "api/sns_dispatch.h"
#include "server/signals.h"

namespace traccia::server {

// Runs from its making to stop().
class Notifications {
 public:
  static constexpr size_t kPushThreads = 4;

  Notifications(api::Services& services, api::SnsDispatchOptions options);
  ~Notifications() { stop(); }
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

  void stop();

 private:
  template <typename Step>
  void run(const Step& step);
  void run_queues();
  void run_pushes();

  api::Services& services_;
  api::SnsAnnouncer announcer_;  // of the queues' thread
  api::SnsDispatch dispatch_;
  StopSignal stopping_;
  std::jthread queues_thread_;
  std::vector<std::jthread> push_threads_;
};

}  // namespace traccia::server
