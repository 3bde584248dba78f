// What the tables hold.
// SPDX-License-Identifier: Apache-2.0
#include "identity/schema.h"

namespace traccia::identity {

const std::string_view kSchema = R"sql(
CREATE TABLE accounts (
  id         TEXT PRIMARY KEY,
  management INTEGER NOT NULL,
  created    INTEGER NOT NULL       -- unix nanoseconds
) STRICT, WITHOUT ROWID;
CREATE TABLE users (
  id            TEXT PRIMARY KEY,   -- AIDA…
  account       TEXT NOT NULL REFERENCES accounts (id),
  name          TEXT NOT NULL,
  administrator INTEGER NOT NULL,
  UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE access_keys (
  id      TEXT PRIMARY KEY,         -- AKIA…
  user    TEXT NOT NULL REFERENCES users (id),
  secret  BLOB NOT NULL,            -- sealed, context access-key/ID
  active  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
  id      TEXT PRIMARY KEY,         -- tkn-…
  account TEXT NOT NULL REFERENCES accounts (id),
  hash    BLOB NOT NULL UNIQUE,     -- SHA-256 of the secret
  created INTEGER NOT NULL,
  expires INTEGER,
  revoked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// Names differ by more than case (NOCASE), as IAM wants it. Policies are named by ARN, since those
// that come with the server lie in no table. Owners of tags are entities and policies, by id.
const std::string_view kIamSchema = R"sql(
CREATE TABLE entities (
  id          TEXT PRIMARY KEY,     -- AIDA…, AGPA…, AROA…
  account     TEXT NOT NULL REFERENCES accounts (id),
  kind        INTEGER NOT NULL,     -- EntityKind
  name        TEXT NOT NULL COLLATE NOCASE,
  path        TEXT NOT NULL,
  created     INTEGER NOT NULL,     -- unix nanoseconds
  boundary    TEXT,                 -- ARN of the permissions boundary
  trust       TEXT,                 -- of a role: its trust policy
  description TEXT,                 -- of a role
  session_max INTEGER,              -- of a role, seconds
  UNIQUE (account, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX entities_by_boundary ON entities (boundary) WHERE boundary IS NOT NULL;
CREATE TABLE first_users (          -- made with their account, and never again
  user TEXT PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
  user       TEXT NOT NULL REFERENCES entities (id),
  user_group TEXT NOT NULL REFERENCES entities (id),
  PRIMARY KEY (user, user_group)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_group ON memberships (user_group);
CREATE TABLE inline_policies (
  entity   TEXT NOT NULL REFERENCES entities (id),
  name     TEXT NOT NULL COLLATE NOCASE,
  document TEXT NOT NULL,
  PRIMARY KEY (entity, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE attached_policies (
  entity TEXT NOT NULL REFERENCES entities (id),
  policy TEXT NOT NULL,             -- ARN
  PRIMARY KEY (entity, policy)
) STRICT, WITHOUT ROWID;
CREATE INDEX attached_policies_by_policy ON attached_policies (policy);
CREATE TABLE managed_policies (
  arn             TEXT PRIMARY KEY,
  id              TEXT NOT NULL,    -- ANPA…
  account         TEXT NOT NULL REFERENCES accounts (id),
  name            TEXT NOT NULL COLLATE NOCASE,
  path            TEXT NOT NULL,
  description     TEXT NOT NULL,
  created         INTEGER NOT NULL,
  updated         INTEGER NOT NULL,
  default_version INTEGER NOT NULL,
  last_version    INTEGER NOT NULL, -- the highest number ever given
  UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE policy_versions (
  policy   TEXT NOT NULL REFERENCES managed_policies (arn),
  version  INTEGER NOT NULL,
  document TEXT NOT NULL,
  created  INTEGER NOT NULL,
  PRIMARY KEY (policy, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_tags (
  owner TEXT NOT NULL,
  key   TEXT NOT NULL COLLATE NOCASE,
  value TEXT NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE account_aliases (
  account TEXT PRIMARY KEY REFERENCES accounts (id),
  alias   TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE entity_keys (
  id           TEXT PRIMARY KEY,    -- AKIA…
  user         TEXT NOT NULL REFERENCES entities (id),
  secret       BLOB NOT NULL,       -- sealed, context access-key/ID
  active       INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  used         INTEGER,
  used_service TEXT,
  used_region  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX entity_keys_by_user ON entity_keys (user);

INSERT INTO entities (id, account, kind, name, path, created)
  SELECT u.id, u.account, 0, u.name, '/', a.created
  FROM users u JOIN accounts a ON a.id = u.account;
INSERT INTO first_users (user) SELECT id FROM users WHERE administrator = 1;
INSERT INTO attached_policies (entity, policy)
  SELECT id, 'arn:aws:iam::aws:policy/AdministratorAccess' FROM users WHERE administrator = 1;
INSERT INTO entity_keys (id, user, secret, active, created)
  SELECT k.id, k.user, k.secret, k.active, a.created
  FROM access_keys k JOIN users u ON u.id = k.user JOIN accounts a ON a.id = u.account;
DROP TABLE access_keys;
DROP TABLE users;
ALTER TABLE entity_keys RENAME TO access_keys;
)sql";

// What tells accounts apart for people. The first account was made without an address; RFC 2606
// keeps `.invalid` from ever being anybody's.
const std::string_view kAccountsSchema = R"sql(
ALTER TABLE accounts ADD COLUMN name   TEXT NOT NULL DEFAULT 'management';
ALTER TABLE accounts ADD COLUMN email  TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
ALTER TABLE accounts ADD COLUMN state  INTEGER NOT NULL DEFAULT 0;   -- AccountState
ALTER TABLE accounts ADD COLUMN closed INTEGER;                      -- unix nanoseconds
UPDATE accounts SET email = 'root@' || id || '.invalid';
CREATE UNIQUE INDEX accounts_by_email ON accounts (email);
)sql";

// Owners are entities, the root user among them, by id; all of theirs goes with them.
const std::string_view kSigninSchema = R"sql(
CREATE TABLE login_profiles (
  owner       TEXT PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE,
  created     INTEGER NOT NULL,     -- unix nanoseconds, as all times
  changed     INTEGER NOT NULL,     -- the password
  must_change INTEGER NOT NULL,
  used        INTEGER,
  salt        BLOB NOT NULL,
  hash        BLOB NOT NULL,        -- scrypt
  session_seconds INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE old_passwords (
  owner   TEXT NOT NULL REFERENCES entities (id) ON DELETE CASCADE,
  changed INTEGER NOT NULL,         -- when it became the password
  hash    BLOB NOT NULL,
  PRIMARY KEY (owner, changed)
) STRICT, WITHOUT ROWID;
CREATE TABLE password_policies (
  account          TEXT PRIMARY KEY REFERENCES accounts (id),
  length_min       INTEGER NOT NULL,
  symbols          INTEGER NOT NULL,
  numbers          INTEGER NOT NULL,
  upper_case       INTEGER NOT NULL,
  lower_case       INTEGER NOT NULL,
  users_may_change INTEGER NOT NULL,
  days_max         INTEGER,
  not_among_last   INTEGER,
  hard_expiry      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE signin_failures (
  owner    TEXT PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE,
  failures INTEGER NOT NULL,        -- in a row
  last     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE signin_sessions (
  hash    BLOB PRIMARY KEY,         -- SHA-256 of the token
  account TEXT NOT NULL REFERENCES accounts (id),
  owner   TEXT NOT NULL REFERENCES entities (id) ON DELETE CASCADE,
  mfa     INTEGER NOT NULL,
  created INTEGER NOT NULL,
  seen    INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_sessions_by_owner ON signin_sessions (owner);
CREATE TABLE credential_reports (
  account TEXT PRIMARY KEY REFERENCES accounts (id),
  made    INTEGER NOT NULL,
  content TEXT NOT NULL             -- CSV
) STRICT, WITHOUT ROWID;
)sql";

const std::string_view kMfaSchema = R"sql(
CREATE TABLE mfa_devices (
  serial    TEXT PRIMARY KEY COLLATE NOCASE, -- arn:aws:iam::ACCOUNT:mfa/path/name
  account   TEXT NOT NULL REFERENCES accounts (id),
  user      TEXT REFERENCES entities (id),   -- NULL until it is enabled
  seed      BLOB NOT NULL,                   -- sealed, context mfa-device/SERIAL
  drift     INTEGER NOT NULL,                -- steps of 30 s that its clock is ahead
  used_step INTEGER NOT NULL,                -- since 1970, of the last code that was accepted
  enabled   INTEGER                          -- unix nanoseconds
) STRICT, WITHOUT ROWID;
CREATE INDEX mfa_devices_by_user ON mfa_devices (user) WHERE user IS NOT NULL;
CREATE INDEX mfa_devices_by_account ON mfa_devices (account);
)sql";

const std::string_view kOidcSchema = R"sql(
CREATE TABLE oidc_providers (
  arn     TEXT PRIMARY KEY,         -- arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH
  account TEXT NOT NULL REFERENCES accounts (id),
  url     TEXT NOT NULL,            -- HOST/PATH
  created INTEGER NOT NULL          -- unix nanoseconds
) STRICT, WITHOUT ROWID;
CREATE INDEX oidc_providers_by_account ON oidc_providers (account);
CREATE TABLE oidc_provider_items (
  provider TEXT NOT NULL REFERENCES oidc_providers (arn) ON DELETE CASCADE,
  kind     TEXT NOT NULL,           -- client, thumbprint
  place    INTEGER NOT NULL,
  value    TEXT NOT NULL,
  PRIMARY KEY (provider, kind, place)
) STRICT, WITHOUT ROWID;
)sql";

const std::string_view kRoleUsesSchema = R"sql(
CREATE TABLE role_uses (
  role    TEXT PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE,
  used    INTEGER NOT NULL,         -- unix nanoseconds
  service TEXT NOT NULL,
  region  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

const std::string_view kRoleDeletionsSchema = R"sql(
CREATE TABLE role_deletions (
  task      TEXT PRIMARY KEY,       -- task/aws-service-role/SERVICE/ROLE/UUID
  account   TEXT NOT NULL REFERENCES accounts (id),
  requested INTEGER NOT NULL,       -- unix nanoseconds
  obstacle  TEXT NOT NULL           -- empty: the role is gone
) STRICT, WITHOUT ROWID;
CREATE INDEX role_deletions_by_account ON role_deletions (account, requested);
)sql";

std::vector<std::string_view> schemas() {
  return {kSchema,    kIamSchema,  kAccountsSchema, kSigninSchema,
          kMfaSchema, kOidcSchema, kRoleUsesSchema, kRoleDeletionsSchema};
}

}  // namespace traccia::identity
