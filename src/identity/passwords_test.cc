// Login profiles, password policies, sign-in's failures and sessions, the credential report.
// SPDX-License-Identifier: Apache-2.0
#include "identity/passwords.h"

#include <fmt/format.h>

#include <latch>
#include <thread>

#include "identity/credential_report.h"
#include "identity/test_store.h"

namespace traccia::identity {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

std::string violation(std::string_view password, const std::optional<PasswordPolicy>& policy) {
  const auto checked = check_password(password, policy);
  if (checked) return "";
  EXPECT_EQ(checked.error().reason(), "PasswordPolicyViolation");
  return checked.error().message();
}

TEST(PasswordPolicy, TheDefaultOneWantsThreeSortsOfCharacters) {
  EXPECT_EQ(violation("Abcdef7", {}), "Password should have a minimum length of 8");
  constexpr std::string_view kSorts =
      "Password should have at least 3 of: uppercase letter, lowercase letter, number, symbol";
  EXPECT_EQ(violation("abcdefgh", {}), kSorts);
  EXPECT_EQ(violation("abcdefg7", {}), kSorts);
  EXPECT_EQ(violation("abcdef7!", {}), "");
  EXPECT_EQ(violation("Abcdefg7", {}), "");
}

TEST(PasswordPolicy, EachRuleIsNamed) {
  PasswordPolicy policy;
  EXPECT_EQ(violation("abcde", policy), "Password should have a minimum length of 6");
  EXPECT_EQ(violation("abcdef", policy), "") << "an account's own policy replaces the default one";
  policy.length_min = 14;
  policy.upper_case = policy.lower_case = policy.symbols = policy.numbers = true;
  EXPECT_EQ(violation("abcdefghijklm1!", policy),
            "Password should have at least one uppercase letter");
  EXPECT_EQ(violation("ABCDEFGHIJKLM1!", policy),
            "Password should have at least one lowercase letter");
  EXPECT_EQ(violation("Abcdefghijklmn1", policy), "Password should have at least one symbol");
  EXPECT_EQ(violation("Abcdefghijklmn!", policy), "Password should have at least one number");
  EXPECT_EQ(violation("Abcdefghijklm1!", policy), "");
}

class PasswordsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    user_ = create(EntityKind::User, "Bob");
  }

  HashedPassword hashed(std::string_view password, std::string_view salt = "") {
    return identity_.passwords().hash(password, salt).value();
  }
  LoginProfile profile() {
    return write([&](meta::Transaction& transaction) {
      return identity_.passwords().get(transaction, user_);
    });
  }
  void set(std::string_view password) {
    const auto value = hashed(password);
    (void)write([&](meta::Transaction& transaction) {
      return identity_.passwords().create(transaction, user_, value, false);
    });
  }
  // Why the user cannot change its password to this one.
  std::string change(std::string_view password, PasswordSetter setter = PasswordSetter::Self) {
    fake_.clock.advance(seconds(1));
    const LoginProfileChange wanted{
        .password = hashed(password, profile().salt), .must_change = {}, .session_seconds = {}};
    return refusal([&](meta::Transaction& transaction) {
      return identity_.passwords().update(transaction, user_, wanted, setter);
    });
  }
  void set_policy(const PasswordPolicy& policy) {
    ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
                return identity_.passwords().set_policy(transaction, kTestAccount, policy);
              }),
              "");
  }

  Entity user_;
};

TEST_F(PasswordsTest, HashesAreSaltedAndComeAgainWithTheirSalt) {
  const auto one = hashed("secret"), other = hashed("secret");
  EXPECT_NE(one.salt, other.salt);
  EXPECT_NE(one.hash, other.hash);
  EXPECT_EQ(hashed("secret", one.salt).hash, one.hash);
  EXPECT_NE(hashed("Secret", one.salt).hash, one.hash);
}

TEST_F(PasswordsTest, MoreThanAreComputedAtOnceWaitTheirTurn) {
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int i = 0; i < Passwords::kHashesAtOnce + Passwords::kHashesWaitingMax; ++i) {
    threads.emplace_back([&] { done += identity_.passwords().hash("secret").has_value() ? 1 : 0; });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, Passwords::kHashesAtOnce + Passwords::kHashesWaitingMax);
}

// Random bytes that are not given before the gate opens: salts, here.
class GatedRandom : public os::Random {
 public:
  void fill(std::span<char> out) override {
    gate_.wait();
    std::ranges::fill(out, 's');
  }
  void open() { gate_.count_down(); }

 private:
  std::latch gate_{1};
};

TEST_F(PasswordsTest, WhatIsTooMuchIsRefusedAtOnce) {
  constexpr int kTaken = Passwords::kHashesAtOnce + Passwords::kHashesWaitingMax;
  GatedRandom random;
  Identity identity({fake_.files, fake_.clock, random}, master_key_, {.n = 16, .r = 1, .p = 1});
  std::atomic<int> done{0}, refused{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < kTaken + 3; ++i) {
    threads.emplace_back([&] {
      const auto hashed = identity.passwords().hash("secret");
      EXPECT_EQ(hashed ? "" : hashed.error().reason(), hashed ? "" : "Throttling");
      ++(hashed ? done : refused);
    });
  }
  while (refused < 3) std::this_thread::yield();
  EXPECT_EQ(done, 0);
  random.open();
  threads.clear();
  EXPECT_EQ(done, kTaken);
  EXPECT_EQ(refused, 3);
}

TEST_F(PasswordsTest, AProfileComesOnceAndHoldsItsUser) {
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.passwords().remove(transaction, user_);
            }),
            "NoSuchEntity");
  set("first one 1");
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.passwords().create(transaction, user_, hashed("x"), false);
            }),
            "EntityAlreadyExists");
  EXPECT_EQ(message([&](meta::Transaction& transaction) {
              return identity_.entities().remove(transaction, user_);
            }),
            "Cannot delete entity, must delete login profile first.");
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.passwords().remove(transaction, user_);
            }),
            "");
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.entities().remove(transaction, user_);
            }),
            "");
}

TEST_F(PasswordsTest, OldPasswordsAreRefusedAsOftenAsThePolicySays) {
  set("first one 1");
  set_policy({.not_among_last = 3});
  EXPECT_EQ(change("first one 1"), "PasswordPolicyViolation") << "the present one counts";
  for (const auto* next : {"second one 2", "third one 3"}) EXPECT_EQ(change(next), "");
  EXPECT_EQ(change("first one 1"), "PasswordPolicyViolation");
  EXPECT_EQ(change("first one 1", PasswordSetter::Other), "") << "binds users only";
  EXPECT_EQ(change("fourth one 4"), "");
  EXPECT_EQ(change("second one 2"), "") << "four passwords ago";
}

TEST_F(PasswordsTest, AChangeBehindAnothersBackIsFound) {
  set("first one 1");
  const auto wanted = hashed("second one 2");  // of another profile's salt
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.passwords().update(
                  transaction, user_,
                  {.password = wanted, .must_change = {}, .session_seconds = {}},
                  PasswordSetter::Other);
            }),
            "EntityTemporarilyUnmodifiable");
}

TEST_F(PasswordsTest, APasswordExpires) {
  set("first one 1");
  const PasswordPolicy policy{.days_max = 90};
  EXPECT_FALSE(profile().expired(policy, fake_.clock.now()));
  fake_.clock.advance(hours(90 * 24) - seconds(1));
  EXPECT_FALSE(profile().expired(policy, fake_.clock.now()));
  fake_.clock.advance(seconds(1));
  EXPECT_TRUE(profile().expired(policy, fake_.clock.now()));
  EXPECT_FALSE(profile().expired(PasswordPolicy{}, fake_.clock.now()));
}

TEST_F(PasswordsTest, ThePolicyCanLetAllUsersChangeTheirOwn) {
  const auto allows = [&] {
    return write([&](meta::Transaction& transaction) {
             return identity_.attachments().policies_of(transaction, kTestAccount, user_.id);
           })
        ->identity.size();
  };
  EXPECT_EQ(allows(), 0U);
  set_policy({.users_may_change = true});
  EXPECT_EQ(allows(), 1U);
  set_policy({});
  EXPECT_EQ(allows(), 0U) << "and is not remembered";
}

class SigninTest : public PasswordsTest {
 protected:
  void fail_times(int64_t times) {
    for (; times > 0; --times) {
      ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
                  return identity_.signin().note_failure(transaction, user_.id);
                }),
                "");
    }
  }
  // Seconds from now on; 0: it can sign in.
  int64_t locked_for() {
    const auto until = write([&](meta::Transaction& transaction) {
      return identity_.signin().locked_until(transaction, user_.id);
    });
    return until ? std::chrono::duration_cast<seconds>(*until - fake_.clock.now()).count() : 0;
  }
  std::string open(bool mfa = false) {
    return write([&](meta::Transaction& transaction) {
             return identity_.signin().open(transaction, kTestAccount, user_.id, mfa);
           })
        .token;
  }
  std::optional<Signin::Found> find(std::string_view token) {
    return write([&](meta::Transaction& transaction) {
      return identity_.signin().find(transaction, token);
    });
  }
};

TEST_F(SigninTest, FailuresInARowLockForLongerAndLonger) {
  fail_times(Signin::kFailuresFree - 1);
  EXPECT_EQ(locked_for(), 0);
  fail_times(1);
  EXPECT_EQ(locked_for(), 30);
  fail_times(1);
  EXPECT_EQ(locked_for(), 60);
  fail_times(100);
  EXPECT_EQ(locked_for(), 15 * 60) << "and no further";
  fake_.clock.advance(seconds(15 * 60));
  EXPECT_EQ(locked_for(), 0);
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.signin().forget_failures(transaction, user_.id);
            }),
            "");
  fail_times(1);
  EXPECT_EQ(locked_for(), 0);
}

TEST_F(SigninTest, ASessionEndsByAgeByIdlenessAndWithThePassword) {
  set("first one 1");
  const auto token = open(true);
  EXPECT_EQ(token.size(), 64U);
  ASSERT_TRUE(find(token));
  EXPECT_EQ(find(token)->session.owner, user_.id);
  EXPECT_TRUE(find(token)->session.mfa);
  EXPECT_FALSE(find("0" + token.substr(1)) && token.front() != '0');
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(find(token)) << i;
    ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
                return identity_.signin().note_seen(transaction, token);
              }),
              "");
    fake_.clock.advance(hours(1) - seconds(1));
  }
  ASSERT_TRUE(find(token));
  fake_.clock.advance(seconds(12));
  EXPECT_FALSE(find(token)) << "12 hours";
  const auto idle = open();
  fake_.clock.advance(hours(1));
  EXPECT_FALSE(find(idle));
  const auto last = open();
  EXPECT_EQ(change("second one 2"), "");
  EXPECT_FALSE(find(last));
}

TEST_F(SigninTest, TheOldestOfTooManySessionsGoes) {
  std::vector<std::string> tokens;
  for (int64_t i = 0; i <= Signin::kSessionsMax; ++i) {
    tokens.push_back(open());
    fake_.clock.advance(seconds(1));
  }
  EXPECT_FALSE(find(tokens[0]));
  EXPECT_TRUE(find(tokens[1]));
  EXPECT_TRUE(find(tokens.back()));
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.signin().close(transaction, tokens.back());
            }),
            "");
  EXPECT_FALSE(find(tokens.back()));
}

TEST_F(PasswordsTest, TheReportHasARowForEachUserAndRoot) {
  set("first one 1");
  create(EntityKind::User, "a,b");
  set_policy({.days_max = 1});
  const auto key = write(
      [&](meta::Transaction& transaction) { return identity_.keys().create(transaction, user_); });
  identity_.keys().uses().note(key.metadata.id, "s3", "eu-west-1");
  const auto now = fake_.clock.now();
  const auto report = write([&](meta::Transaction& transaction) -> Result<std::string> {
    TRY(make_credential_report(transaction, identity_, kTestAccount, now));
    TRY_ASSIGN(const auto found, find_credential_report(transaction, kTestAccount));
    return found->content;
  });
  const auto at = [](Time time) { return format_iso_seconds(time).substr(0, 19) + "+00:00"; };
  EXPECT_NE(report.find("\n<root_account>,arn:aws:iam::111122223333:root,"), report.npos);
  EXPECT_NE(report.find(fmt::format("\nBob,arn:aws:iam::111122223333:user/Bob,{0},true,"
                                    "no_information,{0},{1},false,true,{0},{0},eu-west-1,s3,false,"
                                    "N/A,N/A,N/A,N/A,false,N/A,false,N/A\n",
                                    at(now), at(now + hours(24)))),
            report.npos)
      << report;
  EXPECT_NE(report.find("\n\"a,b\",\"arn:aws:iam::111122223333:user/a,b\","), report.npos);
  const auto header = report.substr(0, report.find('\n'));
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), 21);
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 5) << "administrator is there too";
}

}  // namespace
}  // namespace traccia::identity
