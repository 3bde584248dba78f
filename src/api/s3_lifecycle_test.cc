// Lifecycle: rules, what they make of versions, and what answers tell.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_lifecycle.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/s3_lifecycle_sweep.h"
#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string document(std::string_view rules) {
  return fmt::format("<LifecycleConfiguration>{}</LifecycleConfiguration>", rules);
}
std::string rule(std::string_view members, std::string_view filter = "<Filter/>") {
  return fmt::format("<Rule>{}<Status>Enabled</Status>{}</Rule>", filter, members);
}
constexpr std::string_view kOneDay = "<Expiration><Days>1</Days></Expiration>";

class S3LifecycleTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    make_bucket();
    sweep_.emplace(*services_);
    to("2027-01-15T10:30:00Z");
  }
  void to(std::string_view time) { fake_.clock.set(parse_iso(time).value()); }
  http::Response put_rules(std::string_view rules) {
    return send("PUT", "/bucket?lifecycle", document(rules));
  }
  void version(std::string_view status) {
    ASSERT_EQ(send("PUT", "/bucket?versioning",
                   fmt::format("<VersioningConfiguration><Status>{}</Status>"
                               "</VersioningConfiguration>",
                               status))
                  .status,
              200);
  }
  // "k+" a version, "k-" a delete marker.
  std::vector<std::string> left() {
    std::vector<std::string> out;
    const auto listed = xml(send("GET", "/bucket?versions"));
    for (const auto& child : listed.children) {
      if (child.name == "Version") out.push_back(std::string(child.child_text("Key")) + "+");
      if (child.name == "DeleteMarker") out.push_back(std::string(child.child_text("Key")) + "-");
    }
    return out;
  }
  void sweep() {
    ASSERT_TRUE(sweep_->step([] { return false; }));
  }

  std::optional<LifecycleSweep> sweep_;
};

TEST(LifecycleTime, DaysAreRoundedUpToMidnight) {
  const auto at = [](std::string_view text) { return parse_iso(text).value(); };
  LifecycleTime three;
  three.days = 3;
  EXPECT_EQ(three.due(at("2027-01-15T10:30:00Z")), at("2027-01-19T00:00:00Z"));
  EXPECT_EQ(three.due(at("2027-01-15T00:00:00Z")), at("2027-01-18T00:00:00Z"));
  EXPECT_EQ(three.due(at("2027-01-15T00:00:01Z")), at("2027-01-19T00:00:00Z"));
}

TEST_F(S3LifecycleTest, ConfigurationsComeBackWithIds) {
  EXPECT_EQ(error_code(send("GET", "/bucket?lifecycle")), "NoSuchLifecycleConfiguration");
  EXPECT_EQ(
      put_rules(rule(std::string("<ID>a</ID>") + std::string(kOneDay)) + rule(kOneDay)).status,
      200);
  const auto told = events().back();
  EXPECT_EQ(told.at("eventName"), "PutBucketLifecycle");
  EXPECT_EQ(told.at("requestParameters").at("LifecycleConfiguration").at("Rule").as_array().size(),
            2U);
  const auto ids = texts(xml(send("GET", "/bucket?lifecycle")), "Rule", "ID");
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], "a");
  EXPECT_FALSE(ids[1].empty());
  EXPECT_EQ(send("DELETE", "/bucket?lifecycle").status, 204);
  EXPECT_EQ(send("GET", "/bucket?lifecycle").status, 404);
}

TEST_F(S3LifecycleTest, RulesAreForObjectsWithTheirTags) {
  const auto root = aws::parse_xml(
      "<LifecycleConfiguration><Rule><ID>r</ID><Filter><And><Tag><Key>a</Key><Value>1</Value></Tag>"
      "<Tag><Key>b</Key><Value>2</Value></Tag></And></Filter><Status>Enabled</Status>"
      "<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>");
  const auto rules = parse_lifecycle(*root).value();
  s3::ObjectInfo object;
  object.key = "k";
  EXPECT_FALSE(expiry_of(rules, object));
  object.tags = {{"a", "1"}};
  EXPECT_FALSE(expiry_of(rules, object));
  object.tags = {{"a", "1"}, {"b", "3"}};
  EXPECT_FALSE(expiry_of(rules, object));
  object.tags = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
  EXPECT_TRUE(expiry_of(rules, object));
}

TEST_F(S3LifecycleTest, RulesAreChecked) {
  const std::string filter_of_tag = "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>";
  const std::string marker =
      "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
  const std::string abort =
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
      "</AbortIncompleteMultipartUpload>";
  const auto transition = [](std::string_view members) {
    return fmt::format("<Transition>{}</Transition>", members);
  };
  const std::pair<std::string, std::string> cases[] = {
      {"", "MalformedXML"},
      {"<Rule><Filter/><Status>On</Status>" + std::string(kOneDay) + "</Rule>", "MalformedXML"},
      {rule(""), "InvalidRequest"},
      {rule(kOneDay, ""), "MalformedXML"},
      {rule(kOneDay, "<Filter/><Prefix/>"), "MalformedXML"},
      {rule(kOneDay,
            "<Filter><Prefix>a</Prefix><ObjectSizeLessThan>1</ObjectSizeLessThan>"
            "</Filter>"),
       "MalformedXML"},
      {rule(kOneDay, "<Filter><And><Prefix>a</Prefix></And></Filter>"), "MalformedXML"},
      {rule(kOneDay,
            "<Filter><And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>"
            "<ObjectSizeLessThan>5</ObjectSizeLessThan></And></Filter>"),
       "InvalidRequest"},
      {rule("<Expiration><Days>0</Days></Expiration>"), "InvalidArgument"},
      {rule("<Expiration/>"), "MalformedXML"},
      {rule("<Expiration><Date>2027-01-01T01:00:00Z</Date></Expiration>"), "InvalidArgument"},
      {rule("<Expiration><Days>1</Days><Date>2027-01-01T00:00:00Z</Date></Expiration>"),
       "MalformedXML"},
      {rule(marker, filter_of_tag), "InvalidRequest"},
      {rule(abort, filter_of_tag), "InvalidRequest"},
      {rule(abort, "<Filter><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>"),
       "InvalidRequest"},
      {rule("<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
            "<NewerNoncurrentVersions>101</NewerNoncurrentVersions></NoncurrentVersionExpiration>"),
       "InvalidArgument"},
      {rule("<NoncurrentVersionExpiration/>"), "MalformedXML"},
      {rule(transition("<Days>1</Days><StorageClass>WARM</StorageClass>")), "MalformedXML"},
      {rule(transition("<Days>29</Days><StorageClass>STANDARD_IA</StorageClass>")),
       "InvalidArgument"},
      {rule(transition("<Days>1</Days><StorageClass>GLACIER</StorageClass>") +
            std::string(kOneDay)),
       "InvalidArgument"},
      {rule("<ID>a</ID>" + std::string(kOneDay)) + rule("<ID>a</ID>" + std::string(kOneDay)),
       "InvalidArgument"},
      {rule("<ID>" + std::string(256, 'a') + "</ID>" + std::string(kOneDay)), "InvalidArgument"},
  };
  for (const auto& [rules, code] : cases) EXPECT_EQ(error_code(put_rules(rules)), code) << rules;
  EXPECT_EQ(put_rules(rule(transition("<Days>30</Days><StorageClass>STANDARD_IA</StorageClass>") +
                           transition("<Days>90</Days><StorageClass>GLACIER</StorageClass>")))
                .status,
            200);
}

TEST_F(S3LifecycleTest, ObjectsExpireAfterMidnight) {
  put("logs%2Fa");
  put("logs%2Fb");
  put("other");
  ASSERT_EQ(put_rules(rule("<ID>my rule</ID><Expiration><Days>3</Days></Expiration>",
                           "<Filter><Prefix>logs/</Prefix></Filter>"))
                .status,
            200);
  constexpr std::string_view kExpiry =
      R"(expiry-date="Tue, 19 Jan 2027 00:00:00 GMT", rule-id="my%20rule")";
  EXPECT_EQ(send("HEAD", "/bucket/logs%2Fa").headers.get("x-amz-expiration"), kExpiry);
  EXPECT_EQ(send("PUT", "/bucket/logs%2Fb", "x").headers.get("x-amz-expiration"), kExpiry);
  EXPECT_FALSE(send("HEAD", "/bucket/other").headers.find("x-amz-expiration"));
  to("2027-01-18T23:59:59Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("logs/a+", "logs/b+", "other+"));
  const auto before = events().size();
  to("2027-01-19T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("other+"));
  EXPECT_EQ(events().size(), before) << "reads of this test are no events, nor is the sweep";
}

TEST_F(S3LifecycleTest, SizesLimitARuleAndDisabledRulesDoNothing) {
  put("small", "x");
  put("large", std::string(100, 'x'));
  ASSERT_EQ(put_rules(rule(kOneDay,
                           "<Filter><ObjectSizeGreaterThan>99</ObjectSizeGreaterThan>"
                           "</Filter>") +
                      "<Rule><Filter/><Status>Disabled</Status>" + std::string(kOneDay) + "</Rule>")
                .status,
            200);
  to("2027-01-17T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("small+"));
}

TEST_F(S3LifecycleTest, CurrentVersionsGetMarkersAndLoneMarkersGo) {
  version("Enabled");
  put("k");
  ASSERT_EQ(put_rules(rule(std::string(kOneDay) +
                           "<NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays>"
                           "</NoncurrentVersionExpiration>"))
                .status,
            200);
  to("2027-01-17T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("k-", "k+"));
  to("2027-01-21T23:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("k-", "k+"));
  to("2027-01-22T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("k-")) << "noncurrent since the marker came";
  to("2027-01-23T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(S3LifecycleTest, TheNewestNoncurrentVersionsStay) {
  version("Enabled");
  for (int i = 0; i < 5; ++i) put("k");
  ASSERT_EQ(put_rules(rule("<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
                           "<NewerNoncurrentVersions>2</NewerNoncurrentVersions>"
                           "</NoncurrentVersionExpiration>"))
                .status,
            200);
  to("2027-02-01T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("k+", "k+", "k+"));
}

TEST_F(S3LifecycleTest, LocksAreWaitedFor) {
  ASSERT_EQ(send("PUT", "/bucket?versioning",
                 "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                .status,
            200);
  ASSERT_EQ(send("PUT", "/bucket?object-lock",
                 "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
                 "</ObjectLockConfiguration>")
                .status,
            200);
  put("k");
  const auto hold = [&](std::string_view status) {
    return send("PUT", "/bucket/k?legal-hold",
                fmt::format("<LegalHold><Status>{}</Status></LegalHold>", status))
        .status;
  };
  ASSERT_EQ(hold("ON"), 200);
  const std::string id(send("HEAD", "/bucket/k").headers.get("x-amz-version-id"));
  ASSERT_EQ(put_rules(rule("<Expiration><Days>1</Days></Expiration><NoncurrentVersionExpiration>"
                           "<NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>"))
                .status,
            200);
  to("2027-01-20T00:00:00Z");
  sweep();
  to("2027-01-30T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("k-", "k+"));
  ASSERT_EQ(send("PUT", "/bucket/k?legal-hold&versionId=" + id,
                 "<LegalHold><Status>OFF</Status></LegalHold>")
                .status,
            200);
  to("2027-01-31T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("k-"));
}

TEST_F(S3LifecycleTest, UploadsAreAborted) {
  ASSERT_EQ(put_rules(rule("<ID>u</ID><AbortIncompleteMultipartUpload><DaysAfterInitiation>2"
                           "</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
                           "<Filter><Prefix>a</Prefix></Filter>"))
                .status,
            200);
  const auto made = send("POST", "/bucket/a?uploads");
  EXPECT_EQ(made.headers.get("x-amz-abort-date"), "Mon, 18 Jan 2027 00:00:00 GMT");
  EXPECT_EQ(made.headers.get("x-amz-abort-rule-id"), "u");
  EXPECT_FALSE(send("POST", "/bucket/b?uploads").headers.find("x-amz-abort-date"));
  to("2027-01-18T00:00:00Z");
  sweep();
  EXPECT_THAT(texts(xml(send("GET", "/bucket?uploads")), "Upload", "Key"), ElementsAre("b"));
}

TEST_F(S3LifecycleTest, ManyVersionsArePagedThrough) {
  version("Enabled");
  for (int i = 0; i < 1100; ++i) put(i % 2 == 0 ? "a" : "b");
  ASSERT_EQ(put_rules(rule("<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
                           "</NoncurrentVersionExpiration>"))
                .status,
            200);
  to("2027-02-01T00:00:00Z");
  sweep();
  EXPECT_THAT(left(), ElementsAre("a+", "b+"));
}

class S3TransitionTest : public S3LifecycleTest {
 protected:
  static std::string move(std::string_view storage_class, int days) {
    return fmt::format("<Transition><Days>{}</Days><StorageClass>{}</StorageClass></Transition>",
                       days, storage_class);
  }
  // Text that packs well, of at least the size that is moved.
  static std::string large() {
    std::string out;
    while (out.size() < kTransitionBytesMin) out += "one event is much like another; ";
    return out;
  }
  std::string class_of(const std::string& target) {
    return std::string(send("HEAD", target).headers.get("x-amz-storage-class"));
  }
  uint64_t disk_bytes() {
    uint64_t out = 0;
    for (const auto& path : fake_.files.paths()) {
      if (!path.starts_with("/d/blobs/")) continue;
      out += fake_.files.open(path, os::OpenMode::ReadOnly).value()->size().value();
    }
    return out;
  }
};

TEST_F(S3TransitionTest, ObjectsGoDownTheWaterfall) {
  put("k", large());
  put("small");
  ASSERT_EQ(put_rules(rule(move("STANDARD_IA", 30) + move("GLACIER", 365))).status, 200);
  sweep();
  EXPECT_EQ(class_of("/bucket/k"), "");
  const auto before = disk_bytes();
  to("2027-02-15T00:00:00Z");
  sweep();
  ASSERT_TRUE(s3_->collect_garbage());
  EXPECT_EQ(class_of("/bucket/k"), "STANDARD_IA");
  EXPECT_LT(disk_bytes(), before / 10) << "colder is smaller";
  EXPECT_EQ(body_of(send("GET", "/bucket/k")), large());
  EXPECT_EQ(body_of(send("GET", "/bucket/k", "", {{"Range", "bytes=100-199"}})),
            large().substr(100, 100));
  to("2028-01-16T00:00:00Z");
  sweep();
  EXPECT_EQ(class_of("/bucket/k"), "GLACIER");
  EXPECT_EQ(class_of("/bucket/small"), "") << "less than 128 KiB";
  EXPECT_EQ(texts(xml(send("GET", "/bucket?list-type=2")), "Contents", "StorageClass"),
            (std::vector<std::string>{"GLACIER", "STANDARD"}));
}

// Such a move may be found done after a restart: then its bytes must be there.
TEST_F(S3TransitionTest, AMoveWhoseCommitWasNotSyncedKeepsBothItsBytes) {
  put("k", large());
  ASSERT_EQ(put_rules(rule(move("STANDARD_IA", 30))).status, 200);
  to("2027-02-15T00:00:00Z");
  ASSERT_EQ(blobs_->list().value().size(), 1U);
  fake_.files.set_fault(
      [](os::Operation operation, const std::string& path) -> std::optional<Error> {
        if (operation != os::Operation::Sync || path != "/d/meta.db-wal") return std::nullopt;
        return Error(ErrorCode::Unavailable, "input/output error");
      });
  sweep();
  fake_.files.set_fault(nullptr);
  EXPECT_EQ(blobs_->list().value().size(), 2U);
}

TEST_F(S3TransitionTest, ArchivedObjectsAreRestoredFirst) {
  put("k", large(), {{"x-amz-storage-class", "GLACIER"}});
  EXPECT_LT(disk_bytes(), large().size() / 10);
  const auto refused = send("GET", "/bucket/k");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(error_code(refused), "InvalidObjectState");
  EXPECT_EQ(xml(refused).child_text("StorageClass"), "GLACIER");
  const auto copied = send("PUT", "/bucket/copy", "", {{"x-amz-copy-source", "bucket/k"}});
  EXPECT_EQ(copied.status, 403);
  EXPECT_EQ(error_code(copied), "InvalidObjectState");
  EXPECT_EQ(xml(copied).child_text("Message"),
            "Operation is not valid for the source object's storage class");
  const auto restore = [&](std::string_view members) {
    return send("POST", "/bucket/k?restore",
                fmt::format("<RestoreRequest>{}</RestoreRequest>", members));
  };
  EXPECT_EQ(error_code(restore("<Days>0</Days>")), "InvalidArgument");
  EXPECT_EQ(error_code(restore("")), "InvalidArgument");
  EXPECT_EQ(error_code(restore("<Days>1</Days><Tier>Fast</Tier>")), "MalformedXML");
  EXPECT_EQ(restore("<Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier>"
                    "</GlacierJobParameters>")
                .status,
            202);
  EXPECT_EQ(body_of(send("GET", "/bucket/k")), large());
  EXPECT_EQ(send("HEAD", "/bucket/k").headers.get("x-amz-restore"),
            R"(ongoing-request="false", expiry-date="Mon, 18 Jan 2027 00:00:00 GMT")");
  EXPECT_EQ(restore("<Days>3</Days>").status, 200) << "longer";
  to("2027-01-19T00:00:00Z");
  EXPECT_EQ(error_code(send("GET", "/bucket/k")), "InvalidObjectState");
  EXPECT_FALSE(send("HEAD", "/bucket/k").headers.find("x-amz-restore"));
  put("warm");
  EXPECT_EQ(error_code(send("POST", "/bucket/warm?restore",
                            "<RestoreRequest><Days>1</Days></RestoreRequest>")),
            "InvalidObjectState");
}

TEST_F(S3TransitionTest, SmallObjectsMoveWhereTheRulesSaySo) {
  put("k");
  const auto varies = [&](std::string_view size) {
    return send("PUT", "/bucket?lifecycle", document(rule(move("GLACIER", 0))),
                {{"x-amz-transition-default-minimum-object-size", std::string(size)}});
  };
  EXPECT_EQ(error_code(varies("some")), "InvalidArgument");
  ASSERT_EQ(varies("varies_by_storage_class").status, 200);
  EXPECT_EQ(
      send("GET", "/bucket?lifecycle").headers.get("x-amz-transition-default-minimum-object-size"),
      "varies_by_storage_class");
  to("2027-01-16T00:00:00Z");
  sweep();
  EXPECT_EQ(class_of("/bucket/k"), "GLACIER");
  put("warm");
  const auto filter = "<Filter><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan></Filter>";
  ASSERT_EQ(put_rules(rule(move("GLACIER_IR", 0), filter)).status, 200);
  to("2027-01-17T00:00:00Z");
  sweep();
  EXPECT_EQ(class_of("/bucket/warm"), "GLACIER_IR");
  EXPECT_EQ(class_of("/bucket/k"), "GLACIER") << "never back up";
}

TEST_F(S3TransitionTest, NoncurrentVersionsMoveByTheirOwnClock) {
  version("Enabled");
  put("k", large());
  put("k", large() + "2");
  put("k", large() + "3");
  const std::string action =
      "<NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays>"
      "<NewerNoncurrentVersions>1</NewerNoncurrentVersions>"
      "<StorageClass>DEEP_ARCHIVE</StorageClass></NoncurrentVersionTransition>";
  ASSERT_EQ(put_rules(rule(action)).status, 200);
  to("2027-01-17T00:00:00Z");
  sweep();
  EXPECT_EQ(texts(xml(send("GET", "/bucket?versions")), "Version", "StorageClass"),
            (std::vector<std::string>{"STANDARD", "STANDARD", "DEEP_ARCHIVE"}));
}

TEST_F(S3TransitionTest, UnknownClassesAreRefused) {
  for (const auto* name : {"OUTPOSTS", "glacier", "COLD"}) {
    EXPECT_EQ(error_code(send("PUT", "/bucket/k", "x", {{"x-amz-storage-class", name}})),
              "InvalidStorageClass")
        << name;
  }
  EXPECT_EQ(send("PUT", "/bucket/k", "x", {{"x-amz-storage-class", "ONEZONE_IA"}}).status, 200);
  EXPECT_EQ(class_of("/bucket/k"), "ONEZONE_IA");
  // A copy in its place changes the class.
  EXPECT_EQ(send("PUT", "/bucket/k", "",
                 {{"x-amz-copy-source", "bucket/k"}, {"x-amz-storage-class", "STANDARD"}})
                .status,
            200);
  EXPECT_EQ(class_of("/bucket/k"), "");
}

}  // namespace
}  // namespace traccia::api
