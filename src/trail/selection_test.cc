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
  const auto selection = Selection::compile(judges).value();
  const bool taken = !selection->taking(record, scratch).empty();
  const bool data = record.category == event::Category::Data;
  EXPECT_TRUE(!taken || !data || selection->takes_data_events());
  return taken;
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

TEST(Takes, DataEventsAtAllOnlyWhereASelectorNamesThem) {
  const auto takes_data = [](const TrailConfig& trail) {
    const std::array judges{&trail};
    return Selection::compile(judges).value()->takes_data_events();
  };
  auto trail = logging_trail();
  EXPECT_FALSE(takes_data(trail));
  trail.selectors[0].data_resources = {{"AWS::S3::Object", {"arn:aws:s3"}}};
  EXPECT_TRUE(takes_data(trail));
  trail.logging = false;
  EXPECT_FALSE(takes_data(trail));
  trail.logging = true;
  trail.selectors.clear();
  trail.advanced_selectors = {{std::nullopt, {{"eventCategory", {"Management"}}}}};
  EXPECT_FALSE(takes_data(trail));
  trail.advanced_selectors.push_back({std::nullopt, {{"eventCategory", {"Data"}}}});
  EXPECT_TRUE(takes_data(trail));
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

class Advanced : public testing::Test {
 protected:
  event::Record object_event(std::string_view name, std::string_view arn) {
    auto out = record(event::Category::Data);
    out.event_source = "s3.amazonaws.com";
    out.read_only = name.starts_with("Get");
    out.event_name = name;
    const auto resources = memory_.array<event::Resource>(2);
    resources[0] = {"AWS::S3::Object", arn};
    resources[1] = {"AWS::S3::Bucket", "arn:aws:s3:::b"};
    out.resources = resources;
    return out;
  }

 private:
  Arena memory_{4096};
};

bool takes(AdvancedEventSelector selector, const event::Record& record) {
  auto trail = logging_trail();
  trail.selectors.clear();
  trail.advanced_selectors = {std::move(selector)};
  return takes(trail, record);
}

AdvancedEventSelector of_objects(std::vector<FieldSelector> more) {
  AdvancedEventSelector out{{},
                            {{.field = "eventCategory", .equals = {"Data"}},
                             {.field = "resources.type", .equals = {"AWS::S3::Object"}}}};
  out.fields.insert(out.fields.end(), more.begin(), more.end());
  return out;
}

// The worked examples of facts 6.2.
TEST_F(Advanced, TakesDataEventsByField) {
  constexpr std::string_view a = "arn:aws:s3:::a/k", b = "arn:aws:s3:::b/k",
                             logs = "arn:aws:s3:::logs/k";
  struct Row {
    std::string_view what;
    std::vector<FieldSelector> fields;
    event::Record record;
    bool taken;
  };
  const FieldSelector buckets{.field = "resources.ARN",
                              .starts_with = {"arn:aws:s3:::a/", "arn:aws:s3:::b/"}};
  const FieldSelector writes{.field = "readOnly", .equals = {"false"}};
  const FieldSelector put_or_delete{
      .field = "eventName", .equals = {"PutObject"}, .starts_with = {"Delete"}};
  const FieldSelector get_not_object{
      .field = "eventName", .starts_with = {"Get"}, .not_equals = {"GetObject"}};
  const FieldSelector not_logs{.field = "resources.ARN",
                               .not_starts_with = {"arn:aws:s3:::logs/", "arn:aws:s3:::a/"}};
  const FieldSelector not_bucket_arn{.field = "resources.ARN", .not_equals = {"arn:aws:s3:::b"}};
  const FieldSelector bucket_arn{.field = "resources.ARN", .equals = {"arn:aws:s3:::b"}};
  const FieldSelector user{.field = "userIdentity.arn", .equals = {"arn:aws:iam::1:user/u"}};
  const FieldSelector not_user{.field = "userIdentity.arn",
                               .not_equals = {"arn:aws:iam::1:user/u"}};
  const Row rows[] = {
      {"values OR", {buckets}, object_event("PutObject", b), true},
      {"no value", {buckets}, object_event("PutObject", logs), false},
      {"fields AND", {buckets, writes}, object_event("GetObject", b), false},
      {"both fields", {buckets, writes}, object_event("PutObject", a), true},
      {"operators OR", {put_or_delete}, object_event("DeleteObject", a), true},
      {"no operator", {put_or_delete}, object_event("GetObject", a), false},
      {"a veto", {get_not_object}, object_event("GetObject", a), false},
      {"no veto", {get_not_object}, object_event("GetObjectAcl", a), true},
      {"any veto", {not_logs}, object_event("PutObject", logs), false},
      {"other veto", {not_logs}, object_event("PutObject", a), false},
      {"neither veto", {not_logs}, object_event("PutObject", b), true},
      {"ends", {{.field = "resources.ARN", .ends_with = {"/k"}}}, object_event("x", b), true},
      {"ends, veto",
       {{.field = "resources.ARN", .not_ends_with = {"/k"}}},
       object_event("x", b),
       false},
      {"another type's ARN", {bucket_arn}, object_event("PutObject", b), false},
      {"another type's ARN is no veto", {not_bucket_arn}, object_event("PutObject", b), true},
      {"absent field", {user}, object_event("PutObject", b), false},
      {"absent field is no veto", {not_user}, object_event("PutObject", b), true},
      {"management event", {}, record(), false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(takes(of_objects(row.fields), row.record), row.taken) << row.what;
  }
}

TEST_F(Advanced, TakesManagementEventsByField) {
  const FieldSelector management{.field = "eventCategory", .equals = {"Management"}};
  auto event = record();
  EXPECT_TRUE(takes({{}, {management}}, event));
  const FieldSelector not_kms{.field = "eventSource", .not_equals = {"kms.amazonaws.com"}};
  EXPECT_TRUE(takes({{}, {management, not_kms}}, event));
  event.event_source = "kms.amazonaws.com";
  EXPECT_FALSE(takes({{}, {management, not_kms}}, event));
  const FieldSelector reads{.field = "readOnly", .equals = {"true"}};
  EXPECT_FALSE(takes({{}, {management, reads}}, event));
  event.read_only = true;
  EXPECT_TRUE(takes({{}, {management, reads}}, event));
  event.category = event::Category::NetworkActivity;
  EXPECT_FALSE(takes({{}, {management}}, event));
}

TEST_F(Advanced, TakesNetworkActivityByField) {
  const std::vector<FieldSelector> fields = {
      {.field = "eventCategory", .equals = {"NetworkActivity"}},
      {.field = "eventSource", .equals = {"kms.amazonaws.com"}},
      {.field = "errorCode", .equals = {"VpceAccessDenied"}},
      {.field = "vpcEndpointId", .not_starts_with = {"vpce-1"}}};
  auto event = record(event::Category::NetworkActivity);
  event.event_source = "kms.amazonaws.com";
  event.vpc_endpoint_id = "vpce-2";
  EXPECT_FALSE(takes({{}, fields}, event));
  event.error_code = "VpceAccessDenied";
  EXPECT_TRUE(takes({{}, fields}, event));
  event.vpc_endpoint_id = "vpce-12";
  EXPECT_FALSE(takes({{}, fields}, event));
  event.vpc_endpoint_id = "";
  EXPECT_TRUE(takes({{}, fields}, event));
}

TEST_F(Advanced, SeesEachOfTheOtherFields) {
  auto event = object_event("PutObject", "arn:aws:s3:::b/k");
  event.event_type = "AwsApiCall";
  event.user_arn = "arn:aws:iam::111122223333:user/u";
  event.session_credential_from_console = "true";
  auto other = object_event("PutObject", "arn:aws:s3:::b/k");
  other.event_source = "s3express.amazonaws.com";
  other.event_type = "AwsServiceEvent";
  for (const auto& field :
       {FieldSelector{.field = "eventType", .equals = {"AwsApiCall"}},
        FieldSelector{.field = "userIdentity.arn", .ends_with = {"/u"}},
        FieldSelector{.field = "sessionCredentialFromConsole", .equals = {"true"}},
        FieldSelector{.field = "eventSource", .starts_with = {"s3."}}}) {
    EXPECT_TRUE(takes(of_objects({field}), event)) << field.field;
    EXPECT_FALSE(takes(of_objects({field}), other)) << field.field;
  }
  EXPECT_FALSE(takes(of_objects({{.field = "ofALaterVersion", .not_equals = {"x"}}}), event));
}

// The rules of facts 6 one by one.
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

std::vector<std::string> values_of(const AdvancedEventSelector& selector, std::string_view field,
                                   const event::Record& record) {
  if (field == "eventCategory") {
    constexpr const char* kNames[] = {"Management", "Data", "NetworkActivity", "Insight", ""};
    return {kNames[static_cast<size_t>(record.category)]};
  }
  if (field == "eventName") return {std::string(record.event_name)};
  if (field == "readOnly") {
    if (!record.read_only) return {};
    return {*record.read_only ? "true" : "false"};
  }
  std::vector<std::string> out;
  for (const auto& resource : record.resources) {
    if (field == "resources.type") out.emplace_back(resource.type);
    if (field == "resources.ARN" && resource.type == selector.fields[1].equals[0]) {
      out.emplace_back(resource.arn);
    }
  }
  return out;
}

bool selector_takes(const AdvancedEventSelector& selector, const event::Record& record) {
  for (const auto& field : selector.fields) {
    bool wanted = field.equals.empty() && field.starts_with.empty() && field.ends_with.empty();
    bool vetoed = false;
    for (const auto& value : values_of(selector, field.field, record)) {
      for (const auto& one : field.equals) wanted |= value == one;
      for (const auto& one : field.starts_with) wanted |= value.starts_with(one);
      for (const auto& one : field.ends_with) wanted |= value.ends_with(one);
      for (const auto& one : field.not_equals) vetoed |= value == one;
      for (const auto& one : field.not_starts_with) vetoed |= value.starts_with(one);
      for (const auto& one : field.not_ends_with) vetoed |= value.ends_with(one);
    }
    if (!wanted || vetoed) return false;
  }
  return true;
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
  return std::ranges::any_of(
             trail.selectors,
             [&](const EventSelector& selector) { return selector_takes(selector, record); }) ||
         std::ranges::any_of(trail.advanced_selectors, [&](const AdvancedEventSelector& selector) {
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
    if (coin()) {
      out.selectors.resize(random_() % 4);
      for (auto& selector : out.selectors) selector = basic();
    } else {
      out.advanced_selectors.resize(random_() % 4);
      for (auto& selector : out.advanced_selectors) selector = advanced();
    }
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

  AdvancedEventSelector advanced() {
    AdvancedEventSelector out;
    out.fields = {{.field = "eventCategory", .equals = {one_of({"Data", "Management"})}},
                  {.field = "resources.type", .equals = {type()}}};
    if (out.fields[0].equals[0] == "Management") out.fields.pop_back();
    if (out.fields.size() == 2 && coin()) out.fields.push_back(conditions("resources.ARN"));
    if (coin()) out.fields.push_back(conditions("eventName"));
    if (coin()) out.fields.push_back({.field = "readOnly", .equals = {coin() ? "true" : "false"}});
    return out;
  }
  FieldSelector conditions(std::string field) {
    FieldSelector out{.field = std::move(field)};
    for (const auto& [name, values] : kSelectorOperators) {
      if (random_() % 3 != 0) continue;
      (out.*values).resize(random_() % 3);
      for (auto& value : out.*values) {
        value = coin() ? arn() : one_of({"PutObject", "Put", "Object", "Get", "/k", "arn:aws:s3"});
      }
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
