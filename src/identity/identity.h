// Accounts, their users and access keys, ingest tokens; secrets sealed under the master key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

// 32 random bytes in a file of mode 0600; made at first start. InvalidArgument when the file has
// another size or is readable by others.
class MasterKey {
 public:
  static Result<MasterKey> load_or_create(os::Os os, const std::string& path);
  explicit MasterKey(std::string bytes) : bytes_(std::move(bytes)) {}
  // AES-256-GCM; `context` binds the ciphertext to its place ("access-key/AKIA…").
  std::string seal(std::string_view plaintext, std::string_view context) const;
  Result<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  std::string bytes_;
};

enum class PrincipalType { Root, IamUser, AwsService, Anonymous };

// Who makes a request, once proven. Anonymous has no other member.
struct Principal {
  PrincipalType type = PrincipalType::IamUser;
  std::string account_id;
  std::string arn;           // arn:aws:iam::ACCOUNT:user/NAME, …:root; empty for services
  std::string principal_id;  // AIDA…; the account id for root
  std::string user_name;     // empty for root
  std::string access_key_id;
  std::string service;  // "cloudtrail.amazonaws.com" for AwsService
  bool administrator = false;
};

struct AccessKey {
  Principal principal;
  std::string secret_access_key;
  bool active = true;
};

struct Token {
  std::string id;  // public part, "tkn-…"
  std::string account_id;
  Time created;
  std::optional<Time> expires;
  bool revoked = false;
};

struct NewToken {
  Token token;
  std::string secret;  // shown once; only its hash is stored
};

// What first start made; written by the server to DIR/credentials.
struct Bootstrap {
  std::string account_id;
  std::string user_name;  // "administrator"
  std::string access_key_id;
  std::string secret_access_key;
};

extern const std::string_view kSchema;

// The functions below take the transaction so that a change commits with its audit event.
class Identity {
 public:
  Identity(os::Os os, const MasterKey& master_key) : os_(os), master_key_(master_key) {}

  // Creates the management account with root and the administrator user when there is no account;
  // nullopt when there is one. The access key id comes back too.
  Result<std::optional<Bootstrap>> bootstrap(meta::Transaction& transaction,
                                             std::string_view account_id);
  // The management account's id.
  Result<std::string> management_account(meta::Transaction& transaction);
  Result<bool> account_exists(meta::Transaction& transaction, std::string_view account_id);
  // nullopt for an unknown or inactive key.
  Result<std::optional<AccessKey>> find_access_key(meta::Transaction& transaction,
                                                   std::string_view access_key_id);
  Result<NewToken> create_token(meta::Transaction& transaction, std::string_view account_id,
                                std::optional<Time> expires);
  // nullopt for unknown, expired and revoked tokens alike.
  Result<std::optional<Token>> find_token(meta::Transaction& transaction, std::string_view secret);
  Result<std::vector<Token>> list_tokens(meta::Transaction& transaction,
                                         std::string_view account_id);
  // NotFound for an unknown id.
  Result<> revoke_token(meta::Transaction& transaction, std::string_view account_id,
                        std::string_view token_id);

 private:
  os::Os os_;
  const MasterKey& master_key_;
};

bool valid_account_id(std::string_view text);  // 12 digits

}  // namespace traccia::identity
