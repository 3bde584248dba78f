// SQS's operations through execute(): who may call them, and the events they leave.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/sqs_call.h"
#include "api/test_callers.h"

namespace traccia::api {
namespace {

class SqsTest : public CallersTest {
 protected:
  std::string reason(const Caller& caller, std::string_view name, const json::Object& input) {
    const auto output = call(caller, name, input);
    return output ? "" : std::string(output.error().reason());
  }
  std::string make(std::string_view name) {
    return std::string(
        as_administrator("sqs:CreateQueue", {{"QueueName", name}}).at("QueueUrl").as_string());
  }
  std::vector<json::Object> events_named(std::string_view name) {
    std::vector<json::Object> out;
    for (auto& event : events()) {
      if (json::find_string(event, "eventName") == name) out.push_back(std::move(event));
    }
    return out;
  }
};

TEST_F(SqsTest, MessagesAreDataEventsWithoutWhatTheySay) {
  const auto url = make("q");
  const json::Object message{{"QueueUrl", url}, {"MessageBody", "a secret"}};
  as_administrator("sqs:SendMessage", message);
  EXPECT_TRUE(events_named("SendMessage").empty()) << "no trail takes them";
  trail::TrailConfig trail;
  trail.advanced_selectors = {{"messages",
                               {{.field = "eventCategory", .equals = {"Data"}},
                                {.field = "resources.type", .equals = {"AWS::SQS::Queue"}}}}};
  log_events(std::move(trail));
  as_administrator("sqs:SendMessage", message);
  EXPECT_EQ(reason(worker_, "sqs:SendMessage", message), "AccessDenied");
  as_administrator("sqs:ReceiveMessage", {{"QueueUrl", url}});
  const auto sent = events_named("SendMessage");
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].at("eventCategory"), "Data");
  EXPECT_EQ(sent[0].at("requestParameters").at("messageBody").as_string(), aws::kHidden);
  EXPECT_EQ(sent[0].at("resources").at(0).at("ARN"), "arn:aws:sqs:eu-west-1:111122223333:q");
  EXPECT_EQ(sent[1].at("errorCode"), "AccessDenied");
  const auto received = events_named("ReceiveMessage");
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(json::serialize(received[0]).find("a secret"), std::string::npos);
  EXPECT_TRUE(received[0].at("responseElements").is_null());
}

TEST_F(SqsTest, TheQueuesPolicyHasASay) {
  const auto url = make("q");
  const json::Object receive{{"QueueUrl", url}};
  const auto set = [&](std::string_view statement) {
    return reason(
        administrator_, "sqs:SetQueueAttributes",
        {{"QueueUrl", url},
         {"Attributes",
          json::Object{{"Policy",
                        fmt::format(R"({{"Version":"2012-10-17","Statement":{}}})", statement)}}}});
  };
  EXPECT_EQ(reason(worker_, "sqs:ReceiveMessage", receive), "AccessDenied");
  EXPECT_EQ(set(R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/worker"},)"
                R"("Action":"SQS:ReceiveMessage","Resource":"*"})"),
            "");
  EXPECT_EQ(reason(worker_, "sqs:ReceiveMessage", receive), "");
  EXPECT_EQ(set(R"({"Effect":"Deny","Principal":"*","Action":"sqs:ReceiveMessage",)"
                R"("Resource":"arn:aws:sqs:eu-west-1:111122223333:q"})"),
            "");
  EXPECT_EQ(reason(administrator_, "sqs:ReceiveMessage", receive), "AccessDenied");
  EXPECT_EQ(set(R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/nobody"},)"
                R"("Action":"sqs:*","Resource":"*"})"),
            "InvalidAttributeValue");
  EXPECT_EQ(set(R"({"Effect":"Allow"})"), "InvalidAttributeValue");
}

TEST_F(SqsTest, UrlsNameQueuesWhateverTheirHost) {
  make("q");
  for (const auto* good : {"http://localhost:1/111122223333/q", "/111122223333/q",
                           "https://sqs.eu-west-1.amazonaws.com/111122223333/q"}) {
    EXPECT_EQ(reason(administrator_, "sqs:PurgeQueue", {{"QueueUrl", good}}), "") << good;
    fake_.clock.advance(std::chrono::seconds(60));
  }
  for (const auto* bad : {"q", "", "http://localhost/q", "http://localhost/1111/q",
                          "http://localhost/111122223333/"}) {
    EXPECT_EQ(reason(administrator_, "sqs:PurgeQueue", {{"QueueUrl", bad}}), "InvalidAddress")
        << bad;
  }
  EXPECT_EQ(reason(administrator_, "sqs:PurgeQueue", {{"QueueUrl", "/111122223333/other"}}),
            "QueueDoesNotExist");
  EXPECT_EQ(reason(administrator_, "sqs:PurgeQueue", {{"QueueUrl", "/444455556666/q"}}),
            "AccessDenied")
      << "another account tells nothing";
}

TEST_F(SqsTest, FifoIsNotThere) {
  EXPECT_EQ(reason(administrator_, "sqs:CreateQueue", {{"QueueName", "q.fifo"}}),
            "UnsupportedOperation");
  const auto url = make("q");
  EXPECT_EQ(reason(administrator_, "sqs:SendMessage",
                   {{"QueueUrl", url}, {"MessageBody", "b"}, {"MessageGroupId", "g"}}),
            "UnsupportedOperation");
}

TEST_F(SqsTest, MessagesOfAQueueWithAKeyRestSealed) {
  const auto url = make("q");
  const auto key = as_administrator("kms:CreateKey", {}).at("KeyMetadata").at("Arn");
  const auto set = [&](std::string_view name, std::string_view value) {
    return reason(administrator_, "sqs:SetQueueAttributes",
                  {{"QueueUrl", url}, {"Attributes", json::Object{{name, value}}}});
  };
  ASSERT_EQ(set("KmsMasterKeyId", key.as_string()), "");
  EXPECT_EQ(set("SqsManagedSseEnabled", "true"), "InvalidAttributeValue");
  const json::Object message{{"QueueUrl", url}, {"MessageBody", "a secret"}};
  as_administrator("sqs:SendMessage", message);
  std::string stored;
  ASSERT_TRUE(database_->read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT body || attributes FROM queue_messages", {},
                             [&](const meta::Row& row) -> Result<> {
                               stored += row.view(0);
                               return {};
                             });
  }));
  EXPECT_FALSE(stored.empty());
  EXPECT_EQ(stored.find("a secret"), std::string::npos);
  EXPECT_EQ(events_named("GenerateDataKey").size(), 1U);

  allow("sqs:*", "*");
  EXPECT_EQ(reason(worker_, "sqs:SendMessage", message), "KmsAccessDenied");
  EXPECT_EQ(reason(worker_, "sqs:ReceiveMessage", {{"QueueUrl", url}}), "KmsAccessDenied");
  const auto got = as_administrator("sqs:ReceiveMessage", {{"QueueUrl", url}});
  EXPECT_EQ(got.at("Messages").at(0).at("Body"), "a secret") << "the denied one took nothing";
  const auto opened = events_named("Decrypt");
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_EQ(opened[0].at("userIdentity").at("invokedBy"), "sqs.amazonaws.com");

  as_administrator("kms:DisableKey", {{"KeyId", key}});
  EXPECT_EQ(reason(administrator_, "sqs:SendMessage", message), "KmsDisabled");
  ASSERT_EQ(set("KmsMasterKeyId", "alias/aws/sqs"), "");
  EXPECT_EQ(reason(worker_, "sqs:SendMessage", message), "") << "the service's own key";
}

}  // namespace
}  // namespace traccia::api
