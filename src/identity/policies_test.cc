// Managed and inline policies, what they are attached to, and what is kept of them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "identity/attachments.h"
#include "identity/aws_managed.h"
#include "identity/test_store.h"

namespace traccia::identity {
namespace {

class PoliciesTest : public StoreTest {
 protected:
  ManagedPolicy create_policy(std::string_view name, std::string_view path = "/") {
    return write([&](meta::Transaction& transaction) {
      return identity_.policies().create(transaction, {.account_id = kTestAccount,
                                                       .name = name,
                                                       .path = path,
                                                       .description = "",
                                                       .document = kReadTrails});
    });
  }
  static PolicyName named(std::string_view arn) { return {kTestAccount, arn}; }
  std::string attach(const Entity& entity, std::string_view arn) {
    return message([&](meta::Transaction& transaction) {
      return identity_.attachments().attach(transaction, entity, arn);
    });
  }
  std::string put_inline(const Entity& entity, std::string_view name, std::string_view document) {
    return message([&](meta::Transaction& transaction) {
      return identity_.attachments().put_inline(transaction, entity, name, document);
    });
  }
  PolicyCache::Found policies_of(const Entity& entity) {
    Principal principal;
    principal.account_id = entity.account_id;
    principal.principal_id = entity.id;
    PolicyCache::Found found;
    const auto done = database_->read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(found, identity_.policies_of(transaction, principal));
      return {};
    });
    EXPECT_TRUE(done) << done.error().message();
    return found;
  }
  // A document of that many characters that count.
  static std::string document_of(size_t size) {
    std::string document(kReadTrails);
    document.insert(document.find("\"Effect\""), "\"Sid\":\"\", \n");
    const auto counted = policy::count_characters(document, policy::Limits::WhiteSpace::Skipped);
    document.insert(document.find("\"Sid\":\"") + 7, std::string(size - counted, 'a'));
    return document;
  }
};

TEST_F(PoliciesTest, HaveFiveVersionsAndOneDefault) {
  const auto policy = create_policy("trails", "/team/");
  EXPECT_EQ(policy.arn, "arn:aws:iam::111122223333:policy/team/trails");
  EXPECT_TRUE(policy.id.starts_with("ANPA"));
  const auto add = [&](MakeDefault make_default) {
    return [this, &policy, make_default](meta::Transaction& transaction) {
      return identity_.policies().create_version(transaction, named(policy.arn), kReadTrails,
                                                 make_default);
    };
  };
  EXPECT_EQ(write(add(MakeDefault::Yes)).number, 2);
  const auto remove = [&](std::string_view version) {
    return message([&](meta::Transaction& transaction) {
      return identity_.policies().remove_version(transaction, named(policy.arn), version);
    });
  };
  EXPECT_EQ(remove("v2"), "Cannot delete the default version of a policy.");
  EXPECT_EQ(remove("v1"), "");
  EXPECT_EQ(remove("v1"),
            fmt::format("Policy {} version v1 does not exist or is not attachable.", policy.arn));
  EXPECT_EQ(write(add(MakeDefault::No)).number, 3) << "numbers are never given again";
  (void)write(add(MakeDefault::No));
  (void)write(add(MakeDefault::No));
  (void)write(add(MakeDefault::No));
  EXPECT_EQ(refusal(add(MakeDefault::No)), "LimitExceeded");
  const auto versions = write([&](meta::Transaction& transaction) {
    return identity_.policies().list_versions(transaction, named(policy.arn));
  });
  ASSERT_EQ(versions.size(), 5U);
  EXPECT_EQ(versions.front().number, 6);
  EXPECT_TRUE(versions.back().is_default);
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.policies().remove(transaction, named(policy.arn));
            }),
            "DeleteConflict");
}

TEST_F(PoliciesTest, AreOfTheirAccount) {
  const auto policy = create_policy("trails");
  const auto get = [&](std::string_view account, std::string_view arn) {
    return refusal([&](meta::Transaction& transaction) {
      return identity_.policies().get(transaction, {account, arn});
    });
  };
  EXPECT_EQ(get(kTestAccount, policy.arn), "");
  EXPECT_EQ(get("444455556666", policy.arn), "NoSuchEntity");
  EXPECT_EQ(get("444455556666", kAdministratorAccess), "");
  EXPECT_EQ(get(kTestAccount, "arn:aws:iam::aws:policy/Nothing"), "NoSuchEntity");
  EXPECT_EQ(get(kTestAccount, "arn:aws:s3:::a-bucket-of-some-kind"), "InvalidInput");
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.policies().remove(transaction, named(kAdministratorAccess));
            }),
            "AccessDenied");
}

TEST_F(PoliciesTest, OfAwsParseAndAreSorted) {
  const auto policies = aws_managed_policies();
  ASSERT_EQ(policies.size(), 9U);
  for (size_t i = 0; i + 1 < policies.size(); ++i) EXPECT_LT(policies[i].arn, policies[i + 1].arn);
  EXPECT_EQ(find_aws_managed_policy("arn:aws:iam::aws:policy/AWSCloudTrail_FullAccess")->version,
            3);
}

TEST_F(PoliciesTest, AreListedOwnFirstInPages) {
  (void)create_policy("a");
  const auto used = create_policy("b", "/team/");
  EXPECT_EQ(attach(create(EntityKind::Role, "r"), used.arn), "");
  const auto list = [&](const PolicyFilter& filter, const Cursor& cursor) {
    return write([&](meta::Transaction& transaction) {
      return identity_.policies().list(transaction, kTestAccount, filter, cursor);
    });
  };
  EXPECT_EQ(list({}, {}).items.size(), 11U);
  const auto first = list({}, {.after = "", .items_max = 3});
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.items[2].name, "AWSCloudTrail_FullAccess");
  EXPECT_EQ(list({}, {.after = first.items[2].arn, .items_max = 3}).items[0].name,
            "AWSCloudTrail_ReadOnlyAccess");
  EXPECT_EQ(list({.scope = PolicyScope::Local}, {}).items.size(), 2U);
  EXPECT_EQ(list({.scope = PolicyScope::Local, .path_prefix = "/team/"}, {}).items.size(), 1U);
  const auto attached = list({.only_attached = true}, {});
  ASSERT_EQ(attached.items.size(), 2U) << "also the administrator's";
  EXPECT_EQ(attached.items[0].attachments, 1);
  EXPECT_TRUE(list({.usage = PolicyUsage::Boundary}, {}).items.empty());
}

TEST_F(PoliciesTest, SizesCountWithoutWhiteSpace) {
  const auto user = create(EntityKind::User, "Bob");
  EXPECT_EQ(put_inline(user, "a", document_of(1000)), "");
  EXPECT_EQ(put_inline(user, "b", document_of(1048)), "");
  EXPECT_EQ(put_inline(user, "b", document_of(1049)),
            "Maximum policy size of 2048 bytes exceeded for user Bob");
  EXPECT_EQ(put_inline(create(EntityKind::Group, "g"), "a", document_of(5120)), "");
  EXPECT_EQ(put_inline(create(EntityKind::Role, "r"), "a", document_of(10'240)), "");
  const auto create_of = [&](size_t size) {
    return message([&, size](meta::Transaction& transaction) {
      return identity_.policies().create(transaction, {.account_id = kTestAccount,
                                                       .name = "large",
                                                       .description = "",
                                                       .document = document_of(size)});
    });
  };
  EXPECT_EQ(create_of(6145), "Cannot exceed quota for PolicySize: 6144");
  EXPECT_EQ(create_of(6144), "");
}

TEST_F(PoliciesTest, MalformedDocumentsAreRefused) {
  const auto user = create(EntityKind::User, "Bob");
  const auto put = [&](std::string_view document) {
    return refusal([&](meta::Transaction& transaction) {
      return identity_.attachments().put_inline(transaction, user, "p", document);
    });
  };
  EXPECT_EQ(put("{}"), "MalformedPolicyDocument");
  EXPECT_EQ(put("not JSON"), "MalformedPolicyDocument");
  EXPECT_EQ(put(kTrust), "MalformedPolicyDocument") << "a principal";
  EXPECT_EQ(put(kReadTrails), "");
}

TEST_F(PoliciesTest, AreAttachedUpToTheQuota) {
  const auto user = create(EntityKind::User, "Bob");
  EXPECT_EQ(attach(user, "arn:aws:iam::111122223333:policy/none"),
            "Policy arn:aws:iam::111122223333:policy/none does not exist or is not attachable.");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(attach(user, create_policy(fmt::format("p{}", i)).arn), "");
  }
  EXPECT_EQ(attach(user, "arn:aws:iam::111122223333:policy/p3"), "") << "attached already";
  EXPECT_EQ(attach(user, kAdministratorAccess), "Cannot exceed quota for PoliciesPerUser: 10");
  const auto page = write([&](meta::Transaction& transaction) {
    return identity_.attachments().list_attached(transaction, user, "/",
                                                 {.after = "", .items_max = 9});
  });
  EXPECT_EQ(page.items.size(), 9U);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.items[0].name, "p0");
  const auto detach = [&](std::string_view arn) {
    return refusal([&](meta::Transaction& transaction) {
      return identity_.attachments().detach(transaction, user, arn);
    });
  };
  EXPECT_EQ(detach("arn:aws:iam::111122223333:policy/p3"), "");
  EXPECT_EQ(detach("arn:aws:iam::111122223333:policy/p3"), "NoSuchEntity");
}

TEST_F(PoliciesTest, KnowWhoUsesThem) {
  const auto policy = create_policy("p");
  const auto user = create(EntityKind::User, "Bob");
  const auto role = create(EntityKind::Role, "r", "/x/");
  EXPECT_EQ(attach(role, policy.arn), "");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.attachments().set_boundary(transaction, user, policy.arn);
            }),
            "");
  const auto users = [&](const UserFilter& filter) {
    std::string names;
    const auto page = write([&](meta::Transaction& transaction) {
      return identity_.attachments().users_of(transaction, named(policy.arn), filter, {});
    });
    for (const auto& entity : page.items) names += entity.name + " ";
    return names;
  };
  EXPECT_EQ(users({}), "Bob r ");
  EXPECT_EQ(users({.kind = EntityKind::Role}), "r ");
  EXPECT_EQ(users({.usage = PolicyUsage::Permissions}), "r ");
  EXPECT_EQ(users({.usage = PolicyUsage::Boundary}), "Bob ");
  EXPECT_EQ(users({.path_prefix = "/x/"}), "r ");
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.policies().remove(transaction, named(policy.arn));
            }),
            "DeleteConflict");
}

TEST_F(PoliciesTest, OfAPrincipalAreKeptUntilTheyChange) {
  const auto user = create(EntityKind::User, "Bob");
  const auto group = create(EntityKind::Group, "team");
  const auto policy = create_policy("p");
  EXPECT_TRUE(policies_of(user)->identity.empty());
  EXPECT_EQ(put_inline(group, "inline", kReadTrails), "");
  EXPECT_EQ(attach(user, policy.arn), "");
  ASSERT_EQ(refusal([&](meta::Transaction& transaction) -> Result<> {
              TRY(identity_.entities().add_to_group(transaction, user, group));
              return identity_.attachments().set_boundary(transaction, user, kAdministratorAccess);
            }),
            "");
  const auto found = policies_of(user);
  ASSERT_EQ(found->identity.size(), 2U);
  EXPECT_EQ(found->identity[0].name, "group_team_inline");
  EXPECT_EQ(found->identity[1].name, policy.arn);
  EXPECT_EQ(found->boundary_or_null()->name, kAdministratorAccess);
  ASSERT_TRUE(database_->write([](meta::Transaction& transaction) -> Result<> {
    TRY(transaction.execute("UPDATE accounts SET created = 8"));
    return {};
  }));
  EXPECT_EQ(policies_of(user), found) << "the same object: nothing was read or parsed";
  (void)write([&](meta::Transaction& transaction) {
    return identity_.policies().create_version(
        transaction, named(policy.arn),
        R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})",
        MakeDefault::Yes);
  });
  EXPECT_EQ(policies_of(user)->identity[1].document->statements[0].effect, policy::Effect::Deny);
}

TEST_F(PoliciesTest, OfARolledBackTransactionAreNotKept) {
  const auto user = create(EntityKind::User, "Bob");
  Principal principal;
  principal.account_id = user.account_id;
  principal.principal_id = user.id;
  const auto done = database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY(identity_.attachments().attach(transaction, user, kAdministratorAccess));
    TRY_ASSIGN(const auto inside, identity_.policies_of(transaction, principal));
    EXPECT_EQ(inside->identity.size(), 1U);
    return fail(ErrorCode::Aborted, "rolled back");
  });
  EXPECT_FALSE(done);
  EXPECT_TRUE(policies_of(user)->identity.empty());
}

}  // namespace
}  // namespace traccia::identity
