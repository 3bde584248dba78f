// Bucket policies through the S3 front: who may do what, and what the refused are told.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/test_s3.h"
#include "s3/test_store.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kOther = "444455556666";
constexpr std::string_view kAlice = "arn:aws:iam::111122223333:user/alice";

std::string statement(std::string_view effect, std::string_view principal, std::string_view action,
                      std::string_view resource, std::string_view condition = "{}") {
  return fmt::format(R"({{"Effect":"{}","Principal":{},"Action":"{}","Resource":"arn:aws:s3:::{}",)"
                     R"("Condition":{}}})",
                     effect, principal, action, resource, condition);
}

std::string aws(std::string_view arn) {
  return fmt::format(R"({{"AWS":"{}"}})", arn);
}

std::string document(const std::vector<std::string>& statements) {
  return fmt::format(R"({{"Version":"2012-10-17","Statement":[{}]}})", fmt::join(statements, ","));
}

class BucketPolicyTest : public S3FrontTest {
 protected:
  void allow(const std::vector<std::string>& statements, std::string_view bucket = "bucket") {
    const auto text = document(statements);
    const auto stored = database_->write([&](meta::Transaction& transaction) {
      return s3_->put_document(transaction, bucket, s3::Document::Policy, text);
    });
    ASSERT_TRUE(stored) << stored.error().message();
  }
  void make_bucket_of(std::string_view account, std::string_view bucket) {
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) {
      return s3_->create_bucket(
          transaction, {std::string(bucket), std::string(account), "us-east-1", fake_.clock.now()});
    }));
  }
  // The caller is a user without policies from here on.
  void become(std::string_view name, std::string_view account = kAccount) {
    auto& principal = caller_.principal;
    principal.account_id = account;
    principal.principal_id = "AIDAWITHOUTPOLICIES";
    principal.user_name = name;
    principal.arn = fmt::format("arn:aws:iam::{}:user/{}", account, name);
    principal.stands_for_root = false;
  }
  void become_nobody() {
    caller_.principal = {};
    caller_.principal.type = identity::PrincipalType::Anonymous;
  }
  // "" when the request succeeded, else code and message.
  std::string refusal(std::string_view method, std::string_view target, std::string body = {},
                      const Fields& headers = {}) {
    const auto response = send(method, target, std::move(body), headers);
    if (response.status < 300) return "";
    const auto error = xml(response);
    return fmt::format("{}: {}", error.child_text("Code"), error.child_text("Message"));
  }
};

TEST_F(BucketPolicyTest, DocumentsAreCheckedWhenTheyArePut) {
  make_bucket();
  const auto refused = [&](const std::string& text) {
    return refusal("PUT", "/bucket?policy", text);
  };
  EXPECT_EQ(refused(document({statement("Allow", "\"*\"", "s3:GetObject", "bucket/*")})), "");
  EXPECT_THAT(refused("{"), HasSubstr("MalformedPolicy: Policies must be valid JSON"));
  EXPECT_THAT(refused(document({statement("Allow", "\"*\"", "s3:GetObject", "other/*")})),
              HasSubstr("MalformedPolicy: Policy has invalid resource"));
  EXPECT_THAT(refused(document({statement("Allow", "\"*\"", "sns:Publish", "bucket/*")})),
              HasSubstr("MalformedPolicy: Policy has invalid action"));
  EXPECT_THAT(refused(document({statement("Allow", "\"alice\"", "s3:GetObject", "bucket/*")})),
              HasSubstr("MalformedPolicy: Invalid principal in policy"));
  const auto large = std::string(20'480, ' ') +
                     document({statement("Allow", "\"*\"", "s3:GetObject", "bucket/*")});
  EXPECT_THAT(refused(large),
              HasSubstr("MalformedPolicy: Policy exceeds the maximum allowed document size."));
}

TEST_F(BucketPolicyTest, DenyBeatsTheAdministratorWhoCanStillPutThePolicyRight) {
  make_bucket();
  put("k");
  ASSERT_EQ(refusal("PUT", "/bucket?policy",
                    document({statement("Deny", "\"*\"", "s3:*", "bucket"),
                              statement("Deny", "\"*\"", "s3:*", "bucket/*")})),
            "");
  EXPECT_EQ(refusal("GET", "/bucket/k"),
            "AccessDenied: User: arn:aws:iam::111122223333:user/administrator is not authorized to "
            "perform: s3:GetObject on resource: \"arn:aws:s3:::bucket/k\" with an explicit deny in "
            "a resource-based policy");
  EXPECT_THAT(refusal("GET", "/bucket?list-type=2"), HasSubstr("s3:ListBucket on resource"));
  EXPECT_THAT(refusal("DELETE", "/bucket"), HasSubstr("AccessDenied: "));
  EXPECT_EQ(refusal("GET", "/bucket?policy"), "");
  EXPECT_EQ(refusal("DELETE", "/bucket?policy"), "");
  EXPECT_EQ(refusal("GET", "/bucket/k"), "");
}

TEST_F(BucketPolicyTest, UsersOfTheAccountNeedAGrantThatNamesThem) {
  make_bucket();
  put("a/1");
  become("alice");
  EXPECT_EQ(refusal("GET", "/bucket/a/1"),
            fmt::format("AccessDenied: User: {} is not authorized to perform: s3:GetObject on "
                        "resource: \"arn:aws:s3:::bucket/a/1\" because no identity-based policy "
                        "allows the s3:GetObject action",
                        kAlice));
  EXPECT_EQ(refusal("GET", "/"),
            fmt::format("AccessDenied: User: {} is not authorized to perform: s3:ListAllMyBuckets "
                        "because no identity-based policy allows the s3:ListAllMyBuckets action",
                        kAlice));
  // The account alone hands over to identity policies, of which there are none.
  allow({statement("Allow", aws(kAccount), "s3:GetObject", "bucket/*")});
  EXPECT_THAT(refusal("GET", "/bucket/a/1"), HasSubstr("no identity-based policy allows"));
  allow({statement("Allow", aws(kAlice), "s3:GetObject", "bucket/a/*")});
  EXPECT_EQ(refusal("GET", "/bucket/a/1"), "");
  EXPECT_THAT(refusal("GET", "/bucket/b/1"), HasSubstr("AccessDenied"));
  EXPECT_THAT(refusal("PUT", "/bucket/a/2", "x"), HasSubstr("s3:PutObject"));
  become("bob");
  EXPECT_THAT(refusal("GET", "/bucket/a/1"), HasSubstr("AccessDenied"));
}

TEST_F(BucketPolicyTest, AnotherAccountNeedsBothSides) {
  make_bucket_of(kOther, "theirs");
  // Strangers are told no reason.
  EXPECT_EQ(refusal("PUT", "/theirs/k", "x"), "AccessDenied: Access Denied");
  allow({statement("Allow", aws(kAccount), "s3:*", "theirs/*"),
         statement("Allow", aws(kAccount), "s3:*", "theirs")},
        "theirs");
  EXPECT_EQ(refusal("PUT", "/theirs/k", "x"), "");
  EXPECT_THAT(send("GET", "/theirs").body, HasSubstr("<Owner><ID>444455556666</ID></Owner>"))
      << "objects belong to the bucket's owner";
  EXPECT_THAT(refusal("GET", "/theirs?policy"), HasSubstr("MethodNotAllowed"))
      << "its policy is the owner's own";
  become("alice");
  EXPECT_EQ(refusal("GET", "/theirs/k"), "AccessDenied: Access Denied") << "no identity policy";
  allow({statement("Allow", aws(kAlice), "s3:*", "theirs/*")}, "theirs");
  EXPECT_EQ(refusal("GET", "/theirs/k"), "AccessDenied: Access Denied")
      << "the name alone does not do across accounts";
}

TEST_F(BucketPolicyTest, ConditionsSeeTheRequest) {
  make_bucket();
  become("alice");
  allow({statement("Allow", aws(kAlice), "s3:ListBucket", "bucket",
                   R"({"StringLike":{"s3:prefix":"home/*"},"NumericLessThanEquals":)"
                   R"({"s3:max-keys":"10"}})"),
         statement("Allow", aws(kAlice), "s3:PutObject", "bucket/*",
                   R"({"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control",)"
                   R"("aws:UserAgent":"test"},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}})")});
  EXPECT_EQ(refusal("GET", "/bucket?list-type=2&prefix=home%2Fa&max-keys=5"), "");
  EXPECT_THAT(refusal("GET", "/bucket?list-type=2&prefix=home%2Fa"), HasSubstr("AccessDenied"));
  EXPECT_THAT(refusal("GET", "/bucket?prefix=a&max-keys=5"), HasSubstr("AccessDenied"));
  EXPECT_THAT(refusal("GET", "/bucket?prefix=secret%2F&prefix=home%2Fa&max-keys=5"),
              HasSubstr("AccessDenied"))
      << "the first of two is what is listed";
  const Fields acl{{"X-Amz-Acl", "bucket-owner-full-control"}};
  EXPECT_EQ(refusal("PUT", "/bucket/k", "x", acl), "");
  EXPECT_THAT(refusal("PUT", "/bucket/k", "x"), HasSubstr("AccessDenied"));
  caller_.source_ip = "198.51.100.1";
  EXPECT_THAT(refusal("PUT", "/bucket/k", "x", acl), HasSubstr("AccessDenied"));
}

TEST_F(BucketPolicyTest, TransportIsSecureOverTlsOnly) {
  make_bucket();
  allow(
      {statement("Deny", "\"*\"", "s3:*", "bucket", R"({"Bool":{"aws:SecureTransport":"false"}})"),
       statement("Deny", "\"*\"", "s3:*", "bucket",
                 R"({"NumericLessThan":{"s3:TlsVersion":"1.3"}})")});
  EXPECT_THAT(refusal("GET", "/bucket"), HasSubstr("explicit deny"));
  caller_.tls = http::Tls{"TLSv1.3", "TLS_AES_128_GCM_SHA256"};
  EXPECT_EQ(refusal("GET", "/bucket"), "");
  caller_.tls->version = "TLSv1.2";
  EXPECT_THAT(refusal("GET", "/bucket"), HasSubstr("explicit deny"));
}

TEST_F(BucketPolicyTest, AMissingKeyIsToldToWhoMayList) {
  make_bucket();
  become("alice");
  allow({statement("Allow", aws(kAlice), "s3:GetObject", "bucket/*")});
  EXPECT_THAT(refusal("GET", "/bucket/none"), HasSubstr("perform: s3:ListBucket"));
  allow({statement("Allow", aws(kAlice), "s3:GetObject", "bucket/*"),
         statement("Allow", aws(kAlice), "s3:ListBucket", "bucket")});
  EXPECT_THAT(refusal("GET", "/bucket/none"), HasSubstr("NoSuchKey"));
  EXPECT_THAT(refusal("GET", "/no-such-bucket/k"), HasSubstr("NoSuchBucket"));
}

TEST_F(BucketPolicyTest, CopiesNeedTheSourceToo) {
  make_bucket();
  put("from");
  become("alice");
  const Fields source{{"x-amz-copy-source", "/bucket/from"}};
  allow({statement("Allow", aws(kAlice), "s3:PutObject", "bucket/*")});
  EXPECT_THAT(refusal("PUT", "/bucket/to", "", source), HasSubstr("perform: s3:GetObject"));
  allow({statement("Allow", aws(kAlice), "s3:PutObject", "bucket/to"),
         statement("Allow", aws(kAlice), "s3:GetObject", "bucket/from")});
  EXPECT_EQ(refusal("PUT", "/bucket/to", "", source), "");
}

TEST_F(BucketPolicyTest, EachKeyOfABatchIsDecidedAlone) {
  make_bucket();
  put("keep");
  put("drop");
  log_data_events({"arn:aws:s3"});
  become("alice");
  allow({statement("Allow", aws(kAlice), "s3:DeleteObject", "bucket/drop")});
  const auto answer = xml(send("POST", "/bucket?delete",
                               "<Delete><Object><Key>keep</Key></Object>"
                               "<Object><Key>drop</Key></Object></Delete>"));
  EXPECT_THAT(texts(answer, "Deleted", "Key"), ElementsAre("drop"));
  EXPECT_THAT(texts(answer, "Error", "Key"), ElementsAre("keep"));
  EXPECT_THAT(texts(answer, "Error", "Code"), ElementsAre("AccessDenied"));
  std::vector<std::string> seen;
  for (const auto& event : events()) {
    if (json::find_string(event, "eventName") != "DeleteObject") continue;
    seen.push_back(fmt::format("{} {}",
                               json::find_string(event.at("requestParameters").as_object(), "key"),
                               json::find_string(event, "errorCode")));
  }
  EXPECT_THAT(seen, ElementsAre("keep AccessDenied", "drop "));
}

TEST_F(BucketPolicyTest, WithoutAKeyThePolicyAloneDecidesAndRefusalsAreNotRecorded) {
  make_bucket();
  put("public/a", "hello");
  log_data_events({"arn:aws:s3"});
  allow({statement("Allow", "\"*\"", "s3:GetObject", "bucket/public/*")});
  const auto before = event_names().size();
  const auto stored = s3::stored_count(*database_, *blobs_);
  become_nobody();
  EXPECT_EQ(refusal("PUT", "/bucket/public/b", s3::kManyBytes), "AccessDenied: Access Denied");
  EXPECT_EQ(refusal("GET", "/bucket/private"), "AccessDenied: Access Denied");
  EXPECT_EQ(refusal("PUT", "/bucket?policy", "{}"), "AccessDenied: Access Denied");
  EXPECT_EQ(refusal("PUT", "/new-bucket"), "AccessDenied: Access Denied");
  EXPECT_EQ(refusal("GET", "/new-bucket/k"), "AccessDenied: Access Denied") << "names are not told";
  EXPECT_THAT(refusal("POST", "/bucket?delete", "<Delete/>"), HasSubstr("Anonymous access"));
  EXPECT_EQ(event_names().size(), before);
  EXPECT_EQ(s3::stored_count(*database_, *blobs_), stored);
  EXPECT_EQ(body_of(send("GET", "/bucket/public/a")), "hello");
  const auto seen = events();
  ASSERT_EQ(seen.size(), before + 1);
  EXPECT_EQ(json::find_string(seen.back().at("userIdentity").as_object(), "accountId"),
            "anonymous");
  EXPECT_EQ(json::find_string(seen.back(), "recipientAccountId"), kAccount);
}

TEST_F(BucketPolicyTest, PublicAccessCanBeBlocked) {
  make_bucket();
  put("k");
  const auto everybody = document({statement("Allow", "\"*\"", "s3:GetObject", "bucket/*")});
  const auto block = [&](std::string_view setting) {
    return refusal("PUT", "/bucket?publicAccessBlock",
                   fmt::format("<PublicAccessBlockConfiguration><{0}>true</{0}>"
                               "</PublicAccessBlockConfiguration>",
                               setting));
  };
  EXPECT_THAT(refusal("GET", "/bucket?policyStatus"), HasSubstr("NoSuchBucketPolicy"));
  ASSERT_EQ(block("BlockPublicPolicy"), "");
  EXPECT_EQ(refusal("PUT", "/bucket?policy", everybody),
            "AccessDenied: User: arn:aws:iam::111122223333:user/administrator is not authorized to "
            "perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::bucket\" because public "
            "policies are blocked by the BlockPublicPolicy block public access setting");
  ASSERT_EQ(refusal("PUT", "/bucket?policy",
                    document({statement("Allow", aws(kAlice), "s3:GetObject", "bucket/*")})),
            "");
  EXPECT_EQ(xml(send("GET", "/bucket?policyStatus")).child_text("IsPublic"), "false");
  ASSERT_EQ(block("RestrictPublicBuckets"), "");
  ASSERT_EQ(refusal("PUT", "/bucket?policy", everybody), "");
  EXPECT_EQ(xml(send("GET", "/bucket?policyStatus")).child_text("IsPublic"), "true");
  EXPECT_EQ(refusal("GET", "/bucket/k"), "");
  become("alice");
  EXPECT_EQ(refusal("GET", "/bucket/k"), "") << "of the owner's account";
  become_nobody();
  EXPECT_EQ(refusal("GET", "/bucket/k"), "AccessDenied: Access Denied");
}

// AWS leaves that to the root user: AdministratorAccess is not enough.
TEST_F(BucketPolicyTest, OnlyWhoStandsForRootPutsAPolicyRightThatDeniesEverybody) {
  make_bucket();
  const auto first = caller_.principal;
  identity::Principal other;
  ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto user,
               identity_.entities().create(transaction, {.account_id = std::string(kAccount),
                                                         .name = "second-administrator"}));
    TRY(identity_.attachments().attach(transaction, user,
                                       "arn:aws:iam::aws:policy/AdministratorAccess"));
    TRY_ASSIGN(const auto made, identity_.keys().create(transaction, user));
    TRY_ASSIGN(const auto key, identity_.find_access_key(transaction, made.metadata.id));
    other = key->principal;
    return {};
  }));
  allow({statement("Deny", "\"*\"", "s3:*", "bucket")});
  caller_.principal = other;
  EXPECT_THAT(refusal("GET", "/bucket?policy"), HasSubstr("with an explicit deny"));
  EXPECT_THAT(refusal("DELETE", "/bucket?policy"), HasSubstr("with an explicit deny"));
  caller_.principal = first;
  EXPECT_THAT(refusal("GET", "/bucket"), HasSubstr("with an explicit deny"));
  EXPECT_EQ(refusal("DELETE", "/bucket?policy"), "");
  caller_.principal = other;
  EXPECT_EQ(refusal("GET", "/bucket"), "");
}

TEST_F(BucketPolicyTest, AnUnreadablePolicyDeniesAllButItsReplacement) {
  make_bucket();
  allow({R"({"Statement":1})"});
  EXPECT_THAT(refusal("GET", "/bucket"), HasSubstr("the bucket's policy cannot be read"));
  EXPECT_EQ(refusal("DELETE", "/bucket?policy"), "");
  EXPECT_EQ(refusal("GET", "/bucket"), "");
}

TEST(CompiledPolicies, KeepsTheNewestTextOfEachBucketWithinItsLimits) {
  CompiledPolicies policies(parse_bucket_policy);
  const auto first = document({statement("Allow", "\"*\"", "s3:GetObject", "b0/*")});
  const auto compiled = policies.find("b0", first).value();
  EXPECT_EQ(policies.find("b0", first).value(), compiled);
  const auto second = document({statement("Deny", "\"*\"", "s3:GetObject", "b0/*")});
  EXPECT_NE(policies.find("b0", second).value(), compiled);
  EXPECT_EQ(policies.find("b0", "{").error().reason(), "MalformedPolicy");
  const auto kept = policies.find("b0", second).value();
  for (size_t i = 1; i <= CompiledPolicies::kPoliciesMax; ++i) {
    const auto bucket = fmt::format("b{}", i);
    ASSERT_TRUE(policies.find(
        bucket, document({statement("Allow", "\"*\"", "s3:GetObject", bucket + "/*")})));
  }
  EXPECT_NE(policies.find("b0", second).value(), kept) << "made room";
}

}  // namespace
}  // namespace traccia::api
