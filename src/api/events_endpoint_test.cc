// POST /v1/events below HTTP: what is answered, and when.
// SPDX-License-Identifier: Apache-2.0
#include "api/events_endpoint.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/front_door.h"
#include "api/test_services.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;

// Of memory for entries: a large submission takes about 30 KB of it, so one is not beyond half, two
// are, and four are beyond all.
constexpr uint64_t kRecentBytesMax = 100'000;
constexpr size_t kLarge = 20'000;
static_assert(kLarge > kPacedAboveBytes);

// One thread: the log, the sinks and the pacer do a turn when the test says so.
class EventsEndpointTest : public ServicesTest {
 protected:
  using Answer = std::shared_ptr<const std::optional<http::Response>>;  // what has come so far

  void SetUp() override {
    log_options_.recent_bytes_max = kRecentBytesMax;
    log_options_.recent_read_bytes_max = 0;
    ServicesTest::SetUp();
    door_.emplace(*services_, fake_.clock, Pages{});
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(identity_.bootstrap(transaction, kAccount));
      TRY_ASSIGN(const auto made, identity_.create_token(transaction, kAccount, std::nullopt));
      token_ = made.secret;
      return {};
    }));
  }

  static std::string event(std::string_view name, size_t bytes = 0) {
    return fmt::format(R"({{"eventTime":"2026-09-21T13:00:00Z","eventName":"{}","pad":"{}"}})",
                       name, std::string(bytes, 'x'));
  }

  // Given to the server, and durable if it was taken.
  Answer post(std::string body, std::string_view header = {}, std::string_view value = {}) {
    http::Request request;
    request.method = "POST";
    request.path = "/v1/events";
    if (!token_.empty()) request.headers.add("Authorization", "Bearer " + token_);
    if (!header.empty()) request.headers.add(header, value);
    request.body = std::move(body);
    const auto answer = std::make_shared<std::optional<http::Response>>();
    door_->handle(std::move(request), [answer](http::Response response) {
      EXPECT_FALSE(*answer) << "answered twice";
      *answer = std::move(response);
    });
    wal_->step(Duration(0));
    pacer_->check();
    return answer;
  }
  void expect_refused(int status, std::string_view code, const Answer& answer) {
    ASSERT_TRUE(*answer) << code;
    EXPECT_EQ((*answer)->status, status) << (*answer)->body;
    EXPECT_THAT((*answer)->body, HasSubstr(code));
    EXPECT_EQ((*answer)->headers.get("Retry-After"), status == 503 ? "1" : "") << code;
    EXPECT_TRUE(events().empty()) << code;
  }

  void step_history() {
    ASSERT_TRUE(history_->step(1000));
    pacer_->check();
  }
  void step_delivery() {
    ASSERT_TRUE(delivery_->step());
    pacer_->check();
  }

  std::optional<FrontDoor> door_;
  std::string token_;
};

TEST_F(EventsEndpointTest, ALargeSubmissionWaitsForTheSlowestSink) {
  EXPECT_TRUE(*post(event("First", kLarge))) << "sinks are near";
  const auto answer = post(event("Second", kLarge));
  ASSERT_GT(wal_->recent().unread_bytes().value(), kRecentBytesMax / 2);
  EXPECT_FALSE(*answer);
  EXPECT_EQ(event_names(), (std::vector<std::string>{"First", "Second"})) << "it is durable";
  step_history();
  EXPECT_FALSE(*answer) << "delivery has read nothing";
  step_delivery();
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->status, 200);
  EXPECT_THAT((*answer)->body, HasSubstr(R"({"accepted":1,"duplicates":0,"rejected":[],)"));
  EXPECT_TRUE(*post(event("Third", kLarge))) << "they have caught up";
}

TEST_F(EventsEndpointTest, ASmallOneWaitsForNobody) {
  post(event("First", kLarge));
  const auto large = post(event("Second", kLarge));
  EXPECT_TRUE(*post(event("Small")));
  EXPECT_FALSE(*large) << "the sinks still lag";
}

TEST_F(EventsEndpointTest, ALargeOneWaitsNotLongForASinkThatStands) {
  post(event("First", kLarge));
  const auto answer = post(event("Second", kLarge));
  fake_.clock.advance(Pacer::kWaitMax / 2);
  pacer_->check();
  EXPECT_FALSE(*answer);
  fake_.clock.advance(Pacer::kWaitMax / 2);
  pacer_->check();
  EXPECT_TRUE(*answer);
}

TEST_F(EventsEndpointTest, OneBeyondTheWholeMemoryIsAnsweredAndLands) {
  for (const auto* name : {"First", "Second"}) {
    const auto answer = post(event(name, 2 * kRecentBytesMax));
    ASSERT_FALSE(wal_->recent().unread_bytes()) << "it is not in memory";
    ASSERT_TRUE(*answer) << "the sinks read it from the disk, which holds nobody";
    EXPECT_EQ((*answer)->status, 200);
    step_history();
    step_delivery();
    EXPECT_EQ(history_->cursor(), wal_->durable_end());
    EXPECT_EQ(delivery_->read_position(), wal_->durable_end());
    EXPECT_EQ(wal_->recent().unread_bytes(), 0U);
  }
  EXPECT_EQ(events().size(), 2U);
}

TEST_F(EventsEndpointTest, WhatCannotBeReadIsRefusedAsAWhole) {
  expect_refused(400, "MalformedBody", post(R"({"Records":[)" + event("n")));
  expect_refused(400, "UnsupportedEncoding", post(event("n"), "Content-Encoding", "br"));
  expect_refused(400, "NotGzip", post(event("n"), "Content-Encoding", "gzip"));
  expect_refused(413, "TooLarge", post(std::string(kEventsBytesMax + 1, ' ')));
  std::string many;
  for (size_t i = 0; i <= kEventsRecordsMax; ++i) many += "{}\n";
  expect_refused(413, "TooManyRecords", post(std::move(many)));
}

TEST_F(EventsEndpointTest, BadLinesAreRejectedAndTheOthersTaken) {
  const auto answer = post("{}\n" + event("Good") + "\n{\n");
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->status, 200);
  EXPECT_THAT((*answer)->body, HasSubstr(R"({"accepted":1,)"));
  EXPECT_THAT((*answer)->body, HasSubstr(R"({"line":1,"code":"MissingEventTime",)"));
  EXPECT_THAT((*answer)->body, HasSubstr(R"({"line":3,"code":"MalformedJSON",)"));
  EXPECT_EQ(event_names(), std::vector<std::string>{"Good"});
}

TEST_F(EventsEndpointTest, SendersWithoutAGoodTokenAreRefused) {
  token_ = "unknown";
  expect_refused(403, "UnrecognizedClientException", post(event("n")));
  token_.clear();
  expect_refused(403, "MissingAuthenticationTokenException", post(event("n")));
}

TEST_F(EventsEndpointTest, AFullLogAsksToRetry) {
  wal_->limit_disk(0);
  expect_refused(503, "LogDiskFull", post(event("n", kLarge)));
}

}  // namespace
}  // namespace traccia::api
