// What belongs to accounts: their event history and tokens, and the events of others.
// SPDX-License-Identifier: Apache-2.0
#include "api/authoriser.h"

#include <gtest/gtest.h>

#include "api/test_callers.h"
#include "organization/schema.h"
#include "os/fake_os.h"

namespace traccia::api {
namespace {

constexpr std::string_view kManagement = "111122223333";
constexpr std::string_view kMember = "444455556666";

TEST(Authoriser, HistoryOfOtherAccountsIsForTheManagementAccount) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/data"));
  const auto key = identity::MasterKey(std::string(32, 'k'));
  identity::Identity identity(fake.os(), key);
  auto schemas = identity::schemas();
  schemas.push_back(organization::kSchema);
  auto database = meta::Database::open(fake.os(), "/data/meta.db", schemas).value();
  auto blobs = blob::BlobStore::open(fake.os(), "/data/blobs").value();
  s3::S3 s3(fake.os(), *database, *blobs, std::string(32, 's'));
  organization::Organizations organizations(fake.os());
  Authoriser authoriser(fake.clock, identity, organizations, s3);
  const auto allowed = [&](std::string_view caller, std::optional<std::string_view> account) {
    Caller asking;
    asking.principal.account_id = caller;
    const auto done = database->read([&](meta::Transaction& transaction) {
      return authoriser.authorise_account(transaction, {asking, "traccia:SearchEvents", "*"},
                                          account);
    });
    EXPECT_TRUE(done || done.error().reason() == "AccessDenied") << done.error().message();
    return done.has_value();
  };
  ASSERT_TRUE(database->write([&](meta::Transaction& transaction) -> Result<> {
    TRY(identity.bootstrap(transaction, kManagement));
    return {};
  }));
  EXPECT_TRUE(allowed(kManagement, kManagement));
  EXPECT_TRUE(allowed(kManagement, kMember));
  EXPECT_TRUE(allowed(kManagement, std::nullopt));
  EXPECT_TRUE(allowed(kMember, kMember));
  EXPECT_FALSE(allowed(kMember, kManagement));
  EXPECT_FALSE(allowed(kMember, std::nullopt));
}

class SendersTest : public CallersTest {
 protected:
  // "denied", "own" account's events, or "all".
  std::string may_send(const Caller& caller) {
    std::string out;
    EXPECT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
      const auto may_import = authoriser_->authorise_sender(transaction, caller);
      out = !may_import ? std::string("denied") : *may_import ? "all" : "own";
      return {};
    }));
    return out;
  }
};

TEST_F(SendersTest, PoliciesSayWhoSendsEventsAndOfWhom) {
  EXPECT_EQ(may_send(administrator_), "all");
  EXPECT_EQ(may_send(worker_), "denied");
  allow("traccia:PutEvents", "*");
  EXPECT_EQ(may_send(worker_), "own");
  allow("traccia:ImportEvents", "*");
  EXPECT_EQ(may_send(worker_), "denied");
  allow("traccia:*", "*");
  EXPECT_EQ(may_send(worker_), "all");
  allow("traccia:*", "*", R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})");
  EXPECT_EQ(may_send(worker_), "denied");
  // Whatever an account's policies say, events of others come from the management account.
  allow("traccia:*", "*");
  auto member = worker_;
  member.principal.account_id = kMember;
  EXPECT_EQ(may_send(member), "own");
}

TEST_F(SendersTest, TokensOfOtherAccountsAreForTheManagementAccount) {
  ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY(transaction.execute(
        "INSERT INTO accounts (id, management, created, email) VALUES (?, 0, 7, 'm@example.com')",
        {kMember}));
    return {};
  }));
  const json::Object of_member{{"AccountId", kMember}};
  const auto made = as_administrator("traccia:CreateIngestToken", of_member);
  auto member = administrator_;
  member.principal.account_id = kMember;
  EXPECT_TRUE(call(member, "traccia:ListIngestTokens", {}));
  for (const auto* operation : {"traccia:CreateIngestToken", "traccia:ListIngestTokens"}) {
    const auto refused = call(member, operation, {{"AccountId", kAccount}});
    ASSERT_FALSE(refused) << operation;
    EXPECT_EQ(refused.error().reason(), "AccessDenied") << operation;
  }
  allow("traccia:RevokeIngestToken", "arn:aws:traccia::444455556666:token/*");
  EXPECT_EQ(refusal("traccia:RevokeIngestToken",
                    {{"TokenId", made.at("TokenId")}, {"AccountId", kMember}}),
            "");
  EXPECT_NE(refusal("traccia:RevokeIngestToken", {{"TokenId", made.at("TokenId")}}), "");
}

}  // namespace
}  // namespace traccia::api
