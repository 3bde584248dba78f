// Walks buckets and removes what their rules say.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_lifecycle_sweep.h"

#include <algorithm>

#include "api/outbox.h"
#include "base/log.h"
#include "s3/versions.h"

namespace traccia::api {
namespace {

// Whether somebody hears of restored copies that end.
bool tells_of_ends(const std::string& notifications) {
  return notifications.find("s3:ObjectRestore:*<") != notifications.npos ||
         notifications.find("s3:ObjectRestore:Delete<") != notifications.npos;
}

bool restore_ended(const s3::ObjectInfo& version, Time now) {
  return version.restored_until && *version.restored_until <= now;
}

S3Notice notice_of(std::string_view event, const s3::ObjectInfo& version) {
  return {.event = event,
          .key = version.key,
          .size = version.size,
          .etag = version.etag,
          .version_id = version.version_id};
}

}  // namespace

Result<> LifecycleSweep::step(const std::function<bool()>& stopping) {
  const auto now = clock_.now();
  const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
  std::map<std::string, std::string> documents;
  std::map<std::string, std::string> sizes;
  std::map<std::string, std::string> notifications;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(documents, s3_.documents_of(transaction, s3::Document::Lifecycle));
    TRY_ASSIGN(sizes, s3_.documents_of(transaction, s3::Document::TransitionSize));
    TRY_ASSIGN(notifications, s3_.documents_of(transaction, s3::Document::Notification));
    return {};
  }));
  for (const auto& [bucket, document] : notifications) {
    if (tells_of_ends(document)) documents.try_emplace(bucket);  // without rules
  }
  std::erase_if(walked_, [&](const auto& entry) { return !documents.contains(entry.first); });
  for (const auto& [bucket, document] : documents) {
    auto& walked = walked_[bucket];
    const bool varies = sizes.contains(bucket) && sizes[bucket] == kSizeVaries;
    const auto judged_by = document + (varies ? "v" : "");
    if (walked.day == day && walked.document == judged_by) continue;
    done_ = 0;
    const auto done = [&]() -> Result<> {
      Rules rules;
      if (!document.empty()) {
        TRY_ASSIGN(const auto root, aws::parse_xml(document));
        TRY_ASSIGN(rules.list, parse_lifecycle(root));
      }
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
    std::vector<s3::ObjectInfo> ended;
    TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto page, s3_.list_versions(transaction, bucket, options));
      for (const auto& version : page.objects) {
        const auto verdict = judge.judge(version);
        const bool goes = verdict.fate != Fate::Stays && verdict.fate != Fate::Moves;
        if (!goes && restore_ended(version, now)) ended.push_back(version);
        if (verdict.fate == Fate::Stays) continue;
        (verdict.fate == Fate::Moves ? moves : removals).push_back({verdict, version});
      }
      more = page.truncated;
      options.after = page.next;
      options.after_version = page.next_version;
      return {};
    }));
    if (!removals.empty() || !ended.empty()) {
      TRY(commit(bucket, [&](meta::Transaction& transaction, Change& change) -> Result<> {
        for (const auto& action : removals) TRY(act(transaction, action, change));
        for (const auto& version : ended) TRY(end_restore(transaction, version, change));
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
  const auto done =
      commit(listed.bucket, [&](meta::Transaction& transaction, Change& change) -> Result<> {
        TRY_ASSIGN(moved, s3_.move(transaction, version, verdict.storage_class, *parts));
        if (!moved) return {};
        auto notice = notice_of("LifecycleTransition", version);
        notice.more["lifecycleEventData"] = json::Object{
            {"transitionEventData",
             json::Object{{"destinationStorageClass", s3::name_of(verdict.storage_class)}}}};
        change.notices.push_back(std::move(notice));
        change.record(transition_operation(verdict.storage_class), version.key, version.version_id,
                      version.size);
        return {};
      });
  if (done && moved) {
    ++done_;
    return {};
  }
  // It is committed and the log refused it, or it may have been committed; if it was not, the next
  // start removes the bytes.
  if (!done && done.error().code() == ErrorCode::Unavailable) return done;
  for (const auto& [blob, size] : *parts) {
    const bool its = std::ranges::find(version.parts, blob, [](const auto& part) {
                       return part.first;
                     }) != version.parts.end();
    if (!its) TRY(s3_.discard_bytes(blob));
  }
  return done;
}

Result<> LifecycleSweep::commit(const std::string& bucket,
                                const std::function<Result<>(meta::Transaction&, Change&)>& body) {
  Change change;
  TRY(services_.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        change = {};
        TRY_ASSIGN(change.bucket, s3_.get_bucket(transaction, bucket));
        TRY(body(transaction, change));
        const std::string itself(kS3Itself);
        std::vector<ingest::Draft> drafts;
        TRY(send_notices(services_, transaction, change.bucket, change.notices,
                         {itself, itself, services_.os.random.uuid(), ""}, drafts));
        return drafts;
      }));
  if (const auto logged = services_.access_logs.find(bucket)) {
    for (auto& record : change.records) {
      record.owner = logged->owner;
      record.bucket = logged->name;
      record.time = clock_.now();
      services_.access_logs.add(*logged, record);
    }
  }
  return {};
}

// "Lifecycle and logging"; the requester is S3 itself.
void LifecycleSweep::Change::record(std::string_view operation, std::string_view key,
                                    std::string_view version_id, std::optional<uint64_t> size) {
  AccessRecord one;
  one.requester = "AmazonS3";
  one.operation = operation;
  one.key = key;
  one.request_uri = one.referer = one.user_agent = "";
  one.object_size = size;
  if (version_id != s3::kNullVersion) one.version_id = version_id;
  records.push_back(std::move(one));
}

// "Working with archived objects": the copy is gone, the archived object stays.
Result<> LifecycleSweep::end_restore(meta::Transaction& transaction, const s3::ObjectInfo& listed,
                                     Change& change) {
  auto found = s3_.get_version(transaction, listed.bucket, listed.key, listed.version_id);
  if (!found && found.error().code() == ErrorCode::NotFound) return {};
  if (!found) return std::unexpected(std::move(found).error());
  if (!restore_ended(*found, clock_.now())) return {};
  found->restored_until.reset();
  change.notices.push_back(notice_of("ObjectRestore:Delete", *found));
  return s3::store_properties(transaction, *found);
}

// Clients may have come between the look and this.
Result<> LifecycleSweep::act(meta::Transaction& transaction, const Action& action, Change& change) {
  const auto& [verdict, version] = action;
  const auto& bucket = change.bucket.name;
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
  const bool hidden = deleted->delete_marker && !named;
  if (deleted->existed) {
    change.notices.push_back(
        {.event = hidden ? "LifecycleExpiration:DeleteMarkerCreated" : "LifecycleExpiration:Delete",
         .key = version.key,
         .version_id = deleted->version_id});
    change.record(hidden ? "S3.CREATE.DELETEMARKER" : "S3.EXPIRE.OBJECT", version.key,
                  hidden ? deleted->version_id : version.version_id,
                  version.delete_marker ? std::nullopt : std::optional(version.size));
  }
  ++done_;
  return {};
}

Result<> LifecycleSweep::abort_uploads(const std::string& bucket,
                                       const std::vector<LifecycleRule>& rules, Time now) {
  return commit(bucket, [&](meta::Transaction& transaction, Change& change) -> Result<> {
    TRY_ASSIGN(const auto uploads, s3_.list_uploads(transaction, bucket, ""));
    for (const auto& upload : uploads) {
      const auto due = abort_of(rules, upload);
      if (!due || due->date > now) continue;
      TRY(s3_.abort_upload(transaction, bucket, upload.key, upload.id));
      change.record("S3.DELETE.UPLOAD", upload.key, "", std::nullopt);
      ++done_;
    }
    return {};
  });
}

}  // namespace traccia::api
