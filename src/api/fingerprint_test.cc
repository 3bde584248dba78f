// Whatever a policy can tell of a caller tells its fingerprint from another's.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "api/authoriser.h"

namespace traccia::api {
namespace {

TEST(Fingerprint, TellsOfAllThatDecides) {
  Caller base;
  for (auto* text : {&base.principal.account_id, &base.principal.arn, &base.principal.principal_id,
                     &base.principal.user_name, &base.principal.access_key_id,
                     &base.principal.service, &base.region, &base.source_arn, &base.source_account,
                     &base.via_service, &base.source_ip, &base.user_agent}) {
    *text = "a";
  }
  const Time now{};
  std::vector<std::string> seen{fingerprint(base, now)};
  const auto add = [&](const Caller& caller, Time at) {
    const auto one = fingerprint(caller, at);
    for (const auto& other : seen) EXPECT_NE(one, other);
    seen.push_back(one);
  };
  const auto vary = [&](auto member) {
    auto caller = base;
    member(caller) = "b";
    add(caller, now);
  };
  vary([](Caller& caller) -> std::string& { return caller.principal.account_id; });
  vary([](Caller& caller) -> std::string& { return caller.principal.arn; });
  vary([](Caller& caller) -> std::string& { return caller.principal.principal_id; });
  vary([](Caller& caller) -> std::string& { return caller.principal.user_name; });
  vary([](Caller& caller) -> std::string& { return caller.principal.access_key_id; });
  vary([](Caller& caller) -> std::string& { return caller.principal.service; });
  vary([](Caller& caller) -> std::string& { return caller.region; });
  vary([](Caller& caller) -> std::string& { return caller.source_arn; });
  vary([](Caller& caller) -> std::string& { return caller.source_account; });
  vary([](Caller& caller) -> std::string& { return caller.via_service; });
  vary([](Caller& caller) -> std::string& { return caller.source_ip; });
  vary([](Caller& caller) -> std::string& { return caller.user_agent; });
  auto caller = base;
  caller.principal.type = identity::PrincipalType::Root;
  add(caller, now);
  caller = base;
  caller.principal.stands_for_root = true;
  add(caller, now);
  caller = base;
  caller.tls.emplace();
  add(caller, now);
  // The age of a session's MFA counts in seconds.
  caller = base;
  caller.principal.session = std::make_shared<const identity::LiveSession>();
  add(caller, now);
  add(caller, now + std::chrono::seconds(1));
  // Texts that run together do not look alike.
  caller = base;
  caller.source_ip = "a1:a";
  caller.user_agent = "";
  add(caller, now);
}

}  // namespace
}  // namespace traccia::api
