// Which trails take which events: cases by hand, and many against the rules written out plainly.
// SPDX-License-Identifier: Apache-2.0
#include "trail/selection.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "trail/trails.h"

namespace traccia::trail {
namespace {

bool takes(const TrailConfig& trail, const event::Record& record) {
  const std::array judges{&trail};
  Selection::Scratch scratch;
  return !Selection::compile(judges).value()->taking(record, scratch).empty();
}

event::Record record(event::Category category = event::Category::Management) {
  event::Record out;
  out.account = "111122223333";
  out.region = "us-east-1";
  out.event_source = "ec2.amazonaws.com";
  out.event_name = "RunInstances";
  out.category = category;
  return out;
}

TrailConfig logging_trail() {
  TrailConfig config;
  config.account = "111122223333";
  config.home_region = "us-east-1";
  config.logging = true;
  config.selectors = default_selectors();
  return config;
}

TEST(Takes, LooksAtOwnerRegionAndState) {
  auto trail = logging_trail();
  auto event = record();
  EXPECT_TRUE(takes(trail, event));
  trail.logging = false;
  EXPECT_FALSE(takes(trail, event));
  trail.logging = true;
  event.region = "eu-south-1";
  EXPECT_FALSE(takes(trail, event));
  trail.multi_region = true;
  EXPECT_TRUE(takes(trail, event));
  event.account = "444455556666";
  EXPECT_FALSE(takes(trail, event));
}

TEST(Takes, ManagementEventsByKindAndSource) {
  auto trail = logging_trail();
  auto event = record();
  trail.selectors[0].read_write_type = ReadWriteType::ReadOnly;
  EXPECT_FALSE(takes(trail, event)) << "unmarked events count as writes";
  event.read_only = true;
  EXPECT_TRUE(takes(trail, event));
  trail.selectors[0].read_write_type = ReadWriteType::All;
  trail.selectors[0].exclude_management_event_sources = {"kms.amazonaws.com"};
  event.event_source = "kms.amazonaws.com";
  EXPECT_FALSE(takes(trail, event));
  trail.selectors.push_back(EventSelector{});
  EXPECT_TRUE(takes(trail, event)) << "any selector";
}

TEST(Takes, DataEventsByResource) {
  auto trail = logging_trail();
  auto event = record(event::Category::Data);
  event.event_source = "s3.amazonaws.com";
  const event::Resource objects[] = {{"AWS::S3::Object", "arn:aws:s3:::bucket/folder/key"},
                                     {"AWS::S3::Bucket", "arn:aws:s3:::bucket"}};
  event.resources = objects;
  EXPECT_FALSE(takes(trail, event)) << "no data resources";
  const auto with = [&](std::string type, std::string value) {
    trail.selectors[0].data_resources = {{std::move(type), {std::move(value)}}};
    return takes(trail, event);
  };
  EXPECT_TRUE(with("AWS::S3::Object", "arn:aws:s3"));
  EXPECT_TRUE(with("AWS::S3::Object", "arn:aws:s3:::bucket/"));
  EXPECT_TRUE(with("AWS::S3::Object", "arn:aws:s3:::bucket/fold"));
  EXPECT_FALSE(with("AWS::S3::Object", "arn:aws:s3:::buck/"));
  EXPECT_FALSE(with("AWS::Lambda::Function", "arn:aws:lambda"));
  event.event_source = "lambda.amazonaws.com";
  const event::Resource functions[] = {
      {"AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:f"}};
  event.resources = functions;
  EXPECT_TRUE(with("AWS::Lambda::Function", "arn:aws:lambda"));
  EXPECT_TRUE(with("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:f"));
  EXPECT_FALSE(with("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:"));
}

TEST(Takes, GlobalServicesAndOwnDeliveries) {
  auto trail = logging_trail();
  auto event = record();
  event.event_source = "iam.amazonaws.com";
  EXPECT_TRUE(takes(trail, event));
  trail.include_global_service_events = false;
  EXPECT_FALSE(takes(trail, event));
  event.event_source = "s3.amazonaws.com";
  event.event_name = "PutObject";
  event.invoked_by = "cloudtrail.amazonaws.com";
  EXPECT_TRUE(takes(trail, event));
  trail.recursive_logging = false;
  EXPECT_FALSE(takes(trail, event));
  event.invoked_by = "athena.amazonaws.com";
  EXPECT_TRUE(takes(trail, event));
}

// The rules of facts 6.1 one by one.
namespace plain {

constexpr std::string_view kLeaderRegion = "us-east-1";
constexpr std::string_view kCloudTrail = "cloudtrail.amazonaws.com";

bool read_write_matches(ReadWriteType type, const event::Record& record) {
  const bool reads = record.read_only.value_or(false);  // unmarked events count as writes
  switch (type) {
    case ReadWriteType::All:
      return true;
    case ReadWriteType::ReadOnly:
      return reads;
    case ReadWriteType::WriteOnly:
      return !reads;
  }
  return false;
}

bool value_matches(std::string_view type, std::string_view value, const event::Record& record) {
  if (type == "AWS::S3::Object" && (value == "arn:aws:s3" || value == "arn:aws:s3:::")) {
    return record.event_source == "s3.amazonaws.com";
  }
  if (value == "arn:aws:lambda") return record.event_source == "lambda.amazonaws.com";
  if (value == "arn:aws:dynamodb") return record.event_source == "dynamodb.amazonaws.com";
  return std::ranges::any_of(record.resources, [&](const event::Resource& resource) {
    if (resource.type != type) return false;
    return type == "AWS::S3::Object" ? resource.arn.starts_with(value) : resource.arn == value;
  });
}

bool selector_takes(const EventSelector& selector, const event::Record& record) {
  if (!read_write_matches(selector.read_write_type, record)) return false;
  if (record.category == event::Category::Management) {
    return selector.include_management_events &&
           std::ranges::find(selector.exclude_management_event_sources, record.event_source) ==
               selector.exclude_management_event_sources.end();
  }
  if (record.category != event::Category::Data) return false;
  return std::ranges::any_of(selector.data_resources, [&](const DataResource& resource) {
    return std::ranges::any_of(resource.values, [&](const std::string& value) {
      return value_matches(resource.type, value, record);
    });
  });
}

// Services with one endpoint for the world record in the leader region (facts 2.6).
bool is_global_service(const event::Record& record) {
  constexpr std::string_view kSources[] = {"iam.amazonaws.com", "sts.amazonaws.com",
                                           "cloudfront.amazonaws.com"};
  return record.region == kLeaderRegion &&
         std::ranges::find(kSources, record.event_source) != std::end(kSources);
}

bool is_own_delivery(const event::Record& record) {
  return record.invoked_by == kCloudTrail &&
         ((record.event_source == "s3.amazonaws.com" && record.event_name == "PutObject") ||
          (record.event_source == "logs.amazonaws.com" && record.event_name == "PutLogEvents"));
}

bool takes(const TrailConfig& trail, const event::Record& record) {
  if (!trail.logging || trail.account != record.account) return false;
  if (!covers_region(trail, record.region)) return false;
  if (!trail.include_global_service_events && is_global_service(record)) return false;
  if (!trail.recursive_logging && is_own_delivery(record)) return false;
  return std::ranges::any_of(trail.selectors, [&](const EventSelector& selector) {
    return selector_takes(selector, record);
  });
}

}  // namespace plain

// Draws from few values, so that trails and events often meet. owned by one thread.
class Cases {
 public:
  explicit Cases(uint32_t seed) : random_(seed) {}

  TrailConfig trail() {
    TrailConfig out;
    out.account = one_of({"111122223333", "444455556666"});
    out.home_region = one_of({"us-east-1", "eu-south-1"});
    out.multi_region = coin();
    out.include_global_service_events = coin();
    out.recursive_logging = coin();
    out.logging = random_() % 8 != 0;
    out.selectors.resize(random_() % 4);
    for (auto& selector : out.selectors) selector = basic();
    return out;
  }
  event::Record record() {
    event::Record out;
    out.account = one_of({"111122223333", "444455556666"});
    out.region = one_of({"us-east-1", "eu-south-1"});
    out.category = static_cast<event::Category>(random_() % 5);
    if (coin()) out.category = event::Category::Data;
    out.event_source = source();
    out.event_name = one_of({"PutObject", "PutLogEvents", "GetObject"});
    if (coin()) out.read_only = coin();
    if (random_() % 4 == 0) out.invoked_by = "cloudtrail.amazonaws.com";
    const auto resources = memory_.array<event::Resource>(random_() % 4);
    for (auto& resource : resources) resource = {type(), arn()};
    out.resources = resources;
    return out;
  }

 private:
  using Choices = std::initializer_list<const char*>;

  bool coin() { return random_() % 2 == 0; }
  const char* one_of(Choices choices) { return choices.begin()[random_() % choices.size()]; }
  const char* source() {
    return one_of({"s3.amazonaws.com", "lambda.amazonaws.com", "dynamodb.amazonaws.com",
                   "logs.amazonaws.com", "kms.amazonaws.com", "iam.amazonaws.com"});
  }
  const char* type() {
    return one_of({"AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"});
  }
  const char* arn() {
    return one_of({"arn:aws:s3:::b/", "arn:aws:s3:::b/k", "arn:aws:s3:::c/k", "arn:aws:s3",
                   "arn:aws:lambda:eu-south-1:111122223333:function:f", "arn:aws:lambda",
                   "arn:aws:dynamodb:eu-south-1:111122223333:table/t", "arn:aws:dynamodb", ""});
  }
  EventSelector basic() {
    EventSelector out;
    out.read_write_type = static_cast<ReadWriteType>(random_() % 3);
    out.include_management_events = coin();
    if (coin()) out.exclude_management_event_sources = {source(), source()};
    out.data_resources.resize(random_() % 3);
    for (auto& resource : out.data_resources) {
      resource.type = type();
      resource.values.resize(random_() % 3);
      for (auto& value : resource.values) value = arn();
    }
    return out;
  }

  std::mt19937 random_;
  Arena memory_{4096};
};

TEST(Selections, JudgeAsTheRulesSay) {
  const auto first_seed = std::random_device()();
  Selection::Scratch scratch;
  size_t taken = 0;
  for (uint32_t seed = first_seed; seed != first_seed + 1000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Cases cases(seed);
    std::vector<TrailConfig> trails(seed % 20);
    std::vector<const TrailConfig*> judges;
    for (auto& trail : trails) judges.push_back(&(trail = cases.trail()));
    const auto selection = Selection::compile(judges).value();
    for (int round = 0; round < 20; ++round) {
      const auto record = cases.record();
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < trails.size(); ++i) {
        if (plain::takes(trails[i], record)) expected.push_back(i);
      }
      const auto taking = selection->taking(record, scratch);
      ASSERT_EQ(std::vector<uint32_t>(taking.begin(), taking.end()), expected);
      taken += expected.size();
    }
  }
  EXPECT_GT(taken, 1000U) << "the cases meet";
}

}  // namespace
}  // namespace traccia::trail
