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
  const auto text = encode_change(change);
  EXPECT_EQ(encode_change(decode_change(text).value()), text);
  for (const auto* broken : {"", "[]", "{}", R"({"arn":7})"}) {
    EXPECT_FALSE(decode_change(broken)) << broken;
  }
}

class TrailsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d"));
    database_ =
        meta::Database::open(fake_.os(), "/d/meta.db", meta::Durability::Full, {kSchema}).value();
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
