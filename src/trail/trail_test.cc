// The rules and texts of trails, the decision of selectors, and the store.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "os/fake_os.h"
#include "trail/trails.h"

namespace traccia::trail {
namespace {

std::string refusal(const Result<>& result) {
  return result ? "" : std::string(result.error().reason()) + ": " + result.error().message();
}

TEST(TrailNames, AreRefusedInTheServicesOwnWords) {
  for (const auto* name : {"abc", "My-Trail_1.x", "a1b"})
    EXPECT_TRUE(check_trail_name(name)) << name;
  EXPECT_EQ(
      refusal(check_trail_name("ab")),
      "InvalidTrailName: Trail name too short. Minimum allowed length: 3 characters. Specified "
      "name length: 2 characters.");
  EXPECT_EQ(refusal(check_trail_name(std::string(129, 'a'))),
            "InvalidTrailName: Trail name too long. Maximum allowed length: 128 characters. "
            "Specified name length: 129 characters.");
  EXPECT_EQ(refusal(check_trail_name("-abc")),
            "InvalidTrailName: Trail name must starts with a letter or number.");
  EXPECT_EQ(refusal(check_trail_name("abc_")),
            "InvalidTrailName: Trail name must ends with a letter or number.");
  EXPECT_EQ(refusal(check_trail_name("a b c")),
            "InvalidTrailName: Trail name or ARN can only contain uppercase letters, lowercase "
            "letters, numbers, periods (.), hyphens (-), and underscores (_).");
  for (const auto* name : {"a..b", "a-_b", "192.168.5.4"})
    EXPECT_FALSE(check_trail_name(name)) << name;
}

TEST(Selectors, AreChecked) {
  EXPECT_TRUE(check_selectors(default_selectors()));
  const auto with = [](std::string type, std::string value) {
    EventSelector selector;
    selector.data_resources = {{std::move(type), {std::move(value)}}};
    return refusal(check_selectors({selector}));
  };
  EXPECT_EQ(with("AWS::S3::Object", "arn:aws:s3:::bucket/"), "");
  EXPECT_EQ(with("AWS::S3::Object", "arn:aws:s3"), "");
  EXPECT_EQ(with("AWS::S3::Object", "arn:aws:s3:::b/*"),
            "InvalidEventSelectors: Value arn:aws:s3:::b/* for DataResources.Values is invalid.");
  EXPECT_TRUE(with("AWS::SNS::Topic", "x")
                  .starts_with("InvalidEventSelectors: Value AWS::SNS::Topic for "
                               "DataResources.Type is invalid. Valid values are: "));
  EXPECT_FALSE(check_selectors({}));
  EXPECT_FALSE(check_selectors(std::vector<EventSelector>(6)));
  EventSelector excluding;
  excluding.exclude_management_event_sources = {"s3.amazonaws.com"};
  EXPECT_FALSE(check_selectors({excluding}));
}

using Fields = std::vector<FieldSelector>;

Fields data(Fields more) {
  Fields out = {{.field = "eventCategory", .equals = {"Data"}},
                {.field = "resources.type", .equals = {"AWS::S3::Object"}}};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}
Fields management(Fields more) {
  more.insert(more.begin(), {.field = "eventCategory", .equals = {"Management"}});
  return more;
}
Fields network(Fields more) {
  more.insert(more.begin(), {.field = "eventCategory", .equals = {"NetworkActivity"}});
  return more;
}

TEST(AdvancedSelectors, AreAcceptedAsTheCategoryAllows) {
  const std::vector<std::string> text = {"x"};
  for (const auto& fields : {
           management({}),
           management({{.field = "readOnly", .equals = {"true"}}}),
           management({{.field = "eventSource",
                        .not_equals = {"kms.amazonaws.com", "rdsdata.amazonaws.com"}}}),
           data({}),
           data({{.field = "readOnly", .equals = {"false"}},
                 {.field = "eventName", .equals = text, .starts_with = text, .ends_with = text}}),
           data({{.field = "eventSource", .not_equals = text, .not_starts_with = text}}),
           data({{.field = "eventType", .not_ends_with = text}}),
           data({{.field = "userIdentity.arn", .starts_with = text}}),
           data({{.field = "sessionCredentialFromConsole", .not_equals = {"true"}}}),
           data({{.field = "resources.ARN", .equals = {"arn:aws:s3:::b/k"}}}),
           data({{.field = "resources.ARN", .starts_with = {"arn:aws:s3:::b"}}}),
           network({{.field = "eventSource", .equals = {"kms.amazonaws.com"}},
                    {.field = "eventName", .not_equals = text},
                    {.field = "errorCode", .equals = {"VpceAccessDenied"}},
                    {.field = "vpcEndpointId", .ends_with = text}}),
       }) {
    EXPECT_EQ(refusal(check_advanced_selectors({AdvancedEventSelector{{}, fields}})), "")
        << fields.back().field;
  }
  const Fields own = {{.field = "eventCategory", .equals = {"Data"}},
                      {.field = "resources.type", .equals = {"Shop::Orders::Order"}},
                      {.field = "resources.ARN", .equals = {"order 7"}}};
  EXPECT_EQ(refusal(check_advanced_selectors({AdvancedEventSelector{{}, own}})), "")
      << "no vocabulary";
}

TEST(AdvancedSelectors, AreRefusedWithTheReason) {
  const auto lambda = [](std::string arn) {
    return Fields{{.field = "eventCategory", .equals = {"Data"}},
                  {.field = "resources.type", .equals = {"AWS::Lambda::Function"}},
                  {.field = "resources.ARN", .equals = {std::move(arn)}}};
  };
  const std::string arn = "arn:aws:lambda:eu-south-1:111122223333:function:f";
  EXPECT_TRUE(check_advanced_selectors({AdvancedEventSelector{{}, lambda(arn)}}));
  struct Row {
    std::string message;
    Fields fields;
  };
  const Row rows[] = {
      {"An advanced event selector must have the field eventCategory with exactly one Equals "
       "value.",
       {{.field = "eventName", .equals = {"x"}}}},
      {"An advanced event selector must have the field eventCategory with exactly one Equals "
       "value.",
       {{.field = "eventCategory", .equals = {"Data", "Management"}}}},
      {"Value Insight for eventCategory is invalid. Valid values are: Management, Data, "
       "NetworkActivity",
       {{.field = "eventCategory", .equals = {"Insight"}}}},
      {"Operator NotEquals is invalid for field eventCategory when eventCategory is Management. "
       "Valid operators are: Equals",
       {{.field = "eventCategory", .equals = {"Management"}, .not_equals = {"Data"}}}},
      {"Field eventName is given more than once in an advanced event selector.",
       data({{.field = "eventName", .equals = {"x"}}, {.field = "eventName", .equals = {"x"}}})},
      {"Field eventName must have at least one operator with a value.",
       data({{.field = "eventName"}})},
      {"Field nonsense is invalid for a trail when eventCategory is Data.",
       data({{.field = "nonsense", .equals = {"x"}}})},
      {"Field eventName is invalid for a trail when eventCategory is Management.",
       management({{.field = "eventName", .equals = {"x"}}})},
      {"Operator Equals is invalid for field eventSource when eventCategory is Management. Valid "
       "operators are: NotEquals",
       management({{.field = "eventSource", .equals = {"kms.amazonaws.com"}}})},
      {"Value s3.amazonaws.com for eventSource is invalid. Valid values are: kms.amazonaws.com, "
       "rdsdata.amazonaws.com",
       management({{.field = "eventSource", .not_equals = {"s3.amazonaws.com"}}})},
      {"Value yes for readOnly is invalid. Valid values are: true, false",
       data({{.field = "readOnly", .equals = {"yes"}}})},
      {"Field resources.type is required when eventCategory is Data.",
       {{.field = "eventCategory", .equals = {"Data"}}}},
      {"Field resources.type must have exactly one value.",
       {{.field = "eventCategory", .equals = {"Data"}},
        {.field = "resources.type", .equals = {"AWS::S3::Object", "AWS::SNS::Topic"}}}},
      {"Value S3Object for resources.type is invalid. A resource type looks like AWS::S3::Object.",
       {{.field = "eventCategory", .equals = {"Data"}},
        {.field = "resources.type", .equals = {"S3Object"}}}},
      {"Value arn:aws:s3:::b for resources.ARN is invalid. Equals and NotEquals take the whole ARN "
       "of a resource of type AWS::S3::Object.",
       data({{.field = "resources.ARN", .not_equals = {"arn:aws:s3:::b"}}})},
      {"Value " + arn +
           ":1 for resources.ARN is invalid. Equals and NotEquals take the whole ARN "
           "of a resource of type AWS::Lambda::Function.",
       lambda(arn + ":1")},
      {"Field eventSource is required when eventCategory is NetworkActivity.", network({})},
      {"Field eventSource must have exactly one value.",
       network({{.field = "eventSource", .equals = {"a", "b"}}})},
      {"Value AccessDenied for errorCode is invalid. Valid values are: VpceAccessDenied",
       network({{.field = "eventSource", .equals = {"a"}},
                {.field = "errorCode", .equals = {"AccessDenied"}}})},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(refusal(check_advanced_selectors({AdvancedEventSelector{{}, row.fields}})),
              "InvalidEventSelectors: " + row.message);
  }
  EXPECT_FALSE(check_advanced_selectors({}));
}

TEST(AdvancedSelectors, HoldFiveHundredValuesAltogether) {
  const AdvancedEventSelector half{
      {}, data({{.field = "eventName", .equals = std::vector<std::string>(248, "x")}})};
  EXPECT_TRUE(check_advanced_selectors({half, half})) << "category and type count";
  auto more = half;
  more.fields.push_back({.field = "eventType", .not_equals = {"x"}});
  EXPECT_EQ(refusal(check_advanced_selectors({half, more})),
            "InvalidEventSelectors: The total number of values for all conditions in all advanced "
            "event selectors cannot exceed 500.");
}

TEST(AdvancedSelectors, AreCustom) {
  TrailConfig config;
  config.selectors = default_selectors();
  EXPECT_FALSE(has_custom_selectors(config));
  config.selectors.clear();
  config.advanced_selectors = {{{}, management({})}};
  EXPECT_TRUE(has_custom_selectors(config));
}

TrailConfig logging_trail() {
  TrailConfig config;
  config.account = "111122223333";
  config.home_region = "us-east-1";
  config.logging = true;
  config.selectors = default_selectors();
  return config;
}

TEST(TrailChanges, GoBothWays) {
  TrailChange change;
  change.config = logging_trail();
  change.config.arn = "arn";
  change.config.created = from_unix_nanoseconds(123456789);
  change.config.selectors[0].data_resources = {{"AWS::S3::Object", {"a", "b"}}};
  change.deleted = true;
  auto text = encode_change(change);
  EXPECT_EQ(encode_change(decode_change(text).value()), text);
  EXPECT_EQ(text.find("advanced"), std::string::npos) << "as before there were any";
  change.config.selectors.clear();
  change.config.advanced_selectors = {{"named", data({{.field = "eventName",
                                                       .equals = {"a"},
                                                       .starts_with = {"b", "c"},
                                                       .ends_with = {"d"},
                                                       .not_equals = {"e"},
                                                       .not_starts_with = {"f"},
                                                       .not_ends_with = {"g"}}})},
                                      {{}, management({})}};
  text = encode_change(change);
  const auto back = decode_change(text).value();
  EXPECT_EQ(encode_change(back), text);
  EXPECT_EQ(back.config.advanced_selectors[0].name, "named");
  EXPECT_EQ(back.config.advanced_selectors[1].name, std::nullopt);
  EXPECT_EQ(back.config.advanced_selectors[0].fields[2].not_ends_with,
            std::vector<std::string>{"g"});
  const auto fields = text.find(R"("fields":)");
  ASSERT_NE(fields, std::string::npos);
  EXPECT_FALSE(decode_change(text.substr(0, fields) + R"("fields":7)" + text.substr(fields + 9)));
  for (const auto* broken : {"", "[]", "{}", R"({"arn":7})"}) {
    EXPECT_FALSE(decode_change(broken)) << broken;
  }
}

class TrailsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d"));
    database_ = meta::Database::open(fake_.os(), "/d/meta.db", {kSchema, kKeysSchema}).value();
  }
  template <typename T>
  Result<T> with(const std::function<Result<T>(meta::Transaction&)>& body) {
    std::optional<T> out;
    TRY(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(out, body(transaction));
      return {};
    }));
    return std::move(*out);
  }
  Result<Trail> create(const std::string& name, const std::string& region, bool multi = false) {
    CreateRequest request;
    request.name = name;
    request.bucket = "bucket";
    request.multi_region = multi;
    return with<Trail>([&](meta::Transaction& transaction) {
      return trails_.create(transaction, {"111122223333", region}, request, Time());
    });
  }
  Result<Trail> get(const std::string& name, const std::string& region) {
    return with<Trail>([&](meta::Transaction& transaction) {
      return trails_.get(transaction, {"111122223333", region}, name);
    });
  }
  size_t described(const std::string& region, Trails::Shadows shadows) {
    return with<std::vector<Trail>>([&](meta::Transaction& transaction) {
             return trails_.describe(transaction, {"111122223333", region}, shadows);
           })
        ->size();
  }

  os::FakeOs fake_;
  std::unique_ptr<meta::Database> database_;
  Trails trails_{{"eu-south-1", "us-east-1"}};
};

TEST_F(TrailsTest, NamesAreSeenWhereTheTrailIsSeen) {
  ASSERT_TRUE(create("one", "us-east-1"));
  EXPECT_EQ(create("one", "us-east-1").error().message(),
            "Trail one already exists for customer: 111122223333");
  EXPECT_TRUE(create("one", "eu-south-1")) << "another region's";
  EXPECT_EQ(create("one", "eu-south-1", true).error().reason(), "TrailAlreadyExists");
  ASSERT_TRUE(create("all", "us-east-1", true));
  EXPECT_TRUE(get("all", "eu-south-1")) << "a shadow";
  EXPECT_EQ(described("eu-south-1", Trails::Shadows::Include), 2U);
  EXPECT_EQ(described("eu-south-1", Trails::Shadows::Exclude), 1U);
  EXPECT_EQ(get("two", "us-east-1").error().message(),
            "Unknown trail: arn:aws:cloudtrail:us-east-1:111122223333:trail/two for the user: "
            "111122223333");
  EXPECT_EQ(get("arn:aws:sns:x", "us-east-1").error().reason(), "CloudTrailARNInvalid");
  const auto change = with<Trail>([&](meta::Transaction& transaction) {
    return trails_.get_for_change(transaction, {"111122223333", "eu-south-1"}, "all");
  });
  EXPECT_EQ(change.error().reason(), "InvalidHomeRegion");
}

TEST_F(TrailsTest, FiveFitInARegionShadowsIncluded) {
  ASSERT_TRUE(create("shadow", "eu-south-1", true));
  for (const auto* name : {"aaa", "bbb", "ccc", "ddd"}) ASSERT_TRUE(create(name, "us-east-1"));
  EXPECT_EQ(create("eee", "us-east-1").error().message(),
            "User: 111122223333 already has 5 trails in us-east-1.");
}

TEST_F(TrailsTest, TagsAreLimitedAndOverwritten) {
  const auto arn = create("one", "us-east-1")->config.arn;
  const auto add = [&](std::vector<Tag> tags) {
    return database_->write([&](meta::Transaction& transaction) {
      return trails_.add_tags(transaction, {"111122223333", "us-east-1"}, arn, tags);
    });
  };
  ASSERT_TRUE(add({{"a", "1"}, {"b", "2"}}));
  ASSERT_TRUE(add({{"a", "3"}}));
  const auto tags = with<std::vector<Tag>>([&](meta::Transaction& transaction) {
    return trails_.list_tags(transaction, {"111122223333", "us-east-1"}, arn);
  });
  ASSERT_EQ(tags->size(), 2U);
  EXPECT_EQ(tags->at(0).value, "3");
  EXPECT_EQ(add({{"aws:x", "1"}}).error().reason(), "InvalidTagParameter");
  EXPECT_EQ(add({{"c", "1"}, {"c", "2"}}).error().reason(), "InvalidTagParameter");
  std::vector<Tag> many;
  for (int i = 0; i < 49; ++i) many.push_back({"key" + std::to_string(i), ""});
  EXPECT_EQ(add(many).error().reason(), "TagsLimitExceeded");
}

TEST_F(TrailsTest, UpdatesFollowTheCrossRules) {
  auto trail = create("one", "us-east-1").value();
  const auto plan = [&](UpdateRequest request) {
    return with<TrailConfig>([&](meta::Transaction& transaction) {
      return trails_.plan_update(transaction, trail, request);
    });
  };
  UpdateRequest request;
  request.multi_region = true;
  request.include_global_service_events = false;
  EXPECT_EQ(plan(request).error().message(),
            "Multi-Region trail must include global service events.");
  request.include_global_service_events.reset();
  trail.config = plan(request).value();
  EXPECT_TRUE(trail.config.include_global_service_events);
  request.multi_region = false;
  EXPECT_FALSE(plan(request)->include_global_service_events);
}

}  // namespace
}  // namespace traccia::trail
