// The evaluator against an independent, naive reading of the same JSON.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "policy/compiled_case.h"
#include "policy/naive.h"

namespace traccia::policy {
namespace {

std::string describe(const Case& c) {
  std::string out =
      fmt::format("{} {} by {} {}\n", c.request.action, c.request.resource, c.request.principal.arn,
                  static_cast<int>(c.request.principal.kind));
  for (const auto& [key, values] : c.context) {
    out += fmt::format("  {} = [{}]\n", key, fmt::join(values, "|"));
  }
  for (const auto& text : c.identity) out += "identity " + text + "\n";
  if (c.boundary) out += "boundary " + *c.boundary + "\n";
  if (c.session) out += fmt::format("session {}\n", fmt::join(*c.session, "\n"));
  if (c.resource) out += "resource " + *c.resource + "\n";
  for (const auto& level : c.service_control)
    out += fmt::format("scp {}\n", fmt::join(level, "\n"));
  for (const auto& level : c.resource_control)
    out += fmt::format("rcp {}\n", fmt::join(level, "\n"));
  return out;
}

// Thousands of random cases; a failure names the seed that makes it again.
TEST(Oracle, AgreesOnRandomPolicies) {
  constexpr uint32_t kCases = 6000;
  const auto first_seed = std::random_device()();
  std::map<std::string, size_t> answers;
  for (uint32_t seed = first_seed; seed != first_seed + kCases; ++seed) {
    std::mt19937 random(seed);
    std::string bytes(600, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    const auto c = CaseFromBytes(bytes).make();
    const auto answer = CompiledCase(c).answer();
    ASSERT_EQ(answer, Naive(c).answer()) << "seed " << seed << "\n" << describe(c);
    ++answers[answer];
  }
  // Every kind of answer is met often enough for agreement to mean something.
  EXPECT_EQ(answers.size(), 14U);
  for (const auto& [answer, count] : answers) EXPECT_GE(count, 5U) << answer;
}

}  // namespace
}  // namespace traccia::policy
