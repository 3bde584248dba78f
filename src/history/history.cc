// Event history in SQLite: one row per management event, an index per attribute.
// SPDX-License-Identifier: Apache-2.0
#include "history/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <limits>

namespace traccia::history {
namespace {

constexpr std::string_view kSchema = R"sql(
CREATE TABLE events (
  sequence  INTEGER PRIMARY KEY,
  account   TEXT NOT NULL,
  region    TEXT NOT NULL,
  time      INTEGER NOT NULL,      -- eventTime, unix nanoseconds
  ingested  INTEGER NOT NULL,
  event_id  TEXT NOT NULL,
  name      TEXT NOT NULL,
  read_only TEXT NOT NULL,         -- "true", "false"
  user_name TEXT NOT NULL,
  source    TEXT NOT NULL,
  key_id    TEXT NOT NULL,
  json      TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time   ON events (account, region, time, sequence);
CREATE INDEX events_by_id     ON events (account, region, event_id);
CREATE INDEX events_by_name   ON events (account, region, name, time, sequence);
CREATE INDEX events_by_user   ON events (account, region, user_name, time, sequence);
CREATE INDEX events_by_source ON events (account, region, source, time, sequence);
CREATE INDEX events_by_key    ON events (account, region, key_id, time, sequence)
  WHERE key_id <> '';
CREATE INDEX events_by_ingest ON events (ingested);
CREATE TABLE resources (
  account  TEXT NOT NULL,
  region   TEXT NOT NULL,
  kind     INTEGER NOT NULL,       -- 0: type, 1: name
  value    TEXT NOT NULL,
  time     INTEGER NOT NULL,
  sequence INTEGER NOT NULL REFERENCES events (sequence) ON DELETE CASCADE,
  PRIMARY KEY (account, region, kind, value, time, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX resources_by_sequence ON resources (sequence);
CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL) STRICT;
)sql";

constexpr int64_t kRemovedPerStep = 5000;
enum class ResourceKind : int64_t { Type = 0, Name = 1 };

Result<> insert_resource(meta::Transaction& transaction, const ingest::LogRecord& record,
                         Time time, ResourceKind kind, std::string_view value) {
  if (value.empty()) return {};
  TRY(transaction.execute(
      "INSERT OR IGNORE INTO resources (account, region, kind, value, time, sequence) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      {record.account, record.region, static_cast<int64_t>(kind), value,
       to_unix_nanoseconds(time), static_cast<int64_t>(record.sequence)}));
  return {};
}

Result<> insert_event(meta::Transaction& transaction, const ingest::LogRecord& record) {
  event::AdmitOptions options;
  options.stored = true;
  TRY_ASSIGN(const auto event, event::admit(record.json, options));
  if (event.category != event::Category::Management) return {};
  TRY(transaction.execute(
      "INSERT OR IGNORE INTO events (sequence, account, region, time, ingested, event_id, name, "
      "read_only, user_name, source, key_id, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {static_cast<int64_t>(record.sequence), record.account, record.region,
       to_unix_nanoseconds(event.event_time), to_unix_nanoseconds(record.ingest_time),
       event.event_id, event.event_name,
       std::string_view(event.read_only.value_or(false) ? "true" : "false"), event.user_name,
       event.event_source, event.access_key_id, record.json}));
  for (const auto& resource : event.resources) {
    TRY(insert_resource(transaction, record, event.event_time, ResourceKind::Type, resource.type));
    for (const auto& name : resource_names(resource)) {
      TRY(insert_resource(transaction, record, event.event_time, ResourceKind::Name, name));
    }
  }
  return {};
}

// The place of an event in the order of answers.
struct Place {
  int64_t time = std::numeric_limits<int64_t>::max();
  int64_t sequence = std::numeric_limits<int64_t>::max();
};

std::string encode_place(const Place& place) {
  return fmt::format("{}-{}", place.time, place.sequence);
}

Result<Place> decode_place(std::string_view text) {
  const auto dash = text.find('-', 1);  // times before 1970 begin with a minus
  Place place;
  const auto number = [](std::string_view digits, int64_t& out) {
    const auto* end = digits.data() + digits.size();
    return !digits.empty() && std::from_chars(digits.data(), end, out).ptr == end;
  };
  if (dash != text.npos && number(text.substr(0, dash), place.time) &&
      number(text.substr(dash + 1), place.sequence)) {
    return place;
  }
  return fail(ErrorCode::InvalidArgument, "InvalidNextToken", "the token is not one of ours");
}

struct Search {
  std::string from;       // tables and joins
  std::string condition;  // beyond account and region
  std::vector<meta::Argument> arguments;
};

Search search_of(const Query& query) {
  Search search{"FROM events e", "", {}};
  if (!query.attribute) return search;
  const auto& [attribute, value] = *query.attribute;
  const auto column = [&](std::string_view name) {
    search.condition = fmt::format(" AND e.{} = ?", name);
    search.arguments.emplace_back(std::string_view(value));
  };
  const auto resource = [&](ResourceKind kind) {
    search.from = "FROM resources r JOIN events e ON e.sequence = r.sequence";
    search.condition = " AND r.account = e.account AND r.region = e.region AND r.kind = ? AND "
                       "r.value = ?";
    search.arguments.emplace_back(static_cast<int64_t>(kind));
    search.arguments.emplace_back(std::string_view(value));
  };
  switch (attribute) {
    case Attribute::EventId: column("event_id"); break;
    case Attribute::EventName: column("name"); break;
    case Attribute::ReadOnly: column("read_only"); break;
    case Attribute::Username: column("user_name"); break;
    case Attribute::ResourceType: resource(ResourceKind::Type); break;
    case Attribute::ResourceName: resource(ResourceKind::Name); break;
    case Attribute::EventSource: column("source"); break;
    case Attribute::AccessKeyId: column("key_id"); break;
  }
  return search;
}

}  // namespace

std::vector<std::string> resource_names(const event::Resource& resource) {
  std::vector<std::string> names;
  if (resource.arn.empty()) return names;
  names.push_back(resource.arn);
  // People search for the name at the end: the bucket, the role, the trail.
  const auto end = resource.arn.find_last_of(":/");
  if (resource.arn.starts_with("arn:") && end != std::string::npos &&
      end + 1 < resource.arn.size()) {
    names.push_back(resource.arn.substr(end + 1));
  }
  return names;
}

struct History::State {
  os::Os os;
  wal::Wal& wal;
  std::unique_ptr<meta::Database> database;
  std::atomic<wal::Position> cursor{0};
};

Result<std::unique_ptr<History>> History::open(os::Os os, const std::string& directory,
                                               wal::Wal& wal) {
  TRY(os.files.make_directories(directory));
  TRY_ASSIGN(auto database,
             meta::Database::open(os, directory + "/history.db", meta::Durability::Normal,
                                  {kSchema}));
  wal::Position cursor = 0;
  TRY(database->read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT position FROM cursor", {},
                             [&](const meta::Row& row) -> Result<> {
                               cursor = static_cast<uint64_t>(row.integer(0));
                               return {};
                             });
  }));
  std::unique_ptr<State> state(new State{os, wal, std::move(database), {}});
  state->cursor = std::max(cursor, wal.begin());
  return std::unique_ptr<History>(new History(std::move(state)));
}

History::History(std::unique_ptr<State> state) : state_(std::move(state)) {}
History::~History() = default;

wal::Position History::cursor() const { return state_->cursor; }

Result<size_t> History::step(size_t records_max) {
  size_t taken = 0;
  auto position = state_->cursor.load();
  TRY(state_->database->write([&](meta::Transaction& transaction) -> Result<> {
    while (taken < records_max) {
      TRY_ASSIGN(const auto entry, state_->wal.read(position));
      if (!entry) break;
      TRY_ASSIGN(const auto records, ingest::decode_entry(entry->payload));
      for (const auto& record : records) {
        if (record.kind == ingest::Kind::Event) TRY(insert_event(transaction, record));
      }
      taken += records.size();
      position = entry->next;
    }
    const auto oldest = state_->os.clock.now() - kRetention;
    TRY(transaction.execute("DELETE FROM events WHERE sequence IN (SELECT sequence FROM events "
                            "WHERE ingested < ? LIMIT ?)",
                            {to_unix_nanoseconds(oldest), kRemovedPerStep}));
    if (taken == 0) return {};
    TRY(transaction.execute("INSERT INTO cursor (one, position) VALUES (1, ?) "
                            "ON CONFLICT (one) DO UPDATE SET position = excluded.position",
                            {static_cast<int64_t>(position)}));
    return {};
  }));
  state_->cursor = position;
  return taken;
}

Result<Page> History::lookup(const Query& query) {
  Place after;
  if (query.after) {
    TRY_ASSIGN(after, decode_place(*query.after));
  }
  auto search = search_of(query);
  const auto lower = query.start ? to_unix_nanoseconds(*query.start)
                                 : std::numeric_limits<int64_t>::min();
  const auto upper = query.end ? to_unix_nanoseconds(*query.end)
                               : std::numeric_limits<int64_t>::max();
  const auto oldest = to_unix_nanoseconds(state_->os.clock.now() - kRetention);
  const auto table = search.from.starts_with("FROM resources") ? "r" : "e";
  const auto sql = fmt::format(
      "SELECT e.time, e.sequence, e.json {0} WHERE {1}.account = ? AND {1}.region = ?{2} AND "
      "{1}.time >= ? AND {1}.time <= ? AND ({1}.time, {1}.sequence) < (?, ?) AND e.ingested >= ? "
      "ORDER BY {1}.time DESC, {1}.sequence DESC LIMIT ?",
      search.from, table, search.condition);
  std::vector<meta::Argument> arguments{std::string_view(query.account),
                                        std::string_view(query.region)};
  for (auto& argument : search.arguments) arguments.push_back(argument);
  for (const int64_t number : {lower, upper, after.time, after.sequence, oldest,
                               static_cast<int64_t>(query.count_max) + 1}) {
    arguments.emplace_back(number);
  }
  Page page;
  Place last;
  TRY(state_->database->read([&](meta::Transaction& transaction) {
    return transaction.query(sql, arguments, [&](const meta::Row& row) -> Result<> {
      if (page.records.size() == query.count_max) {
        page.next = encode_place(last);
        return {};
      }
      last = {row.integer(0), row.integer(1)};
      page.records.push_back(row.text(2));
      return {};
    });
  }));
  return page;
}

}  // namespace traccia::history
