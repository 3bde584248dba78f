// Walks buckets and removes what their rules say.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_lifecycle_sweep.h"

#include "base/log.h"

namespace traccia::api {

Result<> LifecycleSweep::step() {
  const auto now = clock_.now();
  const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
  std::map<std::string, std::string> documents;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(documents, s3_.documents_of(transaction, s3::Document::Lifecycle));
    return {};
  }));
  std::erase_if(walked_, [&](const auto& entry) { return !documents.contains(entry.first); });
  for (const auto& [bucket, document] : documents) {
    auto& walked = walked_[bucket];
    if (walked.day == day && walked.document == document) continue;
    done_ = 0;
    const auto done = [&]() -> Result<> {
      TRY_ASSIGN(const auto root, aws::parse_xml(document));
      TRY_ASSIGN(const auto rules, parse_lifecycle(root));
      TRY(walk(bucket, rules, now));
      return abort_uploads(bucket, rules, now);
    }();
    if (done) {
      walked = {day, document};
    } else if (done.error().reason() != "NoSuchBucket") {
      log(LogLevel::Error, "lifecycle", {{"bucket", bucket}, {"error", done.error().message()}});
    }
    if (done_ > 0) log(LogLevel::Info, "lifecycle", {{"bucket", bucket}, {"removed", done_}});
  }
  return {};
}

Result<> LifecycleSweep::walk(const std::string& bucket, const std::vector<LifecycleRule>& rules,
                              Time now) {
  LifecycleJudge judge(rules, now);
  s3::ListOptions options;
  options.keys_max = kVersionsPerPage;
  for (bool more = true; more;) {
    std::vector<Action> actions;
    TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto page, s3_.list_versions(transaction, bucket, options));
      for (const auto& version : page.objects) {
        const auto fate = judge.judge(version);
        if (fate != Fate::Stays) actions.push_back({fate, version.key, version.version_id});
      }
      more = page.truncated;
      options.after = page.next;
      options.after_version = page.next_version;
      return {};
    }));
    if (actions.empty()) continue;
    TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
      for (const auto& action : actions) TRY(act(transaction, bucket, action));
      return {};
    }));
  }
  return {};
}

// Clients may have come between the look and this.
Result<> LifecycleSweep::act(meta::Transaction& transaction, const std::string& bucket,
                             const Action& action) {
  const auto current = s3_.get_version(transaction, bucket, action.key, std::nullopt);
  if (!current && current.error().reason() != "NoSuchKey") return std::unexpected(current.error());
  const bool is_current = current && current->version_id == action.version_id;
  if (is_current == (action.fate == Fate::Removed)) return {};
  if (action.fate == Fate::RemovedLone) {
    s3::ListOptions options;
    options.prefix = action.key;
    options.keys_max = 2;
    TRY_ASSIGN(const auto versions, s3_.list_versions(transaction, bucket, options));
    const bool alone = versions.objects.size() < 2 || versions.objects[1].key != action.key;
    if (!alone) return {};
  }
  const auto version = action.fate == Fate::Expires
                           ? std::nullopt
                           : std::optional<std::string_view>(action.version_id);
  const auto deleted = s3_.delete_object(transaction, bucket, action.key, version);
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
