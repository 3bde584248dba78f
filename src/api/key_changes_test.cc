// What is changed about a key counts at its next use by a service, whatever was kept of it.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <set>

#include "api/kms_upkeep.h"
#include "api/service_keys.h"
#include "api/test_kms.h"
#include "base/test_allocations.h"
#include "crypto/key_pair.h"
#include "kms/grants.h"

namespace traccia::api {
namespace {

constexpr std::string_view kWorker = R"({"AWS":"arn:aws:iam::111122223333:user/worker"})";
constexpr std::string_view kUses = R"(["kms:GenerateDataKey","kms:Decrypt"])";
constexpr std::string_view kThere = "us-east-1";

class KeyChangesTest : public KmsTest {
 protected:
  void SetUp() override {
    KmsTest::SetUp();
    through_ = worker_;
    through_.via_service = "s3";
    key_ = arn_of(make_key({{"Policy", policy()}}));
    name_ = key_;
    seal();
    warm_up();
  }
  static std::string policy(std::string_view condition = "{}") {
    return document({for_account(), allowing(kWorker, kUses, condition)});
  }
  void seal() {
    const auto made = generate_data_key(*services_, through_, name_, context_);
    ASSERT_TRUE(made) << made.error().message();
    sealed_ = made->sealed;
  }
  void warm_up() {
    for (int i = 0; i < 2; ++i) ASSERT_EQ(use(), "");
  }

  // Every way in which services use a key. The reasons of those that failed, each once.
  std::string use() {
    std::set<std::string, std::less<>> reasons;
    const auto note = [&](const auto& result) {
      if (!result) reasons.insert(std::string(result.error().reason()));
    };
    for (const auto recording : {Recording::Seldom, Recording::Always}) {
      note(generate_data_key(*services_, through_, name_, context_, recording));
      note(decrypt_data_key(*services_, through_, name_, sealed_, context_, recording));
    }
    EXPECT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
      note(generate_data_key_within(*services_, transaction, through_, name_, context_));
      note(decrypt_data_key_within(*services_, transaction, through_, name_, sealed_, context_));
      return {};
    }));
    std::string out;
    for (const auto& reason : reasons) out += (out.empty() ? "" : " ") + reason;
    return out;
  }
  // The version of the material under which a bucket's next object is sealed.
  uint32_t version_of_next() {
    const auto made = generate_data_key(*services_, through_, name_, context_, Recording::Seldom);
    EXPECT_TRUE(made);
    return made ? kms::decode_ciphertext(made->sealed)->material : 0;
  }
  void change(std::string_view operation, json::Object input = {}) {
    input["KeyId"] = key_;
    as_administrator(operation, input);
  }

  Caller through_;
  std::string key_;
  std::string name_;  // under which it is used
  kms::EncryptionContext context_{{"aws:s3:arn", "arn:aws:s3:::b"}};
  std::string sealed_;
};

TEST_F(KeyChangesTest, StatesCountAtOnce) {
  change("kms:DisableKey");
  EXPECT_EQ(use(), "Disabled");
  change("kms:EnableKey");
  EXPECT_EQ(use(), "");
  change("kms:ScheduleKeyDeletion", {{"PendingWindowInDays", 7}});
  EXPECT_EQ(use(), "KMSInvalidState");
  change("kms:CancelKeyDeletion");
  EXPECT_EQ(use(), "Disabled");
  change("kms:EnableKey");
  EXPECT_EQ(use(), "");
}

TEST_F(KeyChangesTest, AKeyIsGoneFromTheMomentOn) {
  change("kms:ScheduleKeyDeletion", {{"PendingWindowInDays", 7}});
  EXPECT_EQ(use(), "KMSInvalidState");
  fake_.clock.advance(std::chrono::days(7));
  // Whom its policy let in learns nothing of a key without a policy.
  EXPECT_EQ(use(), "AccessDenied NotFound") << "due, and still in the store";
  EXPECT_EQ(remove_due_keys(*services_).value(), 1U);
  EXPECT_EQ(use(), "AccessDenied NotFound");
  through_ = administrator_;
  through_.via_service = "s3";
  EXPECT_EQ(use(), "NotFound");
}

TEST_F(KeyChangesTest, PoliciesCountAtOnce) {
  put_policy(key_, document({for_account()}));
  EXPECT_EQ(use(), "AccessDenied");
  put_policy(key_, policy());
  EXPECT_EQ(use(), "");
  // Its account's policies, too.
  put_policy(key_, document({for_account()}));
  allow("kms:*", key_);
  EXPECT_EQ(use(), "");
  set_policy("");
  EXPECT_EQ(use(), "AccessDenied");
}

TEST_F(KeyChangesTest, GrantsCountAtOnce) {
  put_policy(key_, document({for_account()}));
  const auto grant = [&](std::string_view bucket) {
    const json::Object context{{"aws:s3:arn", bucket}};
    const auto made = as_administrator(
        "kms:CreateGrant", {{"KeyId", key_},
                            {"GranteePrincipal", "arn:aws:iam::111122223333:user/worker"},
                            {"Operations", json::Array{"GenerateDataKey", "Decrypt"}},
                            {"Constraints", json::Object{{"EncryptionContextEquals", context}}}});
    return made.at("GrantId");
  };
  (void)grant("arn:aws:s3:::another");
  EXPECT_EQ(use(), "AccessDenied");
  const auto id = grant("arn:aws:s3:::b");
  EXPECT_EQ(use(), "");
  change("kms:RevokeGrant", {{"GrantId", id}});
  EXPECT_EQ(use(), "AccessDenied");
}

TEST_F(KeyChangesTest, ContextsAreComparedEachTime) {
  const auto open = [&](const kms::EncryptionContext& context) {
    const auto opened =
        decrypt_data_key(*services_, through_, key_, sealed_, context, Recording::Seldom);
    return opened ? std::string() : std::string(opened.error().reason());
  };
  EXPECT_EQ(open({{"aws:s3:arn", "arn:aws:s3:::c"}}), "InvalidCiphertext");
  EXPECT_EQ(open({}), "InvalidCiphertext");
  EXPECT_EQ(open(context_), "");
  put_policy(key_, policy(R"({"StringEquals":{"kms:EncryptionContext:aws:s3:arn":"arn:x"}})"));
  EXPECT_EQ(use(), "AccessDenied");
  put_policy(key_, policy(R"({"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:*:b"}})"));
  EXPECT_EQ(use(), "");
  EXPECT_EQ(open({{"aws:s3:arn", "arn:aws:s3:::c"}}), "AccessDenied");
}

TEST_F(KeyChangesTest, AnotherServiceIsNotTheSame) {
  put_policy(key_, policy(R"({"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}})"));
  warm_up();
  through_.via_service = "sqs";
  EXPECT_EQ(use(), "AccessDenied");
  through_.via_service = "";
  EXPECT_EQ(use(), "AccessDenied");
  through_.via_service = "s3";
  EXPECT_EQ(use(), "");
}

TEST_F(KeyChangesTest, TagsAndAliasesCountAtOnce) {
  put_policy(key_, policy(R"({"StringEquals":{"aws:ResourceTag/team":"audit"}})"));
  EXPECT_EQ(use(), "AccessDenied");
  const auto tag = [&](std::string_view team) {
    change("kms:TagResource",
           {{"Tags", json::Array{json::Object{{"TagKey", "team"}, {"TagValue", team}}}}});
  };
  tag("audit");
  EXPECT_EQ(use(), "");
  tag("ops");
  EXPECT_EQ(use(), "AccessDenied");
  tag("audit");
  change("kms:UntagResource", {{"TagKeys", json::Array{"team"}}});
  EXPECT_EQ(use(), "AccessDenied");

  put_policy(key_, policy(R"({"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/one"}})"));
  EXPECT_EQ(use(), "AccessDenied");
  as_administrator("kms:CreateAlias", {{"AliasName", "alias/one"}, {"TargetKeyId", key_}});
  EXPECT_EQ(use(), "");
  as_administrator("kms:UpdateAlias", {{"AliasName", "alias/one"}, {"TargetKeyId", make_key()}});
  EXPECT_EQ(use(), "AccessDenied");
  as_administrator("kms:UpdateAlias", {{"AliasName", "alias/one"}, {"TargetKeyId", key_}});
  EXPECT_EQ(use(), "");
  as_administrator("kms:DeleteAlias", {{"AliasName", "alias/one"}});
  EXPECT_EQ(use(), "AccessDenied");
}

TEST_F(KeyChangesTest, AnAliasLeadsWhereItDoesNow) {
  const auto other = arn_of(make_key({{"Policy", policy()}}));
  const json::Object to_key{{"AliasName", "alias/one"}, {"TargetKeyId", key_}};
  as_administrator("kms:CreateAlias", to_key);
  name_ = "alias/one";
  warm_up();
  as_administrator("kms:UpdateAlias", {{"AliasName", "alias/one"}, {"TargetKeyId", other}});
  EXPECT_EQ(use(), "IncorrectKey") << "of what the first one sealed";
  for (const auto recording : {Recording::Seldom, Recording::Always}) {
    EXPECT_EQ(generate_data_key(*services_, through_, name_, context_, recording)->key_arn, other);
  }
  as_administrator("kms:UpdateAlias", to_key);
  EXPECT_EQ(use(), "");
  change("kms:DisableKey");
  EXPECT_EQ(use(), "Disabled");
}

TEST_F(KeyChangesTest, RotatedMaterialSealsWhatComesNext) {
  EXPECT_EQ(version_of_next(), 1U);
  change("kms:RotateKeyOnDemand");
  EXPECT_EQ(version_of_next(), 2U);
  EXPECT_EQ(use(), "") << "the older opens what it sealed";
}

TEST_F(KeyChangesTest, ARelatedKeyOfAnotherRegionFollows) {
  key_ = arn_of(make_key({{"MultiRegion", true}, {"Policy", policy()}}));
  change("kms:ReplicateKey", {{"ReplicaRegion", kThere}, {"Policy", policy()}});
  auto primary = key_;
  name_ = key_;
  seal();
  warm_up();
  through_.region = kThere;
  name_ = key_.replace(key_.find("eu-west-1"), 9, kThere);
  EXPECT_EQ(use(), "") << "one opens what the other sealed";
  EXPECT_EQ(version_of_next(), 1U);
  as_administrator("kms:RotateKeyOnDemand", {{"KeyId", primary}});
  EXPECT_EQ(version_of_next(), 2U);
  auto there = administrator_;
  there.region = kThere;
  ASSERT_TRUE(call(there, "kms:DisableKey", {{"KeyId", key_}}));
  EXPECT_EQ(use(), "Disabled");
  through_.region = "eu-west-1";
  name_ = primary;
  EXPECT_EQ(use(), "");
}

// Whether a change stays is not known while its transaction goes on.
TEST_F(KeyChangesTest, WhatIsRolledBackWasNothing) {
  const kms::KeyName name{.arn = key_, .account = std::string(kAccount)};
  const auto disabled_within = [&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(auto key, keys_.get(transaction, name));
    key.state = kms::KeyState::Disabled;
    TRY(keys_.update(transaction, key));
    const auto made = generate_data_key_within(*services_, transaction, through_, key_, context_);
    EXPECT_FALSE(made) << "the change counts inside of it";
    EXPECT_EQ(made.error().reason(), "Disabled");
    return fail(ErrorCode::Internal, "never mind");
  };
  EXPECT_FALSE(database_->write(disabled_within));
  EXPECT_EQ(use(), "");
  change("kms:UpdateKeyDescription", {{"Description", "another change"}});
  EXPECT_EQ(use(), "");
}

#ifndef TRACCIA_ALLOCATES_FOR_ITSELF
// Without what KMS's operation on the wire takes beside the use itself: documents, base64, rows of
// the store, an event.
TEST_F(KeyChangesTest, AUseThatIsNotToldTakesLittle) {
  constexpr size_t kAllocationsMax = 100;
  const auto count = [](const auto& use) {
    const auto before = allocations;
    EXPECT_TRUE(use());
    return allocations - before;
  };
  const auto generated = count([&] {
    return generate_data_key(*services_, through_, key_, context_, Recording::Seldom).has_value();
  });
  const auto opened = count([&] {
    return decrypt_data_key(*services_, through_, key_, sealed_, context_, Recording::Seldom)
        .has_value();
  });
  const auto on_wire = count([&] {
    return call(through_, "kms:GenerateDataKey", {{"KeyId", key_}, {"KeySpec", "AES_256"}})
        .has_value();
  });
  EXPECT_LE(generated, kAllocationsMax);
  EXPECT_LE(opened, kAllocationsMax);
  EXPECT_GT(on_wire, 2 * kAllocationsMax) << "the counter does not count";
}
#endif

class ImportedKeyChangesTest : public KeyChangesTest {
 protected:
  void SetUp() override {
    KmsTest::SetUp();
    through_ = worker_;
    through_.via_service = "s3";
    key_ = arn_of(make_key({{"Origin", "EXTERNAL"}, {"Policy", policy()}}));
    name_ = key_;
  }
  // Without a limit, or for a day.
  void import_material(bool expires) {
    const kms::KeyName name{.arn = key_, .account = std::string(kAccount)};
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(auto key, keys_.get(transaction, name));
      std::optional<Time> until;
      if (expires) until = fake_.clock.now() + std::chrono::days(1);
      TRY(keys_.import_material(transaction, std::move(key), std::string(32, 'm'), until));
      return {};
    }));
  }
};

TEST_F(ImportedKeyChangesTest, MaterialGoesAtOnce) {
  import_material(false);
  seal();
  warm_up();
  change("kms:DeleteImportedKeyMaterial");
  EXPECT_EQ(use(), "KMSInvalidState");
  import_material(true);
  warm_up();
  fake_.clock.advance(std::chrono::days(1));
  EXPECT_EQ(use(), "KMSInvalidState") << "expired, and still in the store";
  EXPECT_EQ(forget_expired_material(*services_).value(), 1U);
  EXPECT_EQ(use(), "KMSInvalidState");
}

}  // namespace
}  // namespace traccia::api
