// Tables of queues.
// SPDX-License-Identifier: Apache-2.0
#include "sqs/schema.h"

namespace traccia::sqs {

const std::string_view kSchema = R"sql(
CREATE TABLE queues (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: receipt handles hold it
  account    TEXT NOT NULL REFERENCES accounts (id),
  region     TEXT NOT NULL,
  name       TEXT NOT NULL,
  created    INTEGER NOT NULL,         -- unix nanoseconds
  modified   INTEGER NOT NULL,
  attributes TEXT NOT NULL,            -- JSON object of those that were set: name, text
  UNIQUE (account, region, name)
) STRICT;
CREATE TABLE queue_messages (
  queue      INTEGER NOT NULL REFERENCES queues (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,         -- in the order of arrival
  id         TEXT NOT NULL,            -- UUID
  body       TEXT NOT NULL,
  attributes TEXT NOT NULL,            -- JSON: {"message":{…},"system":{…}}
  sender     TEXT NOT NULL,            -- principal id
  sent       INTEGER NOT NULL,         -- unix nanoseconds
  visible    INTEGER NOT NULL,         -- from then on it may be received
  receives   INTEGER NOT NULL,
  received   INTEGER NOT NULL,         -- first; 0: never
  receipt    TEXT NOT NULL,            -- of the last receive
  source     TEXT NOT NULL,            -- ARN of the queue that gave it up; empty: none
  PRIMARY KEY (queue, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_messages_by_visibility ON queue_messages (queue, visible);
CREATE INDEX queue_messages_by_age ON queue_messages (queue, sent);
)sql";

const std::string_view kRecentSchema = R"sql(
CREATE TABLE queue_purges (
  queue  INTEGER PRIMARY KEY REFERENCES queues (id) ON DELETE CASCADE,
  purged INTEGER NOT NULL              -- unix nanoseconds
) STRICT;
CREATE TABLE queue_deletions (
  account TEXT NOT NULL,
  region  TEXT NOT NULL,
  name    TEXT NOT NULL,
  deleted INTEGER NOT NULL,            -- unix nanoseconds
  PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_deletions_by_time ON queue_deletions (deleted);
)sql";

const std::string_view kSealingSchema = R"sql(
ALTER TABLE queue_messages ADD COLUMN sealing TEXT NOT NULL DEFAULT '';  -- JSON; empty: none
)sql";

}  // namespace traccia::sqs
