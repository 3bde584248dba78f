// For tests: operations called by the administrator, and by a user whose only policy the test sets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "api/error_table.h"
#include "api/service_table.h"
#include "api/test_services.h"

namespace traccia::api {

class CallersTest : public ServicesTest {
 protected:
  void SetUp() override {
    ServicesTest::SetUp();
    run_log();
    administrator_ = caller(administrator());
    worker_ = caller(user("worker"));
  }

  static Caller caller(identity::Principal principal) {
    Caller out;
    out.principal = std::move(principal);
    out.region = "eu-west-1";
    out.source_ip = "127.0.0.1";
    return out;
  }

  // A user that the administrator makes, without policies.
  identity::Principal user(std::string_view name) {
    identity::Principal out;
    EXPECT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto made,
                 identity_.entities().create(transaction, {.account_id = std::string(kAccount),
                                                           .name = std::string(name)}));
      TRY_ASSIGN(const auto key, identity_.keys().create(transaction, made));
      TRY_ASSIGN(const auto found, identity_.find_access_key(transaction, key.metadata.id));
      out = found->principal;
      return {};
    }));
    return out;
  }

  // The worker's only policy; empty: none.
  void set_policy(std::string_view document) {
    const auto done = database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(
          const auto worker,
          identity_.entities().get(transaction, {kAccount, identity::EntityKind::User, "worker"}));
      auto& attachments = identity_.attachments();
      if (!document.empty()) return attachments.put_inline(transaction, worker, "p", document);
      const auto removed = attachments.remove_inline(transaction, worker, "p");
      if (!removed && removed.error().reason() != "NoSuchEntity") return removed;
      return {};
    });
    EXPECT_TRUE(done) << document << ": " << done.error().message();
  }
  void allow(std::string_view action, std::string_view resource, std::string_view condition = "") {
    set_policy(fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",)"
                           R"("Action":"{}","Resource":"{}"{}{}}}]}})",
                           action, resource, condition.empty() ? "" : R"(,"Condition":)",
                           condition));
  }

  // `operation` is "iam:CreateUser".
  Result<json::Object> call(const Caller& caller, std::string_view operation,
                            const json::Object& input) {
    const auto colon = operation.find(':');
    const auto* service = find_service(operation.substr(0, colon));
    const auto* binding = service == nullptr ? nullptr : service->find(operation.substr(colon + 1));
    if (binding == nullptr)
      return fail(ErrorCode::NotFound, "NoSuchOperation", std::string(operation));
    TRY_ASSIGN(auto output, execute(*services_, caller, *binding, input));
    return std::move(output.document);
  }
  json::Object as_administrator(std::string_view operation, const json::Object& input) {
    auto output = call(administrator_, operation, input);
    if (!output) ADD_FAILURE() << operation << ": " << output.error().message();
    return output ? *output : json::Object{};
  }
  // The worker's call: empty when it succeeded, else the error's text after the "User: ARN is not
  // authorized to perform: " of a denial, or the reason of another error.
  std::string refusal(std::string_view operation, const json::Object& input) {
    const auto output = call(worker_, operation, input);
    if (output) return "";
    const auto& error = output.error();
    if (error.reason() != "AccessDenied") return std::string(error.reason());
    const auto start =
        fmt::format("User: {} is not authorized to perform: ", worker_.principal.arn);
    EXPECT_TRUE(error.message().starts_with(start)) << error.message();
    return error.message().substr(start.size());
  }

  Caller administrator_;
  Caller worker_;
};

}  // namespace traccia::api
