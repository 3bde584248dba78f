// Topics of trails: preflights, announcements, and their recovery.
// SPDX-License-Identifier: Apache-2.0
#include "api/trail_topic.h"

#include <gtest/gtest.h>

#include "api/sns_announcer.h"
#include "api/sns_dispatch.h"
#include "api/test_callers.h"

namespace traccia::api {
namespace {

constexpr std::string_view kTopic = "arn:aws:sns:eu-west-1:111122223333:files";
constexpr std::string_view kTrail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main";

class TrailTopicTest : public CallersTest {
 protected:
  void SetUp() override {
    CallersTest::SetUp();
    announcer_.emplace(*services_);
    dispatch_.emplace(*services_, SnsDispatchOptions{.base_url = "http://localhost"});
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(s3_->create_bucket(transaction, {"logs", std::string(kAccount), "eu-west-1", {}}));
      return s3_->put_document(
          transaction, "logs", s3::Document::Policy,
          R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":)"
          R"({"Service":"cloudtrail.amazonaws.com"},"Action":"s3:*","Resource":)"
          R"(["arn:aws:s3:::logs","arn:aws:s3:::logs/*"]}})");
    }));
    make_topic(true);
    queue_ =
        as_administrator(
            "sqs:CreateQueue",
            {{"QueueName", "q"},
             {"Attributes",
              json::Object{{"Policy", R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",)"
                                      R"("Principal":{"Service":"sns.amazonaws.com"},"Action":)"
                                      R"("sqs:SendMessage","Resource":"*"}})"}}}})
            .at("QueueUrl")
            .as_string();
    subscribe();
  }
  void make_topic(bool allows) {
    as_administrator("sns:CreateTopic", {{"Name", "files"}});
    if (!allows) return;
    as_administrator(
        "sns:SetTopicAttributes",
        {{"TopicArn", kTopic},
         {"AttributeName", "Policy"},
         {"AttributeValue",
          fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":)"
                      R"({{"Service":"cloudtrail.amazonaws.com"}},"Action":"SNS:Publish",)"
                      R"("Resource":"{}","Condition":{{"StringEquals":)"
                      R"({{"aws:SourceArn":"{}"}}}}}}}})",
                      kTopic, kTrail)}});
  }
  void subscribe() {
    as_administrator("sns:Subscribe",
                     {{"TopicArn", kTopic},
                      {"Protocol", "sqs"},
                      {"Endpoint", "arn:aws:sqs:eu-west-1:111122223333:q"},
                      {"Attributes", json::Object{{"RawMessageDelivery", "true"}}}});
  }
  Result<json::Object> create(std::string_view name, std::string_view topic) {
    return call(administrator_, "cloudtrail:CreateTrail",
                {{"Name", name}, {"S3BucketName", "logs"}, {"SnsTopicName", topic}});
  }
  std::string refusal_of_create(std::string_view name, std::string_view topic) {
    const auto made = create(name, topic);
    return made ? "" : std::string(made.error().reason());
  }
  // As delivery does with the mark of a delivered file.
  void deliver(std::string_view key) {
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto trail, trails_.find(transaction, kTrail));
      return delivery::add_announcement(transaction, {trail->config.arn, trail->config.created},
                                        "logs", key, fake_.clock.now());
    }));
  }
  // Bodies of what came into the queue.
  std::vector<std::string> told() {
    while (announcer_->step().value()) continue;
    while (dispatch_->deliver_to_queues().value()) continue;
    std::vector<std::string> out;
    const auto got =
        as_administrator("sqs:ReceiveMessage", {{"QueueUrl", queue_}, {"MaxNumberOfMessages", 10}});
    if (const auto* const messages = json::find(got, "Messages")) {
      for (const auto& one : messages->get_array()) {
        out.emplace_back(json::find_string(one.get_object(), "Body"));
        as_administrator("sqs:DeleteMessage",
                         {{"QueueUrl", queue_}, {"ReceiptHandle", one.at("ReceiptHandle")}});
      }
    }
    return out;
  }
  json::Object status() {
    return as_administrator("cloudtrail:GetTrailStatus", {{"Name", kTrail}});
  }

  using Texts = std::vector<std::string>;
  std::optional<SnsAnnouncer> announcer_;
  std::optional<SnsDispatch> dispatch_;
  std::string queue_;
};

TEST_F(TrailTopicTest, AFileIsAnnouncedOnce) {
  const auto made = create("main", "files");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->at("SnsTopicARN").as_string(), kTopic);
  EXPECT_EQ(made->at("SnsTopicName"), "files");
  EXPECT_EQ(told(), Texts{"CloudTrail validation message."});
  EXPECT_FALSE(status().contains("LatestNotificationTime")) << "that was no file";
  deliver("AWSLogs/a.json.gz");
  EXPECT_EQ(told(), Texts{R"({"s3Bucket":"logs","s3ObjectKey":["AWSLogs/a.json.gz"]})"});
  EXPECT_TRUE(told().empty());
  const auto shown = status();
  EXPECT_TRUE(shown.contains("LatestNotificationTime"));
  EXPECT_FALSE(shown.contains("LatestNotificationError"));
  EXPECT_NE(shown.at("LatestNotificationAttemptSucceeded"), "");
}

TEST_F(TrailTopicTest, TheTopicMustLetTheTrail) {
  EXPECT_EQ(refusal_of_create("main", "nothing"), "InsufficientSnsTopicPolicy");
  EXPECT_EQ(create("main", "nothing").error().message(),
            "SNS Topic does not exist or the topic policy is incorrect!");
  EXPECT_EQ(refusal_of_create("other", kTopic), "InsufficientSnsTopicPolicy")
      << "aws:SourceArn is another trail";
  for (const auto* bad : {"a b", "arn:aws:sns:eu-west-1:111122223333", "arn:aws:sqs:r:1:q"}) {
    EXPECT_EQ(refusal_of_create("main", bad), "InvalidSnsTopicName") << bad;
  }
  EXPECT_EQ(refusal_of_create("main", kTopic), "");
}

TEST_F(TrailTopicTest, ATopicThatWasAwayHearsOfAllFiles) {
  ASSERT_TRUE(create("main", "files"));
  EXPECT_EQ(told().size(), 1U);
  as_administrator("sns:DeleteTopic", {{"TopicArn", kTopic}});
  deliver("one");
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(status().at("LatestNotificationError"), "NotFound");
  make_topic(false);
  subscribe();
  deliver("two");
  fake_.clock.advance(SnsAnnouncer::kRetryFirst);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(status().at("LatestNotificationError"), "AuthorizationError");
  make_topic(true);
  EXPECT_TRUE(told().empty()) << "the lane is closed for a while";
  fake_.clock.advance(SnsAnnouncer::kRetryMax);
  EXPECT_EQ(told(), (Texts{announcement_text("logs", "one"), announcement_text("logs", "two")}));
  EXPECT_FALSE(status().contains("LatestNotificationError"));
}

TEST_F(TrailTopicTest, AnEmptyNameTakesTheTopicAway) {
  ASSERT_TRUE(create("main", "files"));
  EXPECT_EQ(told().size(), 1U);
  const json::Object unchanged{{"Name", kTrail}, {"EnableLogFileValidation", true}};
  EXPECT_EQ(as_administrator("cloudtrail:UpdateTrail", unchanged).at("SnsTopicARN").as_string(),
            kTopic);
  EXPECT_TRUE(told().empty());
  deliver("late");
  const json::Object clear{{"Name", kTrail}, {"SnsTopicName", ""}};
  EXPECT_FALSE(as_administrator("cloudtrail:UpdateTrail", clear).contains("SnsTopicARN"));
  EXPECT_TRUE(told().empty()) << "nobody is to be told any more";
  const json::Object back{{"Name", kTrail}, {"SnsTopicName", kTopic}};
  as_administrator("cloudtrail:UpdateTrail", back);
  EXPECT_EQ(told(), Texts{"CloudTrail validation message."});
  as_administrator("sns:DeleteTopic", {{"TopicArn", kTopic}});
  const auto refused = call(administrator_, "cloudtrail:UpdateTrail", unchanged);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), "InsufficientSnsTopicPolicy")
      << "a topic that stays is checked too";
}

TEST_F(TrailTopicTest, ANewTrailHearsNothingOfTheOldOnesFiles) {
  ASSERT_TRUE(create("main", "files"));
  EXPECT_EQ(told().size(), 1U);
  deliver("old");
  as_administrator("cloudtrail:DeleteTrail", {{"Name", kTrail}});
  fake_.clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(create("main", "files"));
  EXPECT_EQ(told(), Texts{"CloudTrail validation message."});
}

TEST_F(TrailTopicTest, AnnouncementsAreDataEventsOfTheService) {
  ASSERT_TRUE(create("main", "files"));
  told();
  trail::TrailConfig trail;
  trail.advanced_selectors = {{"topics",
                               {{.field = "eventCategory", .equals = {"Data"}},
                                {.field = "resources.type", .equals = {"AWS::SNS::Topic"}}}}};
  log_events(std::move(trail));
  deliver("one");
  told();
  std::vector<json::Object> published;
  for (auto& event : events()) {
    if (json::find_string(event, "eventName") == "Publish") published.push_back(std::move(event));
  }
  ASSERT_EQ(published.size(), 1U);
  EXPECT_EQ(published[0].at("userIdentity").at("invokedBy"), "cloudtrail.amazonaws.com");
  EXPECT_EQ(published[0].at("requestParameters").at("message").as_string(), aws::kHidden);
  EXPECT_EQ(published[0].at("resources").at(0).at("ARN").as_string(), kTopic);
}

}  // namespace
}  // namespace traccia::api
