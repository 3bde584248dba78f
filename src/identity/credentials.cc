// Who is behind an access key, long-term or temporary.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "identity/aws_managed.h"
#include "identity/identity.h"
#include "policy/document.h"

namespace traccia::identity {
namespace {

// Of an entity e; ?2 is the ARN of AdministratorAccess.
constexpr std::string_view kPrincipalColumns =
    "e.id, e.account, e.name, e.path, e.kind, e.boundary IS NULL AND EXISTS (SELECT 1 FROM "
    "attached_policies a WHERE a.policy = ?2 AND (a.entity = e.id OR a.entity IN (SELECT "
    "user_group FROM memberships WHERE user = e.id))), e.id IN (SELECT user FROM first_users)";
constexpr std::string_view kOfOpenAccount = "JOIN accounts c ON c.id = e.account WHERE c.state = 0";

Principal read_principal(const meta::Row& row) {
  Entity entity;
  entity.account_id = row.text(1);
  entity.name = row.text(2);
  entity.path = row.text(3);
  entity.kind = static_cast<EntityKind>(row.integer(4));
  const bool root = entity.kind == EntityKind::Root;
  Principal principal;
  principal.type = root ? PrincipalType::Root : PrincipalType::IamUser;
  principal.principal_id = row.text(0);
  principal.account_id = entity.account_id;
  if (!root) principal.user_name = entity.name;
  principal.stands_for_root = row.integer(5) != 0 && row.integer(6) != 0;
  principal.arn = entity.arn();
  return principal;
}

// The principal of a session whose issuer is `role`.
Principal of_role(const Entity& role, const Session& session) {
  Principal principal;
  principal.type = PrincipalType::AssumedRole;
  principal.account_id = role.account_id;
  principal.arn =
      fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", role.account_id, role.name, session.name);
  principal.principal_id = fmt::format("{}:{}", role.id, session.name);
  return principal;
}

void make_federated(Principal& user, const Session& session) {
  user.type = PrincipalType::FederatedUser;
  user.arn = fmt::format("arn:aws:sts::{}:federated-user/{}", session.account_id, session.name);
  user.principal_id = fmt::format("{}:{}", session.account_id, session.name);
  user.user_name.clear();
  user.stands_for_root = false;
}

}  // namespace

Result<std::optional<Principal>> Identity::principal_of(meta::Transaction& transaction,
                                                        std::string_view entity_id) {
  std::optional<Principal> found;
  TRY(transaction.query(
      fmt::format("SELECT {} FROM entities e {} AND e.id = ?1 AND e.kind IN (0, 3)",
                  kPrincipalColumns, kOfOpenAccount),
      {entity_id, kAdministratorAccess}, [&](const meta::Row& row) -> Result<> {
        found = read_principal(row);
        return {};
      }));
  return found;
}

Result<std::optional<AccessKey>> Identity::find_access_key(meta::Transaction& transaction,
                                                           std::string_view access_key_id) {
  std::optional<AccessKey> found;
  TRY(transaction.query(
      fmt::format("SELECT {}, k.secret FROM access_keys k JOIN entities e ON e.id = k.user {} AND "
                  "k.id = ?1 AND k.active = 1",
                  kPrincipalColumns, kOfOpenAccount),
      {access_key_id, kAdministratorAccess}, [&](const meta::Row& row) -> Result<> {
        AccessKey key;
        TRY_ASSIGN(key.secret_access_key,
                   master_key_.open(row.view(7), access_key_context(access_key_id)));
        key.principal = read_principal(row);
        key.principal.access_key_id = access_key_id;
        found = std::move(key);
        return {};
      }));
  return found;
}

Result<std::optional<std::string>> Identity::account_of_key(meta::Transaction& transaction,
                                                            std::string_view access_key_id) {
  if (access_key_id.starts_with("ASIA")) return account_of_temporary_key(access_key_id);
  std::optional<std::string> account;
  TRY(transaction.query(
      "SELECT e.account FROM access_keys k JOIN entities e ON e.id = k.user WHERE k.id = ?",
      {access_key_id}, [&](const meta::Row& row) -> Result<> {
        account = row.text(0);
        return {};
      }));
  return account;
}

Result<std::vector<policy::AttachedPolicy>> Identity::session_policies(
    meta::Transaction& transaction, const Session& session) {
  std::vector<policy::AttachedPolicy> out;
  if (!session.policy.empty()) {
    auto parsed = policy::parse(session.policy, {.kind = policy::Kind::Session});
    if (!parsed) {
      return fail(ErrorCode::DataLoss,
                  fmt::format("the policy of a session: {}", parsed.error().message()));
    }
    out.push_back({{}, std::make_shared<const policy::Document>(std::move(*parsed))});
  }
  for (const auto& arn : session.policy_arns) {
    TRY_ASSIGN(auto policy, attachments_.find_compiled(transaction, {session.account_id, arn}));
    if (policy) out.push_back(std::move(*policy));
  }
  return out;
}

Result<std::optional<AccessKey>> Identity::find_session(meta::Transaction& transaction,
                                                        std::string_view access_key_id,
                                                        std::string_view token) {
  auto opened = sessions_.open(access_key_id, token);
  if (!opened) return std::nullopt;
  const auto& session = opened->session;
  auto live = std::make_shared<LiveSession>();
  std::optional<Principal> principal;
  TRY(transaction.query(
      fmt::format("SELECT {} FROM entities e {} AND e.id = ?1", kPrincipalColumns, kOfOpenAccount),
      {session.issuer_id, kAdministratorAccess}, [&](const meta::Row& row) -> Result<> {
        const Entity issuer{.id = row.text(0),
                            .kind = static_cast<EntityKind>(row.integer(4)),
                            .account_id = row.text(1),
                            .name = row.text(2),
                            .path = row.text(3)};
        live->issuer_arn = issuer.arn();
        if (issuer.kind != EntityKind::Root) live->issuer_name = issuer.name;
        if (session.kind == SessionKind::Role) {
          principal = of_role(issuer, session);
          return {};
        }
        principal = read_principal(row);
        if (session.kind == SessionKind::Federated) make_federated(*principal, session);
        return {};
      }));
  if (!principal) return std::nullopt;
  TRY_ASSIGN(live->policies, session_policies(transaction, session));
  AccessKey key;
  key.expires = session.expires;
  key.secret_access_key = std::move(opened->secret);
  key.principal = std::move(*principal);
  key.principal.access_key_id = access_key_id;
  live->session = std::move(opened->session);
  key.principal.session = std::move(live);
  return key;
}

Result<std::shared_ptr<const PrincipalPolicies>> Identity::policies_of(
    meta::Transaction& transaction, const Principal& principal) {
  static const auto kNone = std::make_shared<const PrincipalPolicies>();
  switch (principal.type) {
    case PrincipalType::Root:
    case PrincipalType::WebIdentity:
    case PrincipalType::AwsService:
    case PrincipalType::Anonymous:
      return kNone;
    case PrincipalType::IamUser:
      return attachments_.policies_of(transaction, principal.account_id, principal.principal_id);
    case PrincipalType::AssumedRole:
    case PrincipalType::FederatedUser:
      return attachments_.policies_of(transaction, principal.account_id,
                                      principal.session->session.issuer_id);
  }
  return kNone;
}

}  // namespace traccia::identity
