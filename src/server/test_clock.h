// A clock that tests move: real time plus an offset from a file in the data directory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>

#include "base/error.h"
#include "os/os.h"

namespace traccia::server {

// Thread-safe. The file holds whole seconds; reload() takes up what a test wrote.
class TestClock : public os::Clock {
 public:
  TestClock(os::Os os, std::string path) : os_(os), path_(std::move(path)) {}
  Result<> reload();
  Time now() override { return os_.clock.now() + std::chrono::seconds(offset_.load()); }
  Duration monotonic() override {
    return os_.clock.monotonic() + std::chrono::seconds(offset_.load());
  }

 private:
  os::Os os_;
  std::string path_;
  std::atomic<int64_t> offset_{0};
};

}  // namespace traccia::server
