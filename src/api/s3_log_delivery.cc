// Puts batches of records.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_log_delivery.h"

#include <fmt/format.h>

#include "api/s3_encryption.h"
#include "api/s3_request_log.h"
#include "api/service_objects.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

constexpr std::string_view kService = "logging.s3.amazonaws.com";
constexpr size_t kUniqueBytes = 8;
constexpr std::string_view kUnfit = "InvalidTargetBucketForLogging";

std::unexpected<Error> unfit(std::string message) {
  return fail(ErrorCode::FailedPrecondition, kUnfit, std::move(message));
}

// What PutBucketLogging asks of the target, and what may have changed since; and "Default
// encryption with SSE-KMS is not supported" ("Enabling Amazon S3 server access logging").
Result<> check_target(Services& services, meta::Transaction& transaction, const LogBatch& batch,
                      const s3::Bucket& target) {
  if (target.owner_account != batch.of.owner || target.region != batch.of.region) {
    return unfit("the bucket is of another account or Region");
  }
  if (target.default_retention.mode != s3::LockMode::None) {
    return unfit("the bucket has a default retention period");
  }
  TRY_ASSIGN(const auto text,
             services.s3.get_document(transaction, target.name, s3::Document::Encryption));
  if (!text) return {};
  TRY_ASSIGN(const auto encryption, parse_default_encryption(*text));
  if (encryption.kind == s3::Sse::S3) return {};
  return unfit("the bucket's default encryption is not SSE-S3");
}

ServiceObject log_object(const os::Os& os, const LogBatch& batch, std::string_view key) {
  const auto source = s3_arn({batch.of.name, ""});
  ServiceObject object{
      .caller = service_caller(kService, source, "", batch.of.region, os.random.uuid()),
      .bucket = batch.of.logging.target_bucket,
      .key = key,
      .bytes = batch.text};
  object.caller.source_account = batch.of.owner;  // a bucket's ARN tells none
  object.options.headers.content_type = "text/plain";
  return object;
}

Result<> put_log(Services& services, const ServiceObject& object, const LogBatch& batch) {
  // What is refused is tried again for a day: its bytes must not be written each time.
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto target, authorise_service_put(services, transaction, object));
    return check_target(services, transaction, batch, target);
  }));
  auto done = put_service_object(services, object, {});
  // It is there; its record reaches the log later.
  if (!done && done.error().reason() == kCommittedNotLogged) return {};
  return done;
}

}  // namespace

std::string log_object_key(const LogBatch& batch, Time now, std::string_view unique) {
  const auto& logging = batch.of.logging;
  const auto time = logging.key_format() == LogKeyFormat::ByEventDay ? batch.day : now;
  std::string folders;
  if (logging.key_format() != LogKeyFormat::Simple) {
    folders = fmt::format("{}/{}/{}/{}/", batch.of.owner, batch.of.region, batch.of.name,
                          format_date_path(time));
  }
  auto stamp = format_iso_seconds(time);  // 2026-11-24T05:06:07Z
  stamp.pop_back();
  for (auto& c : stamp) {
    if (c == 'T' || c == ':') c = '-';
  }
  return fmt::format("{}{}{}-{}", logging.target_prefix, folders, stamp, unique);
}

void deliver_access_logs(Services& services, AccessLogs::Take which) {
  auto& logs = services.access_logs;
  const auto& os = services.os;
  const bool last_time = which == AccessLogs::Take::All;
  // Puts may be recorded in access logs, too: those of this round are for the next one.
  const auto newest = logs.newest();
  while (auto batch = logs.take(which, newest)) {
    auto unique = hex_encode(os.random.bytes(kUniqueBytes));
    for (auto& c : unique) c = c >= 'a' ? static_cast<char>(c - 32) : c;
    const auto key = log_object_key(*batch, os.clock.now(), unique);
    const auto object = log_object(os, *batch, key);
    const auto done = put_log(services, object, *batch);
    const bool tried = done || done.error().reason() != kUnfit;
    if (tried) log_service_put(services, object, done ? nullptr : &done.error());
    if (done) {
      logs.delivered(*batch);
    } else {
      logs.refused(std::move(*batch), done.error(),
                   last_time ? AccessLogs::Again::No : AccessLogs::Again::Yes);
    }
  }
}

}  // namespace traccia::api
