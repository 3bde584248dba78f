// Versions through the S3 front: answers, errors, permissions, events.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;

class S3VersionsTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    log_data_events({"arn:aws:s3:::bucket/"});
    make_bucket();
  }
  http::Response version(std::string_view status) {
    return send("PUT", "/bucket?versioning",
                fmt::format("<VersioningConfiguration><Status>{}</Status>"
                            "</VersioningConfiguration>",
                            status));
  }
  std::string put_version(const std::string& key, std::string body) {
    const auto stored = send("PUT", "/bucket/" + key, std::move(body));
    EXPECT_EQ(stored.status, 200);
    return std::string(stored.headers.get("x-amz-version-id"));
  }
};

TEST_F(S3VersionsTest, BucketsSayWhetherTheyKeepVersions) {
  EXPECT_TRUE(xml(send("GET", "/bucket?versioning")).children.empty());
  EXPECT_EQ(send("PUT", "/bucket/k", "x").headers.get("x-amz-version-id"), "");
  EXPECT_EQ(version("Enabled").status, 200);
  EXPECT_EQ(xml(send("GET", "/bucket?versioning")).child_text("Status"), "Enabled");
  const auto told = events().back();
  EXPECT_EQ(told.at("eventName"), "GetBucketVersioning");
  EXPECT_EQ(version("Suspended").status, 200);
  EXPECT_EQ(events().back().at("requestParameters").at("VersioningConfiguration").at("Status"),
            "Suspended");
  EXPECT_EQ(xml(send("GET", "/bucket?versioning")).child_text("Status"), "Suspended");
  EXPECT_EQ(error_code(version("")), "IllegalVersioningConfigurationException");
  EXPECT_EQ(error_code(version("Off")), "MalformedXML");
  EXPECT_EQ(send("PUT", "/bucket/k", "x").headers.get("x-amz-version-id"), "null");
}

TEST_F(S3VersionsTest, AVersionIsReadByItsIdAndADeleteMarkerIsNot) {
  version("Enabled");
  const auto first = put_version("k", "one");
  const auto second = put_version("k", "two");
  EXPECT_NE(first, second);
  const auto current = send("GET", "/bucket/k");
  EXPECT_EQ(current.body, "two");
  EXPECT_EQ(current.headers.get("x-amz-version-id"), second);
  EXPECT_EQ(send("GET", "/bucket/k?versionId=" + first).body, "one");
  const auto deleted = send("DELETE", "/bucket/k");
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.headers.get("x-amz-delete-marker"), "true");
  const std::string marker(deleted.headers.get("x-amz-version-id"));
  const auto event = events().back();
  EXPECT_EQ(event.at("responseElements").at("x-amz-version-id"), json::Value(marker));
  EXPECT_EQ(event.at("responseElements").at("x-amz-delete-marker"), "true");

  const auto hidden = send("GET", "/bucket/k");
  EXPECT_EQ(error_code(hidden), "NoSuchKey");
  EXPECT_EQ(hidden.headers.get("x-amz-delete-marker"), "true");
  EXPECT_EQ(hidden.headers.get("x-amz-version-id"), marker);
  for (const auto* method : {"GET", "HEAD"}) {
    const auto named = send(method, "/bucket/k?versionId=" + marker);
    EXPECT_EQ(named.status, 405);
    EXPECT_EQ(named.headers.get("x-amz-delete-marker"), "true");
    EXPECT_EQ(named.headers.get("allow"), "DELETE");
    EXPECT_TRUE(parse_http_date(named.headers.get("last-modified")));
  }
  EXPECT_EQ(send("HEAD", "/bucket/k?versionId=" + first).headers.get("x-amz-version-id"), first);

  const auto unknown = send("GET", "/bucket/k?versionId=" + std::string(32, '0'));
  EXPECT_EQ(error_code(unknown), "NoSuchVersion");
  EXPECT_EQ(xml(unknown).child_text("VersionId"), std::string(32, '0'));
  EXPECT_EQ(error_code(send("GET", "/bucket/k?versionId=abc")), "InvalidArgument");
  EXPECT_EQ(error_code(send("GET", "/bucket/k?versionId=")), "InvalidArgument");
  EXPECT_EQ(error_code(send("PUT", "/bucket/k?versionId=" + first, "x")), "NotImplemented");

  const auto gone = send("DELETE", "/bucket/k?versionId=" + second);
  EXPECT_EQ(gone.headers.get("x-amz-version-id"), second);
  EXPECT_FALSE(gone.headers.find("x-amz-delete-marker"));
  EXPECT_EQ(events().back().at("requestParameters").at("versionId"), json::Value(second));
  EXPECT_EQ(send("DELETE", "/bucket/k?versionId=" + marker).headers.get("x-amz-delete-marker"),
            "true");
  EXPECT_EQ(send("GET", "/bucket/k").body, "one");
}

TEST_F(S3VersionsTest, BucketsThatKeepNoneHaveTheNullVersion) {
  put("k", "x");
  EXPECT_EQ(send("GET", "/bucket/k?versionId=null").body, "x");
  EXPECT_EQ(error_code(send("GET", "/bucket/k?versionId=" + std::string(32, '0'))),
            "InvalidArgument");
  EXPECT_EQ(error_code(send("GET", "/bucket/none?versionId=null")), "NoSuchKey");
  const auto listed = xml(send("GET", "/bucket?versions"));
  EXPECT_THAT(texts(listed, "Version", "VersionId"), ElementsAre("null"));
  EXPECT_THAT(texts(listed, "Version", "IsLatest"), ElementsAre("true"));
  EXPECT_EQ(send("DELETE", "/bucket/k?versionId=null").status, 204);
  EXPECT_EQ(send("GET", "/bucket/k").status, 404);
}

TEST_F(S3VersionsTest, ListingsPageThroughVersionsAndMarkers) {
  version("Enabled");
  const auto first = put_version("a%20b", "one");
  const auto second = put_version("a%20b", "two");
  send("DELETE", "/bucket/a%20b");
  put_version("d/1", "x");
  auto page = xml(send("GET", "/bucket?versions&max-keys=2&delimiter=%2F&encoding-type=url"));
  EXPECT_THAT(texts(page, "DeleteMarker", "IsLatest"), ElementsAre("true"));
  EXPECT_THAT(texts(page, "Version", "VersionId"), ElementsAre(second));
  EXPECT_THAT(texts(page, "Version", "Key"), ElementsAre("a%20b"));
  EXPECT_EQ(page.child_text("IsTruncated"), "true");
  EXPECT_EQ(page.child_text("NextKeyMarker"), "a%20b");
  EXPECT_EQ(page.child_text("NextVersionIdMarker"), second);
  page = xml(send("GET",
                  "/bucket?versions&max-keys=2&delimiter=%2F&key-marker=a%20b"
                  "&version-id-marker=" +
                      second));
  EXPECT_THAT(texts(page, "Version", "VersionId"), ElementsAre(first));
  EXPECT_THAT(texts(page, "Version", "IsLatest"), ElementsAre("false"));
  EXPECT_THAT(texts(page, "CommonPrefixes", "Prefix"), ElementsAre("d/"));
  EXPECT_EQ(page.child_text("IsTruncated"), "false");
  for (const auto* query : {"version-id-marker=null", "key-marker=k&version-id-marker=abc"}) {
    EXPECT_EQ(error_code(send("GET", std::string("/bucket?versions&") + query)), "InvalidArgument");
  }
}

TEST_F(S3VersionsTest, DeleteObjectsTellsOfVersionsAndMarkers) {
  version("Enabled");
  const auto first = put_version("k", "one");
  const auto body = [](std::string_view version_id) {
    return fmt::format("<Delete><Object><Key>k</Key>{}</Object></Delete>", version_id);
  };
  const auto marked = xml(send("POST", "/bucket?delete", body("")));
  const auto marker = texts(marked, "Deleted", "DeleteMarkerVersionId").at(0);
  EXPECT_THAT(texts(marked, "Deleted", "DeleteMarker"), ElementsAre("true"));
  const auto named =
      xml(send("POST", "/bucket?delete", body("<VersionId>" + first + "</VersionId>")));
  EXPECT_THAT(texts(named, "Deleted", "VersionId"), ElementsAre(first));
  EXPECT_THAT(texts(named, "Deleted", "DeleteMarker"), ElementsAre(""));
  EXPECT_EQ(events().back().at("requestParameters").at("versionId"), json::Value(first));
  const auto unknown = xml(send("POST", "/bucket?delete", body("<VersionId>abc</VersionId>")));
  EXPECT_THAT(texts(unknown, "Error", "Code"), ElementsAre("NoSuchVersion"));
  const auto removed =
      xml(send("POST", "/bucket?delete", body("<VersionId>" + marker + "</VersionId>")));
  EXPECT_THAT(texts(removed, "Deleted", "DeleteMarkerVersionId"), ElementsAre(marker));
  EXPECT_TRUE(xml(send("GET", "/bucket?versions")).children_named("Version").empty());
}

TEST_F(S3VersionsTest, CopiesTakeTheVersionTheyName) {
  version("Enabled");
  const auto first = put_version("k", "one");
  put_version("k", "two");
  const auto source = [](std::string_view id) { return fmt::format("bucket/k?versionId={}", id); };
  const auto copied = send("PUT", "/bucket/k", "", {{"x-amz-copy-source", source(first)}});
  EXPECT_EQ(copied.status, 200) << "an older version becomes the current one";
  EXPECT_EQ(copied.headers.get("x-amz-copy-source-version-id"), first);
  EXPECT_NE(copied.headers.get("x-amz-version-id"), first);
  EXPECT_EQ(send("GET", "/bucket/k").body, "one");
  const std::string marker(send("DELETE", "/bucket/k").headers.get("x-amz-version-id"));
  EXPECT_EQ(error_code(send("PUT", "/bucket/to", "", {{"x-amz-copy-source", source(marker)}})),
            "InvalidRequest");
  EXPECT_EQ(error_code(send("PUT", "/bucket/to", "", {{"x-amz-copy-source", "bucket/k"}})),
            "NoSuchKey");
  EXPECT_EQ(error_code(send("PUT", "/bucket/to", "",
                            {{"x-amz-copy-source", source(std::string(32, '0'))}})),
            "NoSuchVersion");
  // An error that is not that of a missing key, which was read as a version.
  EXPECT_EQ(error_code(send("PUT", "/bucket/to", "", {{"x-amz-copy-source", source("rubbish")}})),
            "InvalidArgument");
}

}  // namespace
}  // namespace traccia::api
