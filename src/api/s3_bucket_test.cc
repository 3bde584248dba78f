// Buckets, their documents and listings through the S3 front.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/test_s3.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using S3BucketTest = S3FrontTest;

TEST_F(S3BucketTest, BucketsAreMadeFoundAndDeleted) {
  make_bucket();
  const auto listed = xml(send("GET", "/"));
  ASSERT_NE(listed.child("Buckets"), nullptr);
  EXPECT_THAT(texts(*listed.child("Buckets"), "Bucket", "Name"), ElementsAre("bucket"));
  EXPECT_EQ(send("HEAD", "/bucket").headers.get("x-amz-bucket-region"), "us-east-1");
  put("k");
  EXPECT_EQ(error_code(send("DELETE", "/bucket")), "BucketNotEmpty");
  EXPECT_EQ(send("DELETE", "/bucket/k").status, 204);
  EXPECT_EQ(send("DELETE", "/bucket").status, 204);
  EXPECT_EQ(send("HEAD", "/bucket").status, 404);
  EXPECT_EQ(error_code(send("PUT", "/No_Such_Name")), "InvalidBucketName");
}

TEST_F(S3BucketTest, BucketsAreMadeInServedRegionsOnly) {
  const auto create = [&](std::string_view region) {
    return send("PUT", "/bucket",
                "<CreateBucketConfiguration><LocationConstraint>" + std::string(region) +
                    "</LocationConstraint></CreateBucketConfiguration>");
  };
  EXPECT_EQ(error_code(create("mars-east-1")), "InvalidLocationConstraint");
  EXPECT_EQ(create("eu-west-1").status, 200);
  EXPECT_EQ(xml(send("GET", "/bucket?location")).text, "eu-west-1");
  make_bucket("first");
  EXPECT_EQ(xml(send("GET", "/first?location")).text, "");
  caller_.region = "eu-west-1";
  const auto wrong = send("PUT", "/other",
                          "<CreateBucketConfiguration><LocationConstraint>us-east-1"
                          "</LocationConstraint></CreateBucketConfiguration>");
  EXPECT_EQ(error_code(wrong), "IllegalLocationConstraintException");
}

TEST_F(S3BucketTest, DocumentsComeBackAndTheirAbsenceHasItsOwnError) {
  make_bucket();
  for (const auto& [subresource, error] : std::vector<std::pair<std::string, std::string>>{
           {"policy", "NoSuchBucketPolicy"}, {"tagging", "NoSuchTagSet"}}) {
    const auto response = send("GET", "/bucket?" + subresource);
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(error_code(response), error);
  }
  EXPECT_THAT(send("GET", "/bucket?encryption").body, HasSubstr("AES256"));
  EXPECT_EQ(xml(send("GET", "/bucket?versioning")).name, "VersioningConfiguration");

  constexpr std::string_view kPolicy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",)"
      R"("Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::bucket"}]})";
  EXPECT_EQ(send("PUT", "/bucket?policy", std::string(kPolicy)).status, 204);
  EXPECT_EQ(send("GET", "/bucket?policy").body, kPolicy);
  EXPECT_EQ(error_code(send("PUT", "/bucket?policy", "{")), "MalformedPolicy");
  EXPECT_EQ(send("GET", "/bucket?policy").body, kPolicy);
  EXPECT_EQ(send("DELETE", "/bucket?policy").status, 204);
  EXPECT_EQ(send("GET", "/bucket?policy").status, 404);
  EXPECT_EQ(send("HEAD", "/bucket").status, 200) << "the bucket outlives its policy";
  EXPECT_EQ(error_code(send("PUT", "/bucket?tagging", "<Wrong/>")), "MalformedXML");
}

TEST_F(S3BucketTest, ListingV1PagesWithMarkers) {
  make_bucket();
  for (const auto* key : {"a", "b/1", "b/2", "c", "d/1"}) put(key);
  auto page = xml(send("GET", "/bucket?delimiter=%2F&max-keys=2"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("a"));
  EXPECT_THAT(texts(page, "CommonPrefixes", "Prefix"), ElementsAre("b/"));
  EXPECT_EQ(page.child_text("IsTruncated"), "true");
  EXPECT_EQ(page.child_text("NextMarker"), "b/");
  page = xml(send("GET", "/bucket?delimiter=%2F&max-keys=2&marker=b%2F"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("c"));
  EXPECT_THAT(texts(page, "CommonPrefixes", "Prefix"), ElementsAre("d/"));
  EXPECT_EQ(page.child_text("IsTruncated"), "false");
  page = xml(send("GET", "/bucket?prefix=b%2F&marker=b%2F1"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("b/2"));
}

TEST_F(S3BucketTest, ListingV2PagesGiveEveryKeyOnceWhateverThePageSize) {
  make_bucket();
  std::vector<std::string> keys;
  for (char c = 'a'; c < 'k'; ++c) {
    keys.push_back(std::string("p/") + c);
    put("p%2F" + std::string(1, c));
  }
  for (int size = 1; size <= 11; ++size) {
    std::vector<std::string> seen;
    std::string token;
    for (int pages = 0; pages <= 11; ++pages) {
      const auto page = xml(
          send("GET", "/bucket?list-type=2&prefix=p%2F&max-keys=" + std::to_string(size) + token));
      for (auto& key : texts(page, "Contents", "Key")) seen.push_back(std::move(key));
      EXPECT_EQ(page.child_text("KeyCount"),
                std::to_string(page.children_named("Contents").size()));
      if (page.child_text("IsTruncated") == "false") break;
      token = "&continuation-token=" +
              percent_encode(page.child_text("NextContinuationToken"), KeepSlash::No);
    }
    EXPECT_EQ(seen, keys) << "page size " << size;
  }
  const auto after = xml(send("GET", "/bucket?list-type=2&start-after=p%2Fh"));
  EXPECT_THAT(texts(after, "Contents", "Key"), ElementsAre("p/i", "p/j"));
}

TEST_F(S3BucketTest, ListingsEncodeKeysWhenAskedAndCheckTheirParameters) {
  make_bucket();
  put("a%20b%2B%C3%A9%2Fc%01");
  const auto page = xml(send("GET", "/bucket?list-type=2&encoding-type=url&prefix=a%20"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("a%20b%2B%C3%A9/c%01"));
  EXPECT_EQ(page.child_text("Prefix"), "a%20");
  EXPECT_EQ(page.child_text("EncodingType"), "url");
  const auto none = xml(send("GET", "/bucket?list-type=2&max-keys=0"));
  EXPECT_EQ(none.child_text("IsTruncated"), "false");
  EXPECT_TRUE(none.children_named("Contents").empty());
  for (const auto* query : {"max-keys=x", "max-keys=-1", "max-keys=99999999999",
                            "encoding-type=utf", "continuation-token=%21"}) {
    const auto response = send("GET", "/bucket?list-type=2&" + std::string(query));
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(error_code(response), "InvalidArgument") << query;
  }
  EXPECT_EQ(xml(send("GET", "/bucket?max-keys=5000")).child_text("MaxKeys"), "1000");
}

}  // namespace
}  // namespace traccia::api
