// Passwords through IAM's operations: who may set which, and what the trail learns of it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/test_iam.h"
#include "base/bytes.h"
#include "identity/credential_report.h"

namespace traccia::api {
namespace {

class IamPasswordsTest : public IamTest {
 protected:
  void SetUp() override {
    IamTest::SetUp();
    const auto made = get("CreateUser", {{"UserName", "Bob"}});
    bob_.type = identity::PrincipalType::IamUser;
    bob_.account_id = caller_.principal.account_id;
    bob_.principal_id = made.at("User").at("UserId").as_string();
    bob_.arn = made.at("User").at("Arn").as_string();
    bob_.user_name = "Bob";
  }
  std::string as_bob(std::string_view name, const json::Object& input) {
    const auto before = std::exchange(caller_.principal, bob_);
    auto out = error(name, input);
    caller_.principal = before;
    return out;
  }
  static json::Object change(std::string_view from, std::string_view to) {
    return {{"OldPassword", from}, {"NewPassword", to}};
  }

  identity::Principal bob_;
};

TEST_F(IamPasswordsTest, AProfileIsMadeShownChangedAndRemoved) {
  EXPECT_EQ(error("GetLoginProfile", {{"UserName", "Bob"}}),
            "404 NoSuchEntity: Login Profile for User Bob cannot be found.");
  EXPECT_EQ(error("CreateLoginProfile", {{"UserName", "Bob"}, {"Password", "short"}}),
            "400 PasswordPolicyViolation: Password should have a minimum length of 8");
  EXPECT_EQ(last_event().at("errorCode"), "PasswordPolicyViolationException");
  const auto made =
      get("CreateLoginProfile",
          {{"UserName", "Bob"}, {"Password", "Correct-horse-7"}, {"PasswordResetRequired", true}});
  EXPECT_EQ(made.at("LoginProfile").at("UserName"), "Bob");
  EXPECT_EQ(made.at("LoginProfile").at("PasswordResetRequired"), true);
  EXPECT_EQ(last_event().at("requestParameters").at("password"), json::Value(aws::kHidden));
  EXPECT_EQ(error("CreateLoginProfile", {{"UserName", "Bob"}, {"Password", "Correct-horse-8"}}),
            "409 EntityAlreadyExists: Login Profile for user Bob already exists.");
  EXPECT_EQ(error("UpdateLoginProfile", {{"UserName", "Bob"},
                                         {"PasswordResetRequired", false},
                                         {"MaxSigninSessionDuration", 7200}}),
            "");
  const auto shown = get("GetLoginProfile", {{"UserName", "Bob"}});
  EXPECT_EQ(shown.at("LoginProfile").at("PasswordResetRequired"), false);
  EXPECT_EQ(shown.at("LoginProfile").at("MaxSigninSessionDuration"), 7200);
  EXPECT_EQ(error("DeleteLoginProfile", {{"UserName", "Bob"}}), "");
  EXPECT_EQ(error("UpdateLoginProfile", {{"UserName", "Bob"}, {"Password", "Correct-horse-8"}}),
            "404 NoSuchEntity: Login Profile for User Bob cannot be found.");
}

TEST_F(IamPasswordsTest, AUserChangesItsOwnOnceAllowed) {
  (void)get("CreateLoginProfile", {{"UserName", "Bob"}, {"Password", "Correct-horse-7"}});
  EXPECT_EQ(as_bob("ChangePassword", change("Correct-horse-7", "Correct-horse-8")).substr(0, 17),
            "403 AccessDenied:");
  EXPECT_EQ(error("UpdateAccountPasswordPolicy",
                  {{"AllowUsersToChangePassword", true}, {"MinimumPasswordLength", 10}}),
            "");
  EXPECT_EQ(as_bob("ChangePassword", change("wrong", "Correct-horse-8")),
            "403 AccessDenied: The old password was incorrect.");
  EXPECT_EQ(as_bob("ChangePassword", change("Correct-horse-7", "short")),
            "400 PasswordPolicyViolation: Password should have a minimum length of 10");
  EXPECT_EQ(as_bob("ChangePassword", change("Correct-horse-7", "Correct-horse-8")), "");
  for (const auto& event : events()) {
    EXPECT_EQ(json::serialize(event).find("orrect-horse"), std::string::npos);
  }
  EXPECT_EQ(as_bob("ChangePassword", change("Correct-horse-7", "Correct-horse-9")),
            "403 AccessDenied: The old password was incorrect.");
}

TEST_F(IamPasswordsTest, GuessingTheOldPasswordLocks) {
  (void)get("CreateLoginProfile", {{"UserName", "Bob"}, {"Password", "Correct-horse-7"}});
  EXPECT_EQ(error("UpdateAccountPasswordPolicy", {{"AllowUsersToChangePassword", true}}), "");
  for (int64_t i = 0; i < identity::Signin::kFailuresFree; ++i) {
    (void)as_bob("ChangePassword", change("wrong", "Correct-horse-8"));
  }
  EXPECT_EQ(as_bob("ChangePassword", change("Correct-horse-7", "Correct-horse-8")),
            "403 AccessDenied: The old password was incorrect.");
  fake_.clock.advance(identity::Signin::kLockMin);
  EXPECT_EQ(as_bob("ChangePassword", change("Correct-horse-7", "Correct-horse-8")), "");
}

TEST_F(IamPasswordsTest, ThePolicyIsReplacedAsAWhole) {
  EXPECT_EQ(error("GetAccountPasswordPolicy", {}),
            "404 NoSuchEntity: The Password Policy with domain name 111122223333 cannot be found.");
  EXPECT_EQ(error("UpdateAccountPasswordPolicy", {{"MinimumPasswordLength", 14},
                                                  {"RequireSymbols", true},
                                                  {"MaxPasswordAge", 90},
                                                  {"PasswordReusePrevention", 24}}),
            "");
  auto policy = get("GetAccountPasswordPolicy", {}).at("PasswordPolicy").as_object();
  EXPECT_EQ(policy.at("MinimumPasswordLength"), 14);
  EXPECT_EQ(policy.at("RequireSymbols"), true);
  EXPECT_EQ(policy.at("ExpirePasswords"), true);
  EXPECT_EQ(policy.at("PasswordReusePrevention"), 24);
  EXPECT_EQ(error("UpdateAccountPasswordPolicy", {{"RequireNumbers", true}}), "");
  policy = get("GetAccountPasswordPolicy", {}).at("PasswordPolicy").as_object();
  EXPECT_EQ(policy.at("MinimumPasswordLength"), 6);
  EXPECT_EQ(policy.at("RequireSymbols"), false);
  EXPECT_EQ(policy.at("ExpirePasswords"), false);
  EXPECT_FALSE(policy.contains("MaxPasswordAge"));
  EXPECT_EQ(error("DeleteAccountPasswordPolicy", {}), "");
  EXPECT_NE(error("DeleteAccountPasswordPolicy", {}), "");
}

TEST_F(IamPasswordsTest, TheCredentialReportIsGoodForFourHours) {
  EXPECT_EQ(error("GetCredentialReport", {}).substr(0, 21), "410 ReportNotPresent:");
  EXPECT_EQ(get("GenerateCredentialReport", {}).at("State"), "STARTED");
  EXPECT_EQ(get("GenerateCredentialReport", {}).at("State"), "COMPLETE");
  const auto report = get("GetCredentialReport", {});
  const auto csv = base64_decode(report.at("Content").as_string()).value();
  EXPECT_TRUE(csv.starts_with("user,arn,user_creation_time,password_enabled,"));
  EXPECT_NE(csv.find("\nBob,"), csv.npos);
  fake_.clock.advance(identity::kCredentialReportAge);
  EXPECT_EQ(error("GetCredentialReport", {}).substr(0, 18), "410 ReportExpired:");
  EXPECT_EQ(get("GenerateCredentialReport", {}).at("State"), "STARTED");
}

}  // namespace
}  // namespace traccia::api
