// MFA devices at work: what a code opens, and what sessions of users may do.
// SPDX-License-Identifier: Apache-2.0
#include "api/test_sts.h"
#include "base/bytes.h"
#include "crypto/totp.h"

namespace traccia::api {
namespace {

constexpr std::string_view kMfa = R"({"Bool":{"aws:MultiFactorAuthPresent":"true"}})";

class MfaOperationsTest : public StsTest {
 protected:
  void SetUp() override {
    StsTest::SetUp();
    user("bob");
    const auto made = get("CreateVirtualMFADevice", {{"VirtualMFADeviceName", "phone"}});
    const auto& device = made.at("VirtualMFADevice").as_object();
    serial_ = device.at("SerialNumber").as_string();
    base32_ = base64_decode(device.at("Base32StringSeed").as_string()).value();
    ASSERT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
      return transaction.query("SELECT seed FROM mfa_devices WHERE serial = ?", {serial_},
                               [&](const meta::Row& row) -> Result<> {
                                 TRY_ASSIGN(seed_,
                                            master_key_.open(row.view(0), "mfa-device/" + serial_));
                                 return {};
                               });
    }));
    EXPECT_EQ(crypto::base32_encode(seed_), base32_);
    EXPECT_EQ(error("EnableMFADevice", {{"UserName", "bob"},
                                        {"SerialNumber", serial_},
                                        {"AuthenticationCode1", code(-1)},
                                        {"AuthenticationCode2", code()}}),
              "");
    fake_.clock.advance(std::chrono::minutes(2));
  }

  std::string code(int64_t steps = 0) {
    return crypto::totp_code(seed_, crypto::totp_step(fake_.clock.now()) + steps);
  }
  json::Object proof() { return {{"SerialNumber", serial_}, {"TokenCode", code()}}; }

  std::string serial_, seed_, base32_;
};

TEST_F(MfaOperationsTest, ARoleThatAsksForADevice) {
  role("guarded", trusting(user_arn("bob"), kMfa));
  as("bob");
  EXPECT_TRUE(error("AssumeRole", asking("guarded")).starts_with("403 AccessDenied: User: "));
  EXPECT_EQ(error("AssumeRole", asking("guarded", {{"SerialNumber", serial_}})),
            "403 AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial "
            "number and one time pass code.");
  EXPECT_EQ(error("AssumeRole",
                  asking("guarded", {{"SerialNumber", serial_ + "x"}, {"TokenCode", code()}})),
            "403 AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  "
            "Please verify your MFA serial number is valid and associated with this user.");
  const auto spent = code();
  become(get("AssumeRole", asking("guarded", proof())));
  EXPECT_NE(error("ListUsers", {}), "");
  EXPECT_EQ(
      last_event().at("userIdentity").at("sessionContext").at("attributes").at("mfaAuthenticated"),
      "true");
  as("bob");
  EXPECT_EQ(
      error("AssumeRole", asking("guarded", {{"SerialNumber", serial_}, {"TokenCode", spent}})),
      "403 AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass "
      "code. ");
}

TEST_F(MfaOperationsTest, ASessionTokenProvesTheDevice) {
  (void)get("PutUserPolicy",
            {{"UserName", "bob"},
             {"PolicyName", "p"},
             {"PolicyDocument",
              fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",)"
                          R"("Action":["iam:List*","sts:*"],"Resource":"*","Condition":{}}}]}})",
                          kMfa)}});
  as("bob");
  EXPECT_NE(error("ListUsers", {}), "") << "a key proves no device";
  const auto plain = get("GetSessionToken", {});
  const auto proved = get("GetSessionToken", proof());
  become(plain);
  EXPECT_EQ(error("ListUsers", {}),
            "403 InvalidClientTokenId: The security token included in the request is invalid.");
  EXPECT_EQ(get("GetCallerIdentity", {}).at("Arn"), json::Value(user_arn("bob")));
  EXPECT_EQ(error("GetSessionToken", {}),
            "403 AccessDenied: Cannot call GetSessionToken with session credentials");
  become(proved);
  EXPECT_EQ(caller_.principal.user_name, "bob");
  EXPECT_EQ(error("ListUsers", {}), "");
  EXPECT_NE(error("CreateUser", {{"UserName", "x"}}), "");
  const auto identity = last_event().at("userIdentity").as_object();
  EXPECT_EQ(identity.at("type"), "IAMUser");
  EXPECT_EQ(identity.at("userName"), "bob");
  EXPECT_EQ(identity.at("sessionContext").at("attributes").at("mfaAuthenticated"), "true");
  EXPECT_FALSE(identity.at("sessionContext").as_object().contains("sessionIssuer"));
}

TEST_F(MfaOperationsTest, AFederatedUserMayWhatBothPoliciesAllow) {
  allow_user("bob", "s3:*");
  as("bob");
  EXPECT_TRUE(error("GetFederationToken", {{"Name", "guest"}}).starts_with("403 AccessDenied: "));
  as_administrator();
  allow_user("bob", "sts:GetFederationToken");
  as("bob");
  const auto made =
      get("GetFederationToken", {{"Name", "guest"}, {"Policy", allowing("s3:ListAllMyBuckets")}});
  EXPECT_EQ(made.at("FederatedUser").at("FederatedUserId"), "111122223333:guest");
  EXPECT_GT(made.at("PackedPolicySize").as_int64(), 0);
  become(made);
  EXPECT_EQ(get("GetCallerIdentity", {}).at("Arn"),
            "arn:aws:sts::111122223333:federated-user/guest");
  const auto allowed = [&](std::string_view action) {
    return database_
        ->read([&](meta::Transaction& transaction) {
          return authoriser_->authorise(transaction, {caller_, action, "*"});
        })
        .has_value();
  };
  EXPECT_TRUE(allowed("s3:ListAllMyBuckets"));
  EXPECT_FALSE(allowed("s3:CreateBucket")) << "not in the session's policy";
  EXPECT_FALSE(allowed("cloudtrail:ListTrails")) << "not in the user's";
  EXPECT_EQ(error("ListUsers", {}),
            "403 InvalidClientTokenId: The security token included in the request is invalid.");
  EXPECT_EQ(error("AssumeRole", asking("any")),
            "403 AccessDenied: Cannot call AssumeRole with session credentials");
  EXPECT_EQ(last_event().at("userIdentity").at("type"), "FederatedUser");
  EXPECT_EQ(last_event().at("userIdentity").at("sessionContext").at("sessionIssuer").at("userName"),
            "bob");
  as("bob");
  become(get("GetFederationToken", {{"Name", "guest"}}));
  EXPECT_FALSE(allowed("s3:ListAllMyBuckets")) << "without a policy nothing is allowed";
}

TEST_F(MfaOperationsTest, DevicesAreListedCountedAndTagged) {
  (void)get("CreateVirtualMFADevice",
            {{"VirtualMFADeviceName", "spare"},
             {"Path", "/team/"},
             {"Tags", json::Array{json::Object{{"Key", "a"}, {"Value", "b"}}}}});
  const auto serials = [&](const json::Object& input) {
    std::vector<std::string> out;
    const auto listed = get("ListVirtualMFADevices", input);
    for (const auto& device : listed.at("VirtualMFADevices").as_array()) {
      out.emplace_back(device.at("SerialNumber").as_string());
      EXPECT_FALSE(device.as_object().contains("Base32StringSeed"));
    }
    return out;
  };
  const std::string spare = "arn:aws:iam::111122223333:mfa/team/spare";
  EXPECT_EQ(serials({}), (std::vector<std::string>{serial_, spare}));
  EXPECT_EQ(serials({{"AssignmentStatus", "Assigned"}}), (std::vector<std::string>{serial_}));
  EXPECT_EQ(serials({{"AssignmentStatus", "Unassigned"}}), (std::vector<std::string>{spare}));
  const auto of_bob = get("ListMFADevices", {{"UserName", "bob"}}).at("MFADevices").as_array();
  ASSERT_EQ(of_bob.size(), 1U);
  EXPECT_EQ(of_bob[0].at("UserName"), "bob");
  EXPECT_EQ(get("GetMFADevice", {{"SerialNumber", serial_}}).at("UserName"), "bob");
  EXPECT_EQ(error("GetMFADevice", {{"SerialNumber", serial_}, {"UserName", "administrator"}}),
            "404 NoSuchEntity: MFA Device invalid for user.");
  EXPECT_EQ(get("ListMFADeviceTags", {{"SerialNumber", spare}}).at("Tags").as_array().size(), 1U);
  const auto map = get("GetAccountSummary", {}).at("SummaryMap").as_object();
  EXPECT_EQ(map.at("MFADevices"), 2);
  EXPECT_EQ(map.at("MFADevicesInUse"), 1);
  EXPECT_EQ(error("CreateVirtualMFADevice", {{"VirtualMFADeviceName", "phone"}}),
            "409 EntityAlreadyExists: MFADevice entity at the same path and name already exists.");
  EXPECT_EQ(error("ResyncMFADevice", {{"UserName", "bob"},
                                      {"SerialNumber", serial_},
                                      {"AuthenticationCode1", code()},
                                      {"AuthenticationCode2", code()}}),
            "403 InvalidAuthenticationCode: Authentication code for device is not valid.");
  EXPECT_EQ(last_event().at("errorCode"), "InvalidAuthenticationCodeException");
}

TEST_F(MfaOperationsTest, SeedsAndCodesAreInNoEvent) {
  for (const auto& event : events()) {
    const auto text = json::serialize(event);
    EXPECT_EQ(text.find(base32_), std::string::npos);
    EXPECT_EQ(text.find(base64_encode(base32_)), std::string::npos);
    if (event.at("eventName") != "EnableMFADevice") continue;
    EXPECT_EQ(event.at("requestParameters").at("authenticationCode1"), json::Value(aws::kHidden));
  }
}

TEST_F(MfaOperationsTest, TagsOfWhoAsksAreKeys) {
  (void)get(
      "PutUserPolicy",
      {{"UserName", "bob"},
       {"PolicyName", "p"},
       {"PolicyDocument",
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers",)"
        R"("Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"audit"}}}]})"}});
  as("bob");
  EXPECT_NE(error("ListUsers", {}), "");
  const auto bob = caller_;
  as_administrator();
  const json::Array tags{json::Object{{"Key", "Team"}, {"Value", "audit"}}};
  (void)get("TagUser", {{"UserName", "bob"}, {"Tags", tags}});
  caller_ = bob;
  EXPECT_EQ(error("ListUsers", {}), "");
  as_administrator();
  (void)get("UntagUser", {{"UserName", "bob"}, {"TagKeys", json::Array{"team"}}});
  caller_ = bob;
  EXPECT_NE(error("ListUsers", {}), "");
}

TEST_F(MfaOperationsTest, KeysTellTheirAccount) {
  const auto made = get("CreateAccessKey", {{"UserName", "bob"}});
  const auto account_of = [&](const json::Value& id) {
    return get("GetAccessKeyInfo", {{"AccessKeyId", id}}).at("Account");
  };
  EXPECT_EQ(account_of(made.at("AccessKey").at("AccessKeyId")), json::Value(kAccount));
  role("r", trusting_account());
  const auto session = get("AssumeRole", asking("r", {{"MinimumSessionTokenSize", 4096}}));
  EXPECT_EQ(account_of(session.at("Credentials").at("AccessKeyId")), json::Value(kAccount));
  EXPECT_GE(session.at("SessionTokenSize").as_int64(), 4096);
  EXPECT_EQ(error("GetAccessKeyInfo", {{"AccessKeyId", "AKIAAAAAAAAAAAAAAAAA"}}),
            "400 ValidationError: The access key ID is not valid.");
}

}  // namespace
}  // namespace traccia::api
