// Carries out the lifecycle rules of buckets, a day's at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3_access_record.h"
#include "api/s3_lifecycle.h"
#include "api/s3_notifications.h"
#include "base/error.h"
#include "meta/database.h"
#include "os/os.h"
#include "s3/s3.h"

namespace traccia::api {

// owned by one thread. Every bucket with rules is walked once a day, after midnight UTC by the
// services' clock, and when its rules change; what a crash left is done after the next start. Each
// page of a bucket is one read and, when something is due, one transaction, which looks again
// before it removes anything; a version that moves is written anew before its transaction. What
// Object Lock protects waits. As on AWS nothing of it is an event (decision 23), but the bucket's
// notifications tell of it, with the change, and its access log; the server's log counts. Restored
// copies of archived objects end in the same walk, of which buckets that notify of it have one too.
class LifecycleSweep {
 public:
  static constexpr size_t kVersionsPerPage = 500;

  explicit LifecycleSweep(Services& services)
      : services_(services),
        clock_(services.os.clock),
        database_(services.database),
        s3_(services.s3) {}

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
  // The bucket, and what happened in it, with which notices are sent.
  struct Change {
    s3::Bucket bucket;
    std::vector<S3Notice> notices;
    std::vector<AccessRecord> records = {};  // for its access log

    void record(std::string_view operation, std::string_view key, std::string_view version_id,
                std::optional<uint64_t> size);
  };
  Result<> commit(const std::string& bucket,
                  const std::function<Result<>(meta::Transaction&, Change&)>& body);
  Result<> move(const Action& action);
  Result<> act(meta::Transaction& transaction, const Action& action, Change& change);
  Result<> end_restore(meta::Transaction& transaction, const s3::ObjectInfo& listed,
                       Change& change);
  Result<> abort_uploads(const std::string& bucket, const std::vector<LifecycleRule>& rules,
                         Time now);

  Services& services_;
  os::Clock& clock_;
  meta::Database& database_;
  s3::S3& s3_;
  std::map<std::string, Walked> walked_;  // by bucket
  int64_t done_ = 0;                      // of the bucket being walked
};

}  // namespace traccia::api
