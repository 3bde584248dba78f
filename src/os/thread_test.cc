// What a started thread is called, and that background ones give way.
// SPDX-License-Identifier: Apache-2.0
#include "os/thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace traccia::os {
namespace {

struct Seen {
  std::string name;
  int nice = 0;
};

Seen start(ThreadRole role) {
  Seen seen;
  start_thread("history", role, [&] {
    std::array<char, 16> name{};
    EXPECT_EQ(pthread_getname_np(pthread_self(), name.data(), name.size()), 0);
    seen = {name.data(), getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()))};
  }).join();
  return seen;
}

TEST(Thread, HasItsNameAndRole) {
  const auto own = getpriority(PRIO_PROCESS, 0);
  const auto foreground = start(ThreadRole::Foreground);
  EXPECT_EQ(foreground.name, "history");
  EXPECT_EQ(foreground.nice, own);
  // 19 is the most there is.
  EXPECT_EQ(start(ThreadRole::Follower).nice, std::min(19, own + 5));
  EXPECT_EQ(start(ThreadRole::Background).nice, std::min(19, own + 10));
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own) << "the caller stays as it was";
}

}  // namespace
}  // namespace traccia::os
