// The store of trails.
// SPDX-License-Identifier: Apache-2.0
#include "trail/trails.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::trail {

const std::string_view kSchema = R"sql(
CREATE TABLE trails (
  arn         TEXT PRIMARY KEY,
  account     TEXT NOT NULL,
  name        TEXT NOT NULL,
  home_region TEXT NOT NULL,
  config      TEXT NOT NULL,      -- trail::encode_change
  started     INTEGER,            -- unix nanoseconds
  stopped     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX trails_by_account ON trails (account, name);
CREATE TABLE trail_tags (
  arn   TEXT NOT NULL REFERENCES trails (arn) ON DELETE CASCADE,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (arn, key)
) STRICT, WITHOUT ROWID;
)sql";

const std::string_view kKeysSchema = R"sql(
CREATE TABLE trail_keys (      -- of trails that have one, or had one when they were deleted
  arn     TEXT PRIMARY KEY,
  kms_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

namespace {

constexpr std::string_view kColumns = "SELECT config, started, stopped FROM trails ";

Result<Trail> read_trail(const meta::Row& row) {
  TRY_ASSIGN(auto change, decode_change(row.view(0)));
  Trail trail{std::move(change.config), std::nullopt, std::nullopt};
  if (!row.is_null(1)) trail.started = from_unix_nanoseconds(row.integer(1));
  if (!row.is_null(2)) trail.stopped = from_unix_nanoseconds(row.integer(2));
  return trail;
}

std::string arn_of(const Scope& scope, std::string_view name) {
  return fmt::format("arn:aws:cloudtrail:{}:{}:trail/{}", scope.region, scope.account, name);
}

std::unexpected<Error> not_found(const Scope& scope, std::string_view arn) {
  return fail(ErrorCode::NotFound, "TrailNotFound",
              fmt::format("Unknown trail: {} for the user: {}", arn, scope.account));
}

// arn:PARTITION:cloudtrail:REGION:ACCOUNT:trail/NAME
bool trail_arn_valid(std::string_view arn) {
  std::vector<std::string_view> fields;
  while (fields.size() < 5) {
    const auto colon = arn.find(':');
    if (colon == arn.npos) return false;
    fields.push_back(arn.substr(0, colon));
    arn.remove_prefix(colon + 1);
  }
  return fields[0] == "arn" && fields[1].starts_with("aws") && fields[2] == "cloudtrail" &&
         !fields[3].empty() && fields[4].size() == 12 &&
         fields[4].find_first_not_of("0123456789") == std::string_view::npos &&
         arn.starts_with("trail/") && check_trail_name(arn.substr(6)).has_value();
}

Result<> require_trail_arn(std::string_view arn) {
  if (trail_arn_valid(arn)) return {};
  return fail(ErrorCode::InvalidArgument, "CloudTrailARNInvalid",
              fmt::format("Trail ARN is invalid. The following is the format of a trail ARN: "
                          "arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail. Given: {}",
                          arn.substr(0, 256)));
}

std::optional<int64_t> nanoseconds(std::optional<Time> time) {
  return time ? std::optional(to_unix_nanoseconds(*time)) : std::nullopt;
}

meta::Argument nullable(const std::optional<int64_t>& value) {
  return value ? meta::Argument(*value) : meta::Argument(nullptr);
}

}  // namespace

Result<std::optional<Trail>> Trails::find(meta::Transaction& transaction, std::string_view arn) {
  std::optional<Trail> found;
  TRY(transaction.query(fmt::format("{}WHERE arn = ?", kColumns), {arn},
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(found, read_trail(row));
                          return {};
                        }));
  return found;
}

Result<std::string> topic_of(meta::Transaction& transaction, std::string_view arn, Time created) {
  std::string topic;
  TRY(transaction.query(fmt::format("{}WHERE arn = ?", kColumns), {arn},
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(const auto trail, read_trail(row));
                          if (trail.config.created == created) topic = trail.config.topic;
                          return {};
                        }));
  return topic;
}

Result<std::vector<Trail>> Trails::list(meta::Transaction& transaction, std::string_view account) {
  std::vector<Trail> trails;
  TRY(transaction.query(fmt::format("{}WHERE account = ? ORDER BY arn", kColumns), {account},
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(auto trail, read_trail(row));
                          trails.push_back(std::move(trail));
                          return {};
                        }));
  return trails;
}

Result<std::vector<Trail>> Trails::describe(meta::Transaction& transaction, const Scope& scope,
                                            Shadows shadows) {
  TRY_ASSIGN(auto trails, list(transaction, scope.account));
  std::erase_if(trails, [&](const Trail& trail) {
    if (trail.config.home_region == scope.region) return false;
    return shadows == Shadows::Exclude || !trail.config.multi_region;
  });
  std::ranges::sort(trails, {}, [](const Trail& trail) { return trail.config.name; });
  return trails;
}

Result<Trail> Trails::get(meta::Transaction& transaction, const Scope& scope,
                          std::string_view name) {
  if (name.starts_with("arn:")) {
    TRY(require_trail_arn(name));
    TRY_ASSIGN(auto found, find(transaction, name));
    if (!found || found->config.account != scope.account) return not_found(scope, name);
    return std::move(*found);
  }
  TRY(check_trail_name(name));
  TRY_ASSIGN(auto visible, describe(transaction, scope, Shadows::Include));
  for (auto& trail : visible) {
    if (trail.config.name == name) return std::move(trail);
  }
  return not_found(scope, arn_of(scope, name));
}

Result<Trail> Trails::get_for_change(meta::Transaction& transaction, const Scope& scope,
                                     std::string_view name) {
  TRY_ASSIGN(auto trail, get(transaction, scope, name));
  if (trail.config.home_region != scope.region) {
    return fail(ErrorCode::FailedPrecondition, "InvalidHomeRegion",
                fmt::format("Trail {} can be changed only in its home region {}; this request came "
                            "in {}.",
                            trail.config.arn, trail.config.home_region, scope.region));
  }
  return trail;
}

// A name may stand once among the trails seen in a region, shadows included, and a region may see
// at most kTrailsMaxPerRegion trails. `arn` is the trail that changes; it does not count.
Result<> Trails::check_room(meta::Transaction& transaction, const Scope& scope,
                            std::string_view arn, std::string_view name, bool multi_region) {
  TRY_ASSIGN(const auto trails, list(transaction, scope.account));
  const auto& regions = regions_;
  for (const auto& region : regions) {
    if (!multi_region && region != scope.region) continue;
    size_t visible = 0;
    for (const auto& trail : trails) {
      if (trail.config.arn == arn) continue;
      if (trail.config.home_region != region && !trail.config.multi_region) continue;
      ++visible;
      if (trail.config.name == name) {
        return fail(ErrorCode::AlreadyExists, "TrailAlreadyExists",
                    fmt::format("Trail {} already exists for customer: {}", name, scope.account));
      }
    }
    if (visible >= kTrailsMaxPerRegion) {
      return fail(ErrorCode::ResourceExhausted, "MaximumNumberOfTrailsExceeded",
                  fmt::format("User: {} already has {} trails in {}.", scope.account,
                              kTrailsMaxPerRegion, region));
    }
  }
  return {};
}

namespace {

Result<> check_combination(const TrailConfig& config) {
  if (config.multi_region && !config.include_global_service_events) {
    return fail(ErrorCode::InvalidArgument, "InvalidParameterCombination",
                "Multi-Region trail must include global service events.");
  }
  return {};
}

std::string without_trailing_slash(std::string_view prefix) {
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::string(prefix);
}

}  // namespace

Result<Trail> Trails::plan_create(meta::Transaction& transaction, const Scope& scope,
                                  const CreateRequest& request, Time now) {
  TRY(check_trail_name(request.name));
  TRY(check_tags(request.tags));
  TRY(check_prefix(request.prefix));
  Trail trail;
  trail.config.arn = arn_of(scope, request.name);
  trail.config.name = request.name;
  trail.config.home_region = scope.region;
  trail.config.account = scope.account;
  trail.config.bucket = request.bucket;
  trail.config.prefix = without_trailing_slash(request.prefix);
  trail.config.topic = request.topic;
  trail.config.multi_region = request.multi_region;
  trail.config.include_global_service_events = request.include_global_service_events;
  trail.config.log_file_validation = request.log_file_validation;
  trail.config.recursive_logging = request.recursive_logging;
  trail.config.created = now;
  trail.config.selectors = default_selectors();
  TRY(check_combination(trail.config));
  TRY(check_room(transaction, scope, "", request.name, request.multi_region));
  return trail;
}

Result<Trail> Trails::create(meta::Transaction& transaction, const Scope& scope,
                             const CreateRequest& request, Time now) {
  TRY_ASSIGN(auto trail, plan_create(transaction, scope, request, now));
  TRY(store(transaction, trail));
  TRY(add_tags(transaction, scope, trail.config.arn, request.tags));
  return trail;
}

Result<TrailConfig> Trails::plan_update(meta::Transaction& transaction, const Trail& trail,
                                        const UpdateRequest& request) {
  auto config = trail.config;
  if (request.bucket) config.bucket = *request.bucket;
  if (request.prefix) {
    TRY(check_prefix(*request.prefix));
    config.prefix = without_trailing_slash(*request.prefix);
  }
  if (request.topic) config.topic = *request.topic;
  if (request.multi_region && *request.multi_region != config.multi_region) {
    // UpdateTrail switches global service events with the kind of trail unless told otherwise.
    config.multi_region = *request.multi_region;
    config.include_global_service_events = config.multi_region;
  }
  if (request.include_global_service_events) {
    config.include_global_service_events = *request.include_global_service_events;
  }
  if (request.log_file_validation) config.log_file_validation = *request.log_file_validation;
  if (request.recursive_logging) config.recursive_logging = *request.recursive_logging;
  TRY(check_combination(config));
  const Scope home{config.account, config.home_region};
  TRY(check_room(transaction, home, config.arn, config.name, config.multi_region));
  return config;
}

Result<> Trails::store(meta::Transaction& transaction, const Trail& trail) {
  const auto& config = trail.config;
  const auto text = encode_change({config, false});
  TRY(transaction.execute(
      "INSERT INTO trails (arn, account, name, home_region, config, started, stopped) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (arn) DO UPDATE SET config = excluded.config, "
      "started = excluded.started, stopped = excluded.stopped",
      {config.arn, config.account, config.name, config.home_region, text,
       nullable(nanoseconds(trail.started)), nullable(nanoseconds(trail.stopped))}));
  if (config.kms_key.empty()) {
    TRY(transaction.execute("DELETE FROM trail_keys WHERE arn = ?", {config.arn}));
  } else {
    TRY(transaction.execute("INSERT OR REPLACE INTO trail_keys (arn, kms_key) VALUES (?, ?)",
                            {config.arn, config.kms_key}));
  }
  return {};
}

Result<std::string> Trails::kms_key(meta::Transaction& transaction, std::string_view arn) {
  std::string key;
  TRY(transaction.query("SELECT kms_key FROM trail_keys WHERE arn = ?", {arn},
                        [&](const meta::Row& row) -> Result<> {
                          key = row.text(0);
                          return {};
                        }));
  return key;
}

Result<> Trails::remove(meta::Transaction& transaction, const Trail& trail) {
  TRY(transaction.execute("DELETE FROM trails WHERE arn = ?", {trail.config.arn}));
  return {};
}

namespace {

std::unexpected<Error> no_resource(std::string_view arn) {
  return fail(ErrorCode::NotFound, "ResourceNotFound",
              fmt::format("Resource {} was not found.", arn));
}

}  // namespace

Result<std::vector<Tag>> Trails::list_tags(meta::Transaction& transaction, const Scope& scope,
                                           std::string_view arn) {
  TRY(require_trail_arn(arn));
  TRY_ASSIGN(const auto found, find(transaction, arn));
  if (!found || found->config.account != scope.account) return no_resource(arn);
  std::vector<Tag> tags;
  TRY(transaction.query("SELECT key, value FROM trail_tags WHERE arn = ? ORDER BY key", {arn},
                        [&](const meta::Row& row) -> Result<> {
                          tags.push_back({row.text(0), row.text(1)});
                          return {};
                        }));
  return tags;
}

Result<> Trails::add_tags(meta::Transaction& transaction, const Scope& scope, std::string_view arn,
                          const std::vector<Tag>& tags) {
  TRY_ASSIGN(auto all, list_tags(transaction, scope, arn));
  TRY(check_tags(tags));
  for (const auto& tag : tags) {
    std::erase_if(all, [&](const Tag& old) { return old.key == tag.key; });
    all.push_back(tag);
  }
  TRY(check_tags(all));
  for (const auto& tag : tags) {
    TRY(
        transaction.execute("INSERT INTO trail_tags (arn, key, value) VALUES (?, ?, ?) "
                            "ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value",
                            {arn, tag.key, tag.value}));
  }
  return {};
}

Result<> Trails::remove_tags(meta::Transaction& transaction, const Scope& scope,
                             std::string_view arn, const std::vector<std::string>& keys) {
  TRY(list_tags(transaction, scope, arn));
  for (const auto& key : keys) {
    TRY(transaction.execute("DELETE FROM trail_tags WHERE arn = ? AND key = ?", {arn, key}));
  }
  return {};
}

Result<> Trails::refresh(meta::Database& database) {
  std::vector<TrailConfig> logging;
  TRY(database.read([&](meta::Transaction& transaction) {
    return transaction.query(fmt::format("{}ORDER BY arn", kColumns), {},
                             [&](const meta::Row& row) -> Result<> {
                               TRY_ASSIGN(auto trail, read_trail(row));
                               if (trail.config.logging) logging.push_back(std::move(trail.config));
                               return {};
                             });
  }));
  std::vector<const TrailConfig*> configs;
  configs.reserve(logging.size());
  for (const auto& config : logging) configs.push_back(&config);
  TRY_ASSIGN(auto fresh, Selection::compile(configs));
  const MutexLock lock(mutex_);
  selection_ = std::move(fresh);
  return {};
}

std::shared_ptr<const Selection> Trails::selection() const {
  const MutexLock lock(mutex_);
  return selection_;
}

bool Trails::taken_by_any(const event::Record& record) const {
  thread_local Selection::Scratch scratch;
  const auto judge = selection();
  return judge && !judge->taking(record, scratch).empty();
}

bool Trails::takes_data_events() const {
  const auto judge = selection();
  return judge && judge->takes_data_events();
}

}  // namespace traccia::trail
