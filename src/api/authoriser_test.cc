// Whose event history a principal may read.
// SPDX-License-Identifier: Apache-2.0
#include "api/authoriser.h"

#include <gtest/gtest.h>

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
  auto blobs = blob::BlobStore::open(fake.os(), "/data/blobs").value();
  s3::S3 s3(fake.os(), *blobs);
  Authoriser authoriser(fake.clock, identity, s3);
  auto database =
      meta::Database::open(fake.os(), "/data/meta.db", meta::Durability::Full, identity::schemas())
          .value();
  const auto allowed = [&](std::string_view caller, std::optional<std::string_view> account) {
    Caller asking;
    asking.principal.account_id = caller;
    asking.principal.administrator = true;
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

}  // namespace
}  // namespace traccia::api
