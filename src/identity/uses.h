// When and where keys and roles were last used: noted with each request, written down now and then.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

struct Use {
  Time time;
  std::string service;
  std::string region;
};

// Thread-safe. In memory until store(): a crash forgets what came after it.
class Uses {
 public:
  static constexpr size_t kNotedMax = 4096;  // further ids are not noted until these are stored

  // `sql` stores one use; its arguments are id, time, service and region.
  Uses(os::Clock& clock, std::string_view sql) : clock_(clock), sql_(sql) {}

  void note(std::string_view id, std::string_view service, std::string_view region);
  // Writes down the uses since the last time, if there were any.
  Result<> store(meta::Database& database);
  // What is in memory, which is newer than what was stored.
  std::optional<Use> find(std::string_view id) const;

 private:
  struct Noted {
    Use use;
    bool stored = false;
  };

  os::Clock& clock_;
  std::string sql_;
  mutable Mutex mutex_;
  std::map<std::string, Noted, std::less<>> noted_ GUARDED_BY(mutex_);
};

}  // namespace traccia::identity
