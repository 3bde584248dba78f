// Temporary credentials of STS.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/master_key.h"
#include "identity/tags.h"
#include "os/os.h"

namespace traccia::identity {

// The values are stored in tokens.
enum class SessionKind : uint8_t {
  Role = 0,       // AssumeRole…
  User = 1,       // GetSessionToken
  Federated = 2,  // GetFederationToken
};

// What a session is, from its beginning to its end.
struct Session {
  SessionKind kind = SessionKind::Role;
  std::string account_id = {};
  std::string issuer_id = {};  // AROA…, AIDA…; the account id for root
  std::string name = {};       // of a role's session or a federated user
  Time issued = {};            // whole seconds
  Time expires = {};
  std::string policy = {};  // a document
  std::vector<std::string> policy_arns = {};
  std::vector<Tag> tags = {};
  std::vector<std::string> transitive_tag_keys = {};
  std::string source_identity = {};
  std::optional<Time> mfa = {};  // when a device proved it
  std::string provider = {};     // ARN of the provider whose token began it

  // What was passed limits it, also when that is nothing: GetFederationToken without a policy.
  bool limited() const {
    return kind == SessionKind::Federated || !policy.empty() || !policy_arns.empty();
  }
};

struct TemporaryKey {
  std::string id;  // ASIA…
  std::string secret;
  std::string token;
};

// "Quotas, name requirements, and character limits" of IAM and STS. AWS packs policies and tags in
// a form it keeps to itself; here they count as they are.
inline constexpr size_t kPackedBytesMax = 4096;
inline constexpr size_t kSessionPolicyCharactersMax = 2048;
inline constexpr size_t kTokenBytesMax = 16 << 10;
inline constexpr size_t kTokenBytesMin = 4096;  // what a caller may ask for

// The policies and tags of a session as a share of kPackedBytesMax, in percent, rounded up.
int64_t packed_percent(const Session& session);

// The account that the id of a temporary key names, as AWS's do; nullopt when it is none.
std::optional<std::string> account_of_temporary_key(std::string_view access_key_id);

// Makes credentials and reads them back; keeps nothing. A token is everything there is to know of a
// session, sealed under the master key and bound to its access key id, so that sessions cost no
// table, survive restarts, and end with the master key. Thread-safe.
class Sessions {
 public:
  // `clock` is the one by which clients live: their libraries renew what is about to expire.
  Sessions(os::Random& random, os::Clock& clock, const MasterKey& master_key)
      : random_(random), clock_(clock), master_key_(master_key) {}

  Time now() const { return clock_.now(); }
  // The token has `token_bytes_min` characters at least, up to kTokenBytesMin of them.
  TemporaryKey issue(const Session& session, size_t token_bytes_min = 0);

  struct Opened {
    Session session;
    std::string secret;
  };
  // nullopt for what this server did not make for that key id. Expired ones open.
  std::optional<Opened> open(std::string_view access_key_id, std::string_view token) const;

 private:
  os::Random& random_;
  os::Clock& clock_;
  const MasterKey& master_key_;
};

}  // namespace traccia::identity
