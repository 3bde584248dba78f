// Access control lists through the S3 front: what they say, whose objects are, and what counts.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kOther = "444455556666";
constexpr std::string_view kThird = "777788889999";
constexpr std::string_view kAllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";

class S3AclTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    make_bucket();
    owner_ = caller_.principal;
    other_ = administrator_of(kOther);
    third_ = administrator_of(kThird);
    // The other account may write and read by policies, where those count.
    const auto policy = fmt::format(
        R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},)"
        R"("Action":["s3:PutObject","s3:PutObjectAcl","s3:GetObject"],)"
        R"("Resource":"arn:aws:s3:::bucket/*"}}]}})",
        kOther);
    ASSERT_EQ(send("PUT", "/bucket?policy", policy).status, 204);
  }

  identity::Principal administrator_of(std::string_view account) {
    identity::Principal out;
    const auto done = database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(identity_.accounts().create(
          transaction,
          {account, fmt::format("{}@accounts.example", account), std::string(account)}));
      TRY_ASSIGN(const auto made,
                 identity_.entities().create(
                     transaction, {.account_id = std::string(account), .name = "administrator"}));
      TRY(identity_.attachments().put_inline(
          transaction, made, "all",
          R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",)"
          R"("Resource":"*"}]})"));
      TRY_ASSIGN(const auto key, identity_.keys().create(transaction, made));
      TRY_ASSIGN(const auto found, identity_.find_access_key(transaction, key.metadata.id));
      out = found->principal;
      return {};
    });
    EXPECT_TRUE(done) << done.error().message();
    return out;
  }
  void become(const identity::Principal& principal) { caller_.principal = principal; }
  void become_nobody() {
    caller_.principal = {};
    caller_.principal.type = identity::PrincipalType::Anonymous;
  }
  void own(std::string_view ownership) {
    become(owner_);
    const auto response =
        send("PUT", "/bucket?ownershipControls",
             fmt::format("<OwnershipControls><Rule><ObjectOwnership>{}</ObjectOwnership></Rule>"
                         "</OwnershipControls>",
                         ownership));
    ASSERT_EQ(response.status, 200) << response.body;
  }
  // "PERMISSION who" of each grant, behind the owner.
  std::vector<std::string> acl(const std::string& target) {
    const auto response = send("GET", target);
    if (response.status != 200) return {error_code(response)};
    const auto root = xml(response);
    std::vector<std::string> out{std::string(root.child("Owner")->child_text("ID"))};
    for (const auto* grant : root.child("AccessControlList")->children_named("Grant")) {
      const auto* grantee = grant->child("Grantee");
      const auto uri = grantee->child_text("URI");
      out.push_back(
          fmt::format("{} {}", grant->child_text("Permission"),
                      uri.empty() ? grantee->child_text("ID") : uri.substr(uri.rfind('/') + 1)));
    }
    return out;
  }
  std::vector<std::string> owners_listed() {
    std::vector<std::string> out;
    const auto listed = xml(send("GET", "/bucket?list-type=2&fetch-owner=true"));
    for (const auto* one : listed.children_named("Contents")) {
      out.emplace_back(one->child("Owner")->child_text("ID"));
    }
    return out;
  }
  int status(std::string_view method, std::string_view target, const Fields& headers = {},
             std::string body = {}) {
    return send(method, target, std::move(body), headers).status;
  }

  identity::Principal owner_, other_, third_;
};

TEST_F(S3AclTest, AreDisabledUnlessTheBucketSaysSo) {
  put("k");
  EXPECT_THAT(send("GET", "/bucket?ownershipControls").body, HasSubstr("BucketOwnerEnforced"));
  EXPECT_THAT(acl("/bucket?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333"));
  EXPECT_THAT(acl("/bucket/k?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333"));
  for (const std::string canned : {"private", "bucket-owner-full-control"}) {
    EXPECT_EQ(status("PUT", "/bucket/k", {{"x-amz-acl", canned}}), 200) << canned;
    EXPECT_EQ(status("PUT", "/bucket/k?acl", {{"x-amz-acl", canned}}), 200) << canned;
  }
  const auto refused = [&](std::string_view method, std::string_view target,
                           const Fields& headers) {
    return error_code(send(method, target, "", headers));
  };
  const Fields granting{{"x-amz-grant-read", fmt::format("id={}", kOther)}};
  EXPECT_EQ(refused("PUT", "/bucket/k", {{"x-amz-acl", "public-read"}}),
            "AccessControlListNotSupported");
  EXPECT_EQ(refused("PUT", "/bucket/k", granting), "AccessControlListNotSupported");
  EXPECT_EQ(refused("PUT", "/bucket/k?acl", granting), "AccessControlListNotSupported");
  EXPECT_EQ(refused("PUT", "/bucket?acl", {{"x-amz-acl", "public-read"}}),
            "AccessControlListNotSupported");
  EXPECT_EQ(refused("POST", "/bucket/k?uploads", {{"x-amz-acl", "authenticated-read"}}),
            "AccessControlListNotSupported");
  EXPECT_EQ(refused("PUT", "/listed", {{"x-amz-acl", "public-read"}}),
            "InvalidBucketAclWithObjectOwnership");
  become(other_);
  EXPECT_EQ(status("PUT", "/bucket/theirs", {{"x-amz-acl", "bucket-owner-full-control"}}), 200);
  become(owner_);
  EXPECT_THAT(acl("/bucket/theirs?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333"));
}

TEST_F(S3AclTest, WhoWritesAnObjectOwnsIt) {
  own("ObjectWriter");
  become(other_);
  ASSERT_EQ(status("PUT", "/bucket/theirs"), 200);
  ASSERT_EQ(status("PUT", "/bucket/given", {{"x-amz-acl", "bucket-owner-full-control"}}), 200);
  ASSERT_EQ(status("PUT", "/bucket/shown", {{"x-amz-acl", "bucket-owner-read"}}), 200);
  EXPECT_THAT(acl("/bucket/theirs?acl"), ElementsAre(kOther, "FULL_CONTROL 444455556666"));

  become(owner_);
  EXPECT_EQ(status("GET", "/bucket/theirs"), 403) << "the bucket's owner has no say in it";
  EXPECT_THAT(acl("/bucket/theirs?acl"), ElementsAre("AccessDenied"));
  EXPECT_EQ(status("GET", "/bucket/given"), 200);
  EXPECT_THAT(acl("/bucket/given?acl"),
              ElementsAre(kOther, "FULL_CONTROL 444455556666", "FULL_CONTROL 111122223333"));
  EXPECT_EQ(status("GET", "/bucket/shown"), 200);
  EXPECT_EQ(status("PUT", "/bucket/shown?acl", {{"x-amz-acl", "public-read"}}), 403);
  become(third_);
  EXPECT_EQ(status("GET", "/bucket/given"), 403);
  become(owner_);
  EXPECT_THAT(owners_listed(), ElementsAre(kOther, kOther, kOther));
  EXPECT_EQ(status("DELETE", "/bucket/theirs"), 204) << "but may delete what lies in its bucket";

  own("BucketOwnerEnforced");
  EXPECT_EQ(status("GET", "/bucket/given"), 200);
  EXPECT_THAT(acl("/bucket/given?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333"));
  EXPECT_THAT(owners_listed(), ElementsAre(kAccount, kAccount));
}

TEST_F(S3AclTest, ABucketOwnersPreferredIsGivenByTheCannedAcl) {
  own("BucketOwnerPreferred");
  become(other_);
  ASSERT_EQ(status("PUT", "/bucket/given", {{"x-amz-acl", "bucket-owner-full-control"}}), 200);
  ASSERT_EQ(status("PUT", "/bucket/kept"), 200);
  const auto upload =
      xml(send("POST", "/bucket/whole?uploads", "", {{"x-amz-acl", "bucket-owner-full-control"}}));
  const std::string id(upload.child_text("UploadId"));
  const auto part = send("PUT", "/bucket/whole?partNumber=1&uploadId=" + id, "x");
  ASSERT_EQ(status("POST", "/bucket/whole?uploadId=" + id, {},
                   fmt::format("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}"
                               "</ETag></Part></CompleteMultipartUpload>",
                               aws::xml_escape(part.headers.get("etag")))),
            200);
  become(owner_);
  EXPECT_THAT(acl("/bucket/given?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333"));
  EXPECT_THAT(acl("/bucket/whole?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333"));
  EXPECT_EQ(status("GET", "/bucket/kept"), 403);
}

TEST_F(S3AclTest, GrantsOpenObjectsAndBuckets) {
  own("ObjectWriter");
  put("k");
  become(third_);
  EXPECT_EQ(status("GET", "/bucket/k"), 403);
  become(owner_);
  ASSERT_EQ(status("PUT", "/bucket/k?acl",
                   {{"x-amz-grant-read", fmt::format("id=\"{}\"", kThird)},
                    {"x-amz-grant-full-control", fmt::format("id={}", kAccount)}}),
            200);
  EXPECT_THAT(acl("/bucket/k?acl"),
              ElementsAre(kAccount, "FULL_CONTROL 111122223333", "READ 777788889999"));
  become(third_);
  EXPECT_EQ(status("GET", "/bucket/k"), 200);
  EXPECT_EQ(status("GET", "/bucket/k?acl"), 403);
  EXPECT_EQ(status("PUT", "/bucket/k"), 403);
  EXPECT_EQ(status("GET", "/bucket?list-type=2"), 403);
  become_nobody();
  EXPECT_EQ(status("GET", "/bucket/k"), 403);

  become(owner_);
  ASSERT_EQ(status("PUT", "/bucket?acl", {{"x-amz-acl", "authenticated-read"}}), 200);
  ASSERT_EQ(status("PUT", "/bucket/k?acl", {{"x-amz-acl", "public-read"}}), 200);
  become(third_);
  EXPECT_EQ(status("GET", "/bucket?list-type=2"), 200);
  EXPECT_EQ(status("GET", "/bucket?policy"), 403);
  become_nobody();
  EXPECT_EQ(status("GET", "/bucket?list-type=2"), 403) << "of no account";
  EXPECT_EQ(status("GET", "/bucket/k"), 200);
  EXPECT_EQ(status("PUT", "/bucket/new"), 403);
  become(owner_);
  ASSERT_EQ(status("PUT", "/bucket?acl", {{"x-amz-acl", "public-read-write"}}), 200);
  become_nobody();
  EXPECT_EQ(status("PUT", "/bucket/new"), 200);

  become(owner_);
  const auto denies =
      fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*",)"
                  R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/k"}}]}})");
  ASSERT_EQ(status("PUT", "/bucket?policy", {}, denies), 204);
  become_nobody();
  EXPECT_EQ(status("GET", "/bucket/k"), 403) << "a Deny is stronger";
}

TEST_F(S3AclTest, BlockPublicAccessHoldsAclsToo) {
  own("ObjectWriter");
  put("k");
  ASSERT_EQ(status("PUT", "/bucket/k?acl", {{"x-amz-acl", "public-read"}}), 200);
  ASSERT_EQ(status("PUT", "/bucket?publicAccessBlock", {},
                   "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
                   "<IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>"),
            200);
  const auto refused = send("PUT", "/bucket/k?acl", "", {{"x-amz-acl", "authenticated-read"}});
  EXPECT_EQ(error_code(refused), "AccessDenied");
  EXPECT_THAT(refused.body, HasSubstr("blocked by the BlockPublicAcls"));
  EXPECT_EQ(status("PUT", "/bucket/k", {{"x-amz-acl", "public-read"}}), 403);
  EXPECT_EQ(status("PUT", "/bucket?acl", {{"x-amz-acl", "public-read"}}), 403);
  EXPECT_EQ(status("PUT", "/bucket/k2", {{"x-amz-acl", "private"}}), 200);
  become_nobody();
  EXPECT_EQ(status("GET", "/bucket/k"), 403) << "ignored";
}

TEST_F(S3AclTest, DocumentsAreChecked) {
  own("ObjectWriter");
  put("k");
  const auto document = [](std::string_view owner, std::string_view grantee,
                           std::string_view permission = "READ") {
    return fmt::format(
        "<AccessControlPolicy><Owner><ID>{}</ID></Owner><AccessControlList><Grant>"
        "<Grantee>{}</Grantee><Permission>{}</Permission></Grant>"
        "</AccessControlList></AccessControlPolicy>",
        owner, grantee, permission);
  };
  const auto put_acl = [&](std::string body, const Fields& headers = {}) {
    return error_code(send("PUT", "/bucket/k?acl", std::move(body), headers));
  };
  const auto uri = fmt::format("<URI>{}</URI>", kAllUsers);
  EXPECT_EQ(status("PUT", "/bucket/k?acl", {}, document(kAccount, uri)), 200);
  EXPECT_THAT(acl("/bucket/k?acl"), ElementsAre(kAccount, "READ AllUsers"));
  EXPECT_EQ(put_acl(document(kOther, uri)), "AccessDenied") << "another owner";
  EXPECT_EQ(put_acl(document(kAccount, "<ID>123456789012</ID>")), "InvalidArgument");
  EXPECT_EQ(put_acl(document(kAccount, "<URI>http://example.com</URI>")), "InvalidArgument");
  EXPECT_EQ(put_acl(document(kAccount, uri, "LOOK")), "MalformedACLError");
  EXPECT_EQ(put_acl(document(kAccount, "<EmailAddress>a@b.example</EmailAddress>")),
            "UnresolvableGrantByEmailAddress");
  EXPECT_EQ(put_acl("<AccessControlPolicy/>"), "MalformedACLError");
  EXPECT_EQ(put_acl(""), "MissingSecurityHeader");
  EXPECT_EQ(put_acl("", {{"x-amz-acl", "open"}}), "InvalidArgument");
  EXPECT_EQ(put_acl("", {{"x-amz-acl", "log-delivery-write"}}), "InvalidArgument");
  EXPECT_EQ(put_acl("", {{"x-amz-acl", "aws-exec-read"}}), "NotImplemented");
  EXPECT_EQ(put_acl("", {{"x-amz-acl", "private"}, {"x-amz-grant-read", "id=111122223333"}}),
            "InvalidRequest");
  EXPECT_EQ(put_acl(document(kAccount, uri), {{"x-amz-acl", "private"}}), "UnexpectedContent");
  EXPECT_EQ(error_code(send("PUT", "/bucket?ownershipControls", "<OwnershipControls/>")),
            "MalformedXML");

  ASSERT_EQ(status("PUT", "/bucket?acl", {{"x-amz-acl", "log-delivery-write"}}), 200);
  EXPECT_THAT(acl("/bucket?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333",
                                              "WRITE LogDelivery", "READ_ACP LogDelivery"));
  const auto enforced = send("PUT", "/bucket?ownershipControls",
                             "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced"
                             "</ObjectOwnership></Rule></OwnershipControls>");
  EXPECT_EQ(error_code(enforced), "InvalidBucketAclWithObjectOwnership");
}

TEST_F(S3AclTest, BucketsAreMadeWithAnOwnershipAndAnAcl) {
  ASSERT_EQ(status("PUT", "/made",
                   {{"x-amz-object-ownership", "ObjectWriter"}, {"x-amz-acl", "public-read"}}),
            200);
  EXPECT_THAT(send("GET", "/made?ownershipControls").body, HasSubstr("ObjectWriter"));
  EXPECT_THAT(acl("/made?acl"),
              ElementsAre(kAccount, "FULL_CONTROL 111122223333", "READ AllUsers"));
  EXPECT_EQ(error_code(send("PUT", "/other", "", {{"x-amz-object-ownership", "Nobody"}})),
            "InvalidArgument");
}

TEST_F(S3AclTest, VersionsHaveAclsOfTheirOwn) {
  own("BucketOwnerPreferred");
  ASSERT_EQ(status("PUT", "/bucket?versioning", {},
                   "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
            200);
  const auto first = std::string(send("PUT", "/bucket/k", "1").headers.get("x-amz-version-id"));
  put("k", "2");
  const auto old = "/bucket/k?versionId=" + first;
  ASSERT_EQ(status("PUT", old + "&acl", {{"x-amz-acl", "public-read"}}), 200);
  EXPECT_THAT(acl("/bucket/k?acl"), ElementsAre(kAccount, "FULL_CONTROL 111122223333"));
  become_nobody();
  EXPECT_EQ(status("GET", "/bucket/k"), 403);
  EXPECT_EQ(status("GET", old), 200);
}

}  // namespace
}  // namespace traccia::api
