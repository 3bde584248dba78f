// KMS as the services of this process use it: CloudTrail by itself, S3 on behalf of who calls it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/audit.h"
#include "api/key_decisions.h"
#include "api/kms_use.h"
#include "api/operation_call.h"
#include "api/services.h"
#include "base/error.h"
#include "json/json.h"
#include "kms/keys.h"
#include "meta/database.h"

namespace traccia::api {

struct DataKey {
  std::string key_arn = {};
  std::string plaintext = {};  // 32 bytes
  std::string sealed = {};     // what decrypt_data_key() takes, at most 6144 bytes
};

// Of uses that come often.
enum class Recording : uint8_t {
  Always,
  // By who uses which key for what: once a while, and so long the data key is the same (KeyUses).
  Seldom
};

// The ARN of the key that a service ("s3") has for itself in an account and region: what
// alias/aws/SERVICE leads to, which is made at its first use and cannot be changed by anybody.
// Everybody of the account may use it, through that service only (`via_service`). NotFound for a
// service that has none. Not to be called inside a transaction.
Result<std::string> managed_key_arn(Services& services, const kms::Place& place,
                                    std::string_view service);

// Calls of KMS, decided by the key's policy and recorded as those on the wire are, by the same code
// (kms_use.h) but without its documents. A service names
// the key by its ARN and acts on behalf of `caller.source_arn`; what it does is told to the key's
// account. For whom it makes the call otherwise stands in `caller`, with its own name in
// `via_service`. Reasons are KMS's: NotFound, InvalidArn, Disabled, KMSInvalidState,
// InvalidKeyUsage, AccessDenied. A service's own alias, as "alias/aws/s3", gets its key when it has
// none yet. Not to be called inside a transaction.
Result<DataKey> generate_data_key(Services& services, const Caller& caller, std::string_view key,
                                  const kms::EncryptionContext& context,
                                  Recording recording = Recording::Always);
// Reason InvalidCiphertext too.
Result<std::string> decrypt_data_key(Services& services, const Caller& caller, std::string_view key,
                                     std::string_view sealed, const kms::EncryptionContext& context,
                                     Recording recording = Recording::Always);

// One such call in two steps, so that nobody waits for the store twice: decide() within a
// transaction in which the caller reads anyway, finish() outside of it.
class KeyRequest {
 public:
  struct Of {
    std::string key;
    kms::EncryptionContext context;
    std::optional<std::string> sealed = {};  // to be opened; nullopt: a new data key
    Recording recording = Recording::Always;
  };
  KeyRequest(Services& services, Caller caller, Of of);
  KeyRequest(const KeyRequest&) = delete;
  KeyRequest& operator=(const KeyRequest&) = delete;

  // What comes of it is for finish() to tell. `writes`: what Database::writes() said before the
  // transaction, when that changes nothing before (kms::Keys::know).
  void decide(meta::Transaction& transaction, std::optional<uint64_t> writes = {});
  // Uses the key and records that, or what decide() came to; which this does first where nobody
  // did.
  Result<DataKey> finish();

 private:
  using Writes = std::optional<uint64_t>;  // as kms::Keys::know() has it
  using Open = KeyDecisions::Allowed;
  Result<Open> try_to_decide(meta::Transaction& transaction, Writes writes) const;
  Result<Open> decide_anew(meta::Transaction& transaction, Writes writes) const;
  Result<> decide_alone();
  Result<DataKey> use();

  Services& services_;
  const Caller caller_;
  const Of of_;
  const std::string name_;  // of what is seldom recorded: who, what, which key, for what
  // Allowed, and opened; nullptr: a service's own key is to be made first.
  std::optional<Result<Open>> decided_;
};

// The same inside a transaction, which commits the records with what the key is for. A key that
// there is not is NotFound, whatever is allowed.
struct CarriedKey {
  DataKey key;
  std::vector<ingest::Draft> records;
};
Result<CarriedKey> generate_data_key_within(Services& services, meta::Transaction& transaction,
                                            const Caller& caller, std::string_view key,
                                            const kms::EncryptionContext& context,
                                            std::string event_id = {});
// Of the key's ARN. Its DataKey has no sealed form.
Result<CarriedKey> decrypt_data_key_within(Services& services, meta::Transaction& transaction,
                                           const Caller& caller, std::string_view key,
                                           std::string_view sealed,
                                           const kms::EncryptionContext& context);
// A service's own alias ("alias/aws/sqs", or its ARN in the caller's place) has a key from now on;
// of other names nothing becomes. Not to be called inside a transaction.
Result<> make_managed_key(Services& services, const Caller& caller, std::string_view key);
// DescribeKey: its KeyMetadata is `output`.
Result<Carried> describe_key_within(Services& services, meta::Transaction& transaction,
                                    const Caller& caller, std::string_view key);

json::Object render_context(const kms::EncryptionContext& context);

}  // namespace traccia::api
