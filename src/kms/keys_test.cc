// Keys in the store: their life, their aliases, and what they open.
// SPDX-License-Identifier: Apache-2.0
#include "kms/keys.h"

#include <gtest/gtest.h>

#include "identity/identity.h"
#include "kms/aliases.h"
#include "kms/key_policy.h"
#include "kms/managed.h"
#include "kms/schema.h"
#include "os/fake_os.h"

namespace traccia::kms {
namespace {

const Place kPlace{"111122223333", "eu-west-1"};

class KeysTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d"));
    auto schemas = identity::schemas();
    schemas.push_back(kSchema);
    schemas.push_back(kRotationSchema);
    schemas.push_back(kGrantsSchema);
    schemas.push_back(kManagersSchema);
    schemas.push_back(kReplicasSchema);
    schemas.push_back(kVersionsSchema);
    database_ = meta::Database::open(fake_.os(), "/d/meta.db", schemas).value();
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(identity_.bootstrap(transaction, kPlace.account));
      return {};
    }));
  }

  // What `body` returns; its transaction commits when that is no error.
  template <typename Body>
  auto write(const Body& body) {
    using R = std::invoke_result_t<Body, meta::Transaction&>;
    std::optional<R> result;
    (void)database_->write([&](meta::Transaction& transaction) -> Result<> {
      result.emplace(body(transaction));
      if (!*result) return std::unexpected(result->error());
      return {};
    });
    return std::move(*result);
  }
  template <typename T>
  static std::string told(const Result<T>& result) {
    if (result) return "";
    return std::string(result.error().reason()) + ": " + result.error().message();
  }

  Key make() {
    return write([&](meta::Transaction& transaction) {
             return keys_.create(transaction,
                                 {.place = kPlace, .description = "d", .policy = "{}"});
           })
        .value();
  }
  Result<Key> get(std::string_view name) {
    return write([&](meta::Transaction& transaction) -> Result<Key> {
      TRY_ASSIGN(const auto parsed, parse_key_name(name, kPlace, AliasesAre::Allowed));
      return keys_.get(transaction, parsed);
    });
  }
  std::string encrypt(const Key& key, std::string_view plaintext) {
    const auto open =
        write([&](meta::Transaction& transaction) { return keys_.open(transaction, key); });
    return (*open)->encrypt(fake_.random, kSymmetric, plaintext, {{"k", "v"}}).value();
  }
  std::string open(const Key& key, std::string_view blob) {
    const auto opened = write([&](meta::Transaction& transaction) -> Result<std::string> {
      TRY_ASSIGN(const auto ciphertext, decode_ciphertext(blob));
      TRY_ASSIGN(const auto open, keys_.open(transaction, key, ciphertext));
      return open->decrypt(kSymmetric, blob, {{"k", "v"}});
    });
    return opened ? *opened : told(opened);
  }

  os::FakeOs fake_;
  std::unique_ptr<meta::Database> database_;
  identity::MasterKey master_key_{std::string(32, 'k')};
  identity::Identity identity_{fake_.os(), master_key_, {.n = 16, .r = 1, .p = 1}};
  Keys keys_{fake_.os(), master_key_};
};

TEST_F(KeysTest, ANewKeyIsFoundByItsNames) {
  const auto key = make();
  EXPECT_TRUE(is_key_id(key.id));
  EXPECT_EQ(key.arn, "arn:aws:kms:eu-west-1:111122223333:key/" + key.id);
  EXPECT_EQ(get(key.id)->arn, key.arn);
  EXPECT_EQ(get(key.arn)->description, "d");
  EXPECT_EQ(told(get("alias/a")),
            "NotFound: Alias arn:aws:kms:eu-west-1:111122223333:alias/a is not found.");
  ASSERT_TRUE(write([&](meta::Transaction& transaction) {
    return create_alias(transaction, "alias/a", key, fake_.clock.now());
  }));
  EXPECT_EQ(get("alias/a")->id, key.id);
  EXPECT_EQ(told(write([&](meta::Transaction& transaction) {
              return create_alias(transaction, "alias/a", key, fake_.clock.now());
            })),
            "AlreadyExists: An alias with the name "
            "arn:aws:kms:eu-west-1:111122223333:alias/a already exists");
  const auto missing = key_arn(kPlace, "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(told(get(missing)), "NotFound: Key '" + missing + "' does not exist");
}

TEST_F(KeysTest, ListsByPage) {
  std::set<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.insert(make().id);
  std::set<std::string> seen;
  identity::Cursor cursor{.items_max = 2};
  for (bool more = true; more;) {
    const auto page = write([&](meta::Transaction& transaction) {
                        return keys_.list(transaction, kPlace, cursor);
                      }).value();
    for (const auto& key : page.items) EXPECT_TRUE(seen.insert(key.id).second);
    more = page.more;
    if (!page.items.empty()) cursor.after = page.items.back().id;
  }
  EXPECT_EQ(seen, ids);
}

TEST_F(KeysTest, OnlyItsOwnKeyOpensACiphertext) {
  const auto key = make();
  const auto other = make();
  const auto blob = encrypt(key, "secret");
  EXPECT_EQ(open(key, blob), "secret");
  EXPECT_EQ(open(other, blob), "InvalidCiphertext: ");
  auto newer = blob;
  newer[52] = 2;  // a version of the material that there is not
  EXPECT_EQ(open(key, newer), "InvalidCiphertext: ");
}

TEST_F(KeysTest, MaterialLiesSealedUnderTheMasterKey) {
  const auto key = make();
  const identity::MasterKey another(std::string(32, 'x'));
  Keys stolen(fake_.os(), another);
  const auto opened =
      write([&](meta::Transaction& transaction) { return stolen.open(transaction, key); });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::DataLoss);
}

TEST_F(KeysTest, PairsComeBackFromTheStore) {
  const auto make = [&](std::string_view spec, std::string_view usage) {
    const auto key = write([&](meta::Transaction& transaction) {
      return keys_.create(transaction, {.place = kPlace,
                                        .spec = std::string(spec),
                                        .usage = std::string(usage),
                                        .policy = "{}"});
    });
    return write([&](meta::Transaction& transaction) { return keys_.open(transaction, *key); })
        .value();
  };
  const auto signing = make("ECC_NIST_P384", kSignVerify);
  const auto digest = digest_of("ECDSA_SHA_384", "message");
  const auto signature = signing->sign("ECDSA_SHA_384", digest).value();
  EXPECT_TRUE(signing->verify("ECDSA_SHA_384", digest, signature).value());
  EXPECT_FALSE(signing->verify("ECDSA_SHA_384", digest, "no signature").value());
  const auto one = make("ECC_NIST_P256", kKeyAgreement);
  const auto two = make("ECC_NIST_P256", kKeyAgreement);
  EXPECT_EQ(one->agree(two->public_key().value()).value(),
            two->agree(one->public_key().value()).value());
  EXPECT_EQ(one->agree(signing->public_key().value()).error().code(), ErrorCode::InvalidArgument);
  const auto cipher = make("RSA_2048", kEncryptDecrypt);
  const auto sealed = cipher->encrypt(fake_.random, "RSAES_OAEP_SHA_256", "secret", {}).value();
  EXPECT_EQ(cipher->decrypt("RSAES_OAEP_SHA_256", sealed, {}).value(), "secret");
  EXPECT_EQ(told(cipher->decrypt("RSAES_OAEP_SHA_1", sealed, {})), "InvalidCiphertext: ");
}

TEST_F(KeysTest, MaterialOfAnotherKindIsDamage) {
  Key key = make();
  EXPECT_EQ(OpenKey::make(key, 1, "id", "short").error().code(), ErrorCode::DataLoss);
  key.spec = "RSA_2048";
  const auto curve = crypto::KeyPair::generate(crypto::PairKind::P256).to_der();
  EXPECT_EQ(OpenKey::make(key, 1, "id", curve)->public_key().error().code(), ErrorCode::DataLoss);
}

TEST_F(KeysTest, AKeyIsGoneWhenItsDeletionIsDue) {
  auto key = make();
  ASSERT_TRUE(write([&](meta::Transaction& transaction) -> Result<> {
    TRY(create_alias(transaction, "alias/a", key, fake_.clock.now()));
    TRY(set_tags(transaction, key, {{"t", "v"}}));
    key.state = KeyState::PendingDeletion;
    key.deletion = fake_.clock.now() + std::chrono::days(7);
    return keys_.update(transaction, key);
  }));
  const auto remove = [&] {
    return write([&](meta::Transaction& transaction) { return keys_.remove_due(transaction, 10); })
        .value()
        .size();
  };
  fake_.clock.advance(std::chrono::days(7) - std::chrono::seconds(1));
  EXPECT_EQ(get(key.id)->state, KeyState::PendingDeletion);
  EXPECT_EQ(remove(), 0U);
  fake_.clock.advance(std::chrono::seconds(1));
  EXPECT_FALSE(get(key.id)) << "before it is removed";
  EXPECT_FALSE(get("alias/a"));
  EXPECT_EQ(remove(), 1U);
  EXPECT_EQ(remove(), 0U);
  const auto left = write([&](meta::Transaction& transaction) -> Result<int64_t> {
    int64_t rows = 0;
    TRY(transaction.query(
        "SELECT (SELECT count(*) FROM kms_material) + (SELECT count(*) FROM kms_aliases) + (SELECT "
        "count(*) FROM kms_tags)",
        {}, [&](const meta::Row& row) -> Result<> {
          rows = row.integer(0);
          return {};
        }));
    return rows;
  });
  EXPECT_EQ(*left, 0) << "what belonged to it";
}

TEST_F(KeysTest, RotationKeepsOldCiphertextsReadable) {
  auto key = make();
  const auto before = encrypt(key, "old");
  const auto rotate = [&](MaterialOrigin origin) {
    return write(
        [&](meta::Transaction& transaction) { return keys_.rotate(transaction, key, origin); });
  };
  key = rotate(MaterialOrigin::OnDemand).value();
  EXPECT_EQ(get(key.id)->material, 2);
  const auto after = encrypt(key, "new");
  EXPECT_EQ(decode_ciphertext(after)->material, 2U);
  EXPECT_EQ(open(key, before), "old");
  EXPECT_EQ(open(key, after), "new");
  for (int64_t i = 1; i < Quotas::kOnDemandRotations; ++i) {
    key = rotate(MaterialOrigin::OnDemand).value();
  }
  EXPECT_TRUE(told(rotate(MaterialOrigin::OnDemand)).starts_with("LimitExceeded: "));
  EXPECT_TRUE(rotate(MaterialOrigin::Automatic)) << "time goes on";
  const auto versions = write([&](meta::Transaction& transaction) {
                          return list_material(transaction, key);
                        }).value();
  ASSERT_EQ(versions.size(), static_cast<size_t>(Quotas::kOnDemandRotations) + 2);
  EXPECT_EQ(versions.front().origin, MaterialOrigin::Created);
  EXPECT_EQ(versions.back().origin, MaterialOrigin::Automatic);
}

TEST_F(KeysTest, AutomaticRotationIsForEnabledKeys) {
  auto key = make();
  ASSERT_TRUE(write([&](meta::Transaction& transaction) {
    return set_rotation(transaction, key, {90, fake_.clock.now() + std::chrono::days(90)});
  }));
  const auto rotated = [&] {
    return write([&](meta::Transaction& transaction) { return keys_.rotate_due(transaction, 10); })
        .value()
        .size();
  };
  fake_.clock.advance(std::chrono::days(90) - std::chrono::seconds(1));
  EXPECT_EQ(rotated(), 0U);
  key.state = KeyState::Disabled;
  const auto store = [&] {
    return write([&](meta::Transaction& transaction) { return keys_.update(transaction, key); });
  };
  ASSERT_TRUE(store());
  fake_.clock.advance(std::chrono::days(10));
  EXPECT_EQ(rotated(), 0U);
  key.state = KeyState::Enabled;
  ASSERT_TRUE(store());
  EXPECT_EQ(rotated(), 1U) << "at once, when it can be";
  EXPECT_EQ(rotated(), 0U);
  EXPECT_EQ(get(key.id)->material, 2);
  fake_.clock.advance(std::chrono::days(90));
  EXPECT_EQ(rotated(), 1U);
}

TEST_F(KeysTest, AServiceHasOneManagedKeyInAPlace) {
  const auto* s3 = find_managed_service("alias/aws/s3");
  ASSERT_NE(s3, nullptr);
  EXPECT_EQ(find_managed_service("alias/aws/none"), nullptr);
  EXPECT_EQ(find_managed_service("s3"), nullptr);
  const auto find = [&](const Place& place) {
    return write([&](meta::Transaction& transaction) {
             return managed_key(transaction, keys_, *s3, place, fake_.clock.now());
           })
        .value();
  };
  const auto made = find(kPlace);
  EXPECT_TRUE(made.made);
  EXPECT_EQ(made.key.manager, KeyManager::Aws);
  EXPECT_EQ(get("alias/aws/s3")->manager, KeyManager::Aws);
  const auto again = find(kPlace);
  EXPECT_FALSE(again.made);
  EXPECT_EQ(again.key.arn, made.key.arn);
  EXPECT_NE(find({kPlace.account, "us-east-1"}).key.id, made.key.id);
  fake_.clock.advance(std::chrono::days(365));
  const auto rotated =
      write([&](meta::Transaction& transaction) { return keys_.rotate_due(transaction, 10); });
  EXPECT_EQ(rotated->size(), 2U);
}

TEST_F(KeysTest, StatesAndWhatTheyForbid) {
  auto key = make();
  EXPECT_EQ(told(check_state(key, Needs::Enabled)), "");
  EXPECT_EQ(told(check_state(key, Needs::PendingDeletion)),
            "KMSInvalidState: " + key.arn + " is not pending deletion.");
  key.state = KeyState::Disabled;
  EXPECT_EQ(told(check_state(key, Needs::Kept)), "");
  EXPECT_EQ(told(check_state(key, Needs::Enabled)), "Disabled: " + key.arn + " is disabled.");
  key.state = KeyState::PendingDeletion;
  EXPECT_EQ(told(check_state(key, Needs::PendingDeletion)), "");
  for (const auto needs : {Needs::Enabled, Needs::Kept}) {
    EXPECT_EQ(told(check_state(key, needs)),
              "KMSInvalidState: " + key.arn + " is pending deletion.");
  }
}

TEST_F(KeysTest, TagsAndAliasesHaveLimits) {
  const auto key = make();
  const auto tag = [&](const std::vector<identity::Tag>& tags) {
    return told(
        write([&](meta::Transaction& transaction) { return set_tags(transaction, key, tags); }));
  };
  EXPECT_EQ(tag({{"a", "1"}, {"A", "2"}}), "") << "case counts";
  EXPECT_EQ(tag({{"a", "1"}, {"a", "2"}}), "Tag: Duplicate tag keys");
  EXPECT_EQ(tag({{"AWS:x", "1"}}), "Tag: Tags beginning with aws: are reserved");
  std::vector<identity::Tag> many;
  for (int64_t i = 0; i < Quotas::kTags; ++i) many.push_back({"t" + std::to_string(i), ""});
  EXPECT_EQ(tag(many), "Tag: Too many tags");
  const auto alias = [&](int64_t i) {
    return told(write([&](meta::Transaction& transaction) {
      return create_alias(transaction, "alias/" + std::to_string(i), key, fake_.clock.now());
    }));
  };
  for (int64_t i = 0; i < Quotas::kAliasesPerKey; ++i) EXPECT_EQ(alias(i), "");
  EXPECT_TRUE(alias(Quotas::kAliasesPerKey).starts_with("LimitExceeded: "));
}

TEST_F(KeysTest, PoliciesMeanWhoIsThere) {
  const auto bind = [&](std::string_view principal) {
    return write([&](meta::Transaction& transaction) {
      return bind_policy(
          transaction,
          std::string(R"({"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*",)") +
              R"("Principal":{"AWS":")" + std::string(principal) + R"("}}})");
    });
  };
  const std::string user = "arn:aws:iam::111122223333:user/administrator";
  const auto bound = bind(user);
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_TRUE(bound->contains("\"AIDA")) << *bound;
  EXPECT_TRUE(write([&](meta::Transaction& transaction) {
                return show_policy(transaction, *bound);
              })->contains(user));
  EXPECT_EQ(told(bind("arn:aws:iam::111122223333:user/nobody")),
            "MalformedPolicyDocument: Policy contains a statement with one or more invalid "
            "principals.");
  EXPECT_TRUE(parse_key_policy(default_policy("111122223333")));
  EXPECT_EQ(parse_key_policy(std::string(kPolicyBytesMax + 1, ' ')).error().reason(),
            "LimitExceeded");
}

}  // namespace
}  // namespace traccia::kms
