// MFA delete: who may switch it, and what it keeps from whom.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/test_s3.h"
#include "crypto/totp.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kMissing = "Mfa Authentication must be used for this request";
constexpr std::string_view kNotOwner = "This operation may only be performed by the bucket owner";

class S3MfaTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    log_data_events({"arn:aws:s3:::bucket/"});
    administrator_ = caller_.principal;
    make_bucket();
    root_.type = identity::PrincipalType::Root;
    root_.account_id = root_.principal_id = kAccount;
    root_.arn = fmt::format("arn:aws:iam::{}:root", kAccount);
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      auto& devices = identity_.mfa();
      TRY_ASSIGN(const auto made, devices.create(transaction, kAccount, "/", "of-root"));
      TRY_ASSIGN(const auto root, identity_.entities().root_user(transaction, kAccount));
      serial_ = made.device.serial;
      seed_ = made.seed;
      const auto first = code(-1), second = code();
      return devices.enable(transaction, root, serial_, {first, second});
    }));
  }

  std::string code(int64_t steps = 0) {
    return crypto::totp_code(seed_, crypto::totp_step(fake_.clock.now()) + steps);
  }
  // With a code that was not shown before.
  Fields proof() {
    fake_.clock.advance(std::chrono::minutes(1));
    return {{"x-amz-mfa", fmt::format("{} {}", serial_, code())}};
  }
  http::Response versioning(std::string_view status, std::string_view mfa_delete,
                            const Fields& headers = {}) {
    return send(
        "PUT", "/bucket?versioning",
        fmt::format("<VersioningConfiguration><Status>{}</Status>{}"
                    "</VersioningConfiguration>",
                    status,
                    mfa_delete.empty() ? "" : fmt::format("<MfaDelete>{}</MfaDelete>", mfa_delete)),
        headers);
  }
  void enable() {
    caller_.principal = root_;
    ASSERT_EQ(versioning("Enabled", "Enabled", proof()).status, 200);
  }
  static std::string refusal(const http::Response& response) {
    return fmt::format("{} {}", error_code(response), xml(response).child_text("Message"));
  }

  identity::Principal administrator_, root_;
  std::string serial_, seed_;
};

TEST_F(S3MfaTest, OnlyTheOwnersRootUserWithItsDeviceSwitchesIt) {
  EXPECT_EQ(refusal(versioning("Enabled", "Enabled")), fmt::format("AccessDenied {}", kMissing));
  EXPECT_EQ(refusal(versioning("Enabled", "Enabled", proof())),
            fmt::format("AccessDenied {}", kNotOwner))
      << "the first user does not stand for root here";
  EXPECT_EQ(versioning("Enabled", "Disabled").status, 200) << "that changes nothing";
  EXPECT_EQ(xml(send("GET", "/bucket?versioning")).child_text("MfaDelete"), "Disabled");
  enable();
  EXPECT_EQ(xml(send("GET", "/bucket?versioning")).child_text("MfaDelete"), "Enabled");
  EXPECT_EQ(error_code(versioning("Enabled", "Off", proof())), "MalformedXML");

  caller_.principal = administrator_;
  for (const auto* mfa_delete : {"", "Disabled", "Enabled"}) {
    for (const auto* status : {"Enabled", "Suspended"}) {
      EXPECT_THAT(refusal(versioning(status, mfa_delete)), HasSubstr(kMissing));
      EXPECT_THAT(refusal(versioning(status, mfa_delete, proof())), HasSubstr(kNotOwner));
    }
  }
  const auto event = events().back();
  EXPECT_EQ(event.at("errorCode"), "AccessDenied");
  EXPECT_THAT(json::serialize(event), Not(HasSubstr(code())));
  caller_.principal = root_;
  EXPECT_THAT(refusal(versioning("Suspended", "")), HasSubstr(kMissing));
  EXPECT_EQ(versioning("Suspended", "Disabled", proof()).status, 200);
  EXPECT_EQ(versioning("Enabled", "").status, 200);
}

TEST_F(S3MfaTest, VersionsAreRemovedWithACodeOnly) {
  enable();
  caller_.principal = administrator_;
  const std::string version(send("PUT", "/bucket/k", "x").headers.get("x-amz-version-id"));
  const auto target = "/bucket/k?versionId=" + version;
  EXPECT_EQ(refusal(send("DELETE", target)), fmt::format("AccessDenied {}", kMissing));
  EXPECT_EQ(refusal(send("DELETE", target, "", proof())),
            fmt::format("AccessDenied {}", kNotOwner));
  EXPECT_EQ(send("DELETE", "/bucket/k").status, 204) << "a delete marker needs none";
  EXPECT_EQ(send("GET", target).body, "x");
  caller_.principal = root_;
  EXPECT_THAT(refusal(send("DELETE", target)), HasSubstr(kMissing));
  EXPECT_EQ(error_code(send("DELETE", target, "", {{"x-amz-mfa", "123456"}})), "InvalidArgument");
  EXPECT_EQ(error_code(send("DELETE", target + "&x-amz-mfa=a%20123456")), "InvalidRequest");
  EXPECT_EQ(send("GET", target).status, 200);
  EXPECT_EQ(send("DELETE", target, "", proof()).status, 204);
  EXPECT_EQ(send("GET", target).status, 404);
}

TEST_F(S3MfaTest, ABatchThatNamesAVersionNeedsOneCodeForAll) {
  enable();
  const std::string version(send("PUT", "/bucket/k", "x").headers.get("x-amz-version-id"));
  (void)send("PUT", "/bucket/other", "x");
  const auto batch = fmt::format(
      "<Delete><Object><Key>k</Key><VersionId>{}</VersionId></Object>"
      "<Object><Key>other</Key></Object></Delete>",
      version);
  EXPECT_THAT(refusal(send("POST", "/bucket?delete", batch)), HasSubstr(kMissing));
  EXPECT_EQ(send("GET", "/bucket/other").status, 200) << "none of them was removed";
  const std::string keys = "<Delete><Object><Key>other</Key></Object></Delete>";
  const Fields wrong{{"x-amz-mfa", serial_ + " 000000"}};
  EXPECT_EQ(error_code(send("POST", "/bucket?delete", keys, wrong)), "AccessDenied");
  EXPECT_EQ(send("GET", "/bucket/other").status, 200);
  EXPECT_EQ(send("POST", "/bucket?delete", batch, proof()).status, 200);
  EXPECT_EQ(send("GET", "/bucket/k?versionId=" + version).status, 404);
  EXPECT_EQ(send("GET", "/bucket/other").status, 404);
}

TEST_F(S3MfaTest, CodesAreGoodOnceAndWrongOnesLockTheDevice) {
  enable();
  const std::string version(send("PUT", "/bucket/k", "x").headers.get("x-amz-version-id"));
  const auto target = "/bucket/k?versionId=" + version;
  const auto used = proof();
  EXPECT_EQ(versioning("Enabled", "Enabled", used).status, 200);
  EXPECT_EQ(error_code(send("DELETE", target, "", used)), "AccessDenied") << "seen before";
  EXPECT_THAT(refusal(send("DELETE", target, "", {{"x-amz-mfa", "arn:other 123456"}})),
              HasSubstr("serial number"));
  for (int i = 0; i < identity::MfaDevices::kWrongCodesMax; ++i) {
    EXPECT_EQ(error_code(send("DELETE", target, "", {{"x-amz-mfa", serial_ + " wrong1"}})),
              "AccessDenied");
  }
  EXPECT_EQ(error_code(send("DELETE", target, "", proof())), "AccessDenied") << "locked";
  EXPECT_EQ(send("GET", target).status, 200);
  fake_.clock.advance(identity::MfaDevices::kWrongCodesWindow);
  EXPECT_EQ(send("DELETE", target, "", proof()).status, 204);
}

}  // namespace
}  // namespace traccia::api
