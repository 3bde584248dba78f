// Notifications of buckets: who gets them, what they say, and who may not be told.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_notifications.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/s3_lifecycle_sweep.h"
#include "api/service_table.h"
#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class S3NotificationsTest : public S3FrontTest {
 protected:
  static constexpr std::string_view kQueue = "arn:aws:sqs:us-east-1:111122223333:news";

  void SetUp() override {
    S3FrontTest::SetUp();
    make_bucket();
    make_queue("news", R"("ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"},)"
                       R"("StringEquals":{"aws:SourceAccount":"111122223333"})");
  }
  json::Object call(std::string_view service, std::string_view operation,
                    const json::Object& input) {
    const auto done = execute(*services_, caller_, *find_service(service)->find(operation), input);
    if (!done) ADD_FAILURE() << operation << ": " << done.error().message();
    return done ? done->document : json::Object{};
  }
  void make_queue(std::string_view name, std::string_view condition) {
    const auto policy = fmt::format(
        R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":)"
        R"("s3.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":)"
        R"("arn:aws:sqs:us-east-1:111122223333:{}","Condition":{{{}}}}}]}})",
        name, condition);
    call("sqs", "CreateQueue",
         {{"QueueName", name}, {"Attributes", json::Object{{"Policy", policy}}}});
  }
  static std::string rule(std::string_view events, std::string_view filter = "",
                          std::string_view queue = kQueue) {
    return fmt::format("<QueueConfiguration><Id>r</Id><Queue>{}</Queue>{}{}</QueueConfiguration>",
                       queue, events, filter);
  }
  http::Response configure(std::string_view rules, const Fields& headers = {}) {
    return send("PUT", "/bucket?notification",
                fmt::format("<NotificationConfiguration>{}</NotificationConfiguration>", rules),
                headers);
  }
  // Messages of the queue, received and deleted.
  std::vector<json::Object> messages(std::string_view name = "news") {
    std::vector<json::Object> out;
    EXPECT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      const auto arn = fmt::format("arn:aws:sqs:us-east-1:111122223333:{}", name);
      TRY_ASSIGN(const auto queue, queues_.find_by_arn(transaction, arn));
      TRY_ASSIGN(const auto received,
                 messages_.receive(transaction, *queue, 10, std::chrono::seconds(30)));
      for (const auto& one : received) {
        out.push_back(json::parse(one.body)->as_object());
        TRY(messages_.remove(transaction, *queue, one.receipt_handle));
      }
      return {};
    }));
    return out;
  }
  // "EVENT KEY" of each.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& message : messages()) {
      const auto& record = message.at("Records").at(0);
      out.push_back(fmt::format("{} {}", std::string(record.at("eventName").as_string()),
                                std::string(record.at("s3").at("object").at("key").as_string())));
    }
    return out;
  }
};

constexpr std::string_view kAll =
    "<Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:*</Event>";

TEST_F(S3NotificationsTest, ChangesAreToldOnce) {
  ASSERT_EQ(configure(rule(kAll)).status, 200);
  const auto test = messages();
  ASSERT_EQ(test.size(), 1U);
  EXPECT_EQ(test.front().at("Event"), "s3:TestEvent");
  put("a%20b", "four");
  EXPECT_EQ(send("PUT", "/bucket/copy", "", {{"x-amz-copy-source", "bucket/a%20b"}}).status, 200);
  EXPECT_EQ(send("DELETE", "/bucket/copy").status, 204);
  EXPECT_EQ(send("DELETE", "/bucket/never").status, 204);
  EXPECT_THAT(told(), ElementsAre("ObjectCreated:Put a+b", "ObjectCreated:Copy copy",
                                  "ObjectRemoved:Delete copy"));
  ASSERT_EQ(configure("").status, 200);
  put("quiet");
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(send("GET", "/bucket?notification").body, HasSubstr("<NotificationConfiguration"));
}

TEST_F(S3NotificationsTest, RecordsSayWhoAndWhat) {
  ASSERT_EQ(configure(rule(kAll)).status, 200);
  messages();
  ASSERT_EQ(send("PUT", "/bucket?versioning",
                 "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                .status,
            200);
  put("k", "four");
  const auto found = messages();
  ASSERT_EQ(found.size(), 1U);
  const auto& record = found.front().at("Records").at(0);
  EXPECT_EQ(record.at("eventVersion"), "2.1");
  EXPECT_EQ(record.at("awsRegion"), "us-east-1");
  EXPECT_EQ(record.at("userIdentity").at("principalId"),
            json::Value("AWS:" + caller_.principal.principal_id));
  EXPECT_EQ(record.at("requestParameters").at("sourceIPAddress"), "192.0.2.1");
  const auto& s3 = record.at("s3");
  EXPECT_EQ(s3.at("configurationId"), "r");
  EXPECT_EQ(s3.at("bucket").at("arn"), "arn:aws:s3:::bucket");
  EXPECT_EQ(s3.at("object").at("size"), 4);
  EXPECT_EQ(s3.at("object").at("eTag"), "8cbad96aced40b3838dd9f07f6ef5772");
  EXPECT_TRUE(s3.at("object").as_object().contains("versionId"));
  EXPECT_EQ(send("DELETE", "/bucket/k").status, 204);
  EXPECT_THAT(told(), ElementsAre("ObjectRemoved:DeleteMarkerCreated k"));
}

TEST_F(S3NotificationsTest, FiltersChoose) {
  const auto filter =
      "<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>logs/</Value></FilterRule>"
      "<FilterRule><Name>suffix</Name><Value>.gz</Value></FilterRule></S3Key></Filter>";
  ASSERT_EQ(configure(rule("<Event>s3:ObjectCreated:Put</Event>", filter)).status, 200);
  messages();
  put("logs/a.gz");
  put("logs/a.txt");
  put("other/a.gz");
  send("DELETE", "/bucket/logs/a.gz");
  EXPECT_THAT(told(), ElementsAre("ObjectCreated:Put logs/a.gz"));
}

TEST_F(S3NotificationsTest, DeniedChangesAreNotTold) {
  ASSERT_EQ(configure(rule(kAll)).status, 200);
  messages();
  EXPECT_EQ(send("PUT", "/bucket/k", "x", {{"If-Match", "0"}}).status, 404);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(S3NotificationsTest, DestinationsMustTakeThem) {
  const std::string_view refused = "Unable to validate the following destination configurations";
  make_queue("other", R"("ArnLike":{"aws:SourceArn":"arn:aws:s3:::another"})");
  for (const auto* arn :
       {"arn:aws:sqs:us-east-1:111122223333:other", "arn:aws:sqs:us-east-1:111122223333:none",
        "arn:aws:sqs:eu-west-1:111122223333:news"}) {
    const auto answer = configure(rule(kAll, "", arn));
    EXPECT_EQ(xml(answer).child_text("Message"), refused) << arn;
    EXPECT_EQ(
        configure(rule(kAll, "", arn), {{"x-amz-skip-destination-validation", "true"}}).status,
        200);
  }
  // What they do not take is lost, and nothing else.
  put("k");
  EXPECT_THAT(messages("other"), IsEmpty());
  EXPECT_EQ(send("GET", "/bucket/k").status, 200);
}

TEST_F(S3NotificationsTest, ConfigurationsAreChecked) {
  EXPECT_EQ(error_code(configure(rule("<Event>s3:Everything</Event>"))), "InvalidArgument");
  EXPECT_EQ(error_code(configure(rule(kAll, "", "news"))), "InvalidArgument");
  EXPECT_EQ(error_code(configure("<CloudFunctionConfiguration/>")), "NotImplemented");
  EXPECT_EQ(error_code(configure(rule(""))), "MalformedXML");
  EXPECT_THAT(configure(rule(kAll) + fmt::format("<QueueConfiguration><Queue>{}</Queue>"
                                                 "<Event>s3:ObjectCreated:Put</Event>"
                                                 "</QueueConfiguration>",
                                                 kQueue))
                  .body,
              HasSubstr("Configurations overlap"));
  EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(S3NotificationsTest, TagsAndAclsAreTold) {
  ASSERT_EQ(
      configure(rule("<Event>s3:ObjectTagging:*</Event><Event>s3:ObjectAcl:Put</Event>")).status,
      200);
  messages();
  put("k", "four");
  ASSERT_EQ(send("PUT", "/bucket/k?tagging",
                 "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>")
                .status,
            200);
  ASSERT_EQ(send("DELETE", "/bucket/k?tagging").status, 204);
  ASSERT_EQ(send("PUT", "/bucket/k?acl", "", {{"x-amz-acl", "private"}}).status, 200);
  EXPECT_THAT(told(), ElementsAre("ObjectTagging:Put k", "ObjectTagging:Delete k"))
      << "an ACL that is not kept is no change";
  ASSERT_EQ(send("PUT", "/bucket?ownershipControls",
                 "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>"
                 "</OwnershipControls>")
                .status,
            200);
  ASSERT_EQ(send("PUT", "/bucket/k?acl", "", {{"x-amz-acl", "public-read"}}).status, 200);
  const auto found = messages();
  ASSERT_EQ(found.size(), 1U);
  const auto& record = found.front().at("Records").at(0);
  EXPECT_EQ(record.at("eventName"), "ObjectAcl:Put");
  EXPECT_EQ(record.at("eventVersion"), "2.3");
}

TEST_F(S3NotificationsTest, LifecycleRulesTellWhatTheyDo) {
  fake_.clock.set(parse_iso("2027-01-15T10:30:00Z").value());
  LifecycleSweep sweep(*services_);
  const auto to = [&](std::string_view time) {
    fake_.clock.set(parse_iso(time).value());
    ASSERT_TRUE(sweep.step([] { return false; }));
  };
  const auto rules = [&](std::string_view text) {
    ASSERT_EQ(send("PUT", "/bucket?lifecycle",
                   fmt::format("<LifecycleConfiguration>{}</LifecycleConfiguration>", text))
                  .status,
              200);
  };
  constexpr std::string_view kExpires =
      "<Rule><Filter><Prefix>old/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>1"
      "</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
      "</NoncurrentVersionExpiration></Rule>";
  ASSERT_EQ(configure(rule("<Event>s3:LifecycleExpiration:*</Event>"
                           "<Event>s3:LifecycleTransition</Event>"))
                .status,
            200);
  messages();
  put("old/k", "four");
  put("kept");
  rules(kExpires);
  to("2027-01-17T00:00:00Z");
  const auto found = messages();
  ASSERT_EQ(found.size(), 1U);
  const auto& record = found.front().at("Records").at(0);
  EXPECT_EQ(record.at("eventName"), "LifecycleExpiration:Delete");
  EXPECT_EQ(record.at("eventVersion"), "2.3");
  EXPECT_EQ(record.at("userIdentity").at("principalId"), "s3.amazonaws.com");
  EXPECT_EQ(record.at("requestParameters").at("sourceIPAddress"), "s3.amazonaws.com");

  ASSERT_EQ(send("PUT", "/bucket?versioning",
                 "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                .status,
            200);
  put("old/k", "four");
  to("2027-01-19T00:00:00Z");
  EXPECT_THAT(told(), ElementsAre("LifecycleExpiration:DeleteMarkerCreated old/k"));
  to("2027-01-21T00:00:00Z");
  EXPECT_THAT(told(), ElementsAre("LifecycleExpiration:Delete old/k"));

  put("cold/k", "four");
  rules(
      "<Rule><Filter><And><Prefix>cold/</Prefix><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan>"
      "</And></Filter><Status>Enabled</Status><Transition><Days>1</Days><StorageClass>GLACIER"
      "</StorageClass></Transition></Rule>");
  to("2027-01-23T00:00:00Z");
  const auto moved = messages();
  ASSERT_EQ(moved.size(), 1U);
  const auto& transition = moved.front().at("Records").at(0);
  EXPECT_EQ(transition.at("eventName"), "LifecycleTransition");
  EXPECT_EQ(
      transition.at("lifecycleEventData").at("transitionEventData").at("destinationStorageClass"),
      "GLACIER");
}

TEST_F(S3NotificationsTest, RestoredCopiesThatEndAreToldWithoutRulesToo) {
  fake_.clock.set(parse_iso("2027-01-15T10:30:00Z").value());
  LifecycleSweep sweep(*services_);
  put("k", "four", {{"x-amz-storage-class", "GLACIER"}});
  ASSERT_EQ(configure(rule("<Event>s3:ObjectRestore:*</Event>")).status, 200);
  messages();
  ASSERT_EQ(
      send("POST", "/bucket/k?restore", "<RestoreRequest><Days>1</Days></RestoreRequest>").status,
      202);
  const auto restored = messages();
  ASSERT_EQ(restored.size(), 2U);
  EXPECT_EQ(restored[0].at("Records").at(0).at("eventName"), "ObjectRestore:Post");
  const auto& data = restored[1].at("Records").at(0).at("glacierEventData").at("restoreEventData");
  EXPECT_EQ(data.at("lifecycleRestorationExpiryTime"), "2027-01-17T00:00:00.000Z");
  EXPECT_EQ(data.at("lifecycleRestoreStorageClass"), "GLACIER");
  const auto on = [&](std::string_view time) {
    fake_.clock.set(parse_iso(time).value());
    ASSERT_TRUE(sweep.step([] { return false; }));
  };
  on("2027-01-16T00:00:00Z");
  EXPECT_THAT(told(), IsEmpty());
  on("2027-01-17T00:00:00Z");
  EXPECT_THAT(told(), ElementsAre("ObjectRestore:Delete k"));
  EXPECT_EQ(send("GET", "/bucket/k").status, 403);
  on("2027-01-18T00:00:00Z");
  EXPECT_THAT(told(), IsEmpty()) << "once";
}

}  // namespace
}  // namespace traccia::api
