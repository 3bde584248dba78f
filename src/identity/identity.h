// Accounts, who is behind a key, ingest tokens; and the way to IAM's identities and policies.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/access_keys.h"
#include "identity/accounts.h"
#include "identity/attachments.h"
#include "identity/entities.h"
#include "identity/managed_policies.h"
#include "identity/master_key.h"
#include "identity/mfa_devices.h"
#include "identity/oidc_providers.h"
#include "identity/passwords.h"
#include "identity/policy_cache.h"
#include "identity/principal.h"
#include "identity/schema.h"
#include "identity/service_linked_roles.h"
#include "identity/sessions.h"
#include "identity/signin.h"
#include "identity/uses.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

struct AccessKey {
  Principal principal;
  std::string secret_access_key;
  bool active = true;
  std::optional<Time> expires = {};  // of temporary credentials, by Identity::sessions()'s clock
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

// An account's first user and its key: what first start made, which the server writes to
// DIR/credentials, or what came with a further account, which its creator is told once.
struct Bootstrap {
  std::string account_id;
  std::string user_name;  // "administrator"
  std::string access_key_id;
  std::string secret_access_key;
};

// The functions below take the transaction so that a change commits with its audit event.
// Thread-safe.
class Identity {
 public:
  // `client_clock` tells the time by which signatures are judged, the machine's also when `os` has
  // a test's: sessions expire by it, MFA devices show codes by it. `password_cost` is what hashing
  // a password takes.
  Identity(os::Os os, const MasterKey& master_key, os::Clock& client_clock,
           crypto::ScryptCost password_cost = {})
      : os_(os),
        master_key_(master_key),
        accounts_(os, cache_),
        entities_(os, cache_),
        keys_(os, master_key),
        policies_(os, cache_),
        attachments_(policies_, cache_),
        linked_roles_(os, entities_, cache_),
        passwords_(os, cache_, password_cost),
        signin_(os),
        sessions_(os.random, client_clock, master_key),
        mfa_(os, client_clock, master_key),
        role_uses_(os.clock,
                   "INSERT OR REPLACE INTO role_uses (role, used, service, region) SELECT id, ?2, "
                   "?3, ?4 FROM entities WHERE id = ?1"),
        oidc_(os) {}
  Identity(os::Os os, const MasterKey& master_key, crypto::ScryptCost password_cost = {})
      : Identity(os, master_key, os.clock, password_cost) {}

  Accounts& accounts() { return accounts_; }
  Entities& entities() { return entities_; }
  AccessKeys& keys() { return keys_; }
  ManagedPolicies& policies() { return policies_; }
  Attachments& attachments() { return attachments_; }
  ServiceLinkedRoles& linked_roles() { return linked_roles_; }
  Passwords& passwords() { return passwords_; }
  Signin& signin() { return signin_; }
  Sessions& sessions() { return sessions_; }
  MfaDevices& mfa() { return mfa_; }
  OidcProviders& oidc() { return oidc_; }
  // Tags of the account's users and roles change in this transaction: they are read with their
  // policies.
  void forget_policies(std::string_view account_id) { cache_.forget(account_id); }

  // The identity policies and the permissions boundary of a principal. Costs neither SQL nor
  // parsing while its account's identities and policies stay as they are. Of a session these are
  // its role's or user's. Root and services have none and need none. DataLoss when a stored policy
  // cannot be read: nothing is allowed then.
  Result<std::shared_ptr<const PrincipalPolicies>> policies_of(meta::Transaction& transaction,
                                                               const Principal& principal);

  // Creates the management account with root and the administrator user when there is no account;
  // nullopt when there is one. The access key id comes back too.
  Result<std::optional<Bootstrap>> bootstrap(meta::Transaction& transaction,
                                             std::string_view account_id);
  // The user with AdministratorAccess who stands for the root user of an account, and its key; once
  // an account.
  Result<Bootstrap> create_administrator(meta::Transaction& transaction,
                                         std::string_view account_id);
  // The management account's id, which never changes: from the second call on it costs no SQL.
  Result<std::string> management_account(meta::Transaction& transaction);
  // By id or alias; nullopt when there is none, or it is closed.
  Result<std::optional<std::string>> find_account(meta::Transaction& transaction,
                                                  std::string_view id_or_alias);
  Result<bool> account_exists(meta::Transaction& transaction, std::string_view account_id);
  Result<Time> account_created(meta::Transaction& transaction, std::string_view account_id);
  // Empty: none. Reason EntityAlreadyExists when another account has the alias.
  Result<std::string> account_alias(meta::Transaction& transaction, std::string_view account_id);
  Result<> set_account_alias(meta::Transaction& transaction, std::string_view account_id,
                             std::string_view alias);
  // Reason NoSuchEntity when the account's alias is another.
  Result<> remove_account_alias(meta::Transaction& transaction, std::string_view account_id,
                                std::string_view alias);
  // A user or root user by its entity's id, without a key; nullopt when there is none.
  Result<std::optional<Principal>> principal_of(meta::Transaction& transaction,
                                                std::string_view entity_id);
  // The account of an access key: of a user's, or as temporary ones tell it by themselves. nullopt
  // for a key that is unknown.
  Result<std::optional<std::string>> account_of_key(meta::Transaction& transaction,
                                                    std::string_view access_key_id);
  // nullopt for an unknown or inactive key, and where the account is closed.
  Result<std::optional<AccessKey>> find_access_key(meta::Transaction& transaction,
                                                   std::string_view access_key_id);
  // Of temporary credentials. nullopt for what was not given out, and when the role or user is no
  // more. Whether they have expired is the caller's to see.
  Result<std::optional<AccessKey>> find_session(meta::Transaction& transaction,
                                                std::string_view access_key_id,
                                                std::string_view token);
  // A request of this principal has proven itself: of a user's key, or a role's session.
  void note_use(const Principal& principal, std::string_view service, std::string_view region);
  // Writes down the uses since the last time, if there were any. Not inside a transaction.
  Result<> store_uses(meta::Database& database);
  // nullopt: never.
  Result<std::optional<Use>> role_last_used(meta::Transaction& transaction, const Entity& role);
  Result<NewToken> create_token(meta::Transaction& transaction, std::string_view account_id,
                                std::optional<Time> expires);
  // nullopt for unknown, expired and revoked tokens alike, and where the account is closed.
  Result<std::optional<Token>> find_token(meta::Transaction& transaction, std::string_view secret);
  Result<std::vector<Token>> list_tokens(meta::Transaction& transaction,
                                         std::string_view account_id);
  // NotFound for an unknown id.
  Result<> revoke_token(meta::Transaction& transaction, std::string_view account_id,
                        std::string_view token_id);

 private:
  Result<std::vector<policy::AttachedPolicy>> session_policies(meta::Transaction& transaction,
                                                               const Session& session);

  os::Os os_;
  const MasterKey& master_key_;
  PolicyCache cache_;
  Accounts accounts_;
  Mutex mutex_;
  std::string management_account_ GUARDED_BY(mutex_);  // empty: not known yet
  Entities entities_;
  AccessKeys keys_;
  ManagedPolicies policies_;
  Attachments attachments_;
  ServiceLinkedRoles linked_roles_;
  Passwords passwords_;
  Signin signin_;
  Sessions sessions_;
  MfaDevices mfa_;
  Uses role_uses_;
  OidcProviders oidc_;
};

}  // namespace traccia::identity
