// From manifests to objects: PUTs, their repetition, and rendering a file again from the log.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compress/compress.h"
#include "crypto/crypto.h"
#include "delivery/delivery.h"

namespace traccia::delivery {
namespace {

// What GetTrailStatus shows: an S3 error code where there is one.
std::string shown(const Error& error) {
  return error.reason().empty() ? std::string(to_string(error.code()))
                                : std::string(error.reason());
}

}  // namespace

Result<bool> Delivery::put_pending() {
  bool attempted = false;
  for (auto& file : pending_) {
    if (os_.clock.monotonic() < file.next_attempt) continue;
    attempted = true;
    TRY(attempt(file));
  }
  std::erase_if(pending_,
                [](const PendingFile& file) { return file.manifest.state != FileState::Pending; });
  pending_count_.store(pending_.size(), std::memory_order_release);
  return attempted;
}

// Errors are the server's own (log or database); the store's are settled as a failed attempt.
Result<> Delivery::attempt(PendingFile& file) {
  const auto& manifest = file.manifest;
  if (file.rendered.empty()) {
    TRY_ASSIGN(file.rendered, render_again(manifest));
    rendered_bytes_ += file.rendered.size();
  }
  auto put = store_.put_if_absent({manifest.bucket,
                                   manifest.key,
                                   file.rendered,
                                   {},
                                   manifest.chain.trail_arn,
                                   manifest.chain.region});
  if (put) return settle(file, FileState::Delivered, "");
  if (wal_.stopped()) return put;
  if (put.error().reason() == "PreconditionFailed") {
    // Ours from before a crash, or somebody else's: only the bytes can tell (I2).
    const auto there = store_.get(manifest.bucket, manifest.key);
    if (there && *there == file.rendered) return settle(file, FileState::Delivered, "");
    return settle(file, FileState::Pending,
                  there ? "ObjectAlreadyExistsWithOtherContent" : shown(there.error()));
  }
  return settle(file, FileState::Pending, shown(put.error()));
}

Result<> Delivery::settle(PendingFile& file, FileState state, std::string_view error) {
  auto& manifest = file.manifest;
  const auto now = os_.clock.now();
  if (state == FileState::Pending && now - manifest.closed > options_.retry_for) {
    state = FileState::Abandoned;
  }
  TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
    if (state != FileState::Pending) TRY(mark(transaction, manifest.id, state, now));
    return record_attempt(transaction, manifest.chain, now, error);
  }));
  manifest.state = state;
  if (state == FileState::Pending) {
    file.delay = std::clamp<Duration>(file.delay * 2, options_.retry_first, options_.retry_max);
    file.next_attempt = os_.clock.monotonic() + file.delay;
    if (rendered_bytes_ <= options_.rendered_bytes_max) return {};
  }
  rendered_bytes_ -= file.rendered.size();
  file.rendered.clear();
  return {};
}

// The same events judged by the same configurations give the same bytes; the manifest's hash
// proves it.
Result<std::string> Delivery::render_again(const Manifest& manifest) {
  std::vector<TrailChangeAt> changes;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(changes, load_changes(transaction, 0));
    return {};
  }));
  std::shared_ptr<const trail::Selection> selection;
  trail::Selection::Scratch scratch;
  size_t next_change = 0;
  const auto advance = [&](ingest::Sequence sequence) -> Result<> {
    for (; next_change < changes.size() && changes[next_change].sequence < sequence;
         ++next_change) {
      const auto& change = changes[next_change].change;
      if (change.config.arn == manifest.chain.trail_arn &&
          change.config.created == manifest.chain.created) {
        const std::array judges{&change.config};
        TRY_ASSIGN(selection, trail::Selection::compile(judges));
      }
    }
    return {};
  };
  FileBuilder builder;
  auto position = manifest.first_position;
  while (builder.last_sequence() < manifest.last_sequence) {
    TRY_ASSIGN(const auto entry, ingest::read_entry(wal_, position));
    if (!entry) break;
    for (const auto& record : *entry->records) {
      if (record.sequence < manifest.first_sequence || record.sequence > manifest.last_sequence ||
          record.kind != ingest::Kind::Event || record.account != manifest.chain.account ||
          record.region != manifest.chain.region) {
        continue;
      }
      TRY(advance(record.sequence));
      if (selection && !selection->taking(record.event, scratch).empty()) {
        builder.add(record, position);
      }
    }
    position = entry->next;
  }
  const auto body = std::move(builder).finish();
  if (crypto::sha256_hex(body) != manifest.sha256_hex) {
    return fail(ErrorCode::DataLoss,
                fmt::format("log file '{}' cannot be rendered again from the log: its hash differs "
                            "from the one in its manifest",
                            manifest.key));
  }
  return compress::gzip(body);
}

}  // namespace traccia::delivery
