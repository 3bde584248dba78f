// Whose tokens an account takes.
// SPDX-License-Identifier: Apache-2.0
#include "identity/oidc_providers.h"

#include <fmt/format.h>

#include "identity/test_store.h"

namespace traccia::identity {
namespace {

class OidcProvidersTest : public StoreTest {
 protected:
  std::string make(const std::string& url, std::vector<std::string> clients = {"sts"},
                   std::vector<std::string> thumbprints = {}) {
    return message([&](meta::Transaction& transaction) {
      return identity_.oidc().create(transaction, {.account_id = std::string(kTestAccount),
                                                   .url = url,
                                                   .client_ids = std::move(clients),
                                                   .thumbprints = std::move(thumbprints)});
    });
  }
};

TEST_F(OidcProvidersTest, ComeChangeAndGo) {
  const std::string arn = "arn:aws:iam::111122223333:oidc-provider/issuer.example/a";
  EXPECT_EQ(make("https://issuer.example/a", {"x", "y", "x"}, {std::string(40, 'a')}), "");
  EXPECT_EQ(make("https://issuer.example/a"),
            "Provider with url https://issuer.example/a already exists.");
  const auto get = [&](meta::Transaction& transaction) {
    return identity_.oidc().get(transaction, kTestAccount, arn);
  };
  auto found = write(get);
  EXPECT_EQ(found.url, "issuer.example/a");
  EXPECT_EQ(found.client_ids, (std::vector<std::string>{"x", "y"}));
  found.client_ids = {"z"};
  found.thumbprints.clear();
  write(
      [&](meta::Transaction& transaction) { return identity_.oidc().update(transaction, found); });
  EXPECT_EQ(write(get).client_ids, (std::vector<std::string>{"z"}));
  EXPECT_TRUE(write(get).thumbprints.empty());
  EXPECT_EQ(refusal([&](meta::Transaction& transaction) {
              return identity_.oidc().get(transaction, "444455556666", arn);
            }),
            "NoSuchEntity")
      << "another account's";
  const auto remove = [&](meta::Transaction& transaction) {
    return identity_.oidc().remove(transaction, kTestAccount, arn);
  };
  EXPECT_EQ(message(remove), "");
  EXPECT_EQ(message(remove), "");
  EXPECT_EQ(refusal(get), "NoSuchEntity");
}

TEST_F(OidcProvidersTest, UrlsAreOfHttpsServers) {
  for (const auto* bad :
       {"http://issuer.example", "issuer.example", "https://", "https:///a", "https://:1/a",
        "https://user@issuer.example", "https://issuer.example/?a", "https://issuer.example/#a",
        "https://issuer.example/a b"}) {
    EXPECT_EQ(make(bad), "Invalid Open ID Connect Provider URL") << bad;
  }
  EXPECT_EQ(make("https://issuer.example:8443/a-b_c~d/%20"), "");
}

TEST_F(OidcProvidersTest, ListsAreBounded) {
  std::vector<std::string> clients;
  for (int i = 0; i <= 100; ++i) clients.push_back(fmt::format("c{}", i));
  EXPECT_EQ(make("https://a.example", clients),
            "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100");
  EXPECT_EQ(make("https://a.example", {}, std::vector<std::string>(6, std::string(40, 'a'))),
            "Thumbprint list must contain fewer than 5 entries.");
  EXPECT_EQ(make("https://a.example", {}, {std::string(40, 'x')}),
            "Thumbprint list entries must be hexadecimal.");
}

}  // namespace
}  // namespace traccia::identity
