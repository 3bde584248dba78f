// What the tables hold.
// SPDX-License-Identifier: Apache-2.0
#include "organization/schema.h"

namespace traccia::organization {

// Nodes are the root, units and accounts, by id; targets of policies are nodes. The policy
// FullAWSAccess, which every organization has, lies in no table. Times are unix nanoseconds.
const std::string_view kSchema = R"sql(
CREATE TABLE organizations (
  id         TEXT PRIMARY KEY,      -- o-…
  management TEXT NOT NULL UNIQUE REFERENCES accounts (id),
  root       TEXT NOT NULL UNIQUE,  -- r-…
  features   INTEGER NOT NULL,      -- FeatureSet
  controls   INTEGER NOT NULL,      -- whether the root has service control policies enabled
  created    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE organizational_units (
  id           TEXT PRIMARY KEY,    -- ou-…
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  parent       TEXT NOT NULL,       -- the root, or another unit
  name         TEXT NOT NULL,
  UNIQUE (parent, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX units_by_organization ON organizational_units (organization);
CREATE TABLE organization_members (
  account      TEXT PRIMARY KEY REFERENCES accounts (id),
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  parent       TEXT NOT NULL,
  joined       INTEGER NOT NULL,
  method       INTEGER NOT NULL     -- JoinedMethod
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_organization ON organization_members (organization, account);
CREATE INDEX members_by_parent ON organization_members (parent, account);
CREATE TABLE control_policies (
  id           TEXT PRIMARY KEY,    -- p-…
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  description  TEXT NOT NULL,
  content      TEXT NOT NULL,
  UNIQUE (organization, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE control_attachments (
  target       TEXT NOT NULL,
  policy       TEXT NOT NULL,
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  PRIMARY KEY (target, policy)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_by_policy ON control_attachments (organization, policy, target);
CREATE TABLE invitations (
  id           TEXT PRIMARY KEY,    -- h-…
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  account      TEXT NOT NULL REFERENCES accounts (id),
  by_email     INTEGER NOT NULL,    -- how the inviting account named it
  notes        TEXT NOT NULL,
  state        INTEGER NOT NULL,    -- InvitationState; Expired is not stored
  requested    INTEGER NOT NULL,
  expires      INTEGER NOT NULL,
  ended        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_account ON invitations (account, id);
CREATE INDEX invitations_by_organization ON invitations (organization, id);
CREATE TABLE account_requests (
  id           TEXT PRIMARY KEY,    -- car-…
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  account      TEXT,                -- none where it failed
  failure      TEXT NOT NULL,       -- empty where it succeeded
  requested    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_organization ON account_requests (organization, id);
CREATE TABLE trusted_services (
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  service      TEXT NOT NULL,       -- "cloudtrail.amazonaws.com"
  enabled      INTEGER NOT NULL,
  PRIMARY KEY (organization, service)
) STRICT, WITHOUT ROWID;
CREATE TABLE delegated_administrators (
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  account      TEXT NOT NULL REFERENCES accounts (id),
  service      TEXT NOT NULL,
  enabled      INTEGER NOT NULL,
  PRIMARY KEY (organization, account, service)
) STRICT, WITHOUT ROWID;
CREATE TABLE organization_tags (
  organization TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  resource     TEXT NOT NULL,       -- a node or a policy
  key          TEXT NOT NULL,
  value        TEXT NOT NULL,
  PRIMARY KEY (organization, resource, key)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace traccia::organization
