// Carries out the lifecycle rules of buckets, a day's at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3_lifecycle.h"
#include "base/error.h"
#include "meta/database.h"
#include "os/os.h"
#include "s3/s3.h"

namespace traccia::api {

// owned by one thread. Every bucket with rules is walked once a day, after midnight UTC by the
// services' clock, and when its rules change; what a crash left is done after the next start. Each
// page of a bucket is one read and, when something is due, one transaction, which looks again
// before it removes anything; a version that moves is written anew before its transaction. What
// Object Lock protects waits. As on AWS nothing of it is an event (decision 23); the server's log
// counts what was removed.
class LifecycleSweep {
 public:
  static constexpr size_t kVersionsPerPage = 500;

  LifecycleSweep(os::Clock& clock, meta::Database& database, s3::S3& s3)
      : clock_(clock), database_(database), s3_(s3) {}

  // Costs one look-up while nothing is due. Goes on with the other buckets after an error, which
  // is logged; that bucket is walked again by the next call.
  // Ends early when `stopping` says so.
  Result<> step(const std::function<bool()>& stopping);

 private:
  struct Action {
    Verdict verdict;
    s3::ObjectInfo version;
  };
  struct Rules {
    std::vector<LifecycleRule> list;
    SmallObjects small = SmallObjects::Stay;
  };
  struct Walked {
    int64_t day = 0;
    std::string document;
  };

  Result<> walk(const std::string& bucket, const Rules& rules, Time now,
                const std::function<bool()>& stopping);
  Result<> move(const Action& action);
  Result<> act(meta::Transaction& transaction, const std::string& bucket, const Action& action);
  Result<> abort_uploads(const std::string& bucket, const std::vector<LifecycleRule>& rules,
                         Time now);

  os::Clock& clock_;
  meta::Database& database_;
  s3::S3& s3_;
  std::map<std::string, Walked> walked_;  // by bucket
  int64_t done_ = 0;                      // of the bucket being walked
};

}  // namespace traccia::api
