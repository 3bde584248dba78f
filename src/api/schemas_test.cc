// What is kept while writes() stays the same does not come from a busy table.
// SPDX-License-Identifier: Apache-2.0
#include "api/schemas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "identity/schema.h"
#include "kms/schema.h"
#include "meta/database.h"
#include "organization/schema.h"
#include "os/fake_os.h"

namespace traccia::api {
namespace {

std::vector<std::string> tables_of(meta::Database& database) {
  std::vector<std::string> out;
  EXPECT_TRUE(database.read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT name FROM sqlite_master WHERE type = 'table'", {},
                             [&](const meta::Row& row) -> Result<> {
                               out.push_back(row.text(0));
                               return {};
                             });
  }));
  return out;
}

TEST(BusyTables, AreThereAndHoldNoSettings) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/d"));
  const auto all =
      tables_of(*meta::Database::open(fake.os(), "/d/meta.db", control_plane_schemas()).value());
  auto settings = identity::schemas();
  settings.insert(settings.end(),
                  {organization::kSchema, kms::kSchema, kms::kRotationSchema, kms::kGrantsSchema,
                   kms::kManagersSchema, kms::kReplicasSchema, kms::kVersionsSchema});
  const auto kept = tables_of(*meta::Database::open(fake.os(), "/d/kept.db", settings).value());
  ASSERT_THAT(kept, testing::IsSupersetOf({"access_keys", "entities", "kms_keys", "kms_aliases"}));
  for (const auto table : control_plane_busy_tables()) {
    EXPECT_THAT(all, testing::Contains(table));
    EXPECT_THAT(kept, testing::Not(testing::Contains(table)));
  }
}

}  // namespace
}  // namespace traccia::api
