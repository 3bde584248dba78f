// The limit of attempts, and what the handler refuses before anybody is asked.
// SPDX-License-Identifier: Apache-2.0
#include "api/signin.h"

#include <gtest/gtest.h>

#include "api/test_services.h"

namespace traccia::api {
namespace {

TEST(AttemptLimit, CountsBySourceAndMinute) {
  AttemptLimit limit;
  Time now = from_unix_nanoseconds(0);
  for (int i = 0; i < AttemptLimit::kPerMinute; ++i) EXPECT_TRUE(limit.take("a", now)) << i;
  EXPECT_FALSE(limit.take("a", now));
  EXPECT_TRUE(limit.take("b", now));
  now += std::chrono::seconds(59);
  EXPECT_FALSE(limit.take("a", now));
  now += std::chrono::seconds(1);
  EXPECT_TRUE(limit.take("a", now));
}

TEST(AttemptLimit, TooManySourcesShareOneCount) {
  AttemptLimit limit;
  const Time now = from_unix_nanoseconds(0);
  for (size_t i = 0; i < AttemptLimit::kSourcesMax; ++i) {
    EXPECT_TRUE(limit.take(std::to_string(i), now));
  }
  int taken = 0;
  for (int i = 0; i < 2 * AttemptLimit::kPerMinute; ++i) {
    taken += limit.take("late " + std::to_string(i), now) ? 1 : 0;
  }
  EXPECT_EQ(taken, AttemptLimit::kPerMinute);
  EXPECT_TRUE(limit.take("0", now));
}

class SigninPagesTest : public ServicesTest {
 protected:
  void SetUp() override {
    ServicesTest::SetUp();
    run_log();
    (void)administrator();
    pages_.emplace(*services_);
  }
  http::Response send(std::string_view method, std::string_view path, std::string_view body = "") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    request.peer_address = "192.0.2.1";
    request.headers.add("Accept", "application/json");
    request.headers.add("Host", "traccia.example");
    if (!cookie_.empty()) request.headers.add("Cookie", cookie_);
    if (!origin_.empty()) request.headers.add("Origin", origin_);
    if (tls_) request.tls = http::Tls{"TLSv1.3", "TLS_AES_128_GCM_SHA256"};
    return pages_->answer(request, "request-1");
  }

  std::optional<SigninPages> pages_;
  identity::Entity user(std::string_view name) {
    identity::Entity out;
    EXPECT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(out, identity_.entities().create(transaction, {.account_id = std::string(kAccount),
                                                                .name = std::string(name)}));
      return {};
    }));
    return out;
  }

  std::string cookie_, origin_;
  bool tls_ = false;
};

TEST_F(SigninPagesTest, WhatIsNoPageIsRefused) {
  EXPECT_EQ(send("DELETE", "/console/session").status, 405);
  EXPECT_EQ(send("GET", "/console/nothing").status, 404);
  EXPECT_EQ(send("POST", "/console/session").status, 404);
  EXPECT_EQ(send("POST", "/console/signin", "account=%zz").status, 400);
  EXPECT_EQ(send("POST", "/console/signin", std::string(9000, 'x')).status, 413);
  cookie_ = "other=1; traccia-session=; traccia-session";
  EXPECT_EQ(send("GET", "/console/session").status, 401);
  EXPECT_TRUE(events().empty());
}

TEST_F(SigninPagesTest, AnAttemptOnNoAccountLeavesNoEvent) {
  EXPECT_EQ(send("POST", "/console/signin", "account=000000000000&username=a&password=b").status,
            401);
  EXPECT_TRUE(events().empty());
  EXPECT_EQ(send("POST", "/console/signin", "account=111122223333&username=a&password=b").status,
            401);
  EXPECT_EQ(event_names(), std::vector<std::string>{"ConsoleLogin"});
}

TEST_F(SigninPagesTest, APasswordExpires) {
  const auto entity = user("bob");
  const auto hashed = identity_.passwords().hash("Correct-horse-7").value();
  const auto write = [&](const auto& body) { ASSERT_TRUE(database_->write(body)); };
  write([&](meta::Transaction& transaction) -> Result<> {
    TRY(identity_.passwords().create(transaction, entity, hashed, false, 7200));
    return identity_.passwords().set_policy(transaction, kAccount,
                                            {.users_may_change = true, .days_max = 1});
  });
  const std::string form = "account=111122223333&username=bob&password=Correct-horse-7";
  const auto in_time = send("POST", "/console/signin", form);
  EXPECT_EQ(in_time.status, 200) << in_time.body;
  EXPECT_NE(in_time.body.find(format_iso_seconds(fake_.clock.now() + std::chrono::hours(2))),
            in_time.body.npos)
      << "as long as the profile says";
  fake_.clock.advance(std::chrono::hours(24));
  EXPECT_NE(send("POST", "/console/signin", form).body.find("passwordChangeRequired"),
            std::string::npos);
  write([&](meta::Transaction& transaction) {
    return identity_.passwords().set_policy(
        transaction, kAccount, {.users_may_change = true, .days_max = 1, .hard_expiry = true});
  });
  const auto late = send("POST", "/console/signin", form + "&new_password=Another-horse-8");
  EXPECT_EQ(late.status, 401);
  EXPECT_NE(late.body.find("Ask an administrator"), late.body.npos);
  write([&](meta::Transaction& transaction) {
    return identity_.passwords().set_policy(transaction, kAccount,
                                            {.users_may_change = true, .days_max = 1});
  });
  EXPECT_EQ(send("POST", "/console/signin", form + "&new_password=Another-horse-8").status, 200);
}

TEST_F(SigninPagesTest, OriginsAreComparedByHost) {
  origin_ = "https://traccia.example";
  EXPECT_NE(send("POST", "/console/signout").status, 403) << "TLS may end before the server";
  for (const auto* other : {"https://traccia.example.evil", "https://evil.example", "null"}) {
    origin_ = other;
    EXPECT_EQ(send("POST", "/console/signout").status, 403) << other;
  }
}

TEST_F(SigninPagesTest, BehindTlsTheCookieIsOfThisHostOnly) {
  tls_ = true;
  const auto gone = send("POST", "/console/signout");
  const auto cookie = gone.headers.get("Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-traccia-session=;")) << cookie;
  EXPECT_NE(cookie.find("; Secure"), cookie.npos);
  EXPECT_NE(cookie.find("; Path=/;"), cookie.npos);
}

}  // namespace
}  // namespace traccia::api
