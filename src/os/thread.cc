// Linux gives each thread its own nice value.
// SPDX-License-Identifier: Apache-2.0
#include "os/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace traccia::os {
namespace {

// Five steps are a third of the weight.
constexpr int kFollowerNice = 5;
constexpr int kBackgroundNice = 10;
constexpr size_t kNameMax = 15;

void give_way(int steps) {
  errno = 0;
  const auto own = getpriority(PRIO_PROCESS, 0);
  if (errno == 0 && setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), own + steps) == 0) {
    return;
  }
  log(LogLevel::Warning, "a thread that should give way runs like the others", {{"errno", errno}});
}

}  // namespace

std::jthread start_thread(std::string name, ThreadRole role, std::move_only_function<void()> run) {
  TRACCIA_ASSERT(name.size() <= kNameMax);
  return std::jthread([name = std::move(name), role, run = std::move(run)]() mutable {
    TRACCIA_ASSERT(pthread_setname_np(pthread_self(), name.c_str()) == 0);
    if (role == ThreadRole::Follower) give_way(kFollowerNice);
    if (role == ThreadRole::Background) give_way(kBackgroundNice);
    run();
  });
}

}  // namespace traccia::os
