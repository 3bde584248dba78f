// SNS's operations through execute(), and deliveries into queues.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/sns_dispatch.h"
#include "api/test_callers.h"

namespace traccia::api {
namespace {

constexpr std::string_view kTopic = "arn:aws:sns:eu-west-1:111122223333:trails";
constexpr std::string_view kQueueArn = "arn:aws:sqs:eu-west-1:111122223333:q";

class SnsTest : public CallersTest {
 protected:
  void SetUp() override {
    CallersTest::SetUp();
    dispatch_.emplace(*services_, SnsDispatchOptions{.base_url = "http://localhost"});
    as_administrator("sns:CreateTopic", {{"Name", "trails"}});
  }
  std::string reason(const Caller& caller, std::string_view name, const json::Object& input) {
    const auto output = call(caller, name, input);
    return output ? "" : std::string(output.error().reason());
  }
  std::string message(std::string_view name, const json::Object& input) {
    const auto output = call(administrator_, name, input);
    return output ? "" : output.error().message();
  }
  std::string queue(std::string_view name, bool allows) {
    const auto arn = fmt::format("arn:aws:sqs:eu-west-1:111122223333:{}", name);
    json::Object attributes;
    if (allows) {
      attributes["Policy"] = fmt::format(
          R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":)"
          R"({{"Service":"sns.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{}",)"
          R"("Condition":{{"ArnEquals":{{"aws:SourceArn":"{}"}}}}}}}})",
          arn, kTopic);
    }
    const auto made =
        as_administrator("sqs:CreateQueue", {{"QueueName", name}, {"Attributes", attributes}});
    return std::string(made.at("QueueUrl").as_string());
  }
  std::string subscribe(std::string_view queue_arn, json::Object attributes = {}) {
    const auto made = as_administrator("sns:Subscribe", {{"TopicArn", kTopic},
                                                         {"Protocol", "sqs"},
                                                         {"Endpoint", queue_arn},
                                                         {"Attributes", attributes}});
    return std::string(made.at("SubscriptionArn").as_string());
  }
  void publish(std::string_view text) {
    as_administrator("sns:Publish", {{"TopicArn", kTopic}, {"Message", text}});
    deliver();
  }
  void deliver() {
    while (dispatch_->deliver_to_queues().value()) continue;
  }
  // Bodies, and the messages are gone.
  std::vector<std::string> receive(std::string_view url) {
    std::vector<std::string> out;
    const auto got =
        as_administrator("sqs:ReceiveMessage", {{"QueueUrl", url}, {"MaxNumberOfMessages", 10}});
    const auto* const messages = json::find(got, "Messages");
    if (messages == nullptr) return out;
    for (const auto& one : messages->get_array()) {
      out.emplace_back(json::find_string(one.get_object(), "Body"));
      as_administrator("sqs:DeleteMessage",
                       {{"QueueUrl", url}, {"ReceiptHandle", one.at("ReceiptHandle")}});
    }
    return out;
  }
  std::vector<json::Object> events_named(std::string_view name) {
    std::vector<json::Object> out;
    for (auto& event : events()) {
      if (json::find_string(event, "eventName") == name) out.push_back(std::move(event));
    }
    return out;
  }

  std::optional<SnsDispatch> dispatch_;
};

TEST_F(SnsTest, ReachesQueuesWhosePolicyLetsTheTopic) {
  const auto url = queue("q", true);
  subscribe(kQueueArn);
  publish("hello");
  const auto got = receive(url);
  ASSERT_EQ(got.size(), 1U);
  const auto envelope = json::parse(got[0]).value().as_object();
  EXPECT_EQ(json::find_string(envelope, "Type"), "Notification");
  EXPECT_EQ(json::find_string(envelope, "Message"), "hello");
  EXPECT_EQ(json::find_string(envelope, "TopicArn"), kTopic);
  EXPECT_EQ(json::find_string(envelope, "UnsubscribeURL").substr(0, 40),
            "http://localhost/?Action=Unsubscribe&Sub");
  EXPECT_TRUE(receive(url).empty()) << "once";
}

TEST_F(SnsTest, ARefusedMessageGoesToTheDeadLetters) {
  const auto closed = queue("q", false);
  const auto dead = queue("dead", true);
  const auto arn = subscribe(kQueueArn);
  publish("lost");
  EXPECT_TRUE(receive(closed).empty());
  as_administrator(
      "sns:SetSubscriptionAttributes",
      {{"SubscriptionArn", arn},
       {"AttributeName", "RedrivePolicy"},
       {"AttributeValue", R"({"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead"})"}});
  as_administrator("sns:SetSubscriptionAttributes", {{"SubscriptionArn", arn},
                                                     {"AttributeName", "RawMessageDelivery"},
                                                     {"AttributeValue", "true"}});
  publish("kept");
  EXPECT_EQ(receive(dead), std::vector<std::string>{"kept"});
  as_administrator("sqs:DeleteQueue", {{"QueueUrl", closed}});
  publish("kept too");
  EXPECT_EQ(receive(dead), std::vector<std::string>{"kept too"});
}

TEST_F(SnsTest, OneSubscriberHoldsBackNoOther) {
  const auto url = queue("q", true);
  subscribe("arn:aws:sqs:eu-west-1:111122223333:nowhere");
  subscribe(kQueueArn, {{"RawMessageDelivery", "true"}});
  publish("one");
  publish("two");
  EXPECT_EQ(receive(url), (std::vector<std::string>{"one", "two"}));
}

TEST_F(SnsTest, QueuesOfOthersConfirmThemselves) {
  const auto made =
      as_administrator("sns:Subscribe", {{"TopicArn", kTopic},
                                         {"Protocol", "sqs"},
                                         {"Endpoint", "arn:aws:sqs:eu-west-1:444455556666:q"}});
  EXPECT_EQ(made.at("SubscriptionArn"), "pending confirmation");
  const auto listed = as_administrator("sns:ListSubscriptionsByTopic", {{"TopicArn", kTopic}});
  EXPECT_EQ(listed.at("Subscriptions").at(0).at("SubscriptionArn"), "PendingConfirmation");
}

TEST_F(SnsTest, MessagesAreDataEventsWithoutWhatTheySay) {
  queue("q", true);
  subscribe(kQueueArn);
  publish("a secret");
  EXPECT_TRUE(events_named("Publish").empty()) << "no trail takes them";
  trail::TrailConfig trail;
  trail.advanced_selectors = {{"topics",
                               {{.field = "eventCategory", .equals = {"Data"}},
                                {.field = "resources.type", .equals = {"AWS::SNS::Topic"}}}},
                              {"queues",
                               {{.field = "eventCategory", .equals = {"Data"}},
                                {.field = "resources.type", .equals = {"AWS::SQS::Queue"}}}}};
  log_events(std::move(trail));
  publish("a secret");
  EXPECT_EQ(reason(worker_, "sns:Publish", {{"TopicArn", kTopic}, {"Message", "a secret"}}),
            "AccessDenied");
  const auto published = events_named("Publish");
  ASSERT_EQ(published.size(), 2U);
  EXPECT_EQ(published[0].at("requestParameters").at("message").as_string(), aws::kHidden);
  EXPECT_EQ(published[0].at("resources").at(0).at("ARN").as_string(), kTopic);
  EXPECT_EQ(published[1].at("errorCode"), "AccessDenied");
  EXPECT_EQ(published[1].at("resources").at(0).at("ARN").as_string(), kTopic);
  const auto sent = events_named("SendMessage");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].at("userIdentity").at("invokedBy"), "sns.amazonaws.com");
  EXPECT_EQ(sent[0].at("resources").at(0).at("ARN").as_string(), kQueueArn);
  for (const auto& event : events()) {
    EXPECT_EQ(json::serialize(event).find("a secret"), std::string::npos);
  }
}

TEST_F(SnsTest, TheTopicsPolicyHasASay) {
  const json::Object message{{"TopicArn", kTopic}, {"Message", "m"}};
  EXPECT_EQ(reason(worker_, "sns:Publish", message), "AccessDenied") << "the default policy";
  const auto set = [&](std::string_view statement) {
    return this->message(
        "sns:SetTopicAttributes",
        {{"TopicArn", kTopic},
         {"AttributeName", "Policy"},
         {"AttributeValue",
          fmt::format(R"({{"Version":"2012-10-17","Statement":{}}})", statement)}});
  };
  EXPECT_EQ(set(R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/worker"},)"
                R"("Action":"SNS:Publish","Resource":"*"})"),
            "");
  EXPECT_EQ(reason(worker_, "sns:Publish", message), "");
  EXPECT_EQ(reason(worker_, "sns:GetTopicAttributes", {{"TopicArn", kTopic}}), "AccessDenied");
  EXPECT_EQ(set(R"({"Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"*"})"), "");
  EXPECT_EQ(reason(administrator_, "sns:Publish", message), "AccessDenied");
  EXPECT_EQ(set(R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/nobody"},)"
                R"("Action":"sns:*","Resource":"*"})"),
            "Invalid parameter: Policy Error: PrincipalNotFound");
  EXPECT_EQ(set(R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"})"),
            "Invalid parameter: Policy statement action out of service scope!");
}

TEST_F(SnsTest, SubscribingIsHeldToProtocolAndEndpoint) {
  const auto input = [](std::string_view queue) {
    return json::Object{{"TopicArn", kTopic},
                        {"Protocol", "sqs"},
                        {"Endpoint", fmt::format("arn:aws:sqs:eu-west-1:111122223333:{}", queue)}};
  };
  allow("sns:Subscribe", kTopic,
        R"({"StringEquals":{"sns:Protocol":"sqs"},"StringLike":{"sns:Endpoint":"*:good"}})");
  EXPECT_EQ(reason(worker_, "sns:Subscribe", input("good")), "");
  EXPECT_EQ(reason(worker_, "sns:Subscribe", input("bad")), "AccessDenied");
}

TEST_F(SnsTest, ErrorsAreWordedAsSnsDoes) {
  const auto topic = [&](std::string_view arn) {
    return message("sns:GetTopicAttributes", {{"TopicArn", arn}});
  };
  EXPECT_EQ(topic("trails"),
            "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1");
  EXPECT_EQ(topic("arn:aws:sns:us-east-1:111122223333:trails"), "Invalid parameter: TopicArn");
  EXPECT_EQ(topic("arn:aws:sns:eu-west-1:111122223333:nothing"), "Topic does not exist");
  EXPECT_EQ(
      message("sns:Subscribe", {{"TopicArn", kTopic}, {"Protocol", "pigeon"}, {"Endpoint", "x"}}),
      "Invalid parameter: Amazon SNS does not support this protocol string: pigeon");
  EXPECT_EQ(
      message("sns:Subscribe", {{"TopicArn", kTopic}, {"Protocol", "sqs"}, {"Endpoint", "x"}}),
      "Invalid parameter: SQS endpoint ARN");
  EXPECT_EQ(message("sns:Publish", {{"TopicArn", kTopic}, {"Message", ""}}),
            "Invalid parameter: Empty message");
  EXPECT_EQ(message("sns:Publish", {{"Message", "m"}, {"PhoneNumber", "+15551234567"}})
                .starts_with("Invalid parameter: PhoneNumber"),
            true);
  EXPECT_EQ(message("sns:CreateTopic", {{"Name", "a b"}}), "Invalid parameter: Topic Name");
  EXPECT_EQ(message("sns:Unsubscribe", {{"SubscriptionArn", ""}}),
            "Invalid parameter: SubscriptionArn Reason: no value for required parameter");
  EXPECT_EQ(message("sns:Unsubscribe",
                    {{"SubscriptionArn", "arn:aws:sns:eu-west-1:111122223333:trails:x"}}),
            "Invalid parameter: SubscriptionId");
  EXPECT_EQ(
      message("sns:DeleteTopic", {{"TopicArn", "arn:aws:sns:eu-west-1:111122223333:nothing"}}), "");
  EXPECT_EQ(reason(administrator_, "sns:TagResource",
                   {{"ResourceArn", "arn:aws:sns:eu-west-1:111122223333:nothing"},
                    {"Tags", json::Array{}}}),
            "ResourceNotFound");
}

TEST_F(SnsTest, PermissionsAreStatements) {
  const json::Object add{{"TopicArn", kTopic},
                         {"Label", "one"},
                         {"AWSAccountId", json::Array{"111122223333"}},
                         {"ActionName", json::Array{"Publish"}}};
  const auto policy = [&] {
    return std::string(as_administrator("sns:GetTopicAttributes", {{"TopicArn", kTopic}})
                           .at("Attributes")
                           .at("Policy")
                           .as_string());
  };
  as_administrator("sns:AddPermission", add);
  EXPECT_NE(policy().find(R"({"Sid":"one","Effect":"Allow","Principal":)"), std::string::npos);
  EXPECT_EQ(message("sns:AddPermission", add), "Invalid parameter: Statement already exists");
  auto foreign = add;
  foreign["Label"] = "two";
  foreign["ActionName"] = json::Array{"DeleteEverything"};
  EXPECT_EQ(message("sns:AddPermission", foreign),
            "Invalid parameter: Policy statement action out of service scope!");
  as_administrator("sns:RemovePermission", {{"TopicArn", kTopic}, {"Label", "one"}});
  EXPECT_EQ(policy().find("\"one\""), std::string::npos);
}

TEST_F(SnsTest, FiltersDecideWhoIsTold) {
  const auto url = queue("q", true);
  subscribe(kQueueArn,
            {{"RawMessageDelivery", "true"}, {"FilterPolicy", R"({"kind":["wanted"]})"}});
  publish("unwanted");
  as_administrator(
      "sns:Publish",
      {{"TopicArn", kTopic},
       {"Message", "wanted"},
       {"MessageAttributes",
        json::Object{{"kind", json::Object{{"DataType", "String"}, {"StringValue", "wanted"}}}}}});
  deliver();
  EXPECT_EQ(receive(url), std::vector<std::string>{"wanted"});
  EXPECT_EQ(
      message("sns:Subscribe", {{"TopicArn", kTopic},
                                {"Protocol", "sqs"},
                                {"Endpoint", "arn:aws:sqs:eu-west-1:111122223333:other"},
                                {"Attributes", json::Object{{"FilterPolicy", R"({"k":[]})"}}}}),
      "Invalid parameter: Attributes Reason: FilterPolicy: Empty arrays are not allowed");
}

// What lies in the store for the topic.
class EncryptedTopicTest : public SnsTest {
 protected:
  void SetUp() override {
    SnsTest::SetUp();
    url_ = queue("q", true);
    subscribe(kQueueArn, {{"RawMessageDelivery", "true"}});
    const auto made = as_administrator("kms:CreateKey", {});
    key_ = made.at("KeyMetadata").at("Arn").as_string();
    set_key(key_);
  }
  void set_key(std::string_view key) {
    as_administrator(
        "sns:SetTopicAttributes",
        {{"TopicArn", kTopic}, {"AttributeName", "KmsMasterKeyId"}, {"AttributeValue", key}});
  }
  std::string stored() {
    std::string out;
    EXPECT_TRUE(database_->read([&](meta::Transaction& transaction) {
      return transaction.query("SELECT content FROM topic_messages", {},
                               [&](const meta::Row& row) -> Result<> {
                                 out += row.view(0);
                                 return {};
                               });
    }));
    return out;
  }

  const json::Object message_{{"TopicArn", kTopic}, {"Message", "a secret"}};
  std::string url_, key_;
};

TEST_F(EncryptedTopicTest, MessagesRestSealedAndArrive) {
  as_administrator("sns:Publish", message_);
  EXPECT_FALSE(stored().empty());
  EXPECT_EQ(stored().find("a secret"), std::string::npos);
  const auto asked = events_named("GenerateDataKey");
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].at("userIdentity").at("invokedBy"), "sns.amazonaws.com");
  EXPECT_EQ(
      asked[0].at("requestParameters").at("encryptionContext").at("aws:sns:topicArn").as_string(),
      kTopic);
  deliver();
  EXPECT_EQ(receive(url_), std::vector<std::string>{"a secret"});
  set_key("");
  as_administrator("sns:Publish", message_);
  EXPECT_NE(stored().find("a secret"), std::string::npos);
}

TEST_F(EncryptedTopicTest, ThePublisherNeedsTheKey) {
  allow("sns:Publish", kTopic);
  EXPECT_EQ(reason(worker_, "sns:Publish", message_), "KMSAccessDenied");
  EXPECT_TRUE(stored().empty());
  set_policy(fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",)"
                         R"("Action":["sns:Publish","kms:GenerateDataKey"],"Resource":"*"}}]}})"));
  EXPECT_EQ(reason(worker_, "sns:Publish", message_), "");
  as_administrator("kms:DisableKey", {{"KeyId", key_}});
  EXPECT_EQ(reason(administrator_, "sns:Publish", message_), "KMSDisabled");
  deliver();
  EXPECT_EQ(receive(url_).size(), 1U) << "what was published before";
  set_key("alias/aws/sns");
  EXPECT_EQ(reason(worker_, "sns:Publish", message_), "") << "the service's own key, through it";
  set_key("alias/nothing");
  EXPECT_EQ(reason(administrator_, "sns:Publish", message_), "KMSNotFound");
}

}  // namespace
}  // namespace traccia::api
