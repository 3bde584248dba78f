// Topics, subscriptions and deliveries against a clock of the test's.
// SPDX-License-Identifier: Apache-2.0
#include "sns/sns.h"

#include <gtest/gtest.h>

#include <functional>

#include "os/fake_os.h"
#include "sns/delivery_policy.h"
#include "sns/schema.h"

namespace traccia::sns {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr TopicName kTopic{"111122223333", "eu-south-1", "trails"};
constexpr std::string_view kQueue = "arn:aws:sqs:eu-south-1:111122223333:q";
constexpr std::string_view kAccounts =
    "CREATE TABLE accounts (id TEXT PRIMARY KEY) STRICT;"
    "INSERT INTO accounts (id) VALUES ('111122223333'), ('444455556666');";

struct Store {
  Store() {
    EXPECT_TRUE(fake.files.make_directories("/d"));
    database = meta::Database::open(fake.os(), "/d/meta.db", {kAccounts, kSchema}).value();
    const auto same = [](std::string_view text, std::string_view) { return std::string(text); };
    sns.emplace(fake.os(), *database, Sealer{same, same});
  }
  template <typename Body>
  auto write(const Body& body) -> std::invoke_result_t<Body, meta::Transaction&> {
    using R = std::invoke_result_t<Body, meta::Transaction&>;
    std::optional<R> result;
    (void)database->write([&](meta::Transaction& transaction) -> Result<> {
      result.emplace(body(transaction));
      if (!*result) return std::unexpected(result->error());
      return {};
    });
    return std::move(*result);
  }
  Result<Topics::Created> create(std::string_view name, const Attributes& attributes = {}) {
    return write([&](meta::Transaction& transaction) {
      return sns->topics.create(transaction, {kTopic.account, kTopic.region, name}, attributes);
    });
  }
  Topic topic() { return create(kTopic.name).value().topic; }
  Result<Subscriptions::Subscribed> subscribe(const Topic& topic, Subscriptions::Wanted wanted) {
    return write([&](meta::Transaction& transaction) {
      return sns->subscriptions.subscribe(transaction, topic, wanted);
    });
  }
  Subscription queue(const Topic& topic, std::string_view endpoint = kQueue,
                     const Attributes& attributes = {}) {
    return subscribe(topic, {.owner = std::string(kTopic.account),
                             .protocol = "sqs",
                             .endpoint = std::string(endpoint),
                             .principal = "p",
                             .confirmed = true,
                             .attributes = attributes})
        .value()
        .subscription;
  }
  Result<> publish(const Topic& topic, std::string_view uuid = "m") {
    return write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto to, sns->subscriptions.confirmed(transaction, topic));
      return sns->outgoing.add(
          transaction, topic,
          {.uuid = std::string(uuid), .published = fake.clock.now(), .content = "{}"}, to);
    });
  }
  std::vector<Delivery> due() {
    return write([&](meta::Transaction& transaction) {
             return sns->outgoing.due_to_queues(transaction, 100);
           })
        .value();
  }
  int64_t count(const char* table) {
    int64_t rows = 0;
    EXPECT_TRUE(database->read([&](meta::Transaction& transaction) {
      return transaction.query(std::string("SELECT count(*) FROM ") + table, {},
                               [&](const meta::Row& row) -> Result<> {
                                 rows = row.integer(0);
                                 return {};
                               });
    }));
    return rows;
  }

  os::FakeOs fake;
  std::unique_ptr<meta::Database> database;
  std::optional<Sns> sns;
};

template <typename T>
std::string message(const Result<T>& result) {
  return result ? "" : result.error().message();
}

TEST(Topics, ComeBackByNameWithWhatWasSet) {
  Store store;
  const auto made = store.create("trails", {{"DisplayName", "Trails"}}).value();
  EXPECT_FALSE(made.existed);
  EXPECT_EQ(made.topic.arn(), "arn:aws:sns:eu-south-1:111122223333:trails");
  EXPECT_TRUE(store.create("trails", {{"DisplayName", "Trails"}})->existed);
  EXPECT_TRUE(store.create("trails")->existed);
  EXPECT_TRUE(store.create("trails", {{"SignatureVersion", "1"}})->existed) << "the default";
  EXPECT_EQ(message(store.create("trails", {{"DisplayName", "other"}})),
            "Attributes Reason: Topic already exists with different attributes");
  for (const auto* bad : {"", "a b", "a/b", "ä"}) {
    EXPECT_EQ(message(store.create(bad)), "Topic Name") << bad;
  }
  EXPECT_EQ(message(store.create(std::string(257, 't'))), "Topic Name");
  EXPECT_TRUE(message(store.create("t.fifo")).starts_with("Topic Name Reason"));
}

TEST(Topics, AttributesAreChecked) {
  Store store;
  const std::pair<const char*, std::string> bad[] = {{"DisplayName", std::string(101, 'x')},
                                                     {"SignatureVersion", "3"},
                                                     {"TracingConfig", "Active"},
                                                     {"FifoTopic", "true"},
                                                     {"DeliveryPolicy", "{"},
                                                     {"Nothing", "1"}};
  for (const auto& [name, value] : bad) {
    const auto made = store.create("t", {{name, value}});
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().reason(), "InvalidParameter") << name;
  }
  auto topic = store.topic();
  const auto set = [&](std::string_view name, std::string_view value) {
    return message(store.write([&](meta::Transaction& transaction) {
      return store.sns->topics.set_attribute(transaction, topic, name, value);
    }));
  };
  EXPECT_EQ(set("SignatureVersion", "2"), "");
  EXPECT_EQ(topic.signature_version(), "2");
  EXPECT_EQ(set("DisplayName", "x"), "");
  EXPECT_EQ(set("DisplayName", ""), "");
  EXPECT_EQ(set("Nothing", ""), "AttributeName");
  EXPECT_NE(topic.policy().find("__default_policy_ID"), std::string::npos);
}

TEST(Topics, ArnsAreTakenApart) {
  EXPECT_EQ(parse_topic_arn("arn:aws:sns:eu-south-1:111122223333:trails")->name, "trails");
  for (const auto* bad :
       {"", "trails", "arn:aws:sns:eu-south-1:111122223333",
        "arn:aws:sns:eu-south-1:111122223333:", "arn:aws:sqs:eu-south-1:111122223333:trails",
        "arn:aws:sns:eu-south-1:111122223333:trails:uuid"}) {
    EXPECT_FALSE(parse_topic_arn(bad)) << bad;
  }
  const auto name = parse_subscription_arn("arn:aws:sns:eu-south-1:111122223333:trails:uuid");
  EXPECT_EQ(name->topic_arn, "arn:aws:sns:eu-south-1:111122223333:trails");
  EXPECT_EQ(name->uuid, "uuid");
  EXPECT_FALSE(parse_subscription_arn("arn:aws:sns:eu-south-1:111122223333:trails"));
}

TEST(Subscriptions, AreOneForAnEndpoint) {
  Store store;
  const auto topic = store.topic();
  const auto first = store.queue(topic, kQueue, {{"RawMessageDelivery", "true"}});
  EXPECT_EQ(store.queue(topic).id, first.id);
  EXPECT_EQ(store.queue(topic, kQueue, {{"RawMessageDelivery", "true"}}).id, first.id);
  Subscriptions::Wanted other{.owner = std::string(kTopic.account),
                              .protocol = "sqs",
                              .endpoint = std::string(kQueue),
                              .principal = "p",
                              .confirmed = true,
                              .attributes = {{"RawMessageDelivery", "false"}}};
  EXPECT_EQ(message(store.subscribe(topic, other)),
            "Attributes Reason: Subscription already exists with different attributes");
  other.attributes = {{"RawMessageDelivery", "perhaps"}};
  EXPECT_EQ(message(store.subscribe(topic, other)),
            "RawMessageDelivery: Invalid value [perhaps]. Must be true or false.");
  other.attributes = {{"RedrivePolicy", R"({"deadLetterTargetArn":"x"})"}};
  EXPECT_EQ(message(store.subscribe(topic, other)),
            "RedrivePolicy: deadLetterTargetArn is an invalid arn");
  other.attributes = {{"DeliveryPolicy", "{}"}};
  EXPECT_NE(message(store.subscribe(topic, other)), "") << "only HTTP has one";
}

TEST(Subscriptions, AreConfirmedByTheirTokenInTime) {
  Store store;
  const auto topic = store.topic();
  const Subscriptions::Wanted wanted{.owner = "444455556666",
                                     .protocol = "https",
                                     .endpoint = "https://example.com/",
                                     .principal = "p"};
  const auto confirm = [&](std::string_view token) {
    return store.write([&](meta::Transaction& transaction) {
      return store.sns->subscriptions.confirm(transaction, topic, token, false, false);
    });
  };
  const auto made = store.subscribe(topic, wanted).value();
  EXPECT_EQ(made.subscription.state, SubscriptionState::Pending);
  EXPECT_EQ(message(confirm("nonsense")), "Token");
  EXPECT_EQ(message(confirm(std::string(128, 'a'))), "Invalid token");
  const auto again = store.subscribe(topic, wanted).value();
  EXPECT_EQ(again.subscription.id, made.subscription.id);
  EXPECT_EQ(message(confirm(made.token)), "Invalid token") << "the later one counts";
  EXPECT_EQ(confirm(again.token)->state, SubscriptionState::Confirmed);
  EXPECT_TRUE(confirm(again.token)) << "as often as it comes";

  auto late = wanted;
  late.endpoint = "https://example.com/late";
  const auto token = store.subscribe(topic, late)->token;
  store.fake.clock.advance(kTokenLifetime);
  EXPECT_EQ(message(confirm(token)), "Invalid token");
  late.endpoint = "https://example.com/later";
  ASSERT_TRUE(store.subscribe(topic, late));
  EXPECT_EQ(store.count("topic_subscriptions"), 2) << "the unconfirmed one is gone";
}

TEST(Subscriptions, ComeBackByTheTokenOfTheirEnd) {
  Store store;
  const auto topic = store.topic();
  auto subscription = store.queue(topic);
  ASSERT_TRUE(store.publish(topic));
  const auto token = store
                         .write([&](meta::Transaction& transaction) {
                           return store.sns->subscriptions.deactivate(transaction, subscription);
                         })
                         .value();
  EXPECT_TRUE(store.due().empty()) << "nothing is delivered any more";
  ASSERT_TRUE(store.publish(topic));
  EXPECT_TRUE(store.due().empty());
  ASSERT_TRUE(store.write([&](meta::Transaction& transaction) {
    return store.sns->subscriptions.confirm(transaction, topic, token, false, false);
  }));
  ASSERT_TRUE(store.publish(topic));
  EXPECT_EQ(store.due().size(), 1U);
}

TEST(Outgoing, AMessageGoesWithItsLastDelivery) {
  Store store;
  const auto topic = store.topic();
  store.queue(topic);
  const auto other = store.queue(topic, "arn:aws:sqs:eu-south-1:111122223333:other");
  ASSERT_TRUE(store.publish(topic));
  const auto due = store.due();
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].message, due[1].message);
  const auto finish = [&](const Delivery& delivery) {
    return store.write([&](meta::Transaction& transaction) {
      return store.sns->outgoing.finish(transaction, delivery);
    });
  };
  ASSERT_TRUE(finish(due[0]));
  EXPECT_EQ(store.count("topic_messages"), 1);
  ASSERT_TRUE(store.write([&](meta::Transaction& transaction) {
    return store.sns->subscriptions.remove(transaction, other);
  }));
  EXPECT_EQ(store.count("topic_messages"), 0) << "what the subscription had goes with it";
  ASSERT_TRUE(store.publish(topic));
  ASSERT_TRUE(store.write([&](meta::Transaction& transaction) {
    return store.sns->topics.remove(transaction, topic);
  }));
  EXPECT_EQ(store.count("topic_messages"), 0);
  EXPECT_EQ(store.count("topic_deliveries"), 0);
  ASSERT_TRUE(store.publish(topic)) << "nobody to tell";
}

TEST(Outgoing, WhatFailedIsDueLater) {
  Store store;
  const auto topic = store.topic();
  store.queue(topic);
  ASSERT_TRUE(store.publish(topic));
  const auto due = store.due();
  ASSERT_TRUE(store.write([&](meta::Transaction& transaction) {
    return store.sns->outgoing.retry(transaction, due[0], store.fake.clock.now() + seconds(20));
  }));
  EXPECT_TRUE(store.due().empty());
  store.fake.clock.advance(seconds(20));
  ASSERT_EQ(store.due().size(), 1U);
  EXPECT_EQ(store.due()[0].attempts, 1);
}

TEST(Messages, AreChecked) {
  const auto why = [](NewMessage one) { return message(check_message(one)); };
  const auto attribute = [](std::string_view name, json::Object value) {
    return NewMessage{.message = "m", .attributes = {{name, std::move(value)}}};
  };
  EXPECT_EQ(why({.message = "m", .subject = "A subject"}), "");
  EXPECT_EQ(why({.message = ""}), "Empty message");
  EXPECT_EQ(why({.message = std::string(kMessageBytesMax, 'x')}), "");
  EXPECT_EQ(why({.message = std::string(kMessageBytesMax + 1, 'x')}), "Message too long");
  for (const auto& bad : {std::string(), std::string("a\nb"), std::string("ä"), std::string(" a"),
                          std::string(101, 'x')}) {
    EXPECT_EQ(why({.message = "m", .subject = bad}), "Subject") << bad;
  }
  EXPECT_EQ(why(attribute("n", {{"DataType", "Number.int"}, {"StringValue", "7"}})), "");
  EXPECT_EQ(why(attribute("n", {{"DataType", "Colour"}, {"StringValue", "7"}})),
            "The message attribute 'n' has an invalid message attribute type, the set of supported "
            "type prefixes is Binary, Number, and String.");
  EXPECT_EQ(why(attribute("n", {{"DataType", "String"}, {"StringValue", ""}})),
            "The message attribute 'n' must contain non-empty message attribute value for message "
            "attribute type 'String'.");
  EXPECT_EQ(why(attribute("n", {{"DataType", "Binary"}, {"StringValue", "x"}})),
            "The message attribute 'n' with type 'Binary' must use field 'Binary'.");
  EXPECT_EQ(why(attribute(".n", {{"DataType", "String"}, {"StringValue", "x"}})),
            "Invalid message attribute name starting with character '.' was found.");
  EXPECT_EQ(why(attribute("a..n", {{"DataType", "String"}, {"StringValue", "x"}})),
            "Message attribute name can not have successive '.' character.");
  EXPECT_EQ(why(attribute("a^", {{"DataType", "String"}, {"StringValue", "x"}})),
            "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. "
            "Can only include alphanumeric characters, hyphens, underscores, or dots.");
}

TEST(Messages, MayDifferByProtocol) {
  const auto made = check_message(
      {.message = R"({"default":"for all","sqs":"for queues","n":1})", .structure = "json"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->text_for("sqs"), "for queues");
  EXPECT_EQ(made->text_for("https"), "for all");
  const auto back = decode_content(encode_content(*made)).value();
  EXPECT_EQ(back.texts, made->texts);
  EXPECT_EQ(message(check_message({.message = "{", .structure = "json"})),
            "Message Structure - JSON message body failed to parse");
  EXPECT_EQ(message(check_message({.message = R"({"default":1})", .structure = "json"})),
            "Message Structure - No default entry in JSON message body");
  EXPECT_EQ(message(check_message({.message = "{}", .structure = "xml"})), "MessageStructure");
  EXPECT_FALSE(decode_content("[]"));
}

TEST(Envelope, IsWrittenAsSnsWritesIt) {
  Envelope envelope{.message_id = "id",
                    .topic_arn = "arn:t",
                    .subject = "S",
                    .message = "a \"b\"\n",
                    .published = from_unix_seconds(1'800'000'000),
                    .link = "http://h/?Action=Unsubscribe"};
  envelope.attributes = {{"k", json::Object{{"DataType", "Number"}, {"StringValue", "7"}}}};
  EXPECT_EQ(string_to_sign(envelope),
            "Message\na \"b\"\n\nMessageId\nid\nSubject\nS\nTimestamp\n2027-01-15T08:00:00.000Z\n"
            "TopicArn\narn:t\nType\nNotification\n");
  EXPECT_EQ(
      render(envelope, {"1", "c2ln", "http://h/c.pem"}),
      "{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : \"id\",\n"
      "  \"TopicArn\" : \"arn:t\",\n  \"Subject\" : \"S\",\n"
      "  \"Message\" : \"a \\\"b\\\"\\n\",\n"
      "  \"Timestamp\" : \"2027-01-15T08:00:00.000Z\",\n  \"SignatureVersion\" : \"1\",\n"
      "  \"Signature\" : \"c2ln\",\n  \"SigningCertURL\" : \"http://h/c.pem\",\n"
      "  \"UnsubscribeURL\" : \"http://h/?Action=Unsubscribe\",\n"
      "  \"MessageAttributes\" : {\n    \"k\" : {\"Type\":\"Number\",\"Value\":\"7\"}\n  }\n}");
  envelope.subject.reset();
  EXPECT_EQ(string_to_sign(envelope).find("Subject"), std::string::npos);
  envelope.kind = MessageKind::SubscriptionConfirmation;
  envelope.token = "t";
  EXPECT_EQ(string_to_sign(envelope),
            "Message\na \"b\"\n\nMessageId\nid\nSubscribeURL\nhttp://h/?Action=Unsubscribe\n"
            "Timestamp\n2027-01-15T08:00:00.000Z\nToken\nt\nTopicArn\narn:t\nType\n"
            "SubscriptionConfirmation\n");
}

TEST(Signer, KeepsItsKeyUntilItIsOld) {
  Store store;
  const auto first = store.sns->signer.sign("text", "1").value();
  EXPECT_TRUE(Signer::is_certificate(first.path));
  const auto again = store.sns->signer.sign("text", "2").value();
  EXPECT_EQ(again.path, first.path);
  EXPECT_NE(again.base64, first.base64);
  const auto certificate = store.sns->signer.certificate(first.path).value();
  ASSERT_TRUE(certificate);
  EXPECT_TRUE(certificate->starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_FALSE(*store.sns->signer.certificate("/SimpleNotificationService-00.pem"));
  store.fake.clock.advance(Signer::kValidity - Signer::kRenewal);
  EXPECT_NE(store.sns->signer.sign("text", "1")->path, first.path);
  EXPECT_TRUE(*store.sns->signer.certificate(first.path)) << "old messages can be checked";
}

TEST(DeliveryPolicies, SayWhenToTryAgain) {
  const auto delays = [](std::string_view text) {
    const auto policy = effective_policy("", text);
    std::vector<int64_t> out;
    for (int64_t retry = 1; const auto delay = policy.retry->delay_before(retry); ++retry) {
      out.push_back(delay->count());
    }
    return out;
  };
  using Delays = std::vector<int64_t>;
  EXPECT_EQ(delays(""), (Delays{20, 20, 20}));
  EXPECT_EQ(delays(R"({"healthyRetryPolicy":{"numRetries":0}})"), Delays{});
  EXPECT_EQ(delays(R"({"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":9,"numRetries":8,
                    "numNoDelayRetries":1,"numMinDelayRetries":1,"numMaxDelayRetries":1}})"),
            (Delays{0, 1, 1, 3, 5, 7, 9, 9}));
  EXPECT_EQ(delays(R"({"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":16,
                    "numRetries":5,"backoffFunction":"geometric"}})"),
            (Delays{1, 2, 4, 8, 16}));
  EXPECT_EQ(mail_delay_before(1), seconds(10));
  EXPECT_EQ(mail_delay_before(12), seconds(600));
  EXPECT_EQ(mail_delay_before(50), seconds(600));
  EXPECT_EQ(mail_delay_before(51), std::nullopt);
}

TEST(DeliveryPolicies, AreJoinedAndChecked) {
  constexpr std::string_view kTopicPolicy =
      R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,)"
      R"("numRetries":1},"disableSubscriptionOverrides":false,)"
      R"("defaultRequestPolicy":{"headerContentType":"application/json"}}})";
  EXPECT_EQ(json::serialize(render_topic_policy(effective_policy(kTopicPolicy, ""))),
            R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,)"
            R"("numRetries":1,"numMaxDelayRetries":0,"numNoDelayRetries":0,)"
            R"("numMinDelayRetries":0,"backoffFunction":"linear"},)"
            R"("disableSubscriptionOverrides":false,)"
            R"("defaultRequestPolicy":{"headerContentType":"application/json"}}})");
  const auto own = effective_policy(kTopicPolicy, R"({"healthyRetryPolicy":{"numRetries":7}})");
  EXPECT_EQ(own.retry->retries, 7);
  EXPECT_EQ(own.content_type, "application/json") << "the topic's";
  EXPECT_EQ(effective_policy(R"({"http":{"disableSubscriptionOverrides":true}})",
                             R"({"healthyRetryPolicy":{"numRetries":7}})")
                .retry->retries,
            3);
  for (const auto* bad :
       {"[]", "{", R"({"healthyRetryPolicy":1})", R"({"healthyRetryPolicy":{"numRetries":101}})",
        R"({"healthyRetryPolicy":{"minDelayTarget":0}})",
        R"({"healthyRetryPolicy":{"maxDelayTarget":3601}})",
        R"({"healthyRetryPolicy":{"minDelayTarget":9,"maxDelayTarget":8}})",
        R"({"healthyRetryPolicy":{"numRetries":2,"numNoDelayRetries":2,"numMinDelayRetries":1}})",
        R"({"healthyRetryPolicy":{"backoffFunction":"random"}})",
        R"({"throttlePolicy":{"maxReceivesPerSecond":0}})"}) {
    EXPECT_FALSE(parse_subscription_delivery_policy(bad)) << bad;
  }
}

}  // namespace
}  // namespace traccia::sns
