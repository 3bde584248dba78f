// From manifests to objects: PUTs, their repetition, and rendering a file again from the log.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "delivery/announcements.h"
#include "delivery/delivery.h"
#include "trail/trails.h"

namespace traccia::delivery {
namespace {

// What GetTrailStatus shows: an S3 error code where there is one.
std::string shown(const Error& error) {
  return error.reason().empty() ? std::string(to_string(error.code()))
                                : std::string(error.reason());
}

// With the mark that the file is there: a crash before it finds the file in place, and comes here.
Result<> announce(meta::Transaction& transaction, const Manifest& manifest, Time now) {
  const auto& chain = manifest.chain;
  TRY_ASSIGN(const auto topic, trail::topic_of(transaction, chain.trail_arn, chain.created));
  if (topic.empty()) return {};
  return add_announcement(transaction, {chain.trail_arn, chain.created}, manifest.bucket,
                          manifest.key, now);
}

}  // namespace

Result<bool> Delivery::put_next() {
  TRY(load_left_out());
  auto file = outstanding_.take(os_.clock.monotonic());
  if (!file) return false;
  auto attempted = attempt(*file);
  auto recorded = attempted ? record(*file, *attempted) : std::unexpected(attempted.error());
  const auto now = os_.clock.monotonic();
  if (recorded && attempted->state != FileState::Pending) {
    outstanding_.finish(std::move(file), now);
    return true;
  }
  if (recorded && attempted->refused) {
    outstanding_.refuse(std::move(file), now);
  } else {
    outstanding_.retry(std::move(file), now);
  }
  if (!recorded) return std::unexpected(std::move(recorded).error());
  return true;
}

// The database may have more files of the lane than are counted, committed but not added: these
// have the greatest ids.
Result<> Delivery::load_left_out() {
  const auto gap = outstanding_.take_gap();
  if (!gap) return {};
  std::vector<Manifest> files;
  auto loaded = database_.read([&](meta::Transaction& transaction) -> Result<> {
    const auto& [bucket, trail_arn] = gap->lane;
    TRY_ASSIGN(files, load_pending(transaction, bucket, trail_arn, gap->from_id, gap->count));
    return {};
  });
  const bool none = loaded && files.empty();
  outstanding_.fill(*gap, loaded ? std::move(files) : std::vector<Manifest>());
  if (!none) return loaded;
  return fail(ErrorCode::Internal,
              fmt::format("files for bucket '{}' from {} on are not in the database",
                          gap->lane.first, gap->from_id));
}

// Errors are the server's own (log or database); the store's are a failed attempt.
Result<Delivery::Attempted> Delivery::attempt(Outstanding::File& file) {
  const auto& manifest = file.manifest;
  if (file.rendered.empty()) {
    TRY_ASSIGN(file.rendered, render_again(manifest));
  }
  outstanding_.sending(file, os_.clock.monotonic());
  const PutRequest request{manifest.bucket,          manifest.key,         file.rendered, {},
                           manifest.chain.trail_arn, manifest.chain.region};
  auto put = store_.put_if_absent(request);
  if (put) return Attempted{FileState::Delivered, "", false};
  if (wal_.stopped()) return std::unexpected(std::move(put).error());
  if (put.error().reason() == "PreconditionFailed") {
    // Ours from before a crash, or somebody else's: only the bytes can tell (I2).
    const auto same = store_.holds(request);
    if (!same) return Attempted{FileState::Pending, shown(same.error()), true};
    if (*same) return Attempted{FileState::Delivered, "", false};
    return Attempted{FileState::Pending, "ObjectAlreadyExistsWithOtherContent", false};
  }
  return Attempted{FileState::Pending, shown(put.error()), true};
}

Result<> Delivery::record(Outstanding::File& file, Attempted& attempted) {
  auto& manifest = file.manifest;
  const auto now = os_.clock.now();
  auto state = attempted.state;
  if (state == FileState::Pending && now - manifest.closed > options_.retry_for) {
    state = FileState::Abandoned;
  }
  TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
    if (state != FileState::Pending) TRY(mark(transaction, manifest.id, state, now));
    if (state == FileState::Delivered) TRY(announce(transaction, manifest, now));
    return record_attempt(transaction, manifest.chain, now, attempted.error);
  }));
  attempted.state = manifest.state = state;
  return {};
}

// The same events judged by the same configurations give the same bytes; the manifest's hash
// proves it.
Result<std::string> Delivery::render_again(const Manifest& manifest) {
  std::vector<TrailChangeAt> changes;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(changes, load_changes_of(transaction, manifest.chain.trail_arn));
    return {};
  }));
  std::shared_ptr<const trail::Selection> selection;
  trail::Selection::Scratch scratch;
  size_t next_change = 0;
  const auto advance = [&](ingest::Sequence sequence) -> Result<> {
    for (; next_change < changes.size() && changes[next_change].sequence < sequence;
         ++next_change) {
      const auto& change = changes[next_change].change;
      if (change.config.created == manifest.chain.created) {
        const std::array judges{&change.config};
        TRY_ASSIGN(selection, trail::Selection::compile(judges));
      }
    }
    return {};
  };
  FileBuilder builder;
  std::vector<uint32_t> taken;
  const auto take = [&](const ingest::LogEntry& entry, const ingest::Block& block,
                        wal::Position position) -> Result<> {
    const auto& first = entry.records[block.first];
    const auto last_sequence = first.sequence + block.count - 1;
    if (last_sequence < manifest.first_sequence || first.sequence > manifest.last_sequence ||
        first.kind != ingest::Kind::Event || first.account != manifest.chain.account ||
        first.region != manifest.chain.region) {
      return {};
    }
    TRY(advance(first.sequence));
    taken.clear();
    for (size_t i = block.first; i < block.first + block.count; ++i) {
      const auto& record = entry.records[i];
      if (record.sequence < manifest.first_sequence || record.sequence > manifest.last_sequence) {
        continue;
      }
      if (selection && !selection->taking(record.event, scratch).empty()) {
        taken.push_back(static_cast<uint32_t>(i));
      }
    }
    if (taken.size() == block.count) {
      builder.add_block(entry, block, position);
    } else {
      for (const auto i : taken) builder.add(entry.records[i], position);
    }
    return {};
  };
  auto position = manifest.first_position;
  while (builder.last_sequence() < manifest.last_sequence) {
    TRY_ASSIGN(const auto entry, ingest::read_entry(wal_, position));
    if (!entry) break;
    for (const auto& block : entry->entry->blocks) {
      TRY(take(*entry->entry, block, position));
    }
    position = entry->next;
  }
  auto [gzip, sha256_hex] = std::move(builder).finish();
  if (sha256_hex == manifest.sha256_hex) return std::move(gzip);
  return fail(ErrorCode::DataLoss,
              fmt::format("log file '{}' cannot be rendered again from the log: its hash differs "
                          "from the one in its manifest",
                          manifest.key));
}

}  // namespace traccia::delivery
