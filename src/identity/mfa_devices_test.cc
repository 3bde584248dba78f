// Codes: which are taken, how often, and how many wrong ones.
// SPDX-License-Identifier: Apache-2.0
#include "identity/mfa_devices.h"

#include <fmt/format.h>

#include "crypto/totp.h"
#include "identity/test_store.h"

namespace traccia::identity {
namespace {

class MfaTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    user_ = create(EntityKind::User, "ann");
    made_ = write([&](meta::Transaction& transaction) {
      return identity_.mfa().create(transaction, kTestAccount, "/", "phone");
    });
  }

  // What the device shows, `steps` from now.
  std::string code(int64_t steps = 0) {
    return crypto::totp_code(made_.seed, crypto::totp_step(fake_.clock.now()) + steps);
  }
  std::string enable(const std::string& first, const std::string& second) {
    return message([&](meta::Transaction& transaction) {
      return identity_.mfa().enable(transaction, user_, made_.device.serial, {first, second});
    });
  }
  MfaCheck check(std::string_view shown) {
    return write([&](meta::Transaction& transaction) {
      return identity_.mfa().check(transaction, user_.id, made_.device.serial, shown);
    });
  }
  void wait(std::chrono::seconds duration) { fake_.clock.advance(duration); }
  std::string wrong() {
    for (int number = 0;; ++number) {
      auto text = fmt::format("{:06}", number);
      bool good = false;
      for (int64_t steps = -30; steps <= 30; ++steps) good |= code(steps) == text;
      if (!good) return text;
    }
  }

  Entity user_;
  NewMfaDevice made_;
};

TEST_F(MfaTest, TwoCodesInARowMakeADeviceTheUsers) {
  constexpr auto* kWrong = "Authentication code for device is not valid.";
  EXPECT_EQ(made_.device.serial, "arn:aws:iam::111122223333:mfa/phone");
  EXPECT_EQ(made_.seed.size(), MfaDevices::kSeedBytes);
  EXPECT_EQ(enable(code(-1), code(1)), kWrong) << "not in a row";
  EXPECT_EQ(enable(code(), code(-1)), kWrong);
  EXPECT_EQ(enable(code(-9), code(-8)), kWrong) << "too old";
  EXPECT_EQ(enable(code(-1), code()), "");
  EXPECT_EQ(enable(code(), code(1)), "MFA Device is already in use.");
  EXPECT_EQ(message([&](meta::Transaction& transaction) {
              return identity_.entities().remove(transaction, user_);
            }),
            "Cannot delete entity, must delete MFA device first.");
  const auto remove = [&](meta::Transaction& transaction) {
    return identity_.mfa().remove(transaction, kTestAccount, made_.device.serial);
  };
  EXPECT_EQ(message(remove), "MFA VirtualDevice in use. Must deactivate first.");
  const auto deactivate = [&](meta::Transaction& transaction) {
    return identity_.mfa().deactivate(transaction, user_, made_.device.serial);
  };
  EXPECT_EQ(message(deactivate), "");
  EXPECT_EQ(message(deactivate), "MFA Device invalid for user.");
  EXPECT_EQ(message(remove), "");
  EXPECT_EQ(refusal(remove), "NoSuchEntity");
}

TEST_F(MfaTest, ACodeIsGoodOnceAndAStepAround) {
  EXPECT_EQ(check(code()), MfaCheck::NotOfUser);
  ASSERT_EQ(enable(code(-1), code()), "");
  EXPECT_EQ(check(code()), MfaCheck::WrongCode) << "it enabled the device";
  wait(std::chrono::minutes(2));
  EXPECT_EQ(check(code(-2)), MfaCheck::WrongCode);
  EXPECT_EQ(check(code(-1)), MfaCheck::Good);
  EXPECT_EQ(check(code(-1)), MfaCheck::WrongCode);
  EXPECT_EQ(check(code(1)), MfaCheck::Good);
  EXPECT_EQ(check(code()), MfaCheck::WrongCode) << "older than one that was accepted";
}

TEST_F(MfaTest, ACodeIsSpentAlsoWhenTheTransactionRollsBack) {
  ASSERT_EQ(enable(code(-1), code()), "");
  wait(std::chrono::minutes(1));
  auto verdict = MfaCheck::WrongCode;
  EXPECT_FALSE(database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(verdict, identity_.mfa().check(transaction, user_.id, "", code()));
    return fail(ErrorCode::PermissionDenied, "refused for another reason");
  }));
  EXPECT_EQ(verdict, MfaCheck::Good);
  EXPECT_EQ(check(code()), MfaCheck::WrongCode);
}

TEST_F(MfaTest, ACodeStaysSpentAfterARestart) {
  ASSERT_EQ(enable(code(-1), code()), "");
  wait(std::chrono::minutes(1));
  EXPECT_EQ(check(code()), MfaCheck::Good);
  Identity again(fake_.os(), master_key_);
  const auto verdict = write([&](meta::Transaction& transaction) {
    return again.mfa().check(transaction, user_.id, made_.device.serial, code());
  });
  EXPECT_EQ(verdict, MfaCheck::WrongCode);
}

TEST_F(MfaTest, WrongCodesLockForAWhile) {
  ASSERT_EQ(enable(code(-1), code()), "");
  wait(std::chrono::minutes(1));
  for (int i = 0; i < MfaDevices::kWrongCodesMax; ++i) {
    EXPECT_EQ(check(wrong()), MfaCheck::WrongCode) << i;
  }
  EXPECT_EQ(check(code()), MfaCheck::Locked);
  wait(MfaDevices::kWrongCodesWindow);
  EXPECT_EQ(check(code()), MfaCheck::Good);
}

TEST_F(MfaTest, ADriftingClockIsFoundByTwoCodes) {
  ASSERT_EQ(enable(code(-1), code()), "");
  wait(std::chrono::minutes(30));
  EXPECT_EQ(check(code(10)), MfaCheck::WrongCode);
  EXPECT_EQ(message([&](meta::Transaction& transaction) {
              return identity_.mfa().resync(transaction, user_, made_.device.serial,
                                            {code(9), code(10)});
            }),
            "");
  wait(std::chrono::seconds(crypto::kTotpStepSeconds));
  EXPECT_EQ(check(code(10)), MfaCheck::Good);
  EXPECT_EQ(check(code()), MfaCheck::WrongCode);
}

TEST_F(MfaTest, EightDevicesAUser) {
  for (int64_t i = 0; i <= MfaDevices::kPerUserMax; ++i) {
    made_ = write([&](meta::Transaction& transaction) {
      return identity_.mfa().create(transaction, kTestAccount, "/", fmt::format("d{}", i));
    });
    EXPECT_EQ(enable(code(-1), code()),
              i < MfaDevices::kPerUserMax ? "" : "Cannot exceed quota for MFADevicesPerUser: 8");
  }
  const auto page = write([&](meta::Transaction& transaction) {
    return identity_.mfa().list_of(transaction, user_, {.after = {}, .items_max = 5});
  });
  EXPECT_EQ(page.items.size(), 5U);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.items[0].user_name, "ann");
}

}  // namespace
}  // namespace traccia::identity
