// Validation messages in AWS's words, and what audit events show of parameters.
// SPDX-License-Identifier: Apache-2.0
#include "aws/operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace traccia::aws {
namespace {

using enum Presence;

bool is_lower(std::string_view text) {
  return only_characters(text, "a-z");
}

constexpr Shape kTagKey = string_shape(1, 8);
constexpr Shape kTagValue = string_shape({}, 4, {"^[a-z]+$", is_lower});
constexpr Member kTagMembers[] = {{"Key", &kTagKey, Required}, {"Value", &kTagValue}};
constexpr Shape kTag = structure_shape(kTagMembers);
constexpr Shape kTags = list_shape(kTag, 1, 2);
constexpr std::string_view kColours[] = {"RED", "GREEN"};
constexpr Shape kColour = enum_shape(kColours);
constexpr Shape kCount = integer_shape(1, 50);
constexpr Shape kNames = list_shape(kTagKey);
constexpr Shape kLabels = map_shape(kTagKey, kTagValue);
constexpr Shape kKey{.type = MemberType::Blob, .min = 1, .max = 3};
constexpr Member kMembers[] = {
    {"Name", &kTagKey, Required},
    {"MaxResults", &kCount},
    {"Colour", &kColour},
    {"TagsList", &kTags},
    {"Names", &kNames},
    {"Labels", &kLabels},
    {"IsOn", &kBoolean},
    {"StartTime", &kTimestamp},
    {"Ratio", &kFloat},
    {"Size", &kLong},
    {"S3BucketName", &kString},
    {"KeyMaterial", &kKey},
    {.name = "Password", .shape = &kTagValue, .sensitivity = Sensitivity::Secret},
    {.name = "ID", .shape = &kString, .audit_name = "id"},
};
constexpr Shape kInput = structure_shape(kMembers);

std::string verdict(std::string_view text) {
  const auto request = json::parse(text);
  if (!request) return "unparsable";
  const auto result = validate(kInput, request->get_object());
  if (result) return "valid";
  return std::string(result.error().reason()) + ": " + result.error().message();
}

TEST(ValidateTest, GoodRequests) {
  for (const char* text : {
           R"({"Name":"a"})",
           R"({"Name":"12345678","MaxResults":50,"Colour":"RED","Unknown":[1]})",
           R"({"Name":"éééééééé","MaxResults":null,"TagsList":[{"Key":"k","Value":"v"}]})",
           R"({"Name":"a","Names":["x","y"],"Labels":{"k":"v"},"IsOn":false,"Ratio":1})",
           R"({"Name":"a","StartTime":1700000000.5,"Size":9000000000,"MaxResults":5.0})",
           R"({"Name":"a","StartTime":"2026-11-24T05:06:07Z","KeyMaterial":"YWJj"})",
       }) {
    EXPECT_EQ(verdict(text), "valid") << text;
  }
}

TEST(ValidateTest, Violations) {
  const std::string one = "ValidationException: 1 validation error detected: Value ";
  const std::string fails = " failed to satisfy constraint: Member must ";
  const std::pair<const char*, std::string> cases[] = {
      {R"({})", one + "null at 'name'" + fails + "not be null"},
      {R"({"Name":null})", one + "null at 'name'" + fails + "not be null"},
      {R"({"Name":""})", one + "'' at 'name'" + fails + "have length greater than or equal to 1"},
      {R"({"Name":"123456789"})",
       one + "'123456789' at 'name'" + fails + "have length less than or equal to 8"},
      {R"({"Name":"a","MaxResults":100})",
       one + "'100' at 'maxResults'" + fails + "have value less than or equal to 50"},
      {R"({"Name":"a","MaxResults":0})",
       one + "'0' at 'maxResults'" + fails + "have value greater than or equal to 1"},
      {R"({"Name":"a","Colour":"BLUE"})",
       one + "'BLUE' at 'colour'" + fails + "satisfy enum value set: [RED, GREEN]"},
      {R"({"Name":"a","TagsList":[]})",
       one + "'[]' at 'tagsList'" + fails + "have length greater than or equal to 1"},
      {R"({"Name":"a","TagsList":[{"Value":"v"}]})",
       one + "null at 'tagsList.1.member.key'" + fails + "not be null"},
      {R"({"Name":"a","TagsList":[{"Key":"k"},{"Key":"k","Value":"V"}]})",
       one + "'V' at 'tagsList.2.member.value'" + fails +
           "satisfy regular expression pattern: ^[a-z]+$"},
      {R"({"Name":"a","TagsList":[null]})",
       one + "null at 'tagsList.1.member'" + fails + "not be null"},
      {R"({"Name":"a","Names":["ok","","123456789"]})",
       one + "'[ok, , 123456789]' at 'names'" + fails +
           "satisfy constraint: [Member must have length less than or equal to 8, Member must "
           "have length greater than or equal to 1]"},
      {R"({"Name":"a","Labels":{"":"v"}})",
       one + "'{=v}' at 'labels' failed to satisfy constraint: Map keys must satisfy constraint: "
             "[Member must have length less than or equal to 8, Member must have length greater "
             "than or equal to 1]"},
      {R"({"Name":"a","Labels":{"k":"V"}})",
       one + "'{k=V}' at 'labels' failed to satisfy constraint: Map value must satisfy "
             "constraint: [Member must have length less than or equal to 4, Member must satisfy "
             "regular expression pattern: ^[a-z]+$]"},
      {R"({"Name":"a","KeyMaterial":"YWJjZA=="})",
       one + "'YWJjZA==' at 'keyMaterial'" + fails + "have length less than or equal to 3"},
  };
  for (const auto& [request, expected] : cases) EXPECT_EQ(verdict(request), expected) << request;
}

TEST(ValidateTest, AllViolationsAreInOneMessage) {
  EXPECT_EQ(verdict(R"({"MaxResults":51,"TagsList":[{"Key":"k"},{},{}]})"),
            "ValidationException: 5 validation errors detected: "
            "Value null at 'name' failed to satisfy constraint: Member must not be null; "
            "Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less "
            "than or equal to 50; "
            "Value '[{Key=k}, {}, {}]' at 'tagsList' failed to satisfy constraint: Member must "
            "have length less than or equal to 2; "
            "Value null at 'tagsList.2.member.key' failed to satisfy constraint: Member must not "
            "be null; "
            "Value null at 'tagsList.3.member.key' failed to satisfy constraint: Member must not "
            "be null");
}

TEST(ValidateTest, SecretsAndLongValuesAreNotEchoedWhole) {
  EXPECT_EQ(verdict(R"({"Name":"a","Password":"hunter2"})"),
            "ValidationException: 2 validation errors detected: "
            "Value at 'password' failed to satisfy constraint: Member must have length less than "
            "or equal to 4; "
            "Value at 'password' failed to satisfy constraint: Member must satisfy regular "
            "expression pattern: ^[a-z]+$");
  std::string many = R"({"Name":"a","TagsList":[)";
  for (int i = 0; i < 100; ++i) many += "{},";
  many.back() = ']';
  const auto text = verdict(many + "}");
  EXPECT_THAT(text, testing::StartsWith("ValidationException: 101 validation errors detected: "));
  EXPECT_LT(text.size(), 2000U);
  EXPECT_LT(verdict(R"({"Name":")" + std::string(100000, 'x') + "\"}").size(), 1000U);
}

TEST(ValidateTest, AServiceMayHaveWordsOfItsOwn) {
  static constexpr Shape kName = string_shape(1, 4, {"[a-z]+", is_lower, "It must be lower case."});
  static constexpr Member kOwnMembers[] = {{"UserName", &kName}};
  const auto told = [&](std::string_view name) {
    const auto result = validate(structure_shape(kOwnMembers), {{"UserName", name}});
    return result ? "" : result.error().message();
  };
  EXPECT_EQ(told("bob"), "");
  EXPECT_EQ(told("Bobby"), "The specified value for userName is invalid. It must be lower case.");
  EXPECT_EQ(told("robby"),
            "1 validation error detected: Value 'robby' at 'userName' failed to satisfy "
            "constraint: Member must have length less than or equal to 4");
}

TEST(ValidateTest, WrongTypes) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"Name":1})", "NUMBER_VALUE can not be converted to a String"},
      {R"({"Name":true})", "TRUE_VALUE can not be converted to a String"},
      {R"({"Name":[]})", "Start of list found where not expected"},
      {R"({"Name":{}})", "Start of structure or map found where not expected."},
      {R"({"MaxResults":"5"})", "STRING_VALUE can not be converted to an Integer"},
      {R"({"MaxResults":1.5})", "DECIMAL_VALUE can not be converted to an Integer"},
      {R"({"MaxResults":3000000000})", "NUMBER_VALUE can not be converted to an Integer"},
      {R"({"Size":18446744073709551615})", "NUMBER_VALUE can not be converted to a Long"},
      {R"({"IsOn":"true"})", "STRING_VALUE can not be converted to a Boolean"},
      {R"({"IsOn":0})", "NUMBER_VALUE can not be converted to a Boolean"},
      {R"({"Ratio":"1"})", "STRING_VALUE can not be converted to a Float"},
      {R"({"StartTime":"soon"})", "STRING_VALUE can not be converted to a Timestamp"},
      {R"({"StartTime":-1})", "NUMBER_VALUE can not be converted to a Timestamp"},
      {R"({"StartTime":1e300})", "DECIMAL_VALUE can not be converted to a Timestamp"},
      {R"({"KeyMaterial":"?"})", "STRING_VALUE can not be converted to a ByteBuffer"},
      {R"({"TagsList":{}})", "Start of structure or map found where not expected."},
      {R"({"TagsList":"x"})", "Expected list or null"},
      {R"({"TagsList":["x"]})", "Expected structure or map or null"},
      {R"({"TagsList":[[]]})", "Start of list found where not expected"},
      {R"({"TagsList":[{"Key":5}]})", "NUMBER_VALUE can not be converted to a String"},
      {R"({"Labels":[]})", "Start of list found where not expected"},
      {R"({"Labels":{"k":5}})", "NUMBER_VALUE can not be converted to a String"},
  };
  for (const auto& [request, message] : cases) {
    EXPECT_EQ(verdict(request), std::string("SerializationException: ") + message) << request;
  }
}

TEST(AuditTest, NamesLoseTheirFirstCapital) {
  EXPECT_EQ(audit_name("Name"), "name");
  EXPECT_EQ(audit_name("S3BucketName"), "s3BucketName");
  EXPECT_EQ(audit_name("SnsTopicARN"), "snsTopicARN");
  EXPECT_EQ(audit_name("TrailARN"), "trailARN");
  EXPECT_EQ(audit_name("KmsKeyId"), "kmsKeyId");
  EXPECT_EQ(audit_name("includeShadowTrails"), "includeShadowTrails");
  EXPECT_EQ(audit_name(""), "");
}

TEST(AuditTest, ShowsDescribedMembersOnly) {
  const auto request = json::parse(
      R"({"Name":"a","S3BucketName":"b","TagsList":[{"Key":"K","Value":"V","Odd":1}],)"
      R"("Labels":{"Key":"V"},"IsOn":false,"StartTime":1795496767,"KeyMaterial":"YWJj",)"
      R"("Password":"hunter2","ID":"x","MaxResults":null,"Unknown":"u"})");
  EXPECT_EQ(json::serialize(audit_parameters(kInput, request->get_object())),
            R"({"name":"a","tagsList":[{"key":"K","value":"V"}],"labels":{"Key":"V"},)"
            R"("isOn":false,"startTime":"Nov 24, 2026, 5:06:07 AM","s3BucketName":"b",)"
            R"("password":"HIDDEN_DUE_TO_SECURITY_REASONS","id":"x"})");
}

TEST(AuditTest, LeavesOutValuesOfTheWrongTypeButHidesSecretsOfAnyType) {
  const auto request =
      json::parse(R"({"Name":5,"TagsList":"x","Names":[1,"a"],"Password":{"deep":"secret"}})");
  EXPECT_EQ(json::serialize(audit_parameters(kInput, request->get_object())),
            R"({"names":["a"],"password":"HIDDEN_DUE_TO_SECURITY_REASONS"})");
}

TEST(AuditTest, HoursRunFromTwelveToEleven) {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "Jan 1, 1970, 12:00:00 AM"},
      {12 * 3600 + 61, "Jan 1, 1970, 12:01:01 PM"},
      {23 * 3600 + 59 * 60, "Jan 1, 1970, 11:59:00 PM"},
      {1795496767 + 7 * 86400, "Dec 1, 2026, 5:06:07 AM"}};
  for (const auto& [seconds, text] : cases) {
    const json::Object request = {{"StartTime", seconds}};
    EXPECT_EQ(json::find_string(audit_parameters(kInput, request), "startTime"), text);
  }
}

TEST(TimestampTest, RoundTrip) {
  const Time whole = parse_iso("2026-11-24T05:06:07Z").value();
  EXPECT_EQ(json::serialize(encode_timestamp(whole)), "1795496767");
  EXPECT_EQ(decode_timestamp(encode_timestamp(whole)).value(), whole);
  const Time fraction = whole + std::chrono::milliseconds(89);
  EXPECT_EQ(decode_timestamp(encode_timestamp(fraction)).value(), fraction);
  EXPECT_EQ(decode_timestamp(json::Value("2026-11-24T05:06:07.089Z")).value(), fraction);
  EXPECT_FALSE(decode_timestamp(json::Value("1969-01-01T00:00:00Z")));
  EXPECT_FALSE(decode_timestamp(json::Value(nullptr)));
}

TEST(OperationTest, FindMember) {
  ASSERT_NE(find_member(kInput, "Labels"), nullptr);
  EXPECT_EQ(find_member(kInput, "Labels")->shape, &kLabels);
  EXPECT_EQ(find_member(kInput, "labels"), nullptr);
}

TEST(OperationTest, OnlyCharacters) {
  EXPECT_TRUE(only_characters("", "a-z"));
  EXPECT_TRUE(only_characters("a.Z_9-", "a-zA-Z0-9._-"));
  EXPECT_TRUE(only_characters("-", "-a"));
  EXPECT_FALSE(only_characters("a b", "a-z"));
  EXPECT_FALSE(only_characters("\xC3\xA9", "a-zA-Z0-9"));
}

}  // namespace
}  // namespace traccia::aws
