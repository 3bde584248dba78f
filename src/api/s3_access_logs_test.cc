// Access logs: which records requests, services and lifecycle rules leave, and how they get into
// the target bucket.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_access_logs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sstream>

#include "api/s3_access_record.h"
#include "api/s3_lifecycle_sweep.h"
#include "api/s3_log_delivery.h"
#include "api/service_table.h"
#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;
using Take = AccessLogs::Take;

constexpr std::string_view kFromBucket = R"("ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"},)"
                                         R"("StringEquals":{"aws:SourceAccount":"111122223333"})";

class AccessLogsTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    fake_.clock.set(parse_iso("2027-01-15T23:50:00Z").value());
    make_bucket();
    make_bucket("logs");
    let_in(kFromBucket);
    log_to("logs", "of/");
  }
  void let_in(std::string_view condition) {
    ASSERT_EQ(send("PUT", "/logs?policy",
                   fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow",)"
                               R"("Principal":{{"Service":"logging.s3.amazonaws.com"}},)"
                               R"("Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*",)"
                               R"("Condition":{{{}}}}}}})",
                               condition))
                  .status,
              204);
  }
  void log_to(std::string_view target, std::string_view prefix, std::string_view format = "",
              std::string_view source = "bucket") {
    ASSERT_EQ(send("PUT", fmt::format("/{}?logging", source),
                   fmt::format("<BucketLoggingStatus><LoggingEnabled><TargetBucket>{}"
                               "</TargetBucket><TargetPrefix>{}</TargetPrefix>{}</LoggingEnabled>"
                               "</BucketLoggingStatus>",
                               target, prefix, format))
                  .status,
              200);
  }
  // A request whose answer went out.
  http::Response ask(std::string_view method, std::string_view target, std::string body = {},
                     const Fields& headers = {}) {
    auto response = send(method, target, std::move(body), headers);
    if (response.on_sent) {
      response.on_sent({response.stream ? response.stream->size() : response.body.size(),
                        std::chrono::milliseconds(7), std::chrono::milliseconds(5)});
    }
    return response;
  }
  void deliver() {
    fake_.clock.advance(AccessLogs::kBatchAgeMax);
    deliver_access_logs(*services_, Take::Due);
  }
  std::vector<std::string> keys(std::string_view bucket = "logs") {
    return texts(xml(send("GET", fmt::format("/{}?list-type=2", bucket))), "Contents", "Key");
  }
  // All that was delivered.
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    for (const auto& key : keys()) {
      std::istringstream text(body_of(send("GET", "/logs/" + key)));
      for (std::string line; std::getline(text, line);) out.push_back(line);
    }
    return out;
  }
  // "OPERATION KEY URI STATUS ERROR …" of each: what follows the request id.
  std::vector<std::string> told() {
    deliver();
    std::vector<std::string> out;
    for (const auto& line : lines()) {
      auto at = line.find("] ") + 2;
      for (int field = 0; field < 3; ++field) at = line.find(' ', at) + 1;
      out.push_back(line.substr(at));
    }
    return out;
  }
  AccessLogCounters counters() const { return access_logs_.counters(); }
};

TEST_F(AccessLogsTest, EachRequestIsARecord) {
  ask("PUT", "/bucket/a%20b", "12345");
  ask("GET", "/bucket/a%20b?x-note=mine", "", {{"Range", "bytes=0-2"}, {"Referer", "http://here"}});
  ask("HEAD", "/bucket/none");
  ask("GET", "/bucket?cors");
  ask("DELETE", "/bucket/a%20b");
  ask("GET", "/bucket?list-type=2");
  ask("GET", "/logs?acl");  // which has no log
  const auto records = told();
  ASSERT_THAT(records, SizeIs(6));
  EXPECT_THAT(records[0], HasSubstr(R"(REST.PUT.OBJECT a%20b "PUT /bucket/a%20b HTTP/1.1" 200 - )"
                                    R"(- 5 7 5 "-" "test" - )"));
  EXPECT_THAT(records[1],
              HasSubstr(R"(REST.GET.OBJECT a%20b "GET /bucket/a%20b?x-note=mine HTTP/1.1" 206 - )"
                        R"(3 5 7 5 "http://here" "test" - )"));
  EXPECT_THAT(records[2], HasSubstr("REST.HEAD.OBJECT none \"HEAD /bucket/none HTTP/1.1\" 404 "
                                    "NoSuchKey "));
  EXPECT_THAT(records[3], HasSubstr("REST.GET.CORS - \"GET /bucket?cors HTTP/1.1\" 501 "
                                    "NotImplemented "));
  EXPECT_THAT(records[4], HasSubstr("REST.DELETE.OBJECT a%20b \"DELETE /bucket/a%20b HTTP/1.1\" "
                                    "204 - - 5 "));
  EXPECT_THAT(records[5], HasSubstr("REST.GET.BUCKET - \"GET /bucket?list-type=2 HTTP/1.1\" 200 "));
  const auto line = lines().front();
  EXPECT_THAT(line,
              MatchesRegex(R"(111122223333 bucket \[15/Jan/2027:23:50:00 .0000\] 192.0.2.1 )"
                           R"(arn:aws:iam::111122223333:user/[a-z]+ [0-9A-F]+ REST.* [^ ]+= SigV4 )"
                           R"(- AuthHeader localhost:4780 - - - -)"));
  EXPECT_EQ(counters().records, 6U);
  EXPECT_EQ(counters().delivered, 6U);
  EXPECT_EQ(counters().waiting_bytes, 0U);
}

TEST_F(AccessLogsTest, WhoMayNotAndWhoHasNoKeyAreRecordedToo) {
  const auto mine = caller_.principal;
  caller_.principal = {};
  caller_.principal.type = identity::PrincipalType::Anonymous;
  ask("GET", "/bucket/secret");
  caller_.principal.type = identity::PrincipalType::IamUser;
  caller_.principal.account_id = "444455556666";
  caller_.principal.arn = "arn:aws:iam::444455556666:user/eve";
  ask("PUT", "/bucket/secret", "x");
  caller_.principal = mine;
  deliver();
  const auto all = lines();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_THAT(all[0], HasSubstr("192.0.2.1 - "));
  EXPECT_THAT(all[0], HasSubstr("\" 403 AccessDenied "));
  EXPECT_THAT(all[1], HasSubstr(" arn:aws:iam::444455556666:user/eve "));
  EXPECT_THAT(all[1], HasSubstr("\" 403 AccessDenied "));
}

TEST_F(AccessLogsTest, DeletionsOfSeveralKeysAreRecordedOneByOne) {
  put("a", "123");
  ask("POST", "/bucket?delete",
      "<Delete><Object><Key>a</Key></Object><Object><Key>gone</Key></Object><Object><Key>b</Key>"
      "<VersionId>nonsense</VersionId></Object></Delete>");
  EXPECT_THAT(told(),
              ElementsAre(HasSubstr("REST.POST.MULTI_OBJECT_DELETE - \"POST /bucket?delete"),
                          HasSubstr("BATCH.DELETE.OBJECT a - 204 - - 3 - - - - - "),
                          HasSubstr("BATCH.DELETE.OBJECT gone - 204 - - - - - - - - "),
                          HasSubstr("BATCH.DELETE.OBJECT b - 404 NoSuchVersion - - - - - - "
                                    "nonsense ")));
}

TEST_F(AccessLogsTest, CopiesAreRecordedAtTheirSourceToo) {
  make_bucket("other");
  put("k", "1234");
  const auto copy = [&](std::string_view target, std::string_view source) {
    return ask("PUT", target, "", {{"x-amz-copy-source", std::string(source)}}).status;
  };
  EXPECT_EQ(copy("/bucket/copy", "/bucket/k"), 200);
  // Of a bucket without a log the source's side is told alone.
  EXPECT_EQ(copy("/other/copy", "/bucket/k"), 200);
  EXPECT_EQ(copy("/other/copy", "/bucket/none"), 404);
  const std::string upload(xml(send("POST", "/other/large?uploads")).child_text("UploadId"));
  EXPECT_EQ(copy(fmt::format("/other/large?partNumber=1&uploadId={}", upload), "/bucket/k"), 200);
  EXPECT_THAT(told(),
              ElementsAre(HasSubstr("REST.COPY.OBJECT copy \"PUT /bucket/copy HTTP/1.1\" 200 - "),
                          HasSubstr("REST.COPY.OBJECT_GET k - 200 - - 4 - - - - - "),
                          HasSubstr("REST.COPY.OBJECT_GET k - 200 - - 4 - - - - - "),
                          HasSubstr("REST.COPY.OBJECT_GET none - 404 NoSuchKey - - - - - - - "),
                          HasSubstr("REST.COPY.PART_GET k - 200 - - 4 - - - - - ")));
}

TEST_F(AccessLogsTest, PartsAndUploadsHaveSizes) {
  const auto upload = std::string(xml(ask("POST", "/bucket/k?uploads")).child_text("UploadId"));
  const auto part = ask("PUT", "/bucket/k?partNumber=1&uploadId=" + upload, "12345");
  ask("POST", "/bucket/k?uploadId=" + upload,
      fmt::format("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>"
                  "</CompleteMultipartUpload>",
                  part.headers.get("ETag")));
  const auto records = told();
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_THAT(records[0], HasSubstr("REST.POST.UPLOADS k "));
  EXPECT_THAT(records[1], HasSubstr("REST.PUT.PART k "));
  EXPECT_THAT(records[1], HasSubstr("\" 200 - - 5 "));
  EXPECT_THAT(records[2], HasSubstr("REST.POST.UPLOAD k "));
  EXPECT_THAT(records[2], MatchesRegex(".*\" 200 - [0-9]+ 5 .*"));
}

TEST_F(AccessLogsTest, ALogEndsWithItsConfigurationAndItsBucket) {
  ask("GET", "/bucket?acl");
  ask("PUT", "/bucket?logging", "<BucketLoggingStatus/>");
  ask("GET", "/bucket?acl");
  // What was recorded before is still delivered.
  EXPECT_THAT(told(), ElementsAre(HasSubstr("REST.GET.ACL"), HasSubstr("REST.PUT.LOGGING_STATUS")));
  log_to("logs", "of/");
  ask("DELETE", "/bucket");
  make_bucket();
  ask("GET", "/bucket?acl");
  EXPECT_THAT(told(), Contains(HasSubstr("REST.DELETE.BUCKET")));
  EXPECT_EQ(counters().records, 3U);
}

TEST_F(AccessLogsTest, ConfigurationsAreThereAfterARestart) {
  AccessLogs again(fake_.clock);
  ASSERT_TRUE(again.refresh(*database_, *s3_));
  const auto found = again.find("bucket");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->owner, kAccount);
  EXPECT_EQ(found->region, "us-east-1");
  EXPECT_EQ(found->logging, (BucketLogging{"logs", "of/"}));
  EXPECT_EQ(again.find("logs"), nullptr);
}

TEST_F(AccessLogsTest, KeysTellSourceAndTimeAsTheFormatSays) {
  ask("GET", "/bucket?acl");
  deliver();
  EXPECT_THAT(keys(), ElementsAre(MatchesRegex("of/2027-01-15-23-55-00-[0-9A-F]+")));
  EXPECT_EQ(keys().front().size(), std::string_view("of/2027-01-15-23-55-00-").size() + 16);
  const std::string folder = "p/111122223333/us-east-1/bucket/";
  const auto partitioned = [](std::string_view source) {
    return fmt::format(
        "<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>{}"
        "</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>",
        source);
  };
  log_to("logs", "p/", partitioned("DeliveryTime"));
  ask("GET", "/bucket?acl");
  deliver();
  EXPECT_THAT(keys(), Contains(MatchesRegex(folder + "2027/01/16/2027-01-16-00-00-00-[0-9A-F]+")));
  // Of two days two objects, which tell the days of the requests.
  fake_.clock.set(parse_iso("2027-02-01T23:59:59Z").value());
  log_to("logs", "e/", partitioned("EventTime"));
  ask("GET", "/bucket?acl");
  fake_.clock.advance(std::chrono::seconds(1));
  ask("GET", "/bucket?acl");
  deliver();
  const std::string days = "e/111122223333/us-east-1/bucket/2027/02/";
  EXPECT_THAT(keys(), Contains(MatchesRegex(days + "01/2027-02-01-00-00-00-[0-9A-F]+")));
  EXPECT_THAT(keys(), Contains(MatchesRegex(days + "02/2027-02-02-00-00-00-[0-9A-F]+")));
}

TEST_F(AccessLogsTest, TheTargetsPolicyDecidesAtEachDelivery) {
  ask("GET", "/bucket?acl");
  for (const std::string_view wrong : {R"("StringEquals":{"aws:SourceAccount":"444455556666"})",
                                       R"("ArnLike":{"aws:SourceArn":"arn:aws:s3:::another"})"}) {
    let_in(wrong);
    fake_.clock.advance(AccessLogs::kRetryMax);
    deliver();
    EXPECT_THAT(keys(), IsEmpty()) << wrong;
  }
  EXPECT_EQ(counters().refusals, 2U);
  EXPECT_GT(counters().waiting_bytes, 0U);
  let_in(kFromBucket);
  deliver_access_logs(*services_, Take::Due);
  EXPECT_THAT(keys(), IsEmpty()) << "before its time";
  fake_.clock.advance(AccessLogs::kRetryMax);
  deliver();
  EXPECT_THAT(keys(), SizeIs(1));
  EXPECT_EQ(counters().dropped, 0U);
}

TEST_F(AccessLogsTest, WhatIsRefusedForADayIsDroppedAndCounted) {
  ask("GET", "/bucket?acl");
  let_in(R"("StringEquals":{"aws:SourceAccount":"444455556666"})");
  deliver();
  EXPECT_EQ(counters().dropped, 0U);
  fake_.clock.advance(AccessLogs::kKept);
  deliver();
  EXPECT_EQ(counters().dropped, 1U);
  EXPECT_EQ(counters().waiting_bytes, 0U);
  let_in(kFromBucket);
  fake_.clock.advance(AccessLogs::kKept);
  deliver();
  EXPECT_THAT(keys(), IsEmpty());
}

TEST_F(AccessLogsTest, TargetsThatAreUnfitGetNothing) {
  ask("GET", "/bucket?acl");
  ASSERT_EQ(send("PUT", "/logs?encryption",
                 "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
                 "<SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
                 "</ServerSideEncryptionConfiguration>")
                .status,
            200);
  deliver();
  EXPECT_THAT(keys(), IsEmpty());
  EXPECT_EQ(counters().refusals, 1U);
  ASSERT_EQ(send("DELETE", "/logs?encryption").status, 204);
  fake_.clock.advance(AccessLogs::kRetryMax);
  deliver();
  EXPECT_THAT(keys(), SizeIs(1));
}

TEST_F(AccessLogsTest, AStopDeliversWhatIsThereAndDropsWhatIsRefused) {
  ask("GET", "/bucket?acl");
  deliver_access_logs(*services_, Take::Due);
  EXPECT_THAT(keys(), IsEmpty());
  deliver_access_logs(*services_, Take::All);
  EXPECT_THAT(keys(), SizeIs(1));
  ask("GET", "/bucket?acl");
  let_in(R"("StringEquals":{"aws:SourceAccount":"444455556666"})");
  deliver_access_logs(*services_, Take::All);
  EXPECT_EQ(counters().dropped, 1U);
  EXPECT_EQ(counters().waiting_bytes, 0U);
}

TEST_F(AccessLogsTest, ABucketMayHaveItsOwnLogWithoutEnd) {
  let_in(R"("StringEquals":{"aws:SourceAccount":"111122223333"})");
  log_to("logs", "own/", "", "logs");
  ask("GET", "/logs?acl");
  deliver();
  EXPECT_THAT(keys(), SizeIs(1));
  deliver();
  const auto records = lines();
  EXPECT_THAT(keys(), SizeIs(2));
  EXPECT_THAT(records, Contains(AllOf(HasSubstr("] - svc:logging.s3.amazonaws.com "),
                                      HasSubstr(" REST.PUT.OBJECT own/2027-01-15-23-55-00-"))));
  // A stop does not go on for ever.
  deliver_access_logs(*services_, Take::All);
  EXPECT_THAT(keys(), SizeIs(3));
}

TEST_F(AccessLogsTest, ALogIsAnObjectOfItsBucketLikeAnyOther) {
  log_data_events({"arn:aws:s3:::logs/"});
  const auto queue = execute(
      *services_, caller_, *find_service("sqs")->find("CreateQueue"),
      {{"QueueName", "news"},
       {"Attributes", json::Object{{"Policy", R"({"Version":"2012-10-17","Statement":{"Effect":)"
                                              R"("Allow","Principal":{"Service":"s3.amazonaws.)"
                                              R"(com"},"Action":"sqs:SendMessage","Resource":"*")"
                                              R"(}})"}}}});
  ASSERT_TRUE(queue);
  ASSERT_EQ(send("PUT", "/logs?notification",
                 "<NotificationConfiguration><QueueConfiguration><Queue>"
                 "arn:aws:sqs:us-east-1:111122223333:news</Queue><Event>s3:ObjectCreated:*</Event>"
                 "</QueueConfiguration></NotificationConfiguration>")
                .status,
            200);
  ask("GET", "/bucket?acl");
  deliver();
  const auto key = keys().at(0);
  const auto head = send("HEAD", "/logs/" + key);
  EXPECT_EQ(head.headers.get("Content-Type"), "text/plain");
  EXPECT_EQ(head.headers.get("x-amz-server-side-encryption"), "AES256");
  const auto event = [&] {
    for (const auto& one : events()) {
      if (json::find_string(one, "eventName") == "PutObject") return one;
    }
    return json::Object();
  }();
  EXPECT_EQ(event.at("userIdentity").at("invokedBy"), "logging.s3.amazonaws.com");
  EXPECT_EQ(event.at("requestParameters").at("key"), json::Value(key));
  EXPECT_EQ(event.at("recipientAccountId"), json::Value(kAccount));
  std::vector<std::string> noted;
  ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto found,
               queues_.find_by_arn(transaction, "arn:aws:sqs:us-east-1:111122223333:news"));
    TRY_ASSIGN(const auto received,
               messages_.receive(transaction, *found, 10, std::chrono::seconds(30)));
    for (const auto& one : received) noted.push_back(one.body);
    return {};
  }));
  EXPECT_THAT(noted, Contains(AllOf(HasSubstr("ObjectCreated:Put"), HasSubstr(key))));
}

TEST_F(AccessLogsTest, FilesOfTrailsAreRecordedWithWhoPutsThem) {
  ASSERT_EQ(send("PUT", "/bucket?policy",
                 R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":)"
                 R"("cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":)"
                 R"("arn:aws:s3:::bucket/AWSLogs/*"}})")
                .status,
            204);
  const std::string_view trail = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main";
  EXPECT_TRUE(store_->put_if_absent({"bucket", "AWSLogs/a", "bytes", {}, trail, "us-east-1"}));
  EXPECT_FALSE(store_->put_if_absent({"bucket", "elsewhere", "bytes", {}, trail, "us-east-1"}));
  EXPECT_THAT(told(), ElementsAre(HasSubstr("REST.PUT.OBJECT AWSLogs/a - 200 - - 5 - - - "
                                            "\"cloudtrail.amazonaws.com\" - "),
                                  HasSubstr("REST.PUT.OBJECT elsewhere - 403 AccessDenied - 5 ")));
  EXPECT_THAT(lines().front(), HasSubstr("] - svc:cloudtrail.amazonaws.com "));
}

TEST_F(AccessLogsTest, LifecycleRulesAreRecordedAsS3s) {
  ASSERT_EQ(send("PUT", "/bucket?versioning",
                 "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                .status,
            200);
  put("cold/a", std::string(10, 'a'));
  put("gone/a", "123");
  (void)send("POST", "/bucket/begun?uploads");
  ASSERT_EQ(
      send("PUT", "/bucket?lifecycle",
           "<LifecycleConfiguration>"
           "<Rule><Filter><And><Prefix>cold/</Prefix><ObjectSizeGreaterThan>0"
           "</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status><Transition><Days>1"
           "</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>"
           "<Rule><Filter><Prefix>gone/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>"
           "1</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
           "</NoncurrentVersionExpiration></Rule>"
           "<Rule><Filter/><Status>Enabled</Status><AbortIncompleteMultipartUpload>"
           "<DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>"
           "</LifecycleConfiguration>")
          .status,
      200);
  LifecycleSweep sweep(*services_);
  for (int day = 0; day < 5; ++day) {
    fake_.clock.advance(std::chrono::hours(24));
    ASSERT_TRUE(sweep.step([] { return false; }));
  }
  const auto records = told();
  EXPECT_THAT(records, Contains(MatchesRegex("S3.TRANSITION.OBJECT cold/a \"-\" - - - 10 - - "
                                             "\"-\" \"-\" [^- ][^ ]* - - - - - - - - -")));
  EXPECT_THAT(records, Contains(MatchesRegex("S3.CREATE.DELETEMARKER gone/a \"-\" - - - 3 .*")));
  EXPECT_THAT(records, Contains(MatchesRegex("S3.EXPIRE.OBJECT gone/a \"-\" - - - 3 .*")));
  EXPECT_THAT(records, Contains(MatchesRegex("S3.DELETE.UPLOAD begun \"-\" - - - - .*")));
  EXPECT_THAT(lines().front(), HasSubstr("] - AmazonS3 - S3."));
}

// Batches without a server.
class AccessLogBatchesTest : public testing::Test {
 protected:
  AccessRecord record(size_t bytes = 100) {
    AccessRecord out;
    out.time = clock_.now();
    out.user_agent = std::string(bytes, 'a');
    return out;
  }
  os::FakeClock clock_{parse_iso("2027-01-15T12:00:00Z").value()};
  AccessLogs logs_{clock_};
  LoggedBucket bucket_{"bucket", "111122223333", "us-east-1", {"logs", ""}};
};

TEST_F(AccessLogBatchesTest, ABatchIsOverByAgeOrBytesOrRecords) {
  logs_.add(bucket_, record());
  clock_.advance(AccessLogs::kBatchAgeMax - std::chrono::seconds(1));
  EXPECT_FALSE(logs_.take(Take::Due));
  logs_.add(bucket_, record());
  clock_.advance(std::chrono::seconds(1));
  auto batch = logs_.take(Take::Due);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->records, 2U);
  logs_.delivered(*batch);
  for (batch.reset(); !batch; batch = logs_.take(Take::Due)) logs_.add(bucket_, record(4000));
  EXPECT_GE(batch->text.size(), AccessLogs::kBatchBytesMax);
  EXPECT_LT(batch->text.size(), AccessLogs::kBatchBytesMax + 8192);
  logs_.delivered(*batch);
  EXPECT_EQ(logs_.counters().waiting_bytes, 0U);
  for (size_t i = 0; i < AccessLogs::kBatchRecordsMax; ++i) logs_.add(bucket_, record(0));
  batch = logs_.take(Take::Due);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->records, AccessLogs::kBatchRecordsMax);
}

TEST_F(AccessLogBatchesTest, MemoryHasALimitForEachBucketAndForAll) {
  while (logs_.counters().dropped == 0) logs_.add(bucket_, record(4000));
  EXPECT_LE(logs_.counters().waiting_bytes, AccessLogs::kBucketBytesMax);
  EXPECT_GT(logs_.counters().waiting_bytes, AccessLogs::kBucketBytesMax - 8192);
  // Others have their room.
  auto another = bucket_;
  another.name = "another";
  logs_.add(another, record(4000));
  EXPECT_EQ(logs_.counters().dropped, 1U);
  for (int i = 0; i < 20; ++i) {
    another.name = fmt::format("bucket-{}", i);
    for (size_t bytes = 0; bytes < AccessLogs::kBucketBytesMax; bytes += 4096) {
      logs_.add(another, record(4000));
    }
  }
  EXPECT_LE(logs_.counters().waiting_bytes, AccessLogs::kBytesMax);
  EXPECT_GT(logs_.counters().waiting_bytes, AccessLogs::kBytesMax - 8192);
  const auto dropped = logs_.counters().dropped;
  EXPECT_GT(dropped, 1U);
  logs_.tell_drops();
  // What is delivered makes room.
  const auto batch = logs_.take(Take::Due);
  ASSERT_TRUE(batch);
  logs_.delivered(*batch);
  logs_.add(batch->of, record(4000));
  EXPECT_EQ(logs_.counters().dropped, dropped);
}

TEST_F(AccessLogBatchesTest, ARefusedTargetIsWaitedForTwiceAsLongEachTime) {
  const auto refuse = [&] {
    auto batch = logs_.take(Take::Due);
    ASSERT_TRUE(batch);
    logs_.refused(std::move(*batch), Error(ErrorCode::PermissionDenied, "AccessDenied", "no"),
                  AccessLogs::Again::Yes);
  };
  logs_.add(bucket_, record());
  clock_.advance(AccessLogs::kBatchAgeMax);
  for (const auto minutes : {1, 2, 4, 8, 16, 32, 60, 60}) {
    refuse();
    clock_.advance(std::chrono::minutes(minutes) - std::chrono::seconds(1));
    EXPECT_FALSE(logs_.take(Take::Due)) << minutes;
    clock_.advance(std::chrono::seconds(1));
  }
  // Another target is not waited for.
  auto another = bucket_;
  another.logging.target_bucket = "elsewhere";
  refuse();
  logs_.add(another, record());
  clock_.advance(AccessLogs::kBatchAgeMax);
  auto batch = logs_.take(Take::Due);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->of.logging.target_bucket, "elsewhere");
}

}  // namespace
}  // namespace traccia::api
