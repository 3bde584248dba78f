// First start, keys, tokens, and that secrets do not lie in the open.
// SPDX-License-Identifier: Apache-2.0
#include "identity/identity.h"

#include <gtest/gtest.h>

#include "os/fake_os.h"

namespace traccia::identity {
namespace {

class IdentityTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d"));
    database_ = meta::Database::open(fake_.os(), "/d/meta.db", schemas()).value();
  }
  template <typename T>
  Result<T> with(const std::function<Result<T>(meta::Transaction&)>& body) {
    std::optional<T> out;
    TRY(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(out, body(transaction));
      return {};
    }));
    return std::move(*out);
  }
  Bootstrap bootstrap() {
    return *with<std::optional<Bootstrap>>([&](meta::Transaction& transaction) {
              return identity_.bootstrap(transaction, "111122223333");
            }).value();
  }
  std::string disk() {
    std::string all;
    for (const auto& path : fake_.files.paths()) {
      all += os::read_file(fake_.files, path, 1 << 20).value();
    }
    return all;
  }

  os::FakeOs fake_;
  std::unique_ptr<meta::Database> database_;
  MasterKey master_key_{std::string(32, 'k')};
  Identity identity_{fake_.os(), master_key_};
};

TEST_F(IdentityTest, FirstStartMakesOneAdministrator) {
  const auto made = bootstrap();
  EXPECT_TRUE(made.access_key_id.starts_with("AKIA"));
  EXPECT_EQ(made.access_key_id.size(), 20U);
  EXPECT_EQ(made.secret_access_key.size(), 40U);
  EXPECT_FALSE(with<std::optional<Bootstrap>>([&](meta::Transaction& transaction) {
                 return identity_.bootstrap(transaction, "444455556666");
               })->has_value());
  const auto key = with<std::optional<AccessKey>>([&](meta::Transaction& transaction) {
    return identity_.find_access_key(transaction, made.access_key_id);
  });
  ASSERT_TRUE(key->has_value());
  EXPECT_EQ((*key)->secret_access_key, made.secret_access_key);
  EXPECT_EQ((*key)->principal.arn, "arn:aws:iam::111122223333:user/administrator");
  EXPECT_EQ(disk().find(made.secret_access_key), std::string::npos);
}

TEST_F(IdentityTest, AnotherMasterKeyOpensNothing) {
  const auto made = bootstrap();
  const MasterKey other(std::string(32, 'x'));
  Identity stranger(fake_.os(), other);
  const auto key = with<std::optional<AccessKey>>([&](meta::Transaction& transaction) {
    return stranger.find_access_key(transaction, made.access_key_id);
  });
  EXPECT_EQ(key.error().code(), ErrorCode::DataLoss);
}

TEST_F(IdentityTest, TokensExpireAndAreRevoked) {
  (void)bootstrap();
  const auto expires = fake_.clock.now() + std::chrono::hours(1);
  const auto made = with<NewToken>([&](meta::Transaction& transaction) {
                      return identity_.create_token(transaction, "111122223333", expires);
                    }).value();
  const auto find = [&](const std::string& secret) {
    return with<std::optional<Token>>([&](meta::Transaction& transaction) {
             return identity_.find_token(transaction, secret);
           })
        ->has_value();
  };
  EXPECT_TRUE(find(made.secret));
  EXPECT_FALSE(find(made.secret + "x"));
  EXPECT_EQ(disk().find(made.secret), std::string::npos);
  fake_.clock.advance(std::chrono::hours(1));
  EXPECT_FALSE(find(made.secret)) << "expired";
  const auto lasting = with<NewToken>([&](meta::Transaction& transaction) {
                         return identity_.create_token(transaction, "111122223333", std::nullopt);
                       }).value();
  EXPECT_TRUE(find(lasting.secret));
  const auto revoke = [&](const std::string& account) {
    return database_->write([&](meta::Transaction& transaction) {
      return identity_.revoke_token(transaction, account, lasting.token.id);
    });
  };
  EXPECT_EQ(revoke("444455556666").error().reason(), "TokenNotFound");
  EXPECT_TRUE(revoke("111122223333"));
  EXPECT_FALSE(find(lasting.secret)) << "revoked";
  EXPECT_EQ(with<NewToken>([&](meta::Transaction& transaction) {
              return identity_.create_token(transaction, "444455556666", std::nullopt);
            })
                .error()
                .reason(),
            "AccountNotFound");
}

TEST(MasterKeys, OpenWhatTheySealedInItsPlace) {
  const MasterKey key(std::string(32, 'k'));
  const auto sealed = key.seal("secret", "here");
  EXPECT_EQ(key.open(sealed, "here").value(), "secret");
  EXPECT_NE(key.open(sealed, "there").error().message().find("'there'"), std::string::npos);
  EXPECT_FALSE(MasterKey(std::string(32, 'x')).open(sealed, "here"));
}

TEST(MasterKeys, FingerprintsTellWhetherTextsAreTheSame) {
  const MasterKey key(std::string(32, 'k'));
  EXPECT_EQ(key.fingerprint("text", "here"), key.fingerprint("text", "here"));
  EXPECT_NE(key.fingerprint("text", "here"), key.fingerprint("other", "here"));
  EXPECT_NE(key.fingerprint("text", "here"), key.fingerprint("text", "there"));
  EXPECT_NE(key.fingerprint("text", "here"),
            MasterKey(std::string(32, 'x')).fingerprint("text", "here"));
}

}  // namespace
}  // namespace traccia::identity
