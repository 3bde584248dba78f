// For tests: operations of IAM and STS through execute(), as the account's administrator or whom a
// test says. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "api/error_table.h"
#include "api/operation_call.h"
#include "api/test_services.h"

namespace traccia::api {

class IamTest : public ServicesTest {
 protected:
  void SetUp() override {
    ServicesTest::SetUp();
    run_log();
    caller_.principal = administrator();
    caller_.region = "eu-west-1";
    caller_.source_ip = "127.0.0.1";
  }

  // An operation of IAM or STS by the current caller.
  Result<json::Object> call(std::string_view name, const json::Object& input) {
    for (const auto bindings : {iam_bindings(), sts_bindings()}) {
      for (const auto& binding : bindings) {
        if (binding.operation->name != name) continue;
        TRY_ASSIGN(auto output, execute(*services_, caller_, binding, input));
        return std::move(output.document);
      }
    }
    return fail(ErrorCode::NotFound, "NoSuchOperation", std::string(name));
  }
  json::Object get(std::string_view name, const json::Object& input) {
    auto output = call(name, input);
    if (!output) ADD_FAILURE() << name << ": " << output.error().message();
    return output ? *output : json::Object{};
  }
  // "STATUS NAME: MESSAGE" as the wire has it; empty when the call succeeded.
  std::string error(std::string_view name, const json::Object& input) {
    const auto output = call(name, input);
    if (output) return "";
    const auto shown = to_api_error(output.error(), aws::Protocol::Query);
    return fmt::format("{} {}: {}", shown.status, shown.name, shown.message);
  }
  json::Object last_event() { return events().back(); }

  Caller caller_;
};

}  // namespace traccia::api
