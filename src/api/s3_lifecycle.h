// Lifecycle rules of buckets: read from their document, and judged.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/xml.h"
#include "base/error.h"
#include "base/time.h"
#include "s3/s3.h"

namespace traccia::api {

inline constexpr size_t kLifecycleRulesMax = 1000;
inline constexpr size_t kLifecycleIdBytesMax = 255;
inline constexpr int kNewerVersionsMax = 100;

// After so many days, or from a date on.
struct LifecycleTime {
  std::optional<int> days;
  std::optional<Time> date;

  bool empty() const { return !days && !date; }
  // When it comes for what counts from `start` on: days are rounded up to the next midnight UTC.
  Time due(Time start) const;
};

// To a storage class.
struct LifecycleMove {
  s3::StorageClass storage_class = s3::StorageClass::Standard;
  LifecycleTime time;
  int newer_noncurrent = 0;  // of which the newest so many are not moved
};

struct LifecycleRule {
  std::string id;
  bool enabled = false;
  // What it is for.
  std::string prefix;
  s3::Tags tags;                                      // that an object must have, all of them
  std::optional<uint64_t> larger_than, smaller_than;  // bytes, exclusive
  bool prefix_of_rule = false;                        // given in the old way, without a Filter
  LifecycleTime expiration;                           // of current versions
  bool expires_lone_markers = false;
  LifecycleTime noncurrent;          // days only; of versions that are not current any more
  int newer_noncurrent = 0;          // of which the newest so many stay
  LifecycleTime abort;               // days only; of uploads
  std::vector<LifecycleMove> moves;  // of current versions
  std::vector<LifecycleMove> noncurrent_moves;  // days only

  bool covers(const s3::ObjectInfo& object) const;
  // Of what has no tags: uploads and delete markers.
  bool covers_key(std::string_view key) const { return tags.empty() && key.starts_with(prefix); }
};

// A LifecycleConfiguration, checked. Reasons of errors: MalformedXML, InvalidArgument,
// InvalidRequest.
Result<std::vector<LifecycleRule>> parse_lifecycle(const aws::XmlElement& root);

// The rule that lets a current object of that kind expire first, and when.
struct Expiry {
  Time date;
  std::string rule_id;
};
std::optional<Expiry> expiry_of(const std::vector<LifecycleRule>& rules,
                                const s3::ObjectInfo& object);
// The same of an upload.
std::optional<Expiry> abort_of(const std::vector<LifecycleRule>& rules, const s3::Upload& upload);

// What a version's time has come for. Versions are given in the order of list_versions.
enum class Fate : uint8_t {
  Stays,
  Expires,      // current: to be deleted as a client would
  Removed,      // for good
  RemovedLone,  // a delete marker, if nothing lies behind it
  Moves,        // to another storage class
};
struct Verdict {
  Fate fate = Fate::Stays;
  s3::StorageClass storage_class = s3::StorageClass::Standard;  // of Fate::Moves
};

// Which objects of less than 128 KiB are moved by rules that say nothing of sizes
// (x-amz-transition-default-minimum-object-size).
enum class SmallObjects : uint8_t {
  Stay,          // all_storage_classes_128K
  MayBeArchived  // varies_by_storage_class: to GLACIER and DEEP_ARCHIVE
};
inline constexpr std::string_view kSizeOfAll = "all_storage_classes_128K";
inline constexpr std::string_view kSizeVaries = "varies_by_storage_class";
inline constexpr uint64_t kTransitionBytesMin = 128 << 10;

// owned by one thread. Remembers what came before of a key.
class LifecycleJudge {
 public:
  LifecycleJudge(const std::vector<LifecycleRule>& rules, SmallObjects small, Time now)
      : rules_(rules), small_(small), now_(now) {}
  Verdict judge(const s3::ObjectInfo& version);

 private:
  bool expires(const s3::ObjectInfo& version) const;
  bool removes(const s3::ObjectInfo& version) const;
  bool removes_marker(const s3::ObjectInfo& version) const;
  // The coldest class that its time has come for.
  Verdict moves(const s3::ObjectInfo& version, std::vector<LifecycleMove> LifecycleRule::* kind,
                Time start) const;
  bool large_enough(const LifecycleRule& rule, const s3::ObjectInfo& version,
                    s3::StorageClass storage_class) const;

  const std::vector<LifecycleRule>& rules_;
  SmallObjects small_;
  Time now_;
  std::string key_;
  Time successor_;      // when the version before was made: this one is not current since then
  int noncurrent_ = 0;  // versions of the key that are not current and newer than this one
};

}  // namespace traccia::api
