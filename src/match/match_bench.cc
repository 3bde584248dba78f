// What evaluation adds to an event, by the number of subscriptions.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>

#include "match/graph.h"

namespace traccia::match {
namespace {

enum Field : uint32_t { Account, Category, Source, Name, ReadOnly, Type, Arn, User, Endpoint };
constexpr FieldId id(Field field) {
  return static_cast<FieldId>(field);
}

constexpr std::string_view kNames[] = {"GetObject", "PutObject", "DeleteObject", "Invoke",
                                       "GetItem",   "PutItem",   "Query",        "Decrypt"};

std::string bucket(uint32_t number) {
  return fmt::format("arn:aws:s3:::customer-{}-data/", number);
}
std::string function(uint32_t number) {
  return fmt::format("arn:aws:lambda:eu-south-1:111122223333:function:worker-{}", number);
}

// Advanced selectors as customers write them; each kind names resources of its own number.
Predicate selector(uint32_t number, std::mt19937& random) {
  std::vector<Predicate> parts;
  switch (number % 5) {
    case 0:
      parts = {equals(id(Category), "Data"), equals(id(Type), "AWS::S3::Object"),
               any_of({starts_with(id(Arn), bucket(number)),
                       starts_with(id(Arn), bucket(number + 1) + "logs/")}),
               equals(id(ReadOnly), "false")};
      break;
    case 1:
      parts = {equals(id(Category), "Data"), equals(id(Type), "AWS::Lambda::Function"),
               any_of({equals(id(Arn), function(number)), equals(id(Arn), function(number + 2))})};
      break;
    case 2:
      parts = {equals(id(Category), "Data"), equals(id(Type), "AWS::S3::Object"),
               any_of({equals(id(Name), kNames[random() % 8]), starts_with(id(Name), "Delete")}),
               negate(any_of({starts_with(id(Arn), bucket(number)), ends_with(id(Arn), ".tmp")})),
               starts_with(id(User), fmt::format("arn:aws:iam::111122223333:user/u{}", number))};
      break;
    case 3:
      parts = {equals(id(Category), "NetworkActivity"), equals(id(Source), "s3.amazonaws.com"),
               equals(id(Endpoint), fmt::format("vpce-{:08x}", number))};
      break;
    default:
      parts = {equals(id(Category), "Management"),
               negate(any_of({equals(id(Source), "kms.amazonaws.com"),
                              equals(id(Source), "rdsdata.amazonaws.com")}))};
      if (random() % 2 == 0) parts.push_back(equals(id(ReadOnly), "false"));
  }
  return all_of(std::move(parts));
}

enum class Owners { One, Many };

// Owners::Many: five selectors an account, as with one trail a tenant. Owners::One: all in one
// account, without management selectors, of which there are few kinds that all match.
std::vector<Predicate> selectors(uint32_t count, Owners owners) {
  std::mt19937 random(1);
  std::vector<Predicate> out;
  for (uint32_t i = 0; i < count; ++i) {
    auto one = selector(owners == Owners::One && i % 5 == 4 ? i - 1 : i, random);
    if (owners == Owners::Many) {
      one = all_of({equals(id(Account), fmt::format("{:012}", i / 5)), std::move(one)});
    }
    out.push_back(std::move(one));
  }
  return out;
}

struct Event {
  std::string account, arn, user;
  std::vector<FieldValue> values;
};

std::vector<Event> events(uint32_t count, Owners owners) {
  std::mt19937 random(2);
  std::vector<Event> out(256);
  for (auto& event : out) {
    const auto number = static_cast<uint32_t>(random()) % count;
    event.account = owners == Owners::Many ? fmt::format("{:012}", number / 5) : "111122223333";
    event.user = fmt::format("arn:aws:iam::111122223333:user/u{}", random() % count);
    const bool lambda = random() % 4 == 0;
    event.arn = lambda ? function(number) : bucket(number) + "2026/11/25/object.json";
    const bool management = random() % 3 == 0;
    event.values = {{id(Account), event.account},
                    {id(Category), management ? "Management" : "Data"},
                    {id(Source), lambda ? "lambda.amazonaws.com" : "s3.amazonaws.com"},
                    {id(Name), kNames[random() % 8]},
                    {id(ReadOnly), random() % 2 == 0 ? "true" : "false"},
                    {id(User), event.user}};
    if (!management) {
      event.values.push_back({id(Type), lambda ? "AWS::Lambda::Function" : "AWS::S3::Object"});
      event.values.push_back({id(Arn), event.arn});
      event.values.push_back({id(Type), "AWS::S3::Bucket"});
    }
  }
  return out;
}

void evaluate(benchmark::State& state, Owners owners) {
  const auto count = static_cast<uint32_t>(state.range(0));
  const auto graph = Graph::compile(selectors(count, owners)).value();
  const auto stream = events(count, owners);
  Scratch scratch;
  size_t next = 0, matched = 0;
  for (auto _ : state) {
    matched += graph->evaluate(stream[next++ % stream.size()].values, scratch).size();
  }
  state.counters["matched"] =
      benchmark::Counter(static_cast<double>(matched), benchmark::Counter::kAvgIterations);
  state.counters["nodes"] = static_cast<double>(graph->nodes());
}

void compile(benchmark::State& state) {
  const auto all = selectors(static_cast<uint32_t>(state.range(0)), Owners::Many);
  for (auto _ : state) benchmark::DoNotOptimize(Graph::compile(all));
}

// The same answers without the graph, for scale.
void one_by_one(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  const auto all = selectors(count, Owners::Many);
  const auto stream = events(count, Owners::Many);
  size_t next = 0, matched = 0;
  for (auto _ : state) {
    const auto& values = stream[next++ % stream.size()].values;
    for (const auto& one : all) matched += matches(one, values) ? 1 : 0;
  }
  benchmark::DoNotOptimize(matched);
}

BENCHMARK_CAPTURE(evaluate, one_account, Owners::One)->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK_CAPTURE(evaluate, many_accounts, Owners::Many)->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(one_by_one)->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(compile)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace traccia::match
