// For tests: a control-plane store with one account, in memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "identity/identity.h"
#include "identity/tags.h"
#include "os/fake_os.h"

namespace traccia::identity {

inline constexpr std::string_view kTestAccount = "111122223333";

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d"));
    database_ = meta::Database::open(fake_.os(), "/d/meta.db", schemas()).value();
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(bootstrap_, identity_.bootstrap(transaction, kTestAccount));
      return {};
    }));
  }

  // What `body` returns, of a transaction that commits when it succeeds.
  template <typename Body>
  auto try_write(const Body& body) -> std::invoke_result_t<Body, meta::Transaction&> {
    using R = std::invoke_result_t<Body, meta::Transaction&>;
    std::optional<R> result;
    const auto done = database_->write([&](meta::Transaction& transaction) -> Result<> {
      result.emplace(body(transaction));
      if (!*result) return std::unexpected(result->error());
      return {};
    });
    EXPECT_EQ(done.has_value(), result->has_value());
    return std::move(*result);
  }
  template <typename Body>
  auto write(const Body& body) {
    auto result = try_write(body);
    if (!result) ADD_FAILURE() << result.error().message();
    return std::move(result).value();
  }
  // The reason for which it failed; empty when it did not.
  template <typename Body>
  std::string refusal(const Body& body) {
    const auto result = try_write(body);
    return result ? "" : std::string(result.error().reason());
  }
  template <typename Body>
  std::string message(const Body& body) {
    const auto result = try_write(body);
    return result ? "" : result.error().message();
  }

  Entity create(EntityKind kind, std::string_view name, std::string_view path = "/") {
    return write([&](meta::Transaction& transaction) {
      return identity_.entities().create(transaction, {.kind = kind,
                                                       .account_id = std::string(kTestAccount),
                                                       .name = std::string(name),
                                                       .path = std::string(path),
                                                       .role = {.trust = std::string(kTrust)}});
    });
  }

  static constexpr std::string_view kTrust =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
      R"("Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
  static constexpr std::string_view kReadTrails =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
      R"("Action":"cloudtrail:Get*","Resource":"*"}]})";

  os::FakeOs fake_;
  std::unique_ptr<meta::Database> database_;
  MasterKey master_key_{std::string(32, 'k')};
  Identity identity_{fake_.os(), master_key_, {.n = 16, .r = 1, .p = 1}};
  std::optional<Bootstrap> bootstrap_;
};

}  // namespace traccia::identity
