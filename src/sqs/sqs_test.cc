// Queues and messages against a clock of the test's.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <functional>
#include <set>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "os/fake_os.h"
#include "sqs/messages.h"
#include "sqs/schema.h"

namespace traccia::sqs {
namespace {

using std::chrono::seconds;

constexpr std::string_view kAccount = "111122223333";
constexpr std::string_view kRegion = "eu-south-1";
constexpr std::string_view kAccounts =
    "CREATE TABLE accounts (id TEXT PRIMARY KEY) STRICT;"
    "INSERT INTO accounts (id) VALUES ('111122223333'), ('444455556666');";

struct Store {
  Store() {
    EXPECT_TRUE(fake.files.make_directories("/d"));
    database = meta::Database::open(fake.os(), "/d/meta.db",
                                    {kAccounts, kSchema, kRecentSchema, kSealingSchema})
                   .value();
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
  Result<Queue> create(std::string_view name, const Attributes& attributes = {}) {
    return write([&](meta::Transaction& transaction) {
      return queues.create(transaction, {kAccount, kRegion, name}, attributes);
    });
  }
  std::string send(const Queue& queue, std::string body,
                   std::optional<seconds> delay = std::nullopt) {
    return write([&](meta::Transaction& transaction) {
             return messages.send(transaction, queue, {.body = std::move(body), .delay = delay});
           })
        .value()
        .id;
  }
  std::vector<Received> receive(const Queue& queue, int64_t max = 10,
                                seconds visibility = seconds(30)) {
    return write([&](meta::Transaction& transaction) {
             return messages.receive(transaction, queue, max, visibility);
           })
        .value();
  }
  std::string remove(const Queue& queue, std::string_view handle) {
    const auto done = write([&](meta::Transaction& transaction) {
      return messages.remove(transaction, queue, handle);
    });
    return done ? "" : std::string(done.error().reason());
  }
  std::string change(const Queue& queue, std::string_view handle, seconds visibility) {
    const auto done = write([&](meta::Transaction& transaction) {
      return messages.change_visibility(transaction, queue, handle, visibility);
    });
    return done ? "" : std::string(done.error().reason());
  }
  Counts count(const Queue& queue) {
    return write([&](meta::Transaction& transaction) { return messages.count(transaction, queue); })
        .value();
  }

  os::FakeOs fake;
  std::unique_ptr<meta::Database> database;
  Queues queues{fake.os()};
  Messages messages{fake.os(), queues};
};

std::string reason(const Result<Queue>& result) {
  return result ? "" : std::string(result.error().reason());
}
std::vector<std::string> bodies(const std::vector<Received>& received) {
  std::vector<std::string> out;
  for (const auto& one : received) out.push_back(one.body);
  return out;
}

TEST(Queues, ComeBackByNameWithWhatWasSet) {
  Store store;
  const auto made = store.create("logs", {{"VisibilityTimeout", "60"}}).value();
  EXPECT_EQ(made.arn(), "arn:aws:sqs:eu-south-1:111122223333:logs");
  EXPECT_EQ(store.create("logs", {{"VisibilityTimeout", "60"}})->id, made.id);
  EXPECT_EQ(store.create("logs")->id, made.id);
  EXPECT_EQ(store.create("logs", {{"DelaySeconds", "0"}})->id, made.id) << "that is the default";
  EXPECT_EQ(reason(store.create("logs", {{"VisibilityTimeout", "30"}})), "QueueNameExists");
  EXPECT_EQ(made.number("VisibilityTimeout"), 60);
  EXPECT_EQ(made.number("MessageRetentionPeriod"), 345'600);
  for (const auto* bad : {"", "a b", "a/b", "ä"}) {
    EXPECT_EQ(reason(store.create(bad)), "InvalidParameterValue") << bad;
  }
  EXPECT_EQ(reason(store.create(std::string(81, 'q'))), "InvalidParameterValue");
  EXPECT_EQ(reason(store.create("logs.fifo")), "UnsupportedOperation");
}

TEST(Queues, NamesRestAfterTheirEnd) {
  Store store;
  const auto made = store.create("logs").value();
  ASSERT_TRUE(store.write(
      [&](meta::Transaction& transaction) { return store.queues.remove(transaction, made); }));
  EXPECT_EQ(reason(store.create("logs")), "QueueDeletedRecently");
  EXPECT_TRUE(store.create("other"));
  store.fake.clock.advance(seconds(60));
  EXPECT_TRUE(store.create("logs"));
}

TEST(Queues, ArePurgedOnceAMinute) {
  Store store;
  const auto queue = store.create("logs").value();
  const auto purge = [&] {
    const auto done = store.write(
        [&](meta::Transaction& transaction) { return store.messages.purge(transaction, queue); });
    return done ? "" : std::string(done.error().reason());
  };
  store.send(queue, "one");
  EXPECT_EQ(purge(), "");
  EXPECT_EQ(store.count(queue).visible, 0);
  store.send(queue, "two");
  EXPECT_EQ(purge(), "PurgeQueueInProgress");
  EXPECT_EQ(store.count(queue).visible, 1);
  store.fake.clock.advance(seconds(60));
  EXPECT_EQ(purge(), "");
}

TEST(Queues, AttributesHaveBounds) {
  Store store;
  const std::pair<const char*, const char*> bad[] = {
      {"DelaySeconds", "901"},          {"DelaySeconds", "-1"},
      {"DelaySeconds", "1s"},           {"MaximumMessageSize", "1023"},
      {"MessageRetentionPeriod", "59"}, {"ReceiveMessageWaitTimeSeconds", "21"},
      {"VisibilityTimeout", "43201"},   {"SqsManagedSseEnabled", "yes"},
      {"RedrivePolicy", "{"},           {"RedrivePolicy", "{}"},
      {"RedriveAllowPolicy", "{}"}};
  for (const auto& [name, value] : bad) {
    EXPECT_EQ(reason(store.create("q", {{name, value}})), "InvalidAttributeValue")
        << name << "=" << value;
  }
  EXPECT_EQ(reason(store.create("q", {{"Nothing", "1"}})), "InvalidAttributeName");
  auto queue = store.create("q", {{"DelaySeconds", "9"}}).value();
  ASSERT_TRUE(store.write([&](meta::Transaction& transaction) {
    return store.queues.set_attributes(transaction, queue, {{"DelaySeconds", ""}});
  }));
  EXPECT_EQ(store.create("q")->number("DelaySeconds"), 0);
}

TEST(Queues, DeadLettersGoToAQueueThatTakesThem) {
  Store store;
  const auto policy = [](std::string_view arn) {
    return fmt::format(R"({{"deadLetterTargetArn":"{}","maxReceiveCount":"2"}})", arn);
  };
  EXPECT_EQ(reason(store.create(
                "q", {{"RedrivePolicy", policy("arn:aws:sqs:eu-south-1:111122223333:dead")}})),
            "InvalidAttributeValue")
      << "it is not there";
  auto dead = store.create("dead").value();
  const auto set = [&](std::string_view text) {
    return store.write([&](meta::Transaction& transaction) {
      return store.queues.set_attributes(transaction, dead,
                                         {{"RedriveAllowPolicy", std::string(text)}});
    });
  };
  ASSERT_TRUE(set(R"({"redrivePermission":"denyAll"})"));
  EXPECT_EQ(reason(store.create("q", {{"RedrivePolicy", policy(dead.arn())}})),
            "InvalidAttributeValue");
  ASSERT_TRUE(set(R"({"redrivePermission":"byQueue","sourceQueueArns":)"
                  R"(["arn:aws:sqs:eu-south-1:111122223333:q"]})"));
  const auto queue = store.create("q", {{"RedrivePolicy", policy(dead.arn())}}).value();
  const auto sources = store.write(
      [&](meta::Transaction& transaction) { return store.queues.sources_of(transaction, dead); });
  ASSERT_EQ(sources->size(), 1U);
  EXPECT_EQ(sources->front().name, "q");

  const auto id = store.send(queue, "poison");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(store.receive(queue).size(), 1U);
    store.fake.clock.advance(seconds(31));
  }
  EXPECT_TRUE(store.receive(queue).empty());
  const auto given_up = store.receive(dead);
  ASSERT_EQ(given_up.size(), 1U);
  EXPECT_EQ(given_up[0].id, id);
  EXPECT_EQ(given_up[0].source, queue.arn());
  // Without that queue nothing is lost.
  (void)store.send(queue, "kept");
  ASSERT_TRUE(store.write(
      [&](meta::Transaction& transaction) { return store.queues.remove(transaction, dead); }));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(bodies(store.receive(queue)), std::vector<std::string>{"kept"});
    store.fake.clock.advance(seconds(31));
  }
}

TEST(Messages, AreInvisibleForAWhileOnceReceived) {
  Store store;
  const auto queue = store.create("q").value();
  (void)store.send(queue, "one");
  const auto first = store.receive(queue);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].receives, 1);
  EXPECT_TRUE(store.receive(queue).empty());
  EXPECT_EQ(store.count(queue).in_flight, 1);
  store.fake.clock.advance(seconds(30));
  const auto second = store.receive(queue);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].receives, 2);
  EXPECT_EQ(second[0].first_received, first[0].first_received);
  EXPECT_EQ(store.remove(queue, first[0].receipt_handle), "");
  EXPECT_EQ(store.count(queue).in_flight, 1) << "whoever received it since still has it";
  EXPECT_EQ(store.change(queue, first[0].receipt_handle, seconds(5)), "MessageNotInflight");
  EXPECT_EQ(store.change(queue, second[0].receipt_handle, seconds(0)), "");
  EXPECT_EQ(store.count(queue).visible, 1);
  const auto third = store.receive(queue, 10, seconds(0));
  ASSERT_EQ(third.size(), 1U) << "once, though it is visible again at once";
  EXPECT_EQ(store.remove(queue, third[0].receipt_handle), "");
  EXPECT_EQ(store.remove(queue, third[0].receipt_handle), "") << "twice is once";
  EXPECT_EQ(store.count(queue).visible + store.count(queue).in_flight, 0);
}

TEST(Messages, HandlesAreOfTheirQueue) {
  Store store;
  const auto queue = store.create("q").value();
  const auto other = store.create("other").value();
  (void)store.send(queue, "one");
  const auto handle = store.receive(queue)[0].receipt_handle;
  EXPECT_EQ(store.remove(other, handle), "ReceiptHandleIsInvalid");
  for (const auto& bad :
       {std::string(), std::string("x"), base64_encode("1:1:"),
        base64_encode("1:99999999999999999999:aaaaaaaaaaaaaaaaaaaaaaaa"), std::string(5000, 'A')}) {
    EXPECT_EQ(store.remove(queue, bad), "ReceiptHandleIsInvalid") << bad;
    EXPECT_EQ(store.change(queue, bad, seconds(1)), "ReceiptHandleIsInvalid") << bad;
  }
}

TEST(Messages, WaitAndExpire) {
  Store store;
  const auto queue =
      store.create("q", {{"DelaySeconds", "10"}, {"MessageRetentionPeriod", "60"}}).value();
  (void)store.send(queue, "late");
  (void)store.send(queue, "now", seconds(0));
  EXPECT_EQ(bodies(store.receive(queue)), std::vector<std::string>{"now"});
  EXPECT_EQ(store.count(queue).delayed, 1);
  store.fake.clock.advance(seconds(10));
  EXPECT_EQ(bodies(store.receive(queue)), std::vector<std::string>{"late"});
  store.fake.clock.advance(seconds(50));
  EXPECT_TRUE(store.receive(queue).empty());
  EXPECT_EQ(store.count(queue).visible, 0);
}

TEST(Messages, WhatMayBeSent) {
  Queue queue;
  queue.attributes["MaximumMessageSize"] = "1024";
  const auto refusal = [&](const NewMessage& message) {
    const auto done = check_message(queue, message);
    return done ? "" : std::string(done.error().reason());
  };
  const auto text = [](std::string_view value) {
    return json::Object{{"DataType", "String"}, {"StringValue", value}};
  };
  EXPECT_EQ(refusal({.body = std::string(1024, 'a')}), "");
  EXPECT_EQ(refusal({.body = std::string(1025, 'a')}), "InvalidParameterValue");
  EXPECT_EQ(refusal({.body = std::string(1018, 'a'), .attributes = {{"n", text("v")}}}),
            "InvalidParameterValue")
      << "name, type and value count";
  EXPECT_EQ(refusal({.body = ""}), "InvalidParameterValue");
  EXPECT_EQ(refusal({.body = std::string("a\x01", 2)}), "InvalidMessageContents");
  EXPECT_EQ(refusal({.body = "\xEF\xBF\xBE"}), "InvalidMessageContents");
  EXPECT_EQ(refusal({.body = "tab\tline\n\xEF\xBF\xBD"}), "");
  EXPECT_EQ(refusal({.body = "b", .attributes = {{"a..b", text("v")}}}), "InvalidParameterValue");
  EXPECT_EQ(refusal({.body = "b", .attributes = {{"a", text("")}}}), "InvalidParameterValue");
  EXPECT_EQ(
      refusal({.body = "b",
               .attributes = {{"a", json::Object{{"DataType", "Bool"}, {"StringValue", "x"}}}}}),
      "InvalidParameterValue");
  EXPECT_EQ(refusal({.body = "b",
                     .attributes = {{"a", json::Object{{"DataType", "Binary.gzip"},
                                                       {"BinaryValue", "AAE="}}}}}),
            "");
  json::Object many;
  for (int i = 0; i < 11; ++i) many[fmt::format("n{}", i)] = text("v");
  EXPECT_EQ(refusal({.body = "b", .attributes = many}), "InvalidParameterValue");
}

TEST(Messages, DigestOfAttributesIsOverNamesInOrder) {
  const json::Object attributes{
      {"z", json::Object{{"DataType", "Binary"}, {"BinaryValue", base64_encode("\x01\x02")}}},
      {"a", json::Object{{"DataType", "Number.int"}, {"StringValue", "7"}}}};
  std::string text;
  text += std::string("\0\0\0\x01", 4) + "a" + std::string("\0\0\0\x0A", 4) + "Number.int" +
          "\x01" + std::string("\0\0\0\x01", 4) + "7";
  text += std::string("\0\0\0\x01", 4) + "z" + std::string("\0\0\0\x06", 4) + "Binary" + "\x02" +
          std::string("\0\0\0\x02", 4) + "\x01\x02";
  EXPECT_EQ(md5_of_attributes(attributes), hex_encode(crypto::md5(text)));
  EXPECT_EQ(md5_of_attributes({}), "");
}

// Against a plain list: nothing is lost, given to two at a time, or given back once deleted.
RC_GTEST_PROP(Messages, BehaveAsAList, ()) {
  struct Kept {
    std::string id;
    Time visible;
  };
  Store store;
  const auto queue = store.create("q", {{"VisibilityTimeout", "20"}}).value();
  std::vector<Kept> kept;
  std::map<std::string, std::string> handles;  // id to the newest
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
  for (const int step : steps) {
    const auto now = store.fake.clock.now();
    if (step <= 1) {
      kept.push_back({store.send(queue, "m"), now});
    } else if (step == 2) {
      std::set<std::string> due;
      for (const auto& one : kept) {
        if (one.visible <= now) due.insert(one.id);
      }
      const auto got = store.receive(queue, 3, seconds(20));
      RC_ASSERT(got.size() == std::min<size_t>(due.size(), 3));
      for (const auto& message : got) {
        RC_ASSERT(due.erase(message.id) == 1U);
        handles[message.id] = message.receipt_handle;
        for (auto& one : kept) {
          if (one.id == message.id) one.visible = now + seconds(20);
        }
      }
    } else if (step == 3 && !handles.empty()) {
      RC_ASSERT(store.remove(queue, handles.begin()->second).empty());
      std::erase_if(kept, [&](const Kept& one) { return one.id == handles.begin()->first; });
      handles.erase(handles.begin());
    } else {
      store.fake.clock.advance(seconds(*rc::gen::inRange(1, 15)));
    }
    const auto counts = store.count(queue);
    RC_ASSERT(counts.visible + counts.in_flight == std::ssize(kept));
  }
}

}  // namespace
}  // namespace traccia::sqs
