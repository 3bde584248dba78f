// Deliveries and trails whose bucket lives elsewhere, with stores of every temper.
// SPDX-License-Identifier: Apache-2.0
#include "api/outside_buckets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "api/operation_call.h"
#include "api/test_s3.h"
#include "blob/test_endpoint.h"

namespace traccia::api {
namespace {

using blob::test::FakeS3;
using Condition = FakeS3::Condition;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kKey = "AWSLogs/111122223333/CloudTrail/us-east-1/f.json.gz";
constexpr std::string_view kTrail = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main";

class OutsideBucketsTest : public S3FrontTest {
 protected:
  void SetUp() override {
    outside_buckets_ = {bucket("outside", far_.url()), bucket("missing", far_.url()),
                        bucket("down", "http://127.0.0.1:1")};
    S3FrontTest::SetUp();
  }
  static OutsideBucket bucket(std::string name, std::string url) {
    OutsideBucket out;
    out.name = std::move(name);
    out.accounts = {std::string(kAccount)};
    out.endpoint.url = std::move(url);
    out.endpoint.credentials = {"AKID", "secret", ""};
    return out;
  }
  void set(Condition condition) {
    FakeS3::Faults faults;
    faults.condition = condition;
    far_.set(faults);
  }
  Result<> deliver(std::string_view bytes, std::string_view trail = kTrail,
                   std::string_view bucket_name = "outside") {
    return outside_->put_if_absent(
        {bucket_name, kKey, bytes, {{"signature", "abc"}}, trail, "us-east-1"});
  }
  std::string reason(const Result<>& result) {
    return result ? "" : std::string(result.error().reason());
  }
  ConditionalPut found() { return outside_->states()[2].conditional_put; }
  // "" or reason and message.
  std::string call(std::string_view operation, const json::Object& input) {
    const auto bindings = cloudtrail_bindings();
    const auto at = std::ranges::find_if(
        bindings, [&](const Binding& one) { return one.operation->name == operation; });
    const auto done = execute(*services_, caller_, *at, input);
    return done ? "" : fmt::format("{}: {}", done.error().reason(), done.error().message());
  }
  std::string create(std::string_view bucket_name) {
    return call("CreateTrail", {{"Name", "main"},
                                {"S3BucketName", bucket_name},
                                {"S3KeyPrefix", "pre/"},
                                {"EnableLogFileValidation", true}});
  }

  FakeS3 far_{{"outside"}};
};

TEST_F(OutsideBucketsTest, ProbesFindOutWhatTheConditionIsWorth) {
  EXPECT_EQ(found(), ConditionalPut::Unknown);
  for (const auto& [condition, expected] :
       {std::pair{Condition::Honoured, ConditionalPut::Honoured},
        std::pair{Condition::Ignored, ConditionalPut::Ignored},
        std::pair{Condition::NotImplemented, ConditionalPut::Refused},
        std::pair{Condition::Honoured, ConditionalPut::Honoured}}) {
    set(condition);
    ASSERT_TRUE(outside_->probe("outside"));
    EXPECT_EQ(found(), expected);
  }
  EXPECT_THAT(far_.objects("outside"),
              ElementsAre(testing::Pair("AWSLogs/traccia-probe", testing::_)));
  const auto state = outside_->states()[2];
  EXPECT_EQ(state.name, "outside");
  EXPECT_EQ(state.checked, fake_.clock.now());
  EXPECT_EQ(state.error, "");
}

TEST_F(OutsideBucketsTest, ProbesSayWhatToDo) {
  const auto complaint = [&](FakeS3::Faults faults, std::string_view name = "outside") {
    far_.set(std::move(faults));
    const auto done = outside_->probe(name);
    return done ? std::string() : done.error().message();
  };
  FakeS3::Faults faults;
  faults.keeps_metadata = false;
  faults.condition = Condition::Ignored;
  EXPECT_THAT(complaint(faults), HasSubstr("drops the metadata"));
  EXPECT_EQ(found(), ConditionalPut::Ignored) << "what was found before stays";
  EXPECT_THAT(outside_->states()[2].error, HasSubstr("drops the metadata"));
  faults = {};
  faults.condition = Condition::Ignored;
  faults.lists = false;
  EXPECT_THAT(complaint(faults), HasSubstr("does not list"));
  faults = {};
  faults.refusal = "AccessDenied";
  EXPECT_THAT(complaint(faults), HasSubstr("need s3:PutObject, s3:GetObject and s3:ListBucket"));
  EXPECT_THAT(complaint({}, "missing"), HasSubstr("NoSuchBucket"));
  EXPECT_THAT(complaint({}, "down"), HasSubstr("http://127.0.0.1:1"));
  far_.store("outside", "AWSLogs/traccia-probe", "somebody else's");
  EXPECT_THAT(complaint({}), HasSubstr("probe-key"));
}

TEST_F(OutsideBucketsTest, WhatIsThereIsNotReplaced) {
  for (const auto condition :
       {Condition::Honoured, Condition::Ignored, Condition::NotImplemented}) {
    for (const bool probed : {false, true}) {
      far_.store("outside", std::string(kKey), "theirs");
      set(condition);
      // Each case has a server of its own.
      outside_.emplace(fake_.clock, outside_buckets_);
      EXPECT_TRUE(!probed || outside_->probe("outside"));
      EXPECT_EQ(reason(deliver("ours")), "PreconditionFailed");
      EXPECT_EQ(far_.objects("outside")[std::string(kKey)].bytes, "theirs");
      EXPECT_TRUE(outside_->holds({"outside", kKey, "theirs", {}, kTrail, "us-east-1"}).value());
    }
  }
}

TEST_F(OutsideBucketsTest, AFreeKeyIsWrittenWithItsMetadata) {
  for (const auto condition :
       {Condition::Honoured, Condition::Ignored, Condition::NotImplemented}) {
    FakeS3 store({"outside"});
    FakeS3::Faults faults;
    faults.condition = condition;
    store.set(faults);
    outside_.emplace(fake_.clock, std::vector{bucket("outside", store.url())});
    ASSERT_TRUE(outside_->probe("outside"));
    const auto before = store.requests().size();
    ASSERT_TRUE(deliver("bytes"));
    const auto object = store.objects("outside")[std::string(kKey)];
    EXPECT_EQ(object.bytes, "bytes");
    EXPECT_EQ(object.metadata.at("signature"), "abc");
    // Only where the condition is worth nothing the key is looked up.
    EXPECT_EQ(store.requests().size() - before, condition == Condition::Honoured ? 1U : 2U);
  }
}

TEST_F(OutsideBucketsTest, RefusalsKeepTheirNames) {
  ASSERT_TRUE(outside_->probe("outside"));
  FakeS3::Faults faults;
  faults.refusal = "ConditionalRequestConflict";
  faults.refusal_status = 409;
  far_.set(faults);
  EXPECT_EQ(reason(deliver("bytes")), "ConditionalRequestConflict");
  faults.refusal = "SlowDown";
  faults.refusal_status = 503;
  far_.set(faults);
  EXPECT_EQ(reason(deliver("bytes")), "SlowDown");
  // Written, but nobody hears of it: the next attempt finds it.
  faults = {};
  faults.loses_answers = true;
  far_.set(faults);
  EXPECT_EQ(reason(deliver("bytes")), "EndpointConnectionError");
  far_.set({});
  EXPECT_EQ(reason(deliver("bytes")), "PreconditionFailed");
  EXPECT_TRUE(outside_->holds({"outside", kKey, "bytes", {}, kTrail, "us-east-1"}).value());
  EXPECT_EQ(reason(deliver("bytes", kTrail, "missing")), "NoSuchBucket");
  EXPECT_EQ(reason(deliver("bytes", kTrail, "down")), "EndpointConnectionError");
}

TEST_F(OutsideBucketsTest, OnlyTrailsOfTheAccountsDeliver) {
  EXPECT_EQ(reason(deliver("x", "arn:aws:cloudtrail:us-east-1:444455556666:trail/main")),
            "AccessDenied");
  EXPECT_TRUE(far_.requests().empty());
  auto open = bucket("outside", far_.url());
  open.accounts = {"*"};
  outside_.emplace(fake_.clock, std::vector{open});
  EXPECT_TRUE(deliver("x", "arn:aws:cloudtrail:us-east-1:444455556666:trail/main"));
}

TEST_F(OutsideBucketsTest, StoppedItAsksNobody) {
  outside_->stop();
  EXPECT_EQ(reason(deliver("x")), "EndpointConnectionError");
  EXPECT_TRUE(far_.requests().empty());
}

TEST_F(OutsideBucketsTest, DeliveriesGoWhereTheBucketLives) {
  RoutingObjectStore store(*store_, *outside_);
  ASSERT_TRUE(store.put_if_absent({"outside", kKey, "bytes", {}, kTrail, "us-east-1"}));
  EXPECT_TRUE(store.holds({"outside", kKey, "bytes", {}, kTrail, "us-east-1"}).value());
  EXPECT_FALSE(store.holds({"outside", kKey, "other", {}, kTrail, "us-east-1"}).value());
  EXPECT_EQ(reason(store.put_if_absent({"inside", kKey, "bytes", {}, kTrail, "us-east-1"})),
            "NoSuchBucket");
  EXPECT_FALSE(store.holds({"inside", kKey, "bytes", {}, kTrail, "us-east-1"}));
}

TEST_F(OutsideBucketsTest, CreateTrailTouchesTheBucket) {
  EXPECT_EQ(create("outside"), "");
  EXPECT_THAT(far_.requests(), ElementsAre("PUT pre/AWSLogs/111122223333/CloudTrail/",
                                           "PUT pre/AWSLogs/111122223333/CloudTrail-Digest/"));
  EXPECT_EQ(call("UpdateTrail", {{"Name", "main"}, {"S3KeyPrefix", ""}}), "");
  EXPECT_THAT(far_.objects("outside"),
              testing::Contains(testing::Pair("AWSLogs/111122223333/CloudTrail/", testing::_)));
  const auto asked = far_.requests().size();
  EXPECT_EQ(call("UpdateTrail", {{"Name", "main"}, {"IsMultiRegionTrail", true}}), "");
  EXPECT_EQ(far_.requests().size(), asked) << "the destination stays";
}

TEST_F(OutsideBucketsTest, CreateTrailTellsWhatIsWrong) {
  EXPECT_EQ(create("missing"), "S3BucketDoesNotExist: S3 bucket missing does not exist!");
  EXPECT_EQ(create("down"),
            "OutsideStoreUnavailable: The store of bucket down did not answer as it should: "
            "EndpointConnectionError. Retry later.");
  FakeS3::Faults faults;
  faults.refusal = "AccessDenied";
  faults.refused_prefix = "pre/AWSLogs/111122223333/CloudTrail-Digest/";
  far_.set(faults);
  const auto* const refused =
      "InsufficientS3BucketPolicy: Incorrect S3 bucket policy is detected for bucket: outside";
  EXPECT_EQ(create("outside"), refused);
  far_.set({});
  outside_buckets_[0].accounts = {"444455556666"};
  const auto asked = far_.requests().size();
  outside_.emplace(fake_.clock, outside_buckets_);
  EXPECT_EQ(create("outside"), refused) << "the bucket is not for this account's trails";
  EXPECT_EQ(far_.requests().size(), asked);
  EXPECT_EQ(call("GetTrail", {{"Name", "main"}}).substr(0, 13), "TrailNotFound");
}

// Workers wait for it, and others need them.
TEST_F(OutsideBucketsTest, FewWaitForAStoreThatHangs) {
  std::atomic<bool> over = false;
  std::atomic<int> asked = 0;
  const blob::test::Endpoint endpoint([&](const http::Request&) {
    ++asked;
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return std::string();
  });
  outside_.emplace(fake_.clock, std::vector{bucket("outside", endpoint.url())});
  std::vector<std::thread> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.emplace_back([&] { EXPECT_FALSE(outside_->put_marker("outside", "key")); });
  }
  while (asked < 2) std::this_thread::yield();
  EXPECT_EQ(reason(outside_->put_marker("outside", "key")), "SlowDown");
  over = true;
  for (auto& thread : waiting) thread.join();
  EXPECT_EQ(reason(outside_->put_marker("outside", "key")), "EndpointConnectionError");
}

TEST_F(OutsideBucketsTest, WhatCannotBeMadeTouchesNothing) {
  EXPECT_THAT(call("CreateTrail", {{"Name", "x"}, {"S3BucketName", "outside"}}),
              HasSubstr("InvalidTrailName"));
  EXPECT_EQ(create("outside"), "");
  const auto asked = far_.requests().size();
  EXPECT_THAT(create("outside"), HasSubstr("TrailAlreadyExists"));
  EXPECT_EQ(far_.requests().size(), asked);
}

TEST_F(OutsideBucketsTest, ItsStoreHasNoKeysOfOurs) {
  const auto create_key = std::ranges::find_if(
      kms_bindings(), [](const Binding& one) { return one.operation->name == "CreateKey"; });
  const auto* const anything =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",)"
      R"("Action":"kms:*","Resource":"*"}]})";
  const auto made = execute(*services_, caller_, *create_key, {{"Policy", anything}});
  ASSERT_TRUE(made) << made.error().message();
  const auto key = made->document.at("KeyMetadata").as_object().at("Arn").as_string();
  const auto* const refused = "Kms: Bucket outside lives on another endpoint";
  EXPECT_THAT(
      call("CreateTrail", {{"Name", "main"}, {"S3BucketName", "outside"}, {"KmsKeyId", key}}),
      HasSubstr(refused));
  // Nor does a trail take its key along.
  make_bucket();
  ASSERT_EQ(send("PUT", "/bucket?policy",
                 R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":)"
                 R"({"Service":"cloudtrail.amazonaws.com"},"Action":"s3:*",)"
                 R"("Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]})")
                .status,
            204);
  ASSERT_EQ(call("CreateTrail", {{"Name", "main"}, {"S3BucketName", "bucket"}, {"KmsKeyId", key}}),
            "");
  EXPECT_THAT(call("UpdateTrail", {{"Name", "main"}, {"S3BucketName", "outside"}}),
              HasSubstr(refused));
  EXPECT_EQ(call("UpdateTrail", {{"Name", "main"}, {"S3BucketName", "outside"}, {"KmsKeyId", ""}}),
            "");
}

TEST_F(OutsideBucketsTest, ItsNameIsTakenHere) {
  const auto answer = send("PUT", "/outside");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("BucketAlreadyExists"));
}

}  // namespace
}  // namespace traccia::api
