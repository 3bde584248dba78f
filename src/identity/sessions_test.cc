// What temporary credentials carry, and what they are refused for.
// SPDX-License-Identifier: Apache-2.0
#include "identity/sessions.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "identity/test_store.h"

namespace traccia::identity {
namespace {

Session full_session(const Entity& role, Time now) {
  return {.kind = SessionKind::Role,
          .account_id = role.account_id,
          .issuer_id = role.id,
          .name = "night-shift",
          .issued = floor_seconds(now),
          .expires = floor_seconds(now) + std::chrono::hours(1),
          .policy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
                    R"("Action":"cloudtrail:Get*","Resource":"*"}]})",
          .policy_arns = {"arn:aws:iam::aws:policy/SecurityAudit",
                          "arn:aws:iam::111122223333:policy/gone"},
          .tags = {{"team", "audit"}, {"empty", ""}},
          .transitive_tag_keys = {"team"},
          .source_identity = "ann",
          .mfa = floor_seconds(now)};
}

class SessionsTest : public StoreTest {
 protected:
  std::optional<AccessKey> find(std::string_view id, std::string_view token) {
    return write([&](meta::Transaction& transaction) {
      return identity_.find_session(transaction, id, token);
    });
  }
};

TEST_F(SessionsTest, ATokenCarriesEverything) {
  const auto role = create(EntityKind::Role, "auditor");
  const auto session = full_session(role, fake_.clock.now());
  const auto key = identity_.sessions().issue(session);
  EXPECT_TRUE(key.id.starts_with("ASIA"));
  EXPECT_EQ(key.id.size(), 20U);
  EXPECT_EQ(key.secret.size(), 40U);
  const auto opened = identity_.sessions().open(key.id, key.token);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->secret, key.secret);
  const auto& got = opened->session;
  EXPECT_EQ(got.kind, SessionKind::Role);
  EXPECT_EQ(got.account_id, session.account_id);
  EXPECT_EQ(got.issuer_id, role.id);
  EXPECT_EQ(got.name, "night-shift");
  EXPECT_EQ(got.issued, session.issued);
  EXPECT_EQ(got.expires, session.expires);
  EXPECT_EQ(got.policy, session.policy);
  EXPECT_EQ(got.policy_arns, session.policy_arns);
  ASSERT_EQ(got.tags.size(), 2U);
  EXPECT_EQ(got.tags[1].key, "empty");
  EXPECT_EQ(got.transitive_tag_keys, session.transitive_tag_keys);
  EXPECT_EQ(got.source_identity, "ann");
  EXPECT_EQ(got.mfa, session.mfa);
}

TEST_F(SessionsTest, ATokenIsOfItsKeyAndOfThisServer) {
  const auto role = create(EntityKind::Role, "auditor");
  auto& sessions = identity_.sessions();
  const auto key = sessions.issue(full_session(role, fake_.clock.now()));
  const auto other = sessions.issue(full_session(role, fake_.clock.now()));
  EXPECT_FALSE(sessions.open(key.id, other.token));
  EXPECT_FALSE(sessions.open(key.id, ""));
  EXPECT_FALSE(sessions.open(key.id, "no base64!"));
  EXPECT_FALSE(sessions.open(key.id, std::string(kTokenBytesMax + 4, 'A')));
  auto bytes = base64_decode(key.token).value();
  for (const size_t at : {size_t{0}, size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(sessions.open(key.id, base64_encode(changed))) << at;
  }
  const MasterKey another(std::string(32, 'x'));
  EXPECT_FALSE(Sessions(fake_.random, fake_.clock, another).open(key.id, key.token));
}

TEST_F(SessionsTest, TheLargestSessionFitsATokenAndATokenAHeader) {
  auto session = full_session(create(EntityKind::Role, "r"), fake_.clock.now());
  session.policy = std::string(kSessionPolicyCharactersMax, '"');  // each is escaped
  session.policy_arns.clear();
  session.tags = {{"k", std::string(kPackedBytesMax - kSessionPolicyCharactersMax - 1, '"')}};
  session.transitive_tag_keys.clear();
  EXPECT_EQ(packed_percent(session), 100);
  const auto key = identity_.sessions().issue(session);
  EXPECT_LE(key.token.size(), kTokenBytesMax);
  EXPECT_TRUE(identity_.sessions().open(key.id, key.token));
  session.tags[0].value += 'x';
  EXPECT_EQ(packed_percent(session), 101);
}

TEST_F(SessionsTest, ASessionIsItsRolesAndEndsWithIt) {
  const auto role = create(EntityKind::Role, "auditor", "/team/");
  const auto key = identity_.sessions().issue(full_session(role, fake_.clock.now()));
  const auto found = find(key.id, key.token);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret_access_key, key.secret);
  const auto& principal = found->principal;
  EXPECT_EQ(principal.type, PrincipalType::AssumedRole);
  EXPECT_EQ(principal.arn, "arn:aws:sts::111122223333:assumed-role/auditor/night-shift");
  EXPECT_EQ(principal.principal_id, role.id + ":night-shift");
  EXPECT_EQ(principal.access_key_id, key.id);
  EXPECT_EQ(principal.user_name, "");
  EXPECT_FALSE(principal.stands_for_root);
  EXPECT_EQ(principal.session->issuer_arn, "arn:aws:iam::111122223333:role/team/auditor");
  EXPECT_EQ(principal.session->policies.size(), 2U) << "a policy that is gone allows nothing";
  write([&](meta::Transaction& transaction) {
    return identity_.entities().remove(transaction, role);
  });
  create(EntityKind::Role, "auditor", "/team/");
  EXPECT_FALSE(find(key.id, key.token)) << "another role of the same name";
}

}  // namespace
}  // namespace traccia::identity
