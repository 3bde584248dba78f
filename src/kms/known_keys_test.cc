// A key's version: another one after each change of the key or of what belongs to it, so that what
// is kept of a key is never taken for what it is not any more.
// SPDX-License-Identifier: Apache-2.0
#include "kms/known_keys.h"

#include <gtest/gtest.h>

#include <functional>

#include "identity/identity.h"
#include "kms/aliases.h"
#include "kms/grants.h"
#include "kms/keys.h"
#include "kms/multi_region.h"
#include "kms/schema.h"
#include "os/fake_os.h"

namespace traccia::kms {
namespace {

using Transaction = meta::Transaction;

const Place kPlace{"111122223333", "eu-west-1"};

class KnownKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d"));
    auto schemas = identity::schemas();
    for (const auto schema : {kSchema, kRotationSchema, kGrantsSchema, kManagersSchema,
                              kReplicasSchema, kVersionsSchema}) {
      schemas.push_back(schema);
    }
    database_ = meta::Database::open(fake_.os(), "/d/meta.db", schemas).value();
    write([&](Transaction& transaction) -> Result<> {
      TRY(identity_.bootstrap(transaction, kPlace.account));
      return {};
    });
  }
  void write(const std::function<Result<>(Transaction&)>& body) {
    const auto done = database_->write(body);
    EXPECT_TRUE(done) << done.error().message();
  }
  Key make(NewKey wanted = {}) {
    Key key;
    wanted.place = kPlace;
    wanted.policy = "{}";
    write([&](Transaction& transaction) -> Result<> {
      TRY_ASSIGN(key, keys_.create(transaction, wanted));
      return {};
    });
    return key;
  }
  Known know(std::string_view arn, NameKind kind = NameKind::Key) {
    Known known;
    write([&](Transaction& transaction) -> Result<> {
      TRY_ASSIGN(known, keys_.know(transaction, {kind, std::string(arn), kPlace.account}));
      return {};
    });
    return known;
  }

  os::FakeOs fake_;
  std::unique_ptr<meta::Database> database_;
  identity::MasterKey master_key_{std::string(32, 'k')};
  identity::Identity identity_{fake_.os(), master_key_, {.n = 16, .r = 1, .p = 1}};
  Keys keys_{fake_.os(), master_key_};
};

TEST_F(KnownKeysTest, EachChangeMakesAnotherVersion) {
  const auto key = make({.regions = Regions::Many});
  const auto other = make();
  std::string grant, replica;
  struct Change {
    std::string_view what;
    std::function<Result<>(Transaction&)> make;
  };
  const auto now = fake_.clock.now();
  const auto alias = alias_arn(kPlace, "alias/a");
  const Change changes[] = {
      {"description",
       [&](Transaction& transaction) {
         auto changed = key;
         changed.description = "other";
         return keys_.update(transaction, changed);
       }},
      {"nothing but written",
       [&](Transaction& transaction) { return keys_.update(transaction, key); }},
      {"alias",
       [&](Transaction& transaction) { return create_alias(transaction, "alias/a", key, now); }},
      {"alias away",
       [&](Transaction& transaction) -> Result<> {
         TRY_ASSIGN(const auto found, get_alias(transaction, alias));
         return point_alias(transaction, found, other, now);
       }},
      {"alias back",
       [&](Transaction& transaction) -> Result<> {
         TRY_ASSIGN(const auto found, get_alias(transaction, alias));
         return point_alias(transaction, found, key, now);
       }},
      {"alias gone",
       [&](Transaction& transaction) -> Result<> {
         TRY_ASSIGN(const auto found, get_alias(transaction, alias));
         return remove_alias(transaction, found);
       }},
      {"tag", [&](Transaction& transaction) { return set_tags(transaction, key, {{"a", "1"}}); }},
      {"another value",
       [&](Transaction& transaction) { return set_tags(transaction, key, {{"a", "2"}}); }},
      {"tag gone", [&](Transaction& transaction) { return remove_tags(transaction, key, {"a"}); }},
      {"grant",
       [&](Transaction& transaction) -> Result<> {
         TRY_ASSIGN(const auto made, create_grant(transaction, fake_.os(),
                                                  {.key_arn = key.arn, .operations = {"Decrypt"}}));
         grant = made.id;
         return {};
       }},
      {"grant gone",
       [&](Transaction& transaction) {
         return remove_grant(transaction, {.id = grant, .key_arn = key.arn});
       }},
      {"rotation",
       [&](Transaction& transaction) -> Result<> {
         TRY(keys_.rotate(transaction, key, MaterialOrigin::OnDemand));
         return {};
       }},
      {"another primary",
       [&](Transaction& transaction) -> Result<> {
         TRY_ASSIGN(const auto made, keys_.replicate(transaction, key, {.region = "us-east-1"}));
         replica = made.arn;
         return set_primary(transaction, key, made);
       }},
      {"material away", [&](Transaction& transaction) -> Result<> {
         TRY(keys_.forget_material(transaction, key));
         return {};
       }}};
  const auto others = know(other.arn)->key.version;
  auto version = know(key.arn)->key.version;
  EXPECT_NE(version, 0);
  for (const auto& [what, make] : changes) {
    write(make);
    const auto after = know(key.arn)->key.version;
    EXPECT_NE(after, version) << what;
    EXPECT_NE(after, 0) << what;
    version = after;
  }
  EXPECT_NE(know(other.arn)->key.version, others) << "an alias came and went";
  // Its replica had no part in the last one; of its own material it has.
  version = know(replica)->key.version;
  write([&](Transaction& transaction) -> Result<> {
    TRY(keys_.rotate(transaction, key, MaterialOrigin::OnDemand));
    return {};
  });
  EXPECT_NE(know(replica)->key.version, version);
  version = know(key.arn)->key.version;
  EXPECT_EQ(know(key.arn)->key.version, version) << "reading is no change";
  (void)make();
  EXPECT_EQ(know(key.arn)->key.version, version) << "nor is another key";
}

TEST_F(KnownKeysTest, WhatIsKnownIsTheSameUntilItChanges) {
  const auto key = make();
  const auto known = know(key.arn);
  EXPECT_EQ(know(key.arn), known) << "it was not read once more";
  EXPECT_TRUE(known->aliases.empty());
  write([&](Transaction& transaction) -> Result<> {
    TRY(create_alias(transaction, "alias/a", key, fake_.clock.now()));
    return set_tags(transaction, key, {{"a", "1"}});
  });
  const auto changed = know(alias_arn(kPlace, "alias/a"), NameKind::Alias);
  ASSERT_NE(changed, nullptr);
  EXPECT_EQ(changed->aliases, std::vector<std::string>{"alias/a"});
  EXPECT_EQ(changed->tags.size(), 1U);
  EXPECT_FALSE(changed->has_grants);
  EXPECT_EQ(know(key.arn), changed);
  EXPECT_EQ(know(alias_arn(kPlace, "alias/b"), NameKind::Alias), nullptr);
}

TEST_F(KnownKeysTest, MaterialIsOpenedOnce) {
  const auto key = make();
  const auto known = know(key.arn);
  Opened first, second, rotated;
  write([&](Transaction& transaction) -> Result<> {
    TRY_ASSIGN(first, keys_.open(transaction, known->key));
    TRY_ASSIGN(second, keys_.open(transaction, known->key));
    return {};
  });
  EXPECT_EQ(first, second);
  write([&](Transaction& transaction) -> Result<> {
    TRY(keys_.rotate(transaction, known->key, MaterialOrigin::OnDemand));
    return {};
  });
  write([&](Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto after, keys_.know(transaction, {.arn = key.arn}));
    TRY_ASSIGN(rotated, keys_.open(transaction, after->key));
    return {};
  });
  EXPECT_NE(rotated->id(), first->id());
}

TEST_F(KnownKeysTest, TheStoreIsNotLookedAtWhileNothingIsWritten) {
  const auto key = make();
  const auto look = [&] {
    const auto writes = database_->writes();
    Known known;
    EXPECT_TRUE(database_->read([&](Transaction& transaction) -> Result<> {
      TRY_ASSIGN(known, keys_.know(transaction, {.arn = key.arn}, writes));
      return {};
    }));
    return known;
  };
  const auto known = look();
  EXPECT_EQ(look(), known);
  write([&](Transaction& transaction) {
    auto changed = key;
    changed.state = KeyState::Disabled;
    return keys_.update(transaction, changed);
  });
  EXPECT_EQ(look()->key.state, KeyState::Disabled);
  // Not what a transaction saw that wrote, and went.
  EXPECT_FALSE(database_->write([&](Transaction& transaction) -> Result<> {
    TRY(keys_.update(transaction, key));
    TRY_ASSIGN(const auto within, keys_.know(transaction, {.arn = key.arn}));
    EXPECT_EQ(within->key.state, KeyState::Enabled);
    return fail(ErrorCode::Internal, "never mind");
  }));
  EXPECT_EQ(look()->key.state, KeyState::Disabled);
}

TEST(KnownKeys, TheNewestOfEachAndNotTooMany) {
  KnownKeys known;
  const auto keep = [&](std::string_view arn, int64_t version) {
    KnownKey key;
    key.key.arn = arn;
    key.key.version = version;
    known.keep(std::make_shared<const KnownKey>(std::move(key)));
  };
  keep("a", 1);
  EXPECT_NE(known.find("a", 1), nullptr);
  EXPECT_EQ(known.find("a", 2), nullptr);
  EXPECT_EQ(known.find("b", 1), nullptr);
  keep("a", 2);
  EXPECT_EQ(known.find("a", 1), nullptr);
  for (size_t i = 0; i < KnownKeys::kKeysMax; ++i) keep(std::to_string(i), 1);
  EXPECT_EQ(known.find("a", 2), nullptr) << "made room";
  known.forget("1");
  EXPECT_EQ(known.find("1", 1), nullptr);
}

}  // namespace
}  // namespace traccia::kms
