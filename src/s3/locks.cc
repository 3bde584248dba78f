// Object Lock ("Locking objects with Object Lock"): retention and legal holds of versions.
// SPDX-License-Identifier: Apache-2.0
#include "s3/locks.h"

#include <fmt/format.h>

#include "s3/rows.h"
#include "s3/versions.h"

namespace traccia::s3 {

const std::string_view kLocksSchema = R"sql(
ALTER TABLE s3_buckets ADD COLUMN object_lock INTEGER NOT NULL DEFAULT 0;
-- The retention of objects that come without one: s3::LockMode (0: none) and its length.
ALTER TABLE s3_buckets ADD COLUMN lock_mode INTEGER NOT NULL DEFAULT 0;
ALTER TABLE s3_buckets ADD COLUMN lock_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE s3_buckets ADD COLUMN lock_years INTEGER NOT NULL DEFAULT 0;
)sql";

namespace {

constexpr int kDaysPerYear = 365;  // "Object Lock considerations"

std::unexpected<Error> is_protected() {
  return fail(ErrorCode::PermissionDenied, "AccessDenied",
              "Access Denied because object protected by object lock.");
}

bool retains(const Lock& lock, Time now) {
  return lock.mode != LockMode::None && lock.until > now;
}

// Whether the new retention protects less than the old one, or in another way.
bool loosens(const Lock& old, const Lock& wanted) {
  return wanted.mode != old.mode || wanted.until < old.until;
}

Result<> check_lockable(const Bucket& holder, const ObjectInfo& version) {
  if (!holder.object_lock) {
    return fail(ErrorCode::InvalidArgument, "InvalidRequest",
                "Bucket is missing Object Lock Configuration");
  }
  if (!version.delete_marker) return {};
  return fail(ErrorCode::FailedPrecondition, "MethodNotAllowed", "a delete marker");
}

}  // namespace

Result<> check_removable(const Lock& lock, Time now, Governance governance) {
  if (lock.legal_hold == LegalHold::On) return is_protected();
  if (!retains(lock, now)) return {};
  if (lock.mode == LockMode::Governance && governance == Governance::Bypassed) return {};
  return is_protected();
}

Result<Lock> lock_of_new(const Bucket& holder, const Lock& own, Time now) {
  if (!holder.object_lock) {
    if (own.empty()) return own;
    return fail(ErrorCode::InvalidArgument, "InvalidRequest",
                "Bucket is missing ObjectLockConfiguration");
  }
  auto lock = own;
  const auto& retention = holder.default_retention;
  if (lock.mode == LockMode::None && retention.mode != LockMode::None) {
    lock.mode = retention.mode;
    lock.until = now + std::chrono::hours(24) * (retention.days + kDaysPerYear * retention.years);
  }
  return lock;
}

Result<> S3::set_object_lock(meta::Transaction& transaction, std::string_view bucket,
                             const DefaultRetention& retention) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  if (holder.versioning != Versioning::Enabled) {
    return fail(ErrorCode::FailedPrecondition, "InvalidBucketState",
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
  }
  TRY(
      transaction.execute("UPDATE s3_buckets SET object_lock = 1, lock_mode = ?, lock_days = ?, "
                          "lock_years = ? WHERE name = ?",
                          {static_cast<int64_t>(retention.mode), int64_t{retention.days},
                           int64_t{retention.years}, bucket}));
  return {};
}

Result<ObjectInfo> S3::get_locked(meta::Transaction& transaction, std::string_view bucket,
                                  std::string_view key, std::optional<std::string_view> version) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  TRY_ASSIGN(auto found, get_version(transaction, bucket, key, version));
  TRY(check_lockable(holder, found));
  return found;
}

Result<> S3::put_retention(meta::Transaction& transaction, ObjectInfo version, LockMode mode,
                           Time until, Governance governance) {
  auto wanted = version.lock;
  wanted.mode = mode;
  wanted.until = until;
  if (retains(version.lock, os_.clock.now()) && loosens(version.lock, wanted)) {
    const bool bypasses =
        version.lock.mode == LockMode::Governance && governance == Governance::Bypassed;
    if (!bypasses) return is_protected();
  }
  version.lock = wanted;
  return store_properties(transaction, version);
}

Result<> S3::put_legal_hold(meta::Transaction& transaction, ObjectInfo version, LegalHold hold) {
  version.lock.legal_hold = hold;
  return store_properties(transaction, version);
}

}  // namespace traccia::s3
