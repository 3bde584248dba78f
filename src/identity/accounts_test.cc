// Accounts: who has one, by which id and address, and what closing one ends.
// SPDX-License-Identifier: Apache-2.0
#include "identity/accounts.h"

#include "identity/test_store.h"

namespace traccia::identity {
namespace {

constexpr std::string_view kOther = "444455556666";

class AccountsTest : public StoreTest {
 protected:
  auto creating(std::string_view name, std::string_view email, std::optional<std::string> id = {}) {
    return [=, this](meta::Transaction& transaction) {
      return identity_.accounts().create(transaction, {name, email, id});
    };
  }
  Bootstrap administrator_of(std::string_view account) {
    return write([&](meta::Transaction& transaction) {
      return identity_.create_administrator(transaction, account);
    });
  }
  std::optional<AccessKey> find_key(std::string_view id) {
    return write(
        [&](meta::Transaction& transaction) { return identity_.find_access_key(transaction, id); });
  }
};

TEST_F(AccountsTest, HaveAnIdAndAnAddressOfTheirOwn) {
  const auto made = write(creating("Acme", "ops@acme.example", std::string(kOther)));
  EXPECT_EQ(made.id, kOther);
  EXPECT_EQ(message(creating("x", "x@acme.example", std::string(kOther))),
            "Account 444455556666 already exists.");
  EXPECT_EQ(refusal(creating("x", "OPS@acme.example")), "EmailAlreadyExists");
  EXPECT_EQ(message(creating("x", "x@acme.example", "4444")), "account id '4444' is not 12 digits");
  const auto chosen = write(creating("Chosen", "chosen@acme.example"));
  EXPECT_TRUE(valid_account_id(chosen.id));
  EXPECT_NE(chosen.id[0], '0');
  const auto found = write([&](meta::Transaction& transaction) {
    return identity_.accounts().get(transaction, chosen.id);
  });
  EXPECT_EQ(found.name, "Chosen");
  EXPECT_EQ(found.email, "chosen@acme.example");
  EXPECT_EQ(found.created, chosen.created);
  EXPECT_EQ(found.state, AccountState::Active);
}

TEST_F(AccountsTest, TheFirstOneHasANameToo) {
  const auto first = write([&](meta::Transaction& transaction) {
    return identity_.accounts().get(transaction, kTestAccount);
  });
  EXPECT_EQ(first.name, "management");
  EXPECT_EQ(first.email, "root@111122223333.invalid");
}

TEST_F(AccountsTest, ComeInPages) {
  (void)write(creating("b", "b@acme.example", "222222222222"));
  (void)write(creating("c", "c@acme.example", "333333333333"));
  const auto page = [&](std::string_view after, size_t items) {
    return write([&](meta::Transaction& transaction) {
      return identity_.accounts().list(transaction, {std::string(after), items});
    });
  };
  const auto first = page("", 2);
  ASSERT_EQ(first.items.size(), 2U);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.items[1].id, "222222222222");
  const auto rest = page(first.items[1].id, 2);
  ASSERT_EQ(rest.items.size(), 1U);
  EXPECT_FALSE(rest.more);
  EXPECT_EQ(rest.items[0].name, "c");
}

TEST_F(AccountsTest, TheFirstUserOfAnAccountStandsForItsRoot) {
  (void)write(creating("Acme", "ops@acme.example", std::string(kOther)));
  const auto key = find_key(administrator_of(kOther).access_key_id);
  EXPECT_EQ(key->principal.arn, "arn:aws:iam::444455556666:user/administrator");
  EXPECT_TRUE(key->principal.stands_for_root);
}

TEST_F(AccountsTest, AreFoundByIdAndByAliasAndNeverByAnAliasThatLooksLikeAnId) {
  (void)write(creating("Acme", "ops@acme.example", std::string(kOther)));
  const auto alias = [&](std::string_view account, std::string_view text) {
    ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
                return identity_.set_account_alias(transaction, account, text);
              }),
              "");
  };
  const auto find = [&](std::string_view text) {
    return write([&](meta::Transaction& transaction) {
             return identity_.find_account(transaction, text);
           })
        .value_or("none");
  };
  alias(kOther, kTestAccount);
  EXPECT_EQ(find(kTestAccount), kTestAccount) << "another account claims that name";
  EXPECT_EQ(find(kOther), kOther);
  alias(kOther, "acme-logs");
  EXPECT_EQ(find("acme-logs"), kOther);
  EXPECT_EQ(find("999999999999"), "none");
  EXPECT_EQ(find("nobody"), "none");
}

TEST_F(AccountsTest, ClosingEndsKeysAndTokens) {
  (void)write(creating("Acme", "ops@acme.example", std::string(kOther)));
  const auto made = administrator_of(kOther);
  const auto token = write([&](meta::Transaction& transaction) {
    return identity_.create_token(transaction, kOther, std::nullopt);
  });
  const auto find_token = [&] {
    return write([&](meta::Transaction& transaction) {
      return identity_.find_token(transaction, token.secret);
    });
  };
  EXPECT_TRUE(find_key(made.access_key_id));
  EXPECT_TRUE(find_token());
  const auto close = [&] {
    EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
                return identity_.accounts().close(transaction, kOther);
              }),
              "");
  };
  close();
  EXPECT_FALSE(find_key(made.access_key_id));
  EXPECT_FALSE(find_token());
  const auto closed = [&] {
    return write([&](meta::Transaction& transaction) {
      return identity_.accounts().get(transaction, kOther);
    });
  };
  EXPECT_EQ(closed().state, AccountState::Closed);
  const auto when = closed().closed;
  ASSERT_TRUE(when);
  fake_.clock.advance(std::chrono::hours(1));
  close();
  EXPECT_EQ(closed().closed, when);
}

}  // namespace
}  // namespace traccia::identity
