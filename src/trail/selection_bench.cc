// What judging by all trails adds to an event, and what a change of one of them costs.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "trail/selection.h"

namespace traccia::trail {
namespace {

std::string account(int64_t trail) {
  return fmt::format("{:012}", trail / 5);
}

// Five trails an account: two of management events, three of data events in buckets.
std::vector<TrailConfig> trails(int64_t count) {
  std::vector<TrailConfig> out(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    auto& config = out[static_cast<size_t>(i)];
    config.account = account(i);
    config.home_region = "us-east-1";
    config.multi_region = i % 5 == 0;
    config.logging = true;
    config.selectors.emplace_back();
    if (i % 5 < 2) continue;
    config.selectors[0].include_management_events = false;
    config.selectors[0].data_resources = {
        {"AWS::S3::Object",
         {fmt::format("arn:aws:s3:::bucket-{}/", i), fmt::format("arn:aws:s3:::logs-{}/a", i)}}};
  }
  return out;
}

std::vector<const TrailConfig*> pointers(const std::vector<TrailConfig>& trails) {
  std::vector<const TrailConfig*> out;
  for (const auto& config : trails) out.push_back(&config);
  return out;
}

std::vector<event::Record> records(int64_t trail_count, Arena& memory) {
  std::vector<event::Record> out(256);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto trail = static_cast<int64_t>(i * 7919) % trail_count;
    auto& record = out[i];
    record.account = memory.copy(account(trail));
    record.region = "us-east-1";
    record.event_source = i % 2 == 0 ? "s3.amazonaws.com" : "ec2.amazonaws.com";
    record.event_name = i % 2 == 0 ? "PutObject" : "RunInstances";
    record.read_only = false;
    if (i % 2 != 0) continue;
    record.category = event::Category::Data;
    const auto resources = memory.array<event::Resource>(2);
    resources[0] = {"AWS::S3::Object",
                    memory.copy(fmt::format("arn:aws:s3:::bucket-{}/key", trail))};
    resources[1] = {"AWS::S3::Bucket", memory.copy(fmt::format("arn:aws:s3:::bucket-{}", trail))};
    record.resources = resources;
  }
  return out;
}

void judge(benchmark::State& state) {
  const auto all = trails(state.range(0));
  const auto selection = Selection::compile(pointers(all)).value();
  Arena memory(64 << 10);
  const auto events = records(state.range(0), memory);
  Selection::Scratch scratch;
  size_t next = 0, taken = 0;
  for (auto _ : state) taken += selection->taking(events[next++ % events.size()], scratch).size();
  state.counters["taken"] =
      benchmark::Counter(static_cast<double>(taken), benchmark::Counter::kAvgIterations);
}

void compile(benchmark::State& state) {
  const auto all = trails(state.range(0));
  const auto judges = pointers(all);
  for (auto _ : state) benchmark::DoNotOptimize(Selection::compile(judges));
}

BENCHMARK(judge)->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(compile)->Arg(1)->Arg(100)->Arg(10'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace traccia::trail
