// Tables of topics.
// SPDX-License-Identifier: Apache-2.0
#include "sns/schema.h"

namespace traccia::sns {

// Times are unix nanoseconds.
const std::string_view kSchema = R"sql(
CREATE TABLE topics (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  account    TEXT NOT NULL REFERENCES accounts (id),
  region     TEXT NOT NULL,
  name       TEXT NOT NULL,
  created    INTEGER NOT NULL,
  attributes TEXT NOT NULL,          -- JSON object of those that were set: name, text
  UNIQUE (account, region, name)
) STRICT;
CREATE TABLE topic_subscriptions (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  topic         INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  uuid          TEXT NOT NULL UNIQUE,  -- the last part of its ARN
  owner         TEXT NOT NULL,         -- account
  protocol      TEXT NOT NULL,
  endpoint      TEXT NOT NULL,
  principal     TEXT NOT NULL,         -- ARN of who subscribed
  state         INTEGER NOT NULL,      -- SubscriptionState
  authenticated INTEGER NOT NULL,      -- whoever confirmed it had signed
  guarded       INTEGER NOT NULL,      -- unsubscribing takes a signature
  token         TEXT NOT NULL,         -- SHA-256 of what confirms it, hexadecimal; empty: nothing
  changed       INTEGER NOT NULL,      -- when it came to its state
  attributes    TEXT NOT NULL,         -- as of topics
  UNIQUE (topic, owner, protocol, endpoint)
) STRICT;
CREATE INDEX topic_subscriptions_by_owner ON topic_subscriptions (owner, id);
CREATE INDEX topic_subscriptions_unconfirmed ON topic_subscriptions (changed) WHERE state <> 1;
CREATE TABLE topic_messages (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  topic     INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  uuid      TEXT NOT NULL,           -- its MessageId
  kind      INTEGER NOT NULL,        -- MessageKind
  published INTEGER NOT NULL,
  content   BLOB NOT NULL,           -- JSON; sealed where there is a key
  key       TEXT NOT NULL,           -- ARN of the KMS key; empty: none
  data_key  BLOB NOT NULL            -- KMS's, sealed under the master key; empty: none
) STRICT;
CREATE INDEX topic_messages_by_topic ON topic_messages (topic);
CREATE TABLE topic_deliveries (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  message      INTEGER NOT NULL REFERENCES topic_messages (id) ON DELETE CASCADE,
  topic        INTEGER NOT NULL,
  subscription INTEGER NOT NULL REFERENCES topic_subscriptions (id) ON DELETE CASCADE,
  channel      INTEGER NOT NULL,     -- Channel
  attempts     INTEGER NOT NULL,     -- that failed
  due          INTEGER NOT NULL
) STRICT;
CREATE INDEX topic_deliveries_by_due ON topic_deliveries (channel, due, id);
CREATE INDEX topic_deliveries_by_subscription ON topic_deliveries (subscription, due);
CREATE INDEX topic_deliveries_by_message ON topic_deliveries (message);
CREATE INDEX topic_deliveries_by_topic ON topic_deliveries (topic);
CREATE TRIGGER topic_messages_without_deliveries AFTER DELETE ON topic_deliveries
WHEN NOT EXISTS (SELECT 1 FROM topic_deliveries WHERE message = OLD.message) BEGIN
  DELETE FROM topic_messages WHERE id = OLD.message;
END;
CREATE TABLE topic_signing_keys (
  name        TEXT PRIMARY KEY,      -- in the address of its certificate
  private     BLOB NOT NULL,         -- PKCS#8, sealed, context sns-key/NAME
  certificate TEXT NOT NULL,         -- PEM
  valid_to    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace traccia::sns
