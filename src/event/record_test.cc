// Admission of records: what is filled in, what is refused by which word, and splitting of bodies.
// SPDX-License-Identifier: Apache-2.0
#include "event/record.h"

#include <gtest/gtest.h>

namespace traccia::event {
namespace {

AdmitOptions options() {
  AdmitOptions out;
  out.account = "111122223333";
  out.default_region = "eu-south-1";
  out.now = parse_iso("2026-11-24T12:00:00Z").value();
  out.region_known = [](std::string_view region) { return region.starts_with("eu-"); };
  out.new_event_id = [] { return std::string("id-1"); };
  return out;
}

constexpr std::string_view kMinimal =
    R"({"eventTime":"2026-11-24T11:00:00Z","eventName":"RunInstances"})";

Result<Record> admit(std::string_view json, const AdmitOptions& how) {
  static std::vector<std::unique_ptr<RecordMemory>> kept;  // what the records point into
  kept.push_back(std::make_unique<RecordMemory>(json.size()));
  return event::admit(json, how, *kept.back());
}

std::string reason(std::string_view json, AdmitOptions how = options()) {
  const auto record = admit(json, how);
  return record ? "accepted" : std::string(record.error().reason());
}

TEST(Admit, FillsInWhatIsMissingAtTheEnd) {
  const auto record = admit(kMinimal, options()).value();
  EXPECT_EQ(record.json, R"({"eventTime":"2026-11-24T11:00:00Z","eventName":"RunInstances",)"
                         R"("eventVersion":"1.11","eventID":"id-1","awsRegion":"eu-south-1",)"
                         R"("eventType":"AwsApiCall","recipientAccountId":"111122223333",)"
                         R"("eventCategory":"Management"})");
  EXPECT_EQ(record.category, Category::Management);
  EXPECT_FALSE(record.read_only);
}

TEST(Admit, KeepsBytesAndOrderAndDropsWhitespaceBetween) {
  const auto record = admit(
                          "{ \"eventName\" : \"a  b\",\n\t\"eventTime\":\"2026-11-24T11:00:00Z\","
                          "\"x\":[1.50, 1e3 , \"\\u00e9\\n\"],\"eventID\":\"e\"}",
                          options())
                          .value();
  EXPECT_TRUE(record.json.starts_with(R"({"eventName":"a  b","eventTime":"2026-11-24T11:00:00Z",)"
                                      R"("x":[1.50,1e3,"\u00e9\n"],"eventID":"e")"))
      << record.json;
}

TEST(Admit, ReadsWhatLookUpsAndSelectorsNeed) {
  const auto record =
      admit(R"({"eventTime":"2026-11-24T11:00:00Z","eventName":"GetObject","eventID":"e1",
        "eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","readOnly":true,
        "managementEvent":false,"errorCode":"AccessDenied","userIdentity":{"type":"AssumedRole",
        "principalId":"AROAX:alice","arn":"arn:aws:sts::1:assumed-role/r/alice",
        "accessKeyId":"ASIA1",
        "invokedBy":"x.amazonaws.com"},
        "resources":[{"ARN":"arn:aws:s3:::b/k","type":"AWS::S3::Object"},
        {"ARNPrefix":"arn:aws:s3:::b/","type":"AWS::S3::Object"}]})",
            options())
          .value();
  EXPECT_EQ(record.category, Category::Data);
  EXPECT_EQ(record.read_only, true);
  EXPECT_EQ(record.user_name, "alice");
  EXPECT_EQ(record.access_key_id, "ASIA1");
  EXPECT_EQ(record.invoked_by, "x.amazonaws.com");
  EXPECT_EQ(record.error_code, "AccessDenied");
  ASSERT_EQ(record.resources.size(), 2U);
  EXPECT_EQ(record.resources[1].arn, "arn:aws:s3:::b/");
}

TEST(Admit, NamesEachRefusal) {
  EXPECT_EQ(reason(kMinimal), "accepted");
  EXPECT_EQ(reason(R"({"eventName":"a"})"), "MissingEventTime");
  EXPECT_EQ(reason(R"({"eventTime":null,"eventName":"a"})"), "MissingEventTime");
  EXPECT_EQ(reason(R"({"eventTime":5,"eventName":"a"})"), "InvalidEventTime");
  EXPECT_EQ(reason(R"({"eventTime":"2026-02-30T00:00:00Z","eventName":"a"})"), "InvalidEventTime");
  EXPECT_EQ(reason(R"({"eventTime":"2026-11-24T12:05:00Z","eventName":"a"})"), "accepted");
  EXPECT_EQ(reason(R"({"eventTime":"2026-11-24T12:05:01Z","eventName":"a"})"), "EventTimeInFuture");
  EXPECT_EQ(reason(R"({"eventTime":"2026-11-24T11:00:00Z"})"), "MissingEventName");
  EXPECT_EQ(reason(R"({"eventTime":"2026-11-24T11:00:00Z","eventName":7})"), "InvalidMember");
  EXPECT_EQ(reason("[1]"), "NotAnObject");
  EXPECT_EQ(reason("7"), "NotAnObject");
  for (const auto* text :
       {"", "{", "{\"a\":}", "{}{}", "{\"a\":\"\xff\"}", "{\"a\":1,}", "\"open"}) {
    EXPECT_EQ(reason(text), "MalformedJSON") << text;
  }
  const std::string head = R"({"eventTime":"2026-11-24T11:00:00Z","eventName":"a",)";
  EXPECT_EQ(reason(head + R"("eventName":"b"})"), "DuplicateMember");
  EXPECT_EQ(reason(head + R"("userIdentity":{"arn":"a","arn":"b"}})"), "DuplicateMember");
  EXPECT_EQ(reason(head + R"("userIdentity":"me"})"), "InvalidMember");
  EXPECT_EQ(reason(head + R"("readOnly":"maybe"})"), "InvalidMember");
  EXPECT_EQ(reason(head + R"("resources":{}})"), "InvalidMember");
  EXPECT_EQ(reason(head + R"("eventID":""})"), "InvalidMember");
  EXPECT_EQ(reason(head + R"("eventID":"a b"})"), "InvalidEventId");
  EXPECT_EQ(reason(head + R"("awsRegion":"mars-1"})"), "UnknownRegion");
  EXPECT_EQ(reason(head + R"("recipientAccountId":"12"})"), "InvalidAccount");
  EXPECT_EQ(reason(head + R"("recipientAccountId":"444455556666"})"), "AccountMismatch");
  auto import = options();
  import.may_import = true;
  EXPECT_EQ(reason(head + R"("recipientAccountId":"444455556666"})", import), "accepted");
  EXPECT_EQ(reason(head + R"("x":")" + std::string(kRecordBytesMax, 'x') + "\"}"),
            "RecordTooLarge");
  EXPECT_EQ(admit(head + R"("recipientAccountId":"anonymous"})", import)->account, "111122223333");
  EXPECT_EQ(reason(head + R"("resources":""})"), "accepted");
  const std::string deep(kRecordDepthMax + 1, '[');
  EXPECT_EQ(reason(head + "\"x\":" + deep + std::string(deep.size(), ']') + "}"), "TooDeep");
}

TEST(Admit, AStoredRecordComesBackAsItIs) {
  const auto first = admit(kMinimal, options()).value();
  RecordMemory memory(0);
  const auto again = read_stored(memory.keep_padded(first.json), "", memory).value();
  EXPECT_EQ(again.json, first.json);
  EXPECT_EQ(again.event_id, "id-1");
  EXPECT_EQ(again.account, "111122223333");
}

std::vector<std::string> split(std::string_view body) {
  std::vector<std::string> out;
  const auto records = split_body(body, 100);
  if (!records) return {"error " + std::string(records.error().reason())};
  for (const auto& one : *records)
    out.push_back(std::to_string(one.line) + ":" + std::string(one.json));
  return out;
}

using Strings = std::vector<std::string>;

TEST(SplitBody, LinesEnvelopeAndArray) {
  EXPECT_EQ(split(""), Strings{});
  EXPECT_EQ(split("{\"a\":1}\n\n  {broken\r\n{}"), (Strings{"1:{\"a\":1}", "3:{broken", "4:{}"}));
  EXPECT_EQ(split(R"( {"Records" : [ {"a":"]}\""} , {"b":[1]} ] } )"),
            (Strings{R"(1:{"a":"]}\""})", R"(2:{"b":[1]})"}));
  EXPECT_EQ(split(R"({"Records":[]})"), Strings{});
  EXPECT_EQ(split("[{},7]"), (Strings{"1:{}", "2:7"}));
  EXPECT_EQ(split("{\n\"eventName\":1}"), (Strings{"1:{", "2:\"eventName\":1}"}));
}

TEST(SplitBody, ABrokenOutsideFailsAsAWhole) {
  for (const auto* body : {"[", "[{}", "[{},]", "[{}] x", "[,]", R"({"Records":[{})",
                           R"({"Records":[{}]})"
                           "x",
                           R"({"Records":[{}],"more":1})", R"({"Records":7})", "[}", "[\"open]"}) {
    EXPECT_EQ(split(body), Strings{"error MalformedBody"}) << body;
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "{}\n";
  EXPECT_EQ(split(many), Strings{"error TooManyRecords"});
}

}  // namespace
}  // namespace traccia::event
