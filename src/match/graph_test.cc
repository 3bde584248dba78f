// The compiled graph: the same answers as the predicates one by one, and its economy.
// SPDX-License-Identifier: Apache-2.0
#include "match/graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "match/case_from_bytes.h"

namespace traccia::match {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

constexpr FieldId kCategory{0};
constexpr FieldId kSource{1};
constexpr FieldId kName{2};
constexpr FieldId kArn{3};

std::vector<SubscriptionIndex> evaluate(const Graph& graph, const std::vector<FieldValue>& event) {
  Scratch scratch;
  const auto found = graph.evaluate(event, scratch);
  return {found.begin(), found.end()};
}

std::shared_ptr<const Graph> compile(const std::vector<Predicate>& predicates) {
  return Graph::compile(predicates).value();
}

TEST(Graph, NamesTheSubscriptionsThatHold) {
  const auto graph = compile({
      all_of({equals(kCategory, "Data"), starts_with(kArn, "arn:aws:s3:::a/")}),
      all_of({equals(kCategory, "Management"), negate(equals(kSource, "kms.amazonaws.com"))}),
      equals(kCategory, "Data"),
      any_of({equals(kName, "PutObject"), starts_with(kName, "Delete")}),
  });
  EXPECT_THAT(evaluate(*graph, {{kCategory, "Data"}, {kArn, "arn:aws:s3:::a/k"}}),
              UnorderedElementsAre(0, 2));
  EXPECT_THAT(evaluate(*graph, {{kCategory, "Management"}, {kSource, "iam.amazonaws.com"}}),
              ElementsAre(1));
  EXPECT_THAT(evaluate(*graph, {{kCategory, "Management"}, {kSource, "kms.amazonaws.com"}}),
              IsEmpty());
  EXPECT_THAT(evaluate(*graph, {{kName, "DeleteObject"}}), ElementsAre(3));
  EXPECT_THAT(evaluate(*graph, {}), IsEmpty());
}

TEST(Graph, OfNothingHoldsNothing) {
  EXPECT_THAT(evaluate(*compile({}), {{kName, "a"}}), IsEmpty());
}

TEST(Graph, KnowsTruthsThatNeedNoCondition) {
  const auto name = equals(kName, "a");
  const auto graph = compile({
      all_of({}),
      any_of({}),
      negate(name),
      all_of({name, negate(name)}),
      any_of({name, negate(name)}),
      any_of({any_of({}), name}),
      negate(all_of({negate(name), negate(equals(kName, "b"))})),
  });
  EXPECT_THAT(evaluate(*graph, {}), UnorderedElementsAre(0, 2, 4));
  EXPECT_THAT(evaluate(*graph, {{kName, "a"}}), UnorderedElementsAre(0, 4, 5, 6));
  EXPECT_THAT(evaluate(*graph, {{kName, "b"}}), UnorderedElementsAre(0, 2, 4, 6));
}

TEST(Graph, SharesEqualParts) {
  const auto one = all_of({equals(kCategory, "Data"), like(kName, "Put*")});
  const auto same = all_of(
      {starts_with(kName, "Put"), all_of({equals(kCategory, "Data")}), equals(kCategory, "Data")});
  const auto alone = compile({one});
  const auto both = compile({one, same, one});
  EXPECT_EQ(both->nodes(), alone->nodes());
  EXPECT_EQ(both->conditions(), 3U) << "two, and the one that always holds";
  EXPECT_THAT(evaluate(*both, {{kCategory, "Data"}, {kName, "PutItem"}}),
              UnorderedElementsAre(0, 1, 2));
}

TEST(Graph, RefusesBeyondItsLimits) {
  auto deep = equals(kName, "a");
  for (size_t i = 1; i < kDepthMax; ++i) deep = negate(std::move(deep));
  EXPECT_TRUE(Graph::compile({{deep}}));
  deep = negate(std::move(deep));
  EXPECT_EQ(Graph::compile({{deep}}).error().message(),
            "a predicate is nested deeper than 64 levels");
  EXPECT_EQ(
      Graph::compile(std::vector<Predicate>(kSubscriptionsMax + 1, any_of({}))).error().code(),
      ErrorCode::ResourceExhausted);
}

TEST(Graph, FindsNestedPrefixesAndSuffixes) {
  std::vector<Predicate> predicates;
  for (size_t length = 1; length <= 300; ++length) {
    predicates.push_back(starts_with(kArn, std::string(length, 'a')));
    predicates.push_back(ends_with(kArn, std::string(length, 'a')));
  }
  const auto graph = compile(predicates);
  EXPECT_EQ(evaluate(*graph, {{kArn, std::string(1000, 'a')}}).size(), 600U);
  EXPECT_EQ(evaluate(*graph, {{kArn, std::string(7, 'a') + "b"}}).size(), 7U);
  EXPECT_EQ(evaluate(*graph, {{kArn, "b" + std::string(7, 'a')}}).size(), 7U);
}

TEST(Graph, TellsBytesOfEveryKindApart) {
  std::vector<Predicate> predicates;
  for (int byte = 0; byte < 256; ++byte) {
    predicates.push_back(starts_with(kArn, std::string(1, static_cast<char>(byte))));
  }
  const auto graph = compile(predicates);
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const std::string value = {static_cast<char>(byte), 'x'};
    EXPECT_THAT(evaluate(*graph, {{kArn, value}}), ElementsAre(byte));
  }
}

TEST(Graph, OneScratchServesManyGraphs) {
  const auto small = compile({equals(kName, "a")});
  const auto large = compile({equals(kName, "a"), equals(kName, "b"), negate(exists(kName))});
  Scratch scratch;
  const std::vector<FieldValue> a = {{kName, "a"}};
  const std::vector<FieldValue> none;
  for (int round = 0; round < 3; ++round) {
    EXPECT_THAT(small->evaluate(a, scratch), ElementsAre(0));
    EXPECT_THAT(large->evaluate(none, scratch), ElementsAre(2));
    EXPECT_THAT(small->evaluate(none, scratch), IsEmpty());
    EXPECT_THAT(large->evaluate(a, scratch), ElementsAre(0));
  }
}

// Thousands of random cases; a failure names the seed that makes it again.
TEST(Graph, AnswersWhatThePredicatesMean) {
  const auto first_seed = std::random_device()();
  Scratch scratch;
  for (uint32_t seed = first_seed; seed != first_seed + 5000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    std::string bytes(2000, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    CaseFromBytes source(bytes);
    const auto predicates = source.predicates();
    const auto graph = compile(predicates);
    for (int round = 0; round < 10; ++round) {
      const auto event = source.event();
      const auto view = event.view();
      std::vector<SubscriptionIndex> expected;
      for (size_t i = 0; i < predicates.size(); ++i) {
        if (matches(predicates[i], view)) expected.push_back(static_cast<SubscriptionIndex>(i));
      }
      ASSERT_THAT(graph->evaluate(view, scratch), UnorderedElementsAreArray(expected));
    }
  }
}

}  // namespace
}  // namespace traccia::match
