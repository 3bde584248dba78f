// Keys are kept while nothing was written, and no longer.
// SPDX-License-Identifier: Apache-2.0
#include "api/key_cache.h"

#include <gtest/gtest.h>

#include "os/fake_os.h"

namespace traccia::api {
namespace {

TEST(KeyCache, SeesEveryChange) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/d"));
  const auto database = meta::Database::open(fake.os(), "/d/meta.db", identity::schemas()).value();
  const identity::MasterKey master_key(std::string(32, 'k'));
  identity::Identity identity(fake.os(), master_key);
  std::string id;
  ASSERT_TRUE(database->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto made, identity.bootstrap(transaction, "111122223333"));
    id = made->access_key_id;
    return {};
  }));
  KeyCache cache;
  const auto find = [&](std::string_view name) {
    return cache.find(*database, identity, name).value();
  };
  const auto first = find(id);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->principal.user_name, "administrator");
  EXPECT_EQ(find(id), first) << "the same object: nothing was read";
  EXPECT_FALSE(find("AKIAUNKNOWN"));
  ASSERT_TRUE(database->write([&](meta::Transaction& transaction) -> Result<> {
    TRY(transaction.execute("UPDATE access_keys SET active = 0"));
    return {};
  }));
  EXPECT_FALSE(find(id)) << "switched off by the write";
}

}  // namespace
}  // namespace traccia::api
