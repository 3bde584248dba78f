// Writes the credential report.
// SPDX-License-Identifier: Apache-2.0
#include "identity/credential_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace traccia::identity {
namespace {

// "Get credential reports", in its order.
constexpr std::string_view kColumns =
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n";
constexpr std::string_view kNone = "N/A";
constexpr std::string_view kUnknown = "no_information";
constexpr std::string_view kUnsupported = "not_supported";
constexpr size_t kUsersAtOnce = 100;

std::string shown(Time time) {
  auto text = format_iso_seconds(time);
  text.pop_back();  // the Z
  return text + "+00:00";
}

std::string_view shown(bool flag) {
  return flag ? "true" : "false";
}

// RFC 4180; names may have commas.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == text.npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += c;
    out += c;
  }
  return out + '"';
}

using Fields = std::vector<std::string>;

void add_password(Fields& fields, const Entity& owner, const std::optional<LoginProfile>& profile,
                  const std::optional<PasswordPolicy>& policy) {
  const auto used = profile && profile->used ? shown(*profile->used) : std::string(kUnknown);
  if (owner.kind == EntityKind::Root) {
    fields.insert(fields.end(), {std::string(kUnsupported), used, std::string(kUnsupported),
                                 std::string(kUnsupported)});
    return;
  }
  fields.emplace_back(shown(profile.has_value()));
  if (!profile) {
    fields.insert(fields.end(), 3, std::string(kNone));
    return;
  }
  const bool rotates = policy && policy->days_max;
  fields.insert(fields.end(),
                {used, shown(profile->changed),
                 rotates ? shown(profile->changed + std::chrono::days(*policy->days_max))
                         : std::string(kNone)});
}

Result<> add_keys(Fields& fields, meta::Transaction& transaction, Identity& identity,
                  const Entity& owner) {
  TRY_ASSIGN(const auto keys, identity.keys().list(transaction, owner, {}));
  for (size_t i = 0; i < static_cast<size_t>(Quotas::kKeysPerUser); ++i) {
    if (i >= keys.items.size()) {
      fields.emplace_back(shown(false));
      fields.insert(fields.end(), 4, std::string(kNone));
      continue;
    }
    const auto& key = keys.items[i];
    fields.emplace_back(shown(key.active));
    fields.push_back(shown(key.created));
    TRY_ASSIGN(const auto last, identity.keys().last_used(transaction, key.id));
    if (last.use) {
      fields.insert(fields.end(), {shown(last.use->time), last.use->region, last.use->service});
    } else {
      fields.insert(fields.end(), 3, std::string(kNone));
    }
  }
  return {};
}

Result<> add_row(std::string& csv, meta::Transaction& transaction, Identity& identity,
                 const Entity& owner, const std::optional<PasswordPolicy>& policy) {
  TRY_ASSIGN(const auto profile, identity.passwords().find(transaction, owner.id));
  const bool root = owner.kind == EntityKind::Root;
  Fields fields{root ? "<root_account>" : owner.name, owner.arn(), shown(owner.created)};
  add_password(fields, owner, profile, policy);
  TRY_ASSIGN(const auto devices, identity.mfa().list_of(transaction, owner, {}));
  fields.emplace_back(shown(!devices.items.empty()));
  TRY(add_keys(fields, transaction, identity, owner));
  for (int certificates = 0; certificates < 2; ++certificates) {
    fields.insert(fields.end(), {std::string(shown(false)), std::string(kNone)});
  }
  for (auto& text : fields) text = field(text);
  csv += fmt::format("{}\n", fmt::join(fields, ","));
  return {};
}

}  // namespace

Result<std::optional<CredentialReport>> find_credential_report(meta::Transaction& transaction,
                                                               std::string_view account_id) {
  std::optional<CredentialReport> found;
  TRY(transaction.query("SELECT made, content FROM credential_reports WHERE account = ?",
                        {account_id}, [&](const meta::Row& row) -> Result<> {
                          found =
                              CredentialReport{from_unix_nanoseconds(row.integer(0)), row.text(1)};
                          return {};
                        }));
  return found;
}

Result<> make_credential_report(meta::Transaction& transaction, Identity& identity,
                                std::string_view account_id, Time now) {
  TRY_ASSIGN(const auto policy, find_password_policy(transaction, account_id));
  TRY_ASSIGN(const auto root, identity.entities().root_user(transaction, account_id));
  std::string csv(kColumns);
  TRY(add_row(csv, transaction, identity, root, policy));
  Cursor cursor{.after = "", .items_max = kUsersAtOnce};
  for (bool more = true; more;) {
    TRY_ASSIGN(const auto page,
               identity.entities().list(transaction, account_id, EntityKind::User, "/", cursor));
    for (const auto& user : page.items) {
      TRY(add_row(csv, transaction, identity, user, policy));
    }
    more = page.more;
    if (more) cursor.after = page.items.back().name;
  }
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO credential_reports (account, made, content) VALUES (?, ?, ?)",
      {account_id, to_unix_nanoseconds(now), csv}));
  return {};
}

}  // namespace traccia::identity
