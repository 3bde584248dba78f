// For tests: keys of KMS, made by the administrator, used by whom a test says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "api/test_callers.h"
#include "base/bytes.h"

namespace traccia::api {

class KmsTest : public CallersTest {
 protected:
  static constexpr std::string_view kRoot = R"({"AWS":"arn:aws:iam::111122223333:root"})";

  // A key's id.
  std::string make_key(const json::Object& input = {}) {
    const auto made = as_administrator("kms:CreateKey", input);
    return std::string(made.at("KeyMetadata").at("KeyId").as_string());
  }
  static std::string arn_of(std::string_view id) {
    return fmt::format("arn:aws:kms:eu-west-1:{}:key/{}", kAccount, id);
  }

  // A statement of a key policy. `principal` and `condition` are JSON.
  static std::string allowing(std::string_view principal, std::string_view actions,
                              std::string_view condition = "{}") {
    return fmt::format(
        R"({{"Effect":"Allow","Principal":{},"Action":{},"Resource":"*","Condition":{}}})",
        principal, actions, condition);
  }
  static std::string denying(std::string_view principal, std::string_view actions,
                             std::string_view condition = "{}") {
    auto statement = allowing(principal, actions, condition);
    return statement.replace(statement.find("Allow"), 5, "Deny");
  }
  static std::string document(std::initializer_list<std::string> statements) {
    std::string out = R"({"Version":"2012-10-17","Statement":[)";
    for (const auto& statement : statements) {
      if (out.back() == '}') out += ',';
      out += statement;
    }
    return out + "]}";
  }
  // The administrator keeps all rights by identity policy, through the account.
  static std::string for_account() { return allowing(kRoot, R"("kms:*")"); }
  void put_policy(std::string_view key, const std::string& policy) {
    as_administrator("kms:PutKeyPolicy", {{"KeyId", key}, {"Policy", policy}});
  }

  // "NAME: message" as the wire has it; empty when the call succeeded.
  std::string error(const Caller& caller, std::string_view operation, const json::Object& input) {
    const auto output = call(caller, operation, input);
    if (output) return "";
    const auto shown = to_api_error(output.error(), aws::Protocol::Json11);
    return fmt::format("{}: {}", shown.name, shown.message);
  }
  std::string error(std::string_view operation, const json::Object& input) {
    return error(administrator_, operation, input);
  }

  static json::Object context(std::string_view key, std::string_view value) {
    return {{key, value}};
  }
  std::string encrypt(std::string_view key, std::string_view plaintext,
                      const json::Object& with = {}) {
    const auto made = as_administrator(
        "kms:Encrypt",
        {{"KeyId", key}, {"Plaintext", base64_encode(plaintext)}, {"EncryptionContext", with}});
    return std::string(made.at("CiphertextBlob").as_string());
  }

  // The newest event of a call that succeeded; waits for it, since reads are recorded later.
  json::Object last_event(std::string_view name, std::string_view account = kAccount) {
    return newest(name, account, "");
  }
  json::Object last_denial(std::string_view name) { return newest(name, kAccount, "AccessDenied"); }

  // Another account and its administrator.
  Caller stranger() {
    Caller out;
    EXPECT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(transaction.execute(
          "INSERT INTO accounts (id, management, created, name, email) VALUES (?, 0, 1, 's', "
          "'s@example.com')",
          {kStranger}));
      TRY_ASSIGN(const auto made, identity_.create_administrator(transaction, kStranger));
      TRY_ASSIGN(const auto key, identity_.find_access_key(transaction, made.access_key_id));
      out = caller(key->principal);
      return {};
    }));
    return out;
  }
  static constexpr std::string_view kStranger = "444455556666";

 private:
  json::Object newest(std::string_view name, std::string_view account, std::string_view error) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      const auto all = events();
      for (auto at = all.rbegin(); at != all.rend(); ++at) {
        if (json::find_string(*at, "eventName") == name &&
            json::find_string(*at, "recipientAccountId") == account &&
            json::find_string(*at, "errorCode") == error) {
          return *at;
        }
      }
      std::this_thread::yield();
    }
    ADD_FAILURE() << "no event " << name << " of " << account;
    return {};
  }
};

}  // namespace traccia::api
