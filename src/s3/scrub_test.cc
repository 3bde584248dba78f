// Rot is found by object, also in encrypted and kept versions, and forgotten once it is gone.
// SPDX-License-Identifier: Apache-2.0
#include "s3/scrub.h"

#include <gmock/gmock.h>

#include "s3/test_store.h"

namespace traccia::s3 {
namespace {

class ScrubTest : public S3Test {
 protected:
  void SetUp() override {
    S3Test::SetUp();
    scrub_.emplace(fake_.clock, *store_->database, *store_->s3);
  }
  void pass() {
    const auto before = scrub_->state().passes;
    while (scrub_->state().passes == before) ASSERT_TRUE(scrub_->step());
  }
  void damage(const ObjectInfo& object) {
    const auto& blob = object.parts.front().first;
    if (blob.size() == 32) {
      fake_.files.corrupt("/d/blobs/" + blob.substr(0, 2) + "/" + blob, 130, 1);
      return;
    }
    ASSERT_TRUE(store_->database->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(transaction.execute(
          "UPDATE s3_small SET blob = CAST(substr(blob, 1, 130) || X'00' || substr(blob, 132) AS "
          "BLOB) WHERE printf('%016x', id) = ?",
          {blob}));
      return {};
    }));
  }
  std::vector<std::string> damaged() {
    std::vector<std::string> out;
    for (const auto& one : scrub_->state().damaged) {
      EXPECT_NE(one.what.find("at byte 128"), std::string::npos) << one.what;
      out.push_back(one.bucket + "/" + one.key + "@" + one.version_id);
    }
    return out;
  }
  std::optional<Scrub> scrub_;
};

TEST_F(ScrubTest, NamesTheObjectsThatAreDamaged) {
  ASSERT_TRUE(store_->set_versioning(Versioning::Enabled));
  const auto old = store_->put("a", "first" + kManyBytes).value();
  ASSERT_TRUE(store_->put("a", "second"));
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(store_->put("k" + std::to_string(i), "x"));
  const auto last = store_->put("z", "last").value();
  pass();
  EXPECT_THAT(damaged(), testing::IsEmpty());
  damage(old);
  damage(last);
  EXPECT_EQ(scrub_->step().value(), 0U) << "the next pass is not due";
  fake_.clock.advance(Scrub::kPassEvery);
  pass();
  EXPECT_THAT(damaged(), testing::UnorderedElementsAre("bucket/a@" + old.version_id,
                                                       "bucket/z@" + last.version_id));
  ASSERT_TRUE(store_->remove("a", old.version_id));
  ASSERT_TRUE(store_->s3->collect_garbage());
  fake_.clock.advance(Scrub::kPassEvery);
  pass();
  EXPECT_THAT(damaged(), testing::ElementsAre("bucket/z@" + last.version_id));
  EXPECT_EQ(scrub_->state().damaged_count, 1U);
}

TEST_F(ScrubTest, WhatIsDeletedMeanwhileIsNoDamage) {
  const auto gone = store_->put("a", "x").value();
  ASSERT_TRUE(store_->put("b", "x"));
  ASSERT_GT(scrub_->step().value(), 0U);
  ASSERT_TRUE(store_->remove("b"));
  ASSERT_TRUE(store_->s3->collect_garbage());
  pass();
  EXPECT_THAT(damaged(), testing::IsEmpty());
}

}  // namespace
}  // namespace traccia::s3
