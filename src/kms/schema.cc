// What the tables hold.
// SPDX-License-Identifier: Apache-2.0
#include "kms/schema.h"

namespace traccia::kms {

// Times are unix nanoseconds.
const std::string_view kSchema = R"sql(
CREATE TABLE kms_keys (
  arn         TEXT PRIMARY KEY,  -- arn:aws:kms:REGION:ACCOUNT:key/ID
  account     TEXT NOT NULL REFERENCES accounts (id),
  region      TEXT NOT NULL,
  id          TEXT NOT NULL,
  spec        TEXT NOT NULL,     -- "SYMMETRIC_DEFAULT"
  usage       TEXT NOT NULL,     -- "ENCRYPT_DECRYPT"
  description TEXT NOT NULL,
  state       INTEGER NOT NULL,  -- KeyState
  created     INTEGER NOT NULL,
  deletion    INTEGER,           -- when a key that is pending deletion will be gone
  policy      TEXT NOT NULL,     -- users and roles by unique id
  material    INTEGER NOT NULL   -- the version that encrypts
) STRICT, WITHOUT ROWID;
CREATE INDEX kms_keys_by_place ON kms_keys (account, region, id);
CREATE INDEX kms_keys_by_deletion ON kms_keys (deletion) WHERE deletion IS NOT NULL;
CREATE TABLE kms_material (
  key     TEXT NOT NULL REFERENCES kms_keys (arn) ON DELETE CASCADE,
  version INTEGER NOT NULL,      -- from 1
  id      TEXT NOT NULL,         -- what answers call it, 64 hexadecimal digits
  origin  INTEGER NOT NULL,      -- MaterialOrigin
  created INTEGER NOT NULL,
  sealed  BLOB NOT NULL,         -- under the master key
  PRIMARY KEY (key, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE kms_aliases (
  arn     TEXT PRIMARY KEY,      -- arn:aws:kms:REGION:ACCOUNT:alias/NAME
  account TEXT NOT NULL,
  region  TEXT NOT NULL,
  name    TEXT NOT NULL,         -- "alias/NAME"
  key     TEXT NOT NULL REFERENCES kms_keys (arn) ON DELETE CASCADE,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX kms_aliases_by_place ON kms_aliases (account, region, name);
CREATE INDEX kms_aliases_by_key ON kms_aliases (key, name);
CREATE TABLE kms_tags (
  key   TEXT NOT NULL REFERENCES kms_keys (arn) ON DELETE CASCADE,
  tag   TEXT NOT NULL,           -- case counts
  value TEXT NOT NULL,
  PRIMARY KEY (key, tag)
) STRICT, WITHOUT ROWID;
)sql";

const std::string_view kRotationSchema = R"sql(
CREATE TABLE kms_rotations (
  key  TEXT PRIMARY KEY REFERENCES kms_keys (arn) ON DELETE CASCADE,
  days INTEGER NOT NULL,
  next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX kms_rotations_by_next ON kms_rotations (next);
)sql";

const std::string_view kGrantsSchema = R"sql(
CREATE TABLE kms_grants (
  id             TEXT PRIMARY KEY,
  key            TEXT NOT NULL REFERENCES kms_keys (arn) ON DELETE CASCADE,
  name           TEXT NOT NULL,     -- empty: none
  grantee        TEXT NOT NULL,     -- as the request named it
  grantee_means  TEXT NOT NULL,     -- the unique id of a user or role, the ARN of others
  retiring       TEXT NOT NULL,     -- empty: nobody
  retiring_means TEXT NOT NULL,
  operations     TEXT NOT NULL,     -- sorted, a space between
  rule           INTEGER NOT NULL,  -- GrantRule
  context        BLOB NOT NULL,     -- of the rule, in its canonical form
  issuer         TEXT NOT NULL,     -- arn:aws:iam::ACCOUNT:root
  created        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX kms_grants_by_key ON kms_grants (key, id);
CREATE INDEX kms_grants_by_grantee ON kms_grants (key, grantee_means);
CREATE INDEX kms_grants_by_name ON kms_grants (key, name);
CREATE INDEX kms_grants_by_retiring ON kms_grants (retiring, id);
)sql";

const std::string_view kManagersSchema = R"sql(
ALTER TABLE kms_keys ADD COLUMN manager INTEGER NOT NULL DEFAULT 0;  -- KeyManager
)sql";

const std::string_view kReplicasSchema = R"sql(
ALTER TABLE kms_keys ADD COLUMN primary_region TEXT NOT NULL DEFAULT '';    -- multi-Region keys
ALTER TABLE kms_keys ADD COLUMN window_days    INTEGER NOT NULL DEFAULT 0;  -- until a deletion
ALTER TABLE kms_keys ADD COLUMN origin         TEXT NOT NULL DEFAULT 'AWS_KMS';
ALTER TABLE kms_keys ADD COLUMN valid_to       INTEGER;                     -- imported material
CREATE INDEX kms_keys_related ON kms_keys (account, id) WHERE primary_region <> '';
CREATE INDEX kms_keys_by_expiry ON kms_keys (valid_to) WHERE valid_to IS NOT NULL;
)sql";

// Random, so that no version comes back: neither after a rollback nor in a key of the same name.
const std::string_view kVersionsSchema = R"sql(
ALTER TABLE kms_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 0;  -- Key::version
UPDATE kms_keys SET version = random() | 1;
CREATE TRIGGER kms_keys_version_made AFTER INSERT ON kms_keys BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = NEW.arn;
END;
CREATE TRIGGER kms_keys_version AFTER UPDATE ON kms_keys WHEN NEW.version = OLD.version BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = NEW.arn;
END;
CREATE TRIGGER kms_material_made AFTER INSERT ON kms_material BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = NEW.key;
END;
CREATE TRIGGER kms_material_changed AFTER UPDATE ON kms_material BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn IN (OLD.key, NEW.key);
END;
CREATE TRIGGER kms_material_gone AFTER DELETE ON kms_material BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = OLD.key;
END;
CREATE TRIGGER kms_aliases_made AFTER INSERT ON kms_aliases BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = NEW.key;
END;
CREATE TRIGGER kms_aliases_changed AFTER UPDATE ON kms_aliases BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn IN (OLD.key, NEW.key);
END;
CREATE TRIGGER kms_aliases_gone AFTER DELETE ON kms_aliases BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = OLD.key;
END;
CREATE TRIGGER kms_tags_made AFTER INSERT ON kms_tags BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = NEW.key;
END;
CREATE TRIGGER kms_tags_changed AFTER UPDATE ON kms_tags BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn IN (OLD.key, NEW.key);
END;
CREATE TRIGGER kms_tags_gone AFTER DELETE ON kms_tags BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = OLD.key;
END;
CREATE TRIGGER kms_grants_made AFTER INSERT ON kms_grants BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = NEW.key;
END;
CREATE TRIGGER kms_grants_changed AFTER UPDATE ON kms_grants BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn IN (OLD.key, NEW.key);
END;
CREATE TRIGGER kms_grants_gone AFTER DELETE ON kms_grants BEGIN
  UPDATE kms_keys SET version = random() | 1 WHERE arn = OLD.key;
END;
)sql";

}  // namespace traccia::kms
