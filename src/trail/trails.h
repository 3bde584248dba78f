// Trails as the control plane knows them: created, changed, found, tagged. Protocol-free.
// Rules and error texts: CloudTrail API reference and user guide, collected in the tests' tables.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "event/record.h"
#include "meta/database.h"
#include "trail/config.h"
#include "trail/selection.h"

namespace traccia::trail {

extern const std::string_view kSchema;
extern const std::string_view kKeysSchema;  // follows it

// A stored trail. Times are absent until they happened.
struct Trail {
  TrailConfig config;
  std::optional<Time> started;
  std::optional<Time> stopped;
};

struct Tag {
  std::string key;
  std::string value;
};

// Who asks, and in which region.
struct Scope {
  std::string account;
  std::string region;
};

struct CreateRequest {
  std::string name;
  std::string bucket;
  std::string prefix;
  std::string topic;  // ARN; empty: none
  bool include_global_service_events = true;
  bool multi_region = false;
  bool log_file_validation = false;
  bool recursive_logging = true;
  std::vector<Tag> tags;
};

// Absent members stay as they are; an empty prefix or topic clears it.
struct UpdateRequest {
  std::optional<std::string> bucket;
  std::optional<std::string> prefix;
  std::optional<std::string> topic;  // ARN
  std::optional<bool> include_global_service_events;
  std::optional<bool> multi_region;
  std::optional<bool> log_file_validation;
  std::optional<bool> recursive_logging;
};

inline constexpr size_t kTrailsMaxPerRegion = 5;
inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kSelectorsMax = 5;
inline constexpr size_t kDataResourcesMax = 250;
inline constexpr size_t kSelectorValuesMax = 500;  // of all conditions of advanced selectors
inline constexpr size_t kPrefixBytesMax = 200;

// InvalidTrailName with the service's own text.
Result<> check_trail_name(std::string_view name);
// InvalidS3Prefix.
Result<> check_prefix(std::string_view prefix);
// InvalidEventSelectors.
Result<> check_selectors(const std::vector<EventSelector>& selectors);
// InvalidEventSelectors: what a trail's advanced selectors may say in each category (facts 6.2).
// The vocabularies of resource types and of network activity sources stay open, because whoever
// sends events of their own has names of their own.
Result<> check_advanced_selectors(const std::vector<AdvancedEventSelector>& selectors);
// InvalidTagParameter, TagsLimitExceeded.
Result<> check_tags(const std::vector<Tag>& tags);
// The topic that is told of that incarnation's files; empty: none.
Result<std::string> topic_of(meta::Transaction& transaction, std::string_view arn, Time created);
// False for the selectors that every new trail has.
bool has_custom_selectors(const TrailConfig& trail);
std::vector<EventSelector> default_selectors();

// Thread-safe. Functions take the transaction so that a change commits with its audit event and its
// log record. Error reasons are the CloudTrail error names without the suffix "Exception".
class Trails {
 public:
  explicit Trails(std::vector<std::string> regions) : regions_(std::move(regions)) {}

  // What create() would store; its errors.
  Result<Trail> plan_create(meta::Transaction& transaction, const Scope& scope,
                            const CreateRequest& request, Time now);
  // Stores the trail, not logging. The caller did the destination's preflight before.
  // InvalidTrailName, TrailAlreadyExists, MaximumNumberOfTrailsExceeded,
  // InvalidParameterCombination, InvalidS3Prefix, InvalidTagParameter, TagsLimitExceeded.
  Result<Trail> create(meta::Transaction& transaction, const Scope& scope,
                       const CreateRequest& request, Time now);
  // Finds by name (home trail or shadow in this region) or ARN (any region).
  // CloudTrailARNInvalid, InvalidTrailName, TrailNotFound.
  Result<Trail> get(meta::Transaction& transaction, const Scope& scope, std::string_view name);
  // As get, and InvalidHomeRegion when the trail's home is another region.
  Result<Trail> get_for_change(meta::Transaction& transaction, const Scope& scope,
                               std::string_view name);
  // By ARN, of any account.
  Result<std::optional<Trail>> find(meta::Transaction& transaction, std::string_view arn);
  // Home trails of the region and, when asked for, shadows of multi-region trails, by name.
  enum class Shadows { Exclude, Include };
  Result<std::vector<Trail>> describe(meta::Transaction& transaction, const Scope& scope,
                                      Shadows shadows);
  // Every trail of the account, by ARN.
  Result<std::vector<Trail>> list(meta::Transaction& transaction, std::string_view account);

  // The configuration that UpdateTrail leads to, not stored yet; the caller preflights it.
  Result<TrailConfig> plan_update(meta::Transaction& transaction, const Trail& trail,
                                  const UpdateRequest& request);
  Result<> store(meta::Transaction& transaction, const Trail& trail);
  Result<> remove(meta::Transaction& transaction, const Trail& trail);
  // The ARN of the KMS key that the trail's files are stored under, or empty: of a trail that was
  // deleted the last one, since files of it may be on their way.
  Result<std::string> kms_key(meta::Transaction& transaction, std::string_view arn);

  // ResourceNotFound, CloudTrailARNInvalid.
  Result<> add_tags(meta::Transaction& transaction, const Scope& scope, std::string_view arn,
                    const std::vector<Tag>& tags);
  Result<> remove_tags(meta::Transaction& transaction, const Scope& scope, std::string_view arn,
                       const std::vector<std::string>& keys);
  Result<std::vector<Tag>> list_tags(meta::Transaction& transaction, const Scope& scope,
                                     std::string_view arn);

  // Compiles what taken_by_any judges by; called at start and after each commit that
  // changed a trail.
  Result<> refresh(meta::Database& database);
  // Whether some logging trail takes the event. Data events are recorded only then.
  bool taken_by_any(const event::Record& record) const;
  // Whether some logging trail may take data events at all: else none need be made.
  bool takes_data_events() const;

 private:
  Result<> check_room(meta::Transaction& transaction, const Scope& scope, std::string_view arn,
                      std::string_view name, bool multi_region);
  std::shared_ptr<const Selection> selection() const;

  std::vector<std::string> regions_;
  mutable Mutex mutex_;
  std::shared_ptr<const Selection> selection_ GUARDED_BY(mutex_);
};

}  // namespace traccia::trail
