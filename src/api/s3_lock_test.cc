// Object Lock through the S3 front.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;

// Of "x".
const std::pair<std::string, std::string> kMd5{"Content-MD5", "ndTkYSaMgDT1yFZOFVxnpg=="};

class S3LockTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    ASSERT_EQ(send("PUT", "/bucket", "", {{"x-amz-bucket-object-lock-enabled", "true"}}).status,
              200);
  }
  std::string in(int hours) {
    return format_iso_seconds(fake_.clock.now() + std::chrono::hours(hours));
  }
  std::string put_locked(std::string_view mode, int hours) {
    const auto stored = send("PUT", "/bucket/k", "x",
                             {kMd5,
                              {"x-amz-object-lock-mode", std::string(mode)},
                              {"x-amz-object-lock-retain-until-date", in(hours)}});
    EXPECT_EQ(stored.status, 200) << stored.body;
    return std::string(stored.headers.get("x-amz-version-id"));
  }
  http::Response retain(const std::string& version, std::string_view mode, int hours,
                        const Fields& headers = {}) {
    return send("PUT", "/bucket/k?retention&versionId=" + version,
                fmt::format("<Retention><Mode>{}</Mode><RetainUntilDate>{}</RetainUntilDate>"
                            "</Retention>",
                            mode, in(hours)),
                headers);
  }
  http::Response configure(std::string_view rule) {
    return send("PUT", "/bucket?object-lock",
                fmt::format("<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
                            "</ObjectLockEnabled>{}</ObjectLockConfiguration>",
                            rule));
  }
  static std::string refusal(const http::Response& response) {
    return fmt::format("{} {}", error_code(response), xml(response).child_text("Message"));
  }
};

constexpr std::string_view kProtected =
    "AccessDenied Access Denied because object protected by object lock.";

TEST_F(S3LockTest, BucketsHaveAConfiguration) {
  EXPECT_EQ(xml(send("GET", "/bucket?versioning")).child_text("Status"), "Enabled");
  const auto bare = xml(send("GET", "/bucket?object-lock"));
  EXPECT_EQ(bare.child_text("ObjectLockEnabled"), "Enabled");
  EXPECT_EQ(bare.child("Rule"), nullptr);
  const auto rule = [](std::string_view members) {
    return fmt::format("<Rule><DefaultRetention>{}</DefaultRetention></Rule>", members);
  };
  EXPECT_EQ(configure(rule("<Mode>GOVERNANCE</Mode><Days>3</Days>")).status, 200);
  EXPECT_THAT(send("GET", "/bucket?object-lock").body,
              HasSubstr("<Mode>GOVERNANCE</Mode><Days>3</Days>"));
  for (const auto* members :
       {"", "<Mode>GOVERNANCE</Mode>", "<Days>1</Days>", "<Mode>governance</Mode><Days>1</Days>",
        "<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>",
        "<Mode>GOVERNANCE</Mode><Days>x</Days>"}) {
    EXPECT_EQ(error_code(configure(rule(members))), "MalformedXML") << members;
  }
  EXPECT_EQ(refusal(configure(rule("<Mode>COMPLIANCE</Mode><Days>0</Days>"))),
            "InvalidArgument Default retention period must be a positive integer value.");
  EXPECT_EQ(refusal(configure(rule("<Mode>COMPLIANCE</Mode><Years>101</Years>"))),
            "InvalidArgument Default retention period too large.");
  EXPECT_EQ(error_code(send("PUT", "/bucket?versioning",
                            "<VersioningConfiguration><Status>Suspended</Status>"
                            "</VersioningConfiguration>")),
            "InvalidBucketState");
  const auto stored = send("PUT", "/bucket/k", "x");
  EXPECT_THAT(refusal(stored), HasSubstr("InvalidRequest Content-MD5 OR x-amz-checksum-"));
  EXPECT_EQ(send("PUT", "/bucket/k", "x", {kMd5}).status, 200);
  const auto read = send("HEAD", "/bucket/k");
  EXPECT_EQ(read.headers.get("x-amz-object-lock-mode"), "GOVERNANCE");
  EXPECT_TRUE(parse_iso(read.headers.get("x-amz-object-lock-retain-until-date")));
}

TEST_F(S3LockTest, BucketsWithoutItSaySo) {
  make_bucket("plain");
  (void)send("PUT", "/plain/k", "x");
  EXPECT_EQ(error_code(send("GET", "/plain?object-lock")), "ObjectLockConfigurationNotFoundError");
  EXPECT_EQ(refusal(send("GET", "/plain/k?retention")),
            "InvalidRequest Bucket is missing Object Lock Configuration");
  EXPECT_EQ(
      error_code(send("PUT", "/plain/k", "x", {kMd5, {"x-amz-object-lock-legal-hold", "ON"}})),
      "InvalidRequest");
  EXPECT_EQ(
      error_code(send("DELETE", "/plain/k", "", {{"x-amz-bypass-governance-retention", "true"}})),
      "InvalidArgument");
  EXPECT_EQ(send("GET", "/plain/k").status, 200);
}

TEST_F(S3LockTest, AVersionUnderRetentionStays) {
  const auto version = put_locked("GOVERNANCE", 10);
  const auto target = "/bucket/k?versionId=" + version;
  EXPECT_EQ(refusal(send("DELETE", target)), kProtected);
  EXPECT_EQ(refusal(retain(version, "GOVERNANCE", 5)), kProtected);
  EXPECT_EQ(retain(version, "GOVERNANCE", 20).status, 200);
  const auto shown = xml(send("GET", "/bucket/k?retention"));
  EXPECT_EQ(shown.child_text("Mode"), "GOVERNANCE");
  EXPECT_EQ(parse_iso(shown.child_text("RetainUntilDate")).value(), parse_iso(in(20)).value());
  const Fields bypass{{"x-amz-bypass-governance-retention", "true"}};
  EXPECT_EQ(retain(version, "COMPLIANCE", 5, bypass).status, 200);
  EXPECT_EQ(refusal(send("DELETE", target, "", bypass)), kProtected) << "not even the account's";
  const auto batch = send("POST", "/bucket?delete",
                          fmt::format("<Delete><Object><Key>k</Key><VersionId>{}</VersionId>"
                                      "</Object></Delete>",
                                      version),
                          bypass);
  EXPECT_EQ(texts(xml(batch), "Error", "Code"), std::vector<std::string>{"AccessDenied"});
  EXPECT_EQ(send("DELETE", "/bucket/k").status, 204) << "a marker may come";
  EXPECT_EQ(send("GET", target).body, "x");
  EXPECT_EQ(error_code(retain(version, "COMPLIANCE", -1)), "InvalidArgument");
  EXPECT_EQ(error_code(retain(version, "NEVER", 50)), "MalformedXML");
  fake_.clock.advance(std::chrono::hours(6));
  EXPECT_EQ(send("DELETE", target).status, 204);
}

TEST_F(S3LockTest, LegalHoldsArePutAndTakenAway) {
  EXPECT_EQ(send("PUT", "/bucket/k", "x").status, 200);
  EXPECT_EQ(error_code(send("GET", "/bucket/k?legal-hold")), "NoSuchObjectLockConfiguration");
  EXPECT_EQ(error_code(send("GET", "/bucket/k?retention")), "NoSuchObjectLockConfiguration");
  const auto hold = [&](std::string_view status) {
    return send("PUT", "/bucket/k?legal-hold",
                fmt::format("<LegalHold><Status>{}</Status></LegalHold>", status));
  };
  EXPECT_EQ(hold("ON").status, 200);
  const auto read = send("GET", "/bucket/k");
  EXPECT_EQ(read.headers.get("x-amz-object-lock-legal-hold"), "ON");
  const auto target = fmt::format("/bucket/k?versionId={}", read.headers.get("x-amz-version-id"));
  EXPECT_EQ(refusal(send("DELETE", target)), kProtected);
  EXPECT_EQ(error_code(hold("MAYBE")), "MalformedXML");
  EXPECT_EQ(hold("OFF").status, 200);
  EXPECT_EQ(xml(send("GET", "/bucket/k?legal-hold")).child_text("Status"), "OFF");
  EXPECT_EQ(send("DELETE", target).status, 204);
  const std::string marker(send("DELETE", "/bucket/k").headers.get("x-amz-version-id"));
  EXPECT_EQ(send("GET", "/bucket/k?retention&versionId=" + marker).status, 405);
}

TEST_F(S3LockTest, HeadersAreChecked) {
  struct Case {
    Fields headers;
    std::string_view message;
  };
  const std::string mode = "x-amz-object-lock-mode";
  const std::string until = "x-amz-object-lock-retain-until-date";
  const Case cases[] = {
      {{{mode, "GOVERNANCE"}}, "must both be supplied"},
      {{{until, in(1)}}, "must both be supplied"},
      {{{mode, "NEVER"}, {until, in(1)}}, "Unknown wormMode directive."},
      {{{mode, "GOVERNANCE"}, {until, "abc"}}, "ISO 8601"},
      {{{mode, "GOVERNANCE"}, {until, in(-1)}}, "must be in the future"},
      {{{mode, "GOVERNANCE"}, {until, in(24 * 36'501)}}, "within 100 years"},
      {{{"x-amz-object-lock-legal-hold", "wrong"}}, "'ON' or 'OFF'"},
  };
  for (const auto& [headers, message] : cases) {
    EXPECT_THAT(refusal(send("PUT", "/bucket/bad", "x", headers)), HasSubstr(message));
  }
  EXPECT_EQ(send("GET", "/bucket/bad").status, 404);
}

TEST_F(S3LockTest, PoliciesLimitWhatMayBeLocked) {
  const auto policy = [&](std::string_view condition) {
    return send("PUT", "/bucket?policy",
                fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Deny",)"
                            R"("Principal":"*","Action":["s3:PutObject","s3:PutObjectRetention"],)"
                            R"("Resource":"arn:aws:s3:::bucket/*","Condition":{}}}]}})",
                            condition))
        .status;
  };
  ASSERT_EQ(policy(R"({"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}})"),
            204);
  const auto version = put_locked("GOVERNANCE", 24 * 10);
  EXPECT_THAT(refusal(retain(version, "GOVERNANCE", 24 * 11 + 1)), HasSubstr("explicit deny"));
  ASSERT_EQ(policy(R"({"StringEquals":{"s3:object-lock-mode":"COMPLIANCE"}})"), 204);
  EXPECT_EQ(error_code(send("PUT", "/bucket/k", "x",
                            {kMd5,
                             {"x-amz-object-lock-mode", "COMPLIANCE"},
                             {"x-amz-object-lock-retain-until-date", in(1)}})),
            "AccessDenied");
}

}  // namespace
}  // namespace traccia::api
