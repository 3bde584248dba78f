// Walks buckets and removes what their rules say.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_lifecycle_sweep.h"

#include <algorithm>

#include "base/log.h"

namespace traccia::api {

Result<> LifecycleSweep::step(const std::function<bool()>& stopping) {
  const auto now = clock_.now();
  const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
  std::map<std::string, std::string> documents;
  std::map<std::string, std::string> sizes;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(documents, s3_.documents_of(transaction, s3::Document::Lifecycle));
    TRY_ASSIGN(sizes, s3_.documents_of(transaction, s3::Document::TransitionSize));
    return {};
  }));
  std::erase_if(walked_, [&](const auto& entry) { return !documents.contains(entry.first); });
  for (const auto& [bucket, document] : documents) {
    auto& walked = walked_[bucket];
    const bool varies = sizes.contains(bucket) && sizes[bucket] == kSizeVaries;
    const auto judged_by = document + (varies ? "v" : "");
    if (walked.day == day && walked.document == judged_by) continue;
    done_ = 0;
    const auto done = [&]() -> Result<> {
      TRY_ASSIGN(const auto root, aws::parse_xml(document));
      Rules rules;
      TRY_ASSIGN(rules.list, parse_lifecycle(root));
      if (varies) rules.small = SmallObjects::MayBeArchived;
      TRY(walk(bucket, rules, now, stopping));
      return abort_uploads(bucket, rules.list, now);
    }();
    if (stopping()) return {};
    if (done) {
      walked = {day, judged_by};
    } else if (done.error().reason() != "NoSuchBucket") {
      log(LogLevel::Error, "lifecycle", {{"bucket", bucket}, {"error", done.error().message()}});
    }
    if (done_ > 0) log(LogLevel::Info, "lifecycle", {{"bucket", bucket}, {"done", done_}});
  }
  return {};
}

Result<> LifecycleSweep::walk(const std::string& bucket, const Rules& rules, Time now,
                              const std::function<bool()>& stopping) {
  LifecycleJudge judge(rules.list, rules.small, now);
  s3::ListOptions options;
  options.keys_max = kVersionsPerPage;
  for (bool more = true; more && !stopping();) {
    std::vector<Action> removals;
    std::vector<Action> moves;
    TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto page, s3_.list_versions(transaction, bucket, options));
      for (const auto& version : page.objects) {
        const auto verdict = judge.judge(version);
        if (verdict.fate == Fate::Stays) continue;
        (verdict.fate == Fate::Moves ? moves : removals).push_back({verdict, version});
      }
      more = page.truncated;
      options.after = page.next;
      options.after_version = page.next_version;
      return {};
    }));
    if (!removals.empty()) {
      TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
        for (const auto& action : removals) TRY(act(transaction, bucket, action));
        return {};
      }));
    }
    for (const auto& action : moves) {
      if (stopping()) return {};
      TRY(move(action));
    }
  }
  return {};
}

Result<> LifecycleSweep::move(const Action& action) {
  s3::ObjectInfo version;
  const auto& [verdict, listed] = action;
  const auto found = database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(version, s3_.get_version(transaction, listed.bucket, listed.key, listed.version_id));
    return {};
  });
  if (!found && found.error().code() == ErrorCode::NotFound) return {};
  if (!found) return found;
  auto parts = s3_.repack(version, verdict.storage_class);
  if (!parts && parts.error().code() == ErrorCode::DataLoss) {
    // It stays where it is; the scrub tells of it.
    log(LogLevel::Error, "lifecycle",
        {{"bucket", version.bucket}, {"key", version.key}, {"error", parts.error().message()}});
    return {};
  }
  if (!parts) return std::unexpected(std::move(parts).error());
  bool moved = false;
  const auto done = database_.write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(moved, s3_.move(transaction, version, verdict.storage_class, *parts));
    return {};
  });
  if (moved) ++done_;
  if (done && moved) return {};
  // It may have been committed; if not, the next start removes the bytes.
  if (!done && done.error().code() == ErrorCode::Unavailable) return done;
  for (const auto& [blob, size] : *parts) {
    const bool its = std::ranges::find(version.parts, blob, [](const auto& part) {
                       return part.first;
                     }) != version.parts.end();
    if (!its) TRY(s3_.discard_bytes(blob));
  }
  return done;
}

// Clients may have come between the look and this.
Result<> LifecycleSweep::act(meta::Transaction& transaction, const std::string& bucket,
                             const Action& action) {
  const auto& [verdict, version] = action;
  const auto current = s3_.get_version(transaction, bucket, version.key, std::nullopt);
  if (!current && current.error().reason() != "NoSuchKey") return std::unexpected(current.error());
  const bool is_current = current && current->version_id == version.version_id;
  if (is_current == (verdict.fate == Fate::Removed)) return {};
  if (verdict.fate == Fate::RemovedLone) {
    s3::ListOptions options;
    options.prefix = version.key;
    options.keys_max = 2;
    TRY_ASSIGN(const auto versions, s3_.list_versions(transaction, bucket, options));
    const bool alone = versions.objects.size() < 2 || versions.objects[1].key != version.key;
    if (!alone) return {};
  }
  const auto named = verdict.fate == Fate::Expires
                         ? std::nullopt
                         : std::optional<std::string_view>(version.version_id);
  const auto deleted = s3_.delete_object(transaction, bucket, version.key, named);
  if (!deleted && deleted.error().reason() == "AccessDenied") return {};  // it is locked
  if (!deleted) return std::unexpected(deleted.error());
  ++done_;
  return {};
}

Result<> LifecycleSweep::abort_uploads(const std::string& bucket,
                                       const std::vector<LifecycleRule>& rules, Time now) {
  return database_.write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto uploads, s3_.list_uploads(transaction, bucket, ""));
    for (const auto& upload : uploads) {
      const auto due = abort_of(rules, upload);
      if (!due || due->date > now) continue;
      TRY(s3_.abort_upload(transaction, bucket, upload.key, upload.id));
      ++done_;
    }
    return {};
  });
}

}  // namespace traccia::api
