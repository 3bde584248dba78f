// What a replaced principal leaves alone.
// SPDX-License-Identifier: Apache-2.0
#include "policy/rename_principals.h"

#include <gtest/gtest.h>

#include <vector>

namespace traccia::policy {
namespace {

std::string renamed(std::string_view text) {
  return rename_principals(text,
                           [](std::string_view entry) -> Result<std::optional<std::string>> {
                             if (entry == "a") return "first";
                             return std::nullopt;
                           })
      .value();
}

TEST(RenamePrincipals, ReplacesEntriesAndNothingElse) {
  EXPECT_EQ(renamed(R"({ "Statement": {"Principal": {"AWS": "a"},  "Sid": "a"} })"),
            R"({ "Statement": {"Principal": {"AWS": "first"},  "Sid": "a"} })");
  EXPECT_EQ(renamed(R"({"Statement":[{"Principal":{"Service":"a","AWS":["b", "\u0061"]}},)"
                    R"({"NotPrincipal":{"AWS":"a"}},{"Principal":"a"}]})"),
            R"({"Statement":[{"Principal":{"Service":"a","AWS":["b", "first"]}},)"
            R"({"NotPrincipal":{"AWS":"first"}},{"Principal":"a"}]})");
}

TEST(RenamePrincipals, AsksInOrderAndStopsAtAnError) {
  std::vector<std::string> asked;
  const auto done =
      rename_principals(R"({"Statement":[{"Principal":{"AWS":["x","y","z"]}}]})",
                        [&](std::string_view entry) -> Result<std::optional<std::string>> {
                          asked.emplace_back(entry);
                          if (entry == "y") return fail(ErrorCode::NotFound, "no y");
                          return std::nullopt;
                        });
  EXPECT_FALSE(done);
  EXPECT_EQ(asked, (std::vector<std::string>{"x", "y"}));
  EXPECT_FALSE(rename_principals("{", nullptr));
}

}  // namespace
}  // namespace traccia::policy
