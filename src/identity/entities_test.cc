// Users, groups and roles, their keys and tags; and that older directories get them.
// SPDX-License-Identifier: Apache-2.0
#include "identity/entities.h"

#include <fmt/format.h>

#include "identity/aws_managed.h"
#include "identity/test_store.h"

namespace traccia::identity {
namespace {

class EntitiesTest : public StoreTest {
 protected:
  Page<Entity> list(EntityKind kind, std::string_view prefix, const Cursor& cursor) {
    return write([&](meta::Transaction& transaction) {
      return identity_.entities().list(transaction, kTestAccount, kind, prefix, cursor);
    });
  }
  auto creating(EntityKind kind, std::string name) {
    return [this, kind, name](meta::Transaction& transaction) {
      return identity_.entities().create(transaction, {.kind = kind,
                                                       .account_id = std::string(kTestAccount),
                                                       .name = name,
                                                       .role = {.trust = std::string(kTrust)}});
    };
  }
  auto removing(const Entity& entity) {
    return [this, entity](meta::Transaction& transaction) {
      return identity_.entities().remove(transaction, entity);
    };
  }
  std::optional<AccessKey> find_key(const std::string& id) {
    return write(
        [&](meta::Transaction& transaction) { return identity_.find_access_key(transaction, id); });
  }
};

TEST_F(EntitiesTest, HaveIdsAndArnsOfTheirKind) {
  const auto user = create(EntityKind::User, "Bob", "/division/team/");
  EXPECT_TRUE(user.id.starts_with("AIDA"));
  EXPECT_EQ(user.id.size(), 21U);
  EXPECT_EQ(user.arn(), "arn:aws:iam::111122223333:user/division/team/Bob");
  EXPECT_EQ(create(EntityKind::Group, "Bob").arn(), "arn:aws:iam::111122223333:group/Bob");
  EXPECT_TRUE(create(EntityKind::Role, "Bob").id.starts_with("AROA"));
}

TEST_F(EntitiesTest, NamesDifferByMoreThanCase) {
  (void)create(EntityKind::User, "Bob");
  EXPECT_EQ(message(creating(EntityKind::User, "BOB")), "User with name BOB already exists.");
  EXPECT_EQ(refusal(creating(EntityKind::User, "bob")), "EntityAlreadyExists");
  const auto found = write([&](meta::Transaction& transaction) {
    return identity_.entities().get(transaction, {kTestAccount, EntityKind::User, "bOB"});
  });
  EXPECT_EQ(found.name, "Bob");
  const auto elsewhere = [&](meta::Transaction& transaction) {
    return identity_.entities().get(transaction, {"444455556666", EntityKind::User, "Bob"});
  };
  EXPECT_EQ(message(elsewhere), "The user with name Bob cannot be found.");
  EXPECT_EQ(refusal(elsewhere), "NoSuchEntity");
}

TEST_F(EntitiesTest, AreListedByNameInPages) {
  for (const auto* name : {"eve", "Dan", "carol", "Bob"}) (void)create(EntityKind::User, name);
  (void)create(EntityKind::User, "alice", "/x/");
  const auto first = list(EntityKind::User, "/", {.after = "", .items_max = 4});
  ASSERT_EQ(first.items.size(), 4U);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.items[0].name, "administrator");
  EXPECT_EQ(first.items[3].name, "carol");
  const auto second = list(EntityKind::User, "/", {.after = "carol", .items_max = 4});
  ASSERT_EQ(second.items.size(), 2U);
  EXPECT_FALSE(second.more);
  EXPECT_EQ(second.items[1].name, "eve");
  const auto below = list(EntityKind::User, "/x/", {});
  ASSERT_EQ(below.items.size(), 1U);
  EXPECT_EQ(below.items[0].name, "alice");
}

TEST_F(EntitiesTest, MoveToFreeNamesOnly) {
  const auto bob = create(EntityKind::User, "Bob");
  (void)create(EntityKind::User, "Carol");
  const auto rename = [&](std::string_view name, std::string_view path) {
    return refusal([&](meta::Transaction& transaction) {
      return identity_.entities().rename(transaction, bob, name, path);
    });
  };
  EXPECT_EQ(rename("carol", ""), "EntityAlreadyExists");
  EXPECT_EQ(rename("BOB", "/new/"), "");
  const auto found = list(EntityKind::User, "/new/", {});
  ASSERT_EQ(found.items.size(), 1U);
  EXPECT_EQ(found.items[0].arn(), "arn:aws:iam::111122223333:user/new/BOB");
}

TEST_F(EntitiesTest, StayWhileSomethingHangsOnThem) {
  const auto user = create(EntityKind::User, "Bob");
  const auto group = create(EntityKind::Group, "team");
  const auto key = write(
      [&](meta::Transaction& transaction) { return identity_.keys().create(transaction, user); });
  EXPECT_EQ(message(removing(user)), "Cannot delete entity, must delete access keys first.");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.keys().remove(transaction, user, key.metadata.id);
            }),
            "");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.entities().add_to_group(transaction, user, group);
            }),
            "");
  EXPECT_EQ(message(removing(user)), "Cannot delete entity, must remove user from groups first.");
  EXPECT_EQ(message(removing(group)), "Cannot delete entity, must remove users from group first.");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.entities().remove_from_group(transaction, user, group);
            }),
            "");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.attachments().put_inline(transaction, user, "p", kReadTrails);
            }),
            "");
  EXPECT_EQ(message(removing(user)), "Cannot delete entity, must delete policies first.");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) -> Result<> {
              TRY(identity_.attachments().remove_inline(transaction, user, "p"));
              return identity_.attachments().attach(transaction, user, kAdministratorAccess);
            }),
            "");
  EXPECT_EQ(refusal(removing(user)), "DeleteConflict");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.attachments().detach(transaction, user, kAdministratorAccess);
            }),
            "");
  EXPECT_EQ(refusal(removing(user)), "");
  EXPECT_EQ(refusal(removing(group)), "");
}

TEST_F(EntitiesTest, UsersAreInTenGroupsAtMost) {
  const auto user = create(EntityKind::User, "Bob");
  const auto join = [&](const Entity& group) {
    return message([&](meta::Transaction& transaction) {
      return identity_.entities().add_to_group(transaction, user, group);
    });
  };
  const auto first = create(EntityKind::Group, "g0");
  EXPECT_EQ(join(first), "");
  for (int i = 1; i < 10; ++i)
    EXPECT_EQ(join(create(EntityKind::Group, fmt::format("g{}", i))), "");
  EXPECT_EQ(join(create(EntityKind::Group, "g10")), "Cannot exceed quota for GroupsPerUser: 10");
  EXPECT_EQ(join(first), "") << "a member already";
}

TEST_F(EntitiesTest, RolesKeepATrustPolicyThatParses) {
  auto role = create(EntityKind::Role, "delivery");
  const auto set_trust = [&](const std::string& trust) {
    return refusal([&](meta::Transaction& transaction) {
      return identity_.entities().set_trust(transaction, role, trust);
    });
  };
  EXPECT_EQ(set_trust(std::string(kReadTrails)), "MalformedPolicyDocument");
  EXPECT_EQ(set_trust("{"), "MalformedPolicyDocument");
  std::string large(kTrust);
  large.insert(large.find("\"Effect\""), "\"Sid\":\"" + std::string(2048, 'a') + "\",");
  EXPECT_EQ(set_trust(large), "LimitExceeded");
  EXPECT_EQ(set_trust(std::string(kTrust)), "");
}

TEST_F(EntitiesTest, TwoKeysAUserThatCanBeSwitchedOff) {
  const auto user = create(EntityKind::User, "Bob");
  const auto make = [&](meta::Transaction& transaction) {
    return identity_.keys().create(transaction, user);
  };
  const auto first = write(make);
  (void)write(make);
  EXPECT_EQ(message(make), "Cannot exceed quota for AccessKeysPerUser: 2");
  const auto found = find_key(first.metadata.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret_access_key, first.secret);
  const auto set = [&](const Entity& owner, KeyStatus status) {
    return refusal([&](meta::Transaction& transaction) {
      return identity_.keys().set_status(transaction, owner, first.metadata.id, status);
    });
  };
  EXPECT_EQ(set(create(EntityKind::User, "Eve"), KeyStatus::Inactive), "NoSuchEntity");
  EXPECT_EQ(set(user, KeyStatus::Inactive), "");
  EXPECT_FALSE(find_key(first.metadata.id));
  EXPECT_EQ(set(user, KeyStatus::Active), "");
  EXPECT_TRUE(find_key(first.metadata.id));
}

TEST_F(EntitiesTest, UsesOfKeysAreStoredFromTimeToTime) {
  auto& keys = identity_.keys();
  const auto last_used = [&] {
    return write([&](meta::Transaction& transaction) {
      return identity_.keys().last_used(transaction, bootstrap_->access_key_id);
    });
  };
  EXPECT_FALSE(last_used().use);
  keys.uses().note(bootstrap_->access_key_id, "iam", "us-east-1");
  EXPECT_EQ(last_used().use->service, "iam");
  const auto writes = database_->writes();
  ASSERT_TRUE(keys.uses().store(*database_));
  EXPECT_EQ(database_->writes(), writes + 1);
  ASSERT_TRUE(keys.uses().store(*database_));
  EXPECT_EQ(database_->writes(), writes + 1) << "nothing to store";
  Identity later(fake_.os(), master_key_);
  const auto stored = write([&](meta::Transaction& transaction) {
    return later.keys().last_used(transaction, bootstrap_->access_key_id);
  });
  EXPECT_EQ(stored.user_name, "administrator");
  EXPECT_EQ(stored.use->region, "us-east-1");
  EXPECT_EQ(stored.use->time, fake_.clock.now());
}

TEST_F(EntitiesTest, UsesOfRolesAreStoredFromTimeToTime) {
  const auto role = create(EntityKind::Role, "worker");
  const auto last_used = [&](Identity& identity) {
    return write(
        [&](meta::Transaction& transaction) { return identity.role_last_used(transaction, role); });
  };
  Principal session;
  session.type = PrincipalType::AssumedRole;
  session.principal_id = role.id + ":night-shift";
  session.session = std::make_shared<LiveSession>();
  EXPECT_FALSE(last_used(identity_));
  identity_.note_use(session, "s3", "eu-west-1");
  EXPECT_EQ(last_used(identity_)->region, "eu-west-1");
  Identity later(fake_.os(), master_key_);
  EXPECT_FALSE(last_used(later));
  ASSERT_TRUE(identity_.store_uses(*database_));
  EXPECT_EQ(last_used(later)->service, "s3");
  EXPECT_EQ(last_used(later)->time, fake_.clock.now());
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.entities().remove(transaction, role);
            }),
            "");
  EXPECT_FALSE(last_used(later)) << "goes with its role";
}

TEST_F(EntitiesTest, TheFirstUserStandsForRootWhileItHasAdministratorAccessWithoutABoundary) {
  const auto stands = [&] {
    return find_key(bootstrap_->access_key_id)->principal.stands_for_root;
  };
  const auto done = [&](const auto& body) { ASSERT_EQ(refusal(body), ""); };
  auto& attachments = identity_.attachments();
  const auto first = write([&](meta::Transaction& transaction) {
    return identity_.entities().get(transaction,
                                    {kTestAccount, EntityKind::User, bootstrap_->user_name});
  });
  EXPECT_TRUE(stands());
  done([&](meta::Transaction& transaction) {
    return attachments.detach(transaction, first, kAdministratorAccess);
  });
  EXPECT_FALSE(stands());
  const auto group = create(EntityKind::Group, "admins");
  done([&](meta::Transaction& transaction) -> Result<> {
    TRY(attachments.attach(transaction, group, kAdministratorAccess));
    return identity_.entities().add_to_group(transaction, first, group);
  });
  EXPECT_TRUE(stands()) << "by its group";
  done([&](meta::Transaction& transaction) {
    return attachments.set_boundary(transaction, first, kAdministratorAccess);
  });
  EXPECT_FALSE(stands()) << "the engine has to say";
  const auto other = create(EntityKind::User, "Bob");
  done([&](meta::Transaction& transaction) {
    return identity_.entities().add_to_group(transaction, other, group);
  });
  const auto key = write(
      [&](meta::Transaction& transaction) { return identity_.keys().create(transaction, other); });
  EXPECT_FALSE(find_key(key.metadata.id)->principal.stands_for_root) << "not the first";
}

TEST_F(EntitiesTest, TagKeysDifferByMoreThanCase) {
  const auto user = create(EntityKind::User, "Bob");
  const auto set = [&](std::vector<Tag> tags) {
    return refusal(
        [&](meta::Transaction& transaction) { return set_tags(transaction, user.id, tags); });
  };
  EXPECT_EQ(set({{"Team", "a"}, {"Cost", "1"}}), "");
  EXPECT_EQ(set({{"team", "b"}}), "");
  EXPECT_EQ(set({{"x", "1"}, {"X", "2"}}), "InvalidInput");
  EXPECT_EQ(set({{"AWS:x", "1"}}), "InvalidInput");
  std::vector<Tag> many;
  for (int i = 0; i < 49; ++i) many.push_back({fmt::format("k{}", i), ""});
  EXPECT_EQ(set(many), "LimitExceeded");
  const auto page = write([&](meta::Transaction& transaction) {
    return list_tags(transaction, user.id, {.after = "", .items_max = 1});
  });
  EXPECT_EQ(page.items[0].key, "Cost");
  EXPECT_TRUE(page.more);
}

// What a directory of the first schema holds is there afterwards.
TEST(IamSchema, TurnsTheAdministratorIntoAnEntity) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/d"));
  const MasterKey master_key(std::string(32, 'k'));
  const auto sealed = master_key.seal("secret", "access-key/AKIAOLD");
  {
    const auto old = meta::Database::open(fake.os(), "/d/meta.db", {kSchema}).value();
    ASSERT_TRUE(old->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(transaction.execute("INSERT INTO accounts VALUES (?, 1, 7)", {kTestAccount}));
      TRY(transaction.execute("INSERT INTO users VALUES ('AIDAOLD', ?, 'administrator', 1)",
                              {kTestAccount}));
      TRY(transaction.execute("INSERT INTO access_keys VALUES ('AKIAOLD', 'AIDAOLD', ?, 1)",
                              {meta::Blob{sealed}}));
      return {};
    }));
  }
  const auto database = meta::Database::open(fake.os(), "/d/meta.db", schemas()).value();
  Identity identity(fake.os(), master_key);
  ASSERT_TRUE(database->read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto key, identity.find_access_key(transaction, "AKIAOLD"));
    EXPECT_EQ(key->secret_access_key, "secret");
    EXPECT_EQ(key->principal.principal_id, "AIDAOLD");
    EXPECT_TRUE(key->principal.stands_for_root);
    TRY_ASSIGN(const auto policies, identity.policies_of(transaction, key->principal));
    EXPECT_EQ(policies->identity.size(), 1U);
    return {};
  }));
}

}  // namespace
}  // namespace traccia::identity
