// Whom a trust policy goes on trusting when names change hands.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "identity/test_store.h"

namespace traccia::identity {
namespace {

std::string trusting(std::string_view principal) {
  return fmt::format(R"({{ "Version": "2012-10-17", "Statement": [{{"Effect": "Allow", )"
                     R"("Principal": {{"AWS": {}}}, "Action": "sts:AssumeRole"}}]}})",
                     principal);
}

class TrustTest : public StoreTest {
 protected:
  std::string set(const Entity& role, const std::string& document) {
    return message([&](meta::Transaction& transaction) {
      return identity_.entities().set_trust(transaction, role, document);
    });
  }
  std::string shown(std::string_view role) {
    return write([&](meta::Transaction& transaction) {
             return identity_.entities().get(transaction, {kTestAccount, EntityKind::Role, role});
           })
        .role.trust;
  }
  std::string stored(const Entity& role) {
    return write([&](meta::Transaction& transaction) {
      return identity_.entities().stored_trust(transaction, role.id);
    });
  }
};

TEST_F(TrustTest, WhoComesLaterUnderTheNameIsNotTrusted) {
  const auto role = create(EntityKind::Role, "r");
  const auto ann = create(EntityKind::User, "ann", "/team/");
  const auto document = trusting(R"("arn:aws:iam::111122223333:user/team/ann")");
  EXPECT_EQ(set(role, document), "");
  EXPECT_EQ(stored(role), trusting(fmt::format("\"{}\"", ann.id)));
  EXPECT_EQ(shown("r"), document);
  write([&](meta::Transaction& transaction) {
    return identity_.entities().rename(transaction, ann, "anna", "");
  });
  EXPECT_EQ(shown("r"), trusting(R"("arn:aws:iam::111122223333:user/team/anna")"));
  write([&](meta::Transaction& transaction) {
    return identity_.entities().remove(transaction, ann);
  });
  create(EntityKind::User, "ann", "/team/");
  EXPECT_EQ(shown("r"), trusting(fmt::format("\"{}\"", ann.id)));
  EXPECT_EQ(set(role, shown("r")),
            fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", ann.id));
  // What does not touch the trust policy keeps it.
  write([&](meta::Transaction& transaction) {
    return identity_.entities().update_role(transaction, role);
  });
  EXPECT_EQ(stored(role), trusting(fmt::format("\"{}\"", ann.id)));
}

TEST_F(TrustTest, PrincipalsMustExist) {
  const auto role = create(EntityKind::Role, "r");
  create(EntityKind::User, "ann", "/team/");
  for (const auto* good : {R"("*")", R"("111122223333")", R"("arn:aws:iam::111122223333:root")",
                           R"(["arn:aws:iam::111122223333:role/r", "111122223333"])",
                           R"("arn:aws:sts::111122223333:assumed-role/r/session")"}) {
    EXPECT_EQ(set(role, trusting(good)), "") << good;
    EXPECT_EQ(shown("r"), trusting(good));
  }
  for (const auto* bad :
       {"arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:role/team/ann",
        "arn:aws:iam::444455556666:root", "444455556666", "AIDAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(set(role, trusting(fmt::format("\"{}\"", bad))),
              fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", bad));
  }
}

}  // namespace
}  // namespace traccia::identity
