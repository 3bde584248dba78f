// Object Lock: what it keeps, and how far it can be loosened.
// SPDX-License-Identifier: Apache-2.0
#include "s3/locks.h"

#include "s3/test_store.h"

namespace traccia::s3 {
namespace {

using std::chrono::hours;

class LockTest : public S3Test {
 protected:
  void SetUp() override {
    S3Test::SetUp();
    ASSERT_TRUE(store_->set_versioning(Versioning::Enabled));
    ASSERT_TRUE(lock_bucket({}));
  }
  Result<> lock_bucket(const DefaultRetention& retention) {
    return store_->database->write([&](meta::Transaction& transaction) {
      return store_->s3->set_object_lock(transaction, "bucket", retention);
    });
  }
  ObjectInfo put_locked(const Lock& lock) {
    PutOptions options;
    options.lock = lock;
    return store_->put("k", "x", options).value();
  }
  std::string remove(const ObjectInfo& version, Governance governance = Governance::Enforced) {
    const auto done = store_->write<Deleted>([&](meta::Transaction& transaction) {
      return store_->s3->delete_object(transaction, "bucket", "k", version.version_id, governance);
    });
    return done ? "" : std::string(done.error().reason());
  }
  std::string retain(const ObjectInfo& version, LockMode mode, Time until,
                     Governance governance = Governance::Enforced) {
    const auto done = store_->database->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(auto found,
                 store_->s3->get_locked(transaction, "bucket", "k", version.version_id));
      return store_->s3->put_retention(transaction, std::move(found), mode, until, governance);
    });
    return done ? "" : std::string(done.error().reason());
  }
  void hold(const ObjectInfo& version, LegalHold hold) {
    ASSERT_TRUE(store_->database->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(auto found,
                 store_->s3->get_locked(transaction, "bucket", "k", version.version_id));
      return store_->s3->put_legal_hold(transaction, std::move(found), hold);
    }));
  }
  Time in(int count) { return fake_.clock.now() + hours(count); }
};

TEST_F(LockTest, GovernanceYieldsToABypassOnly) {
  const auto version = put_locked({LockMode::Governance, in(10)});
  EXPECT_EQ(remove(version), "AccessDenied");
  EXPECT_EQ(retain(version, LockMode::Governance, in(9)), "AccessDenied");
  EXPECT_EQ(retain(version, LockMode::Compliance, in(20)), "AccessDenied");
  EXPECT_EQ(retain(version, LockMode::None, {}), "AccessDenied");
  EXPECT_EQ(retain(version, LockMode::Governance, in(11)), "");
  EXPECT_EQ(retain(version, LockMode::Governance, in(5), Governance::Bypassed), "");
  EXPECT_EQ(retain(version, LockMode::None, {}, Governance::Bypassed), "");
  EXPECT_EQ(remove(version), "");
  EXPECT_EQ(remove(put_locked({LockMode::Governance, in(1)}), Governance::Bypassed), "");
}

TEST_F(LockTest, ComplianceYieldsToTimeOnly) {
  const auto version = put_locked({LockMode::Compliance, in(10)});
  for (const auto governance : {Governance::Enforced, Governance::Bypassed}) {
    EXPECT_EQ(remove(version, governance), "AccessDenied");
    EXPECT_EQ(retain(version, LockMode::Compliance, in(9), governance), "AccessDenied");
    EXPECT_EQ(retain(version, LockMode::Governance, in(20), governance), "AccessDenied");
    EXPECT_EQ(retain(version, LockMode::None, {}, governance), "AccessDenied");
  }
  EXPECT_EQ(retain(version, LockMode::Compliance, in(11)), "");
  fake_.clock.advance(hours(11));
  EXPECT_EQ(remove(version), "");
}

TEST_F(LockTest, LegalHoldsYieldToNothingButTheirRemoval) {
  const auto version = put_locked({LockMode::None, {}, LegalHold::On});
  fake_.clock.advance(hours(24 * 365));
  EXPECT_EQ(remove(version, Governance::Bypassed), "AccessDenied");
  hold(version, LegalHold::Off);
  EXPECT_EQ(store_->get_version("k", version.version_id)->lock.legal_hold, LegalHold::Off);
  EXPECT_EQ(remove(version), "");
}

TEST_F(LockTest, LocksStayWithTheirVersionBehindNewerOnesAndMarkers) {
  const auto version = put_locked({LockMode::Governance, in(10)});
  const auto marker = store_->remove("k").value();
  EXPECT_TRUE(marker.delete_marker);
  EXPECT_EQ(remove(version), "AccessDenied");
  EXPECT_EQ(retain(version, LockMode::Governance, in(20)), "");
  EXPECT_EQ(store_->get_version("k", version.version_id)->lock.until, in(20));
  ASSERT_TRUE(store_->remove("k", marker.version_id)) << "markers are not protected";
  EXPECT_EQ(store_->get("k")->lock.mode, LockMode::Governance);
  EXPECT_EQ(remove(version), "AccessDenied");
}

TEST_F(LockTest, DefaultsLockWhatComesWithoutALockOfItsOwn) {
  const auto before = put_locked({});
  ASSERT_TRUE(lock_bucket({LockMode::Compliance, 0, 1}));
  EXPECT_EQ(remove(before), "") << "new objects only";
  EXPECT_EQ(put_locked({}).lock.until, in(24 * 365));
  EXPECT_EQ(put_locked({LockMode::Governance, in(1)}).lock.mode, LockMode::Governance);
  ASSERT_TRUE(lock_bucket({}));
  EXPECT_TRUE(put_locked({}).lock.empty());
  const auto suspended = store_->set_versioning(Versioning::Suspended);
  EXPECT_EQ(suspended.error().reason(), "InvalidBucketState");
}

TEST_F(S3Test, ObjectLockNeedsVersionsAndLocksNeedObjectLock) {
  const auto locked = store_->database->write([&](meta::Transaction& transaction) {
    return store_->s3->set_object_lock(transaction, "bucket", {});
  });
  EXPECT_EQ(locked.error().reason(), "InvalidBucketState");
  PutOptions options;
  options.lock.legal_hold = LegalHold::On;
  EXPECT_EQ(store_->put("k", "x", options).error().reason(), "InvalidRequest");
  EXPECT_EQ(store_->get("k").error().reason(), "NoSuchKey");
}

}  // namespace
}  // namespace traccia::s3
