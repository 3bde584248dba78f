// When digests close, what they list, and their delivery.
// SPDX-License-Identifier: Apache-2.0
#include "digest/digest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"

namespace traccia::digest {
namespace {

Time ceil_seconds(Time time) {
  return std::chrono::ceil<std::chrono::seconds>(time);
}

}  // namespace

Result<std::unique_ptr<Digest>> Digest::open(os::Os os, meta::Database& database,
                                             delivery::ObjectStore& store,
                                             delivery::PutSlots& slots, Sealer sealer,
                                             std::vector<std::string> regions, Options options) {
  std::unique_ptr<Digest> digest(
      new Digest(os, database, store, slots, std::move(sealer), std::move(regions), options));
  TRY(database.write(
      [&](meta::Transaction& transaction) { return digest->add_missing_regions(transaction); }));
  std::vector<PendingTrail> pending;
  TRY(database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(pending, load_pending_trails(transaction));
    return {};
  }));
  for (const auto& [trail_arn, bucket] : pending) digest->turns_.add(trail_arn, bucket);
  return digest;
}

Result<bool> Digest::step() {
  TRY(follow_changes());
  return close_due();
}

Result<> Digest::follow_changes() {
  std::vector<delivery::TrailChangeAt> changes;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto cursor, load_cursor(transaction));
    TRY_ASSIGN(changes, delivery::load_changes(transaction, cursor));
    return {};
  }));
  if (changes.empty()) return {};
  return database_.write([&](meta::Transaction& transaction) -> Result<> {
    const auto followed = changes.back().sequence;
    for (const auto& at : changes) TRY(follow(transaction, at));
    for (const auto& at : changes) {
      TRY(delivery::prune_changes(transaction, at.change.config.arn, followed));
    }
    return store_cursor(transaction, followed);
  });
}

Result<> Digest::follow(meta::Transaction& transaction, const delivery::TrailChangeAt& at) {
  const auto& config = at.change.config;
  const bool wanted = config.logging && config.log_file_validation && !at.change.deleted;
  TRY_ASSIGN(auto active, load_active(transaction, config.arn, config.created));
  for (auto& chain : active) {
    if (wanted && trail::covers_region(config, chain.files.region)) {
      if (chain.bucket == config.bucket && chain.prefix == config.prefix) continue;
      chain.bucket = config.bucket;
      chain.prefix = config.prefix;
    } else {
      chain.stop_sequence = at.sequence;
    }
    TRY(update_chain(transaction, chain));
  }
  if (!wanted) return {};
  for (const auto& region : regions_) {
    if (!trail::covers_region(config, region)) continue;
    const bool there = std::ranges::any_of(active, [&](const Chain& chain) {
      return chain.files.region == region && !chain.stop_sequence;
    });
    if (there) continue;
    Chain chain;
    chain.files = {config.arn, config.created, config.account, region};
    chain.trail_name = config.name;
    chain.home_region = config.home_region;
    chain.bucket = config.bucket;
    chain.prefix = config.prefix;
    chain.start_sequence = at.sequence;
    chain.activation = floor_seconds(at.time);
    chain.next_end = chain.activation + options_.interval;
    TRY(insert_chain(transaction, chain));
  }
  return {};
}

// A region that the server got since the last start joins the multi-region trails.
Result<> Digest::add_missing_regions(meta::Transaction& transaction) {
  TRY_ASSIGN(const auto cursor, load_cursor(transaction));
  TRY_ASSIGN(auto changes, delivery::load_changes(transaction, 0));
  std::map<std::string, delivery::TrailChangeAt> newest;
  for (auto& at : changes) {
    if (at.sequence <= cursor) newest[at.change.config.arn] = std::move(at);
  }
  for (auto& [arn, at] : newest) {
    at.time = os_.clock.now();
    TRY(follow(transaction, at));
  }
  return {};
}

Result<bool> Digest::close_due() {
  std::vector<Chain> chains;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(chains, load_unfinished(transaction));
    return {};
  }));
  bool any = false;
  const auto now = os_.clock.now();
  for (auto& chain : chains) {
    const bool idle = chain.last_end && !chain.stop_sequence && now < chain.next_end;
    if (idle) continue;
    // One transaction each: making a region's key takes a while, and others wait for the database.
    bool closed = false;
    TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(closed, close_one(transaction, chain, now));
      return {};
    }));
    if (closed) turns_.add(chain.files.trail_arn, chain.previous->bucket);
    any = any || closed;
  }
  return any;
}

Result<bool> Digest::close_one(meta::Transaction& transaction, Chain& chain, Time now) {
  if (!chain.last_end) {
    TRY_ASSIGN(const bool wait, older_unfinished(transaction, chain));
    if (wait) return false;
    TRY_ASSIGN(const auto newest, newest_end(transaction, chain));
    auto end = chain.activation;
    if (newest && end <= *newest) end = *newest + std::chrono::seconds(1);
    TRY(write_digest(transaction, chain, end - options_.interval, end, now));
    chain.next_end = end + options_.interval;
    TRY(update_chain(transaction, chain));
    return true;
  }
  if (chain.stop_sequence) {
    TRY_ASSIGN(
        const bool on_their_way,
        delivery::any_pending(transaction, chain.files, chain.start_sequence, chain.before()));
    if (!on_their_way) {
      const auto end = std::max(ceil_seconds(now), *chain.last_end + std::chrono::seconds(1));
      TRY(write_digest(transaction, chain, *chain.last_end, end, now));
      chain.finished = true;
      TRY(update_chain(transaction, chain));
      return true;
    }
  }
  if (now < chain.next_end) return false;
  // After downtime one digest spans the gap.
  const auto missed = (now - chain.next_end) / options_.interval;
  const auto end = chain.next_end + missed * options_.interval;
  TRY(write_digest(transaction, chain, *chain.last_end, end, now));
  chain.next_end = end + options_.interval;
  TRY(update_chain(transaction, chain));
  return true;
}

// Signs and stores the digest of (start, end] and makes it the chain's newest.
Result<> Digest::write_digest(meta::Transaction& transaction, Chain& chain, Time start, Time end,
                              Time now) {
  const auto listed_until = chain.stop_sequence ? Time::max() : end;
  TRY_ASSIGN(const auto files,
             delivery::load_undigested(transaction, chain.files, chain.start_sequence,
                                       chain.before(), listed_until));
  TRY_ASSIGN(const auto key, signing_key(transaction, sealer_, chain.files.region, now));
  DigestFile digest;
  digest.account = chain.files.account;
  digest.start_time = format_iso_seconds(start);
  digest.end_time = format_iso_seconds(end);
  digest.bucket = chain.bucket;
  digest.key = digest_key({chain.prefix, chain.files.account, chain.files.region, chain.trail_name,
                           chain.home_region, end, false});
  digest.fingerprint = key.fingerprint;
  digest.previous = chain.previous;
  std::optional<Time> newest, oldest;
  for (const auto& file : files) {
    newest = std::max(newest.value_or(file.newest_event_time), file.newest_event_time);
    oldest = std::min(oldest.value_or(file.oldest_event_time), file.oldest_event_time);
    digest.log_files.push_back({file.bucket, file.key, file.sha256_hex,
                                format_iso_seconds(file.newest_event_time),
                                format_iso_seconds(file.oldest_event_time)});
  }
  if (newest) digest.newest_event_time = format_iso_seconds(*newest);
  if (oldest) digest.oldest_event_time = format_iso_seconds(*oldest);
  const auto json = render_digest(digest);
  const auto hash = crypto::sha256_hex(json);
  StoredDigest stored;
  stored.trail_arn = chain.files.trail_arn;
  stored.created = chain.files.created;
  stored.region = chain.files.region;
  stored.bucket = digest.bucket;
  stored.key = digest.key;
  stored.bytes = compress::gzip(json);
  stored.signature_hex = hex_encode(key.key.sign_sha256(string_to_sign(digest, hash)));
  stored.made = now;
  TRY_ASSIGN(const auto id, insert_digest(transaction, chain, stored, end));
  for (const auto& file : files) TRY(delivery::assign_digest(transaction, file.id, id));
  chain.last_end = end;
  chain.previous = Previous{digest.bucket, digest.key, hash, stored.signature_hex};
  return {};
}

}  // namespace traccia::digest
