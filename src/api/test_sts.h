// For tests: users, roles and whoever they become, through the operations of IAM and STS.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "api/test_iam.h"

namespace traccia::api {

class StsTest : public IamTest {
 protected:
  void SetUp() override {
    IamTest::SetUp();
    administrator_ = caller_;
  }

  static std::string user_arn(std::string_view name) {
    return fmt::format("arn:aws:iam::{}:user/{}", kAccount, name);
  }
  static std::string role_arn(std::string_view name) {
    return fmt::format("arn:aws:iam::{}:role/{}", kAccount, name);
  }
  static std::string allowing(std::string_view action) {
    return fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{}",)"
                       R"("Resource":"*"}}]}})",
                       action);
  }
  // A trust policy. `condition` and `actions` are JSON.
  static std::string trusting(std::string_view principal, std::string_view condition = "",
                              std::string_view actions = R"("sts:AssumeRole")") {
    return fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",)"
                       R"("Principal":{{"AWS":"{}"}},"Action":{}{}{}}}]}})",
                       principal, actions, condition.empty() ? "" : R"(,"Condition":)", condition);
  }
  // Hands over to the policies of the account's users; with all that sessions may carry.
  static std::string trusting_account(
      std::string_view condition = "",
      std::string_view actions = R"(["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"])") {
    return trusting(fmt::format("arn:aws:iam::{}:root", kAccount), condition, actions);
  }

  void user(std::string_view name) { (void)get("CreateUser", {{"UserName", name}}); }
  void role(std::string_view name, std::string_view trust) {
    (void)get("CreateRole", {{"RoleName", name}, {"AssumeRolePolicyDocument", trust}});
  }
  void allow_user(std::string_view name, std::string_view action) {
    (void)get("PutUserPolicy", {{"UserName", name},
                                {"PolicyName", action.substr(0, action.find(':'))},
                                {"PolicyDocument", allowing(action)}});
  }
  void allow_role(std::string_view name, std::string_view action) {
    (void)get("PutRolePolicy",
              {{"RoleName", name}, {"PolicyName", "p"}, {"PolicyDocument", allowing(action)}});
  }
  // Another account, and a role of it.
  void account(std::string_view id) {
    write([&](meta::Transaction& transaction) -> Result<> {
      TRY(transaction.execute(
          "INSERT INTO accounts (id, management, created, name, email) VALUES (?, 0, 1, ?, ?)",
          {id, id, id}));
      return {};
    });
  }
  void role_of(std::string_view account, std::string_view name, std::string_view trust) {
    write([&](meta::Transaction& transaction) -> Result<> {
      TRY(identity_.entities().create(transaction, {.kind = identity::EntityKind::Role,
                                                    .account_id = std::string(account),
                                                    .name = std::string(name),
                                                    .role = {.trust = std::string(trust)}}));
      return {};
    });
  }

  static json::Object asking(std::string_view role, const json::Object& more = {}) {
    json::Object out{{"RoleArn", role_arn(role)}, {"RoleSessionName", "s1"}};
    for (const auto& [name, value] : more) out[name] = value;
    return out;
  }

  // From here on the caller is the administrator, a user with its own key, or the credentials of
  // an answer.
  void as_administrator() { caller_ = administrator_; }
  void as(std::string_view user) {
    const auto made = [&] {
      as_administrator();
      return get("CreateAccessKey", {{"UserName", user}});
    }();
    const std::string id(made.at("AccessKey").at("AccessKeyId").as_string());
    write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto key, identity_.find_access_key(transaction, id));
      caller_.principal = key->principal;
      return {};
    });
    const auto own = caller_;
    as_administrator();
    (void)get("DeleteAccessKey", {{"UserName", user}, {"AccessKeyId", id}});
    caller_ = own;
  }
  void become(const json::Object& answer) {
    const auto& credentials = answer.at("Credentials").as_object();
    write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto key,
                 identity_.find_session(transaction, credentials.at("AccessKeyId").as_string(),
                                        credentials.at("SessionToken").as_string()));
      if (!key) return fail(ErrorCode::NotFound, "the credentials are unknown");
      caller_.principal = key->principal;
      return {};
    });
  }

  Caller administrator_;

 private:
  template <typename Body>
  void write(const Body& body) {
    const auto done = database_->write(body);
    ASSERT_TRUE(done) << done.error().message();
  }
};

}  // namespace traccia::api
