// Batches of records.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_access_logs.h"

#include <algorithm>
#include <vector>

#include "api/s3_access_record.h"
#include "base/log.h"

namespace traccia::api {
namespace {

Time day_of(const LoggedBucket& bucket, const AccessRecord& record) {
  if (bucket.logging.key_format() != LogKeyFormat::ByEventDay) return {};
  return std::chrono::floor<std::chrono::days>(record.time);
}

}  // namespace

Result<> AccessLogs::refresh(meta::Database& database, s3::S3& s3) {
  const MutexLock order(refresh_);
  Buckets found;
  TRY(database.read([&](meta::Transaction& transaction) -> Result<> {
    found.clear();
    TRY_ASSIGN(const auto documents, s3.documents_of(transaction, s3::Document::Logging));
    for (const auto& [name, text] : documents) {
      TRY_ASSIGN(const auto bucket, s3.get_bucket(transaction, name));
      TRY_ASSIGN(const auto root, aws::parse_xml(text));
      TRY_ASSIGN(auto status, parse_logging(root));
      if (!status.logging) continue;
      found[name] = std::make_shared<const LoggedBucket>(
          LoggedBucket{name, bucket.owner_account, bucket.region, std::move(*status.logging)});
    }
    return {};
  }));
  const MutexLock lock(mutex_);
  any_ = !found.empty();
  buckets_ = std::move(found);
  return {};
}

std::shared_ptr<const LoggedBucket> AccessLogs::find(std::string_view bucket) const {
  if (!any_.load(std::memory_order_relaxed)) return nullptr;
  const MutexLock lock(mutex_);
  const auto at = buckets_.find(bucket);
  return at == buckets_.end() ? nullptr : at->second;
}

AccessLogs::StreamId AccessLogs::id_of(const LoggedBucket& bucket) {
  const auto& logging = bucket.logging;
  return {bucket.name, logging.target_bucket, logging.target_prefix, logging.key_format()};
}

void AccessLogs::add(const LoggedBucket& bucket, const AccessRecord& record) {
  const auto line = render_record(record);
  const auto day = day_of(bucket, record);
  const auto now = clock_.now();
  const MutexLock lock(mutex_);
  ++counters_.records;
  auto& stream = streams_[id_of(bucket)];
  if (stream.bytes + line.size() > kBucketBytesMax ||
      counters_.waiting_bytes + line.size() > kBytesMax) {
    ++stream.dropped;
    ++counters_.dropped;
    return;
  }
  const auto [at, fresh] = stream.open.try_emplace(day);
  auto& batch = at->second;
  if (fresh) {
    batch.of = bucket;
    batch.opened = now;
    batch.day = day;
    batch.number = ++newest_;
  }
  batch.text += line;
  ++batch.records;
  stream.bytes += line.size();
  counters_.waiting_bytes += line.size();
  if (batch.records < kBatchRecordsMax && batch.text.size() < kBatchBytesMax) return;
  stream.over.push_back(std::move(batch));
  stream.open.erase(at);
}

void AccessLogs::close_old(Stream& stream, Take which, Time now) {
  for (auto at = stream.open.begin(); at != stream.open.end();) {
    if (which == Take::Due && now - at->second.opened < kBatchAgeMax) {
      ++at;
      continue;
    }
    stream.over.push_back(std::move(at->second));
    at = stream.open.erase(at);
  }
}

std::optional<LogBatch> AccessLogs::take(Take which, uint64_t last) {
  const auto now = clock_.now();
  const MutexLock lock(mutex_);
  for (auto& [id, stream] : streams_) {
    close_old(stream, which, now);
    if (which == Take::Due && now < stream.next_try) continue;
    const auto at = std::ranges::find_if(
        stream.over, [&](const LogBatch& batch) { return batch.number <= last; });
    if (at == stream.over.end()) continue;
    auto batch = std::move(*at);
    stream.over.erase(at);
    return batch;
  }
  return std::nullopt;
}

void AccessLogs::release(Stream& stream, const LogBatch& batch) {
  stream.bytes -= batch.text.size();
  counters_.waiting_bytes -= batch.text.size();
}

void AccessLogs::delivered(const LogBatch& batch) {
  const MutexLock lock(mutex_);
  counters_.delivered += batch.records;
  ++counters_.objects;
  const auto at = streams_.find(id_of(batch.of));
  auto& stream = at->second;
  release(stream, batch);
  stream.delay = {};
  stream.next_try = {};
  if (stream.idle()) streams_.erase(at);
}

void AccessLogs::refused(LogBatch batch, const Error& error, Again again) {
  log(LogLevel::Warning, "an access log was refused",
      {{"of", batch.of.name},
       {"to", batch.of.logging.target_bucket},
       {"records", batch.records},
       {"reason", error.reason()},
       {"error", error.message()}});
  const auto now = clock_.now();
  const MutexLock lock(mutex_);
  ++counters_.refusals;
  auto& stream = streams_.find(id_of(batch.of))->second;
  stream.delay = std::clamp(stream.delay * 2, kRetryFirst, kRetryMax);
  stream.next_try = now + stream.delay;
  if (again == Again::Yes && now - batch.opened < kKept) {
    stream.over.push_front(std::move(batch));
    return;
  }
  release(stream, batch);
  stream.dropped += batch.records;
  counters_.dropped += batch.records;
}

uint64_t AccessLogs::newest() const {
  const MutexLock lock(mutex_);
  return newest_;
}

void AccessLogs::tell_drops() {
  std::vector<std::pair<std::string, uint64_t>> drops;
  {
    const MutexLock lock(mutex_);
    for (auto at = streams_.begin(); at != streams_.end();) {
      auto& stream = at->second;
      if (stream.dropped > 0) drops.emplace_back(std::get<0>(at->first), stream.dropped);
      stream.dropped = 0;
      at = stream.idle() ? streams_.erase(at) : std::next(at);
    }
  }
  for (const auto& [bucket, records] : drops) {
    log(LogLevel::Warning, "records of an access log were dropped",
        {{"of", bucket}, {"records", records}});
  }
}

AccessLogCounters AccessLogs::counters() const {
  const MutexLock lock(mutex_);
  return counters_;
}

}  // namespace traccia::api
