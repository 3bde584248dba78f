// The Query protocol's requests and answers.
// SPDX-License-Identifier: Apache-2.0
#include "aws/query_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace traccia::aws {
namespace {

using enum Presence;

constexpr Member kTagMembers[] = {{"Key", &kString, Required}, {"Value", &kString}};
constexpr Shape kTag = structure_shape(kTagMembers);
constexpr Shape kTags = list_shape(kTag);
constexpr Shape kNames = list_shape(kString);
constexpr Shape kLabels = map_shape(kString, kInteger);
constexpr Member kMembers[] = {{"Name", &kString},         {"Count", &kInteger}, {"Ratio", &kFloat},
                               {"IsOn", &kBoolean},        {"Names", &kNames},   {"Tags", &kTags},
                               {"StartTime", &kTimestamp}, {"Labels", &kLabels}};
constexpr Shape kInput = structure_shape(kMembers);

std::string decoded(std::string_view text) {
  const auto form = parse_form(text);
  if (!form) return std::string(form.error().reason());
  const auto request = decode_form(*form, kInput);
  if (!request) return std::string(request.error().reason());
  return json::serialize(*request);
}

TEST(FormTest, DecodesPairs) {
  const auto form = parse_form("Action=GetCallerIdentity&Version=2011-06-15&&a+b=c+%2B%26&Flag");
  ASSERT_TRUE(form) << form.error().message();
  EXPECT_EQ(form->get("Action"), "GetCallerIdentity");
  EXPECT_EQ(form->get("a b"), "c +&");
  EXPECT_EQ(form->find("Flag"), "");
  EXPECT_EQ(form->find("Absent"), std::nullopt);
  EXPECT_EQ(form->size(), 4U);
}

TEST(FormTest, RefusesMalformedText) {
  for (const char* text : {"a=%", "a=%zz", "%4=1", "a=1&a=2"}) {
    EXPECT_EQ(decoded(text), "MalformedQueryString") << text;
  }
}

TEST(FormTest, HasLimits) {
  EXPECT_TRUE(parse_form("a=1&b=2", {.parameters_max = 2}));
  EXPECT_FALSE(parse_form("a=1&b=2", {.parameters_max = 1}));
  EXPECT_FALSE(parse_form("a=1", {.bytes_max = 2}));
  EXPECT_FALSE(parse_form("abc=1", {.name_bytes_max = 2}));
}

TEST(DecodeFormTest, FollowsTheDescription) {
  const std::pair<const char*, const char*> cases[] = {
      {"Action=X", "{}"},
      {"Name=a&Unknown=b", R"({"Name":"a"})"},
      {"Name=", R"({"Name":""})"},
      {"Count=-5&Ratio=1.5&IsOn=true", R"({"Count":-5,"Ratio":1.5E0,"IsOn":true})"},
      {"Names.member.1=a&Names.member.2=b", R"({"Names":["a","b"]})"},
      {"Names.1=a&Names.2=b&Names.4=d", R"({"Names":["a","b"]})"},
      {"Names.member.2=b", R"({"Names":[]})"},
      {"Names.member.10=j&Names.member.1=a", R"({"Names":["a"]})"},
      {"Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=l",
       R"({"Tags":[{"Key":"k","Value":"v"},{"Key":"l"}]})"},
      {"Labels.entry.1.key=k&Labels.entry.1.value=7", R"({"Labels":{"k":7}})"},
      {"StartTime=2026-11-24T05:06:07Z", R"({"StartTime":"2026-11-24T05:06:07Z"})"},
      {"Count=five", "MalformedInput"},
      {"Count=5x", "MalformedInput"},
      {"IsOn=TRUE", "MalformedInput"},
      {"StartTime=soon", "MalformedInput"},
      {"Labels.entry.1.value=7", "MalformedInput"},
      {"Labels.entry.1.key=k&Labels.entry.1.value=x", "MalformedInput"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(decoded(text), expected) << text;
}

constexpr Member kOutputMembers[] = {
    {"UserId", &kString}, {"Names", &kNames},          {"Tag", &kTag},
    {"Labels", &kLabels}, {"CreateDate", &kTimestamp}, {"IsOn", &kBoolean}};
constexpr Shape kOutput = structure_shape(kOutputMembers);

Operation operation_with(const Shape& output) {
  return {.service = "sts",
          .event_source = "sts.amazonaws.com",
          .name = "GetThing",
          .protocol = Protocol::Query,
          .api_version = "2011-06-15",
          .iam_action = "sts:GetThing",
          .output = &output};
}

// SQS flattens lists and maps, and has words of its own for the entries of maps.
constexpr Shape kAttributes = [] {
  auto out = map_shape(kString, kString);
  out.entry_key = "Name";
  out.entry_value = "Value";
  return out;
}();
constexpr Member kFlatMembers[] = {
    {.name = "Attributes", .shape = &kAttributes, .flat = "Attribute"},
    {.name = "Entries", .shape = &kTags, .flat = "Entry"}};
constexpr Shape kFlat = structure_shape(kFlatMembers);

TEST(DecodeFormTest, FlattenedItemsLieBelowTheirOwnName) {
  const auto form = parse_form(
      "Attribute.1.Name=a&Attribute.1.Value=1&Attribute.2.Name=member&Attribute.2.Value=2&"
      "Entry.1.Key=k&Entry.1.Value=v&Entry.2.Key=l&Entries.1.Key=not-this");
  const auto request = decode_form(*form, kFlat);
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(json::serialize(*request), R"({"Attributes":{"a":"1","member":"2"},)"
                                       R"("Entries":[{"Key":"k","Value":"v"},{"Key":"l"}]})");
  EXPECT_EQ(decode_form(*parse_form("Attribute.1.Value=1"), kFlat).error().reason(),
            "MalformedInput");
}

TEST(QueryAnswerTest, FlattenedItemsHaveNoElementAround) {
  Operation operation{};
  operation.name = "Get";
  operation.output = &kFlat;
  const auto text = render_query_answer(
      operation, "urn:x",
      {{"Attributes", json::Object{{"a", "1"}}},
       {"Entries", json::Array{json::Object{{"Key", "k"}}, json::Object{{"Key", "l"}}}}},
      "r");
  EXPECT_NE(text.find("<GetResult><Attribute><Name>a</Name><Value>1</Value></Attribute>"
                      "<Entry><Key>k</Key></Entry><Entry><Key>l</Key></Entry></GetResult>"),
            std::string::npos)
      << text;
}

TEST(QueryAnswerTest, RendersDescribedMembers) {
  const auto output =
      json::parse(R"({"UserId":"<u>","Names":["a","b"],"Tag":{"Key":"k","Odd":1},"Labels":{"x":1},)"
                  R"("CreateDate":1795496767,"IsOn":true,"Odd":1})");
  EXPECT_THAT(
      render_query_answer(operation_with(kOutput), "https://sts.amazonaws.com/doc/2011-06-15/",
                          output->get_object(), "id"),
      testing::EndsWith(
          "<GetThingResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetThingResult>"
          "<UserId>&lt;u&gt;</UserId><Names><member>a</member><member>b</member></Names>"
          "<Tag><Key>k</Key></Tag><Labels><entry><key>x</key><value>1</value></entry></Labels>"
          "<CreateDate>2026-11-24T05:06:07Z</CreateDate><IsOn>true</IsOn></GetThingResult>"
          "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetThingResponse>"));
}

TEST(QueryAnswerTest, VoidOperationsHaveNoResult) {
  constexpr Shape kNothing = structure_shape({});
  EXPECT_NE(render_query_answer(operation_with(kNothing), "x", {}, "id").find("Result"),
            std::string::npos);
  const auto text = render_query_answer(operation_with(kEmptyStructure), "x", {}, "id");
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("Result>")));
  EXPECT_THAT(text, testing::HasSubstr("<RequestId>id</RequestId>"));
}

}  // namespace
}  // namespace traccia::aws
