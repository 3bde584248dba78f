// Between ARNs and unique ids.
// SPDX-License-Identifier: Apache-2.0
#include "identity/trust.h"

#include <fmt/format.h>

#include <optional>

#include "identity/entities.h"
#include "identity/sql.h"
#include "policy/principal_pattern.h"
#include "policy/rename_principals.h"

namespace traccia::identity {
namespace {

using policy::PrincipalPattern;
using Name = Result<std::optional<std::string>>;

std::unexpected<Error> no_principal(std::string_view entry) {
  return fail(ErrorCode::InvalidArgument, "MalformedPolicyDocument",
              fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", entry));
}

// "arn:aws:iam::ACCOUNT:user/path/NAME" → the id; nullopt when there is no such user or role.
Result<std::optional<std::string>> id_of(meta::Transaction& transaction, std::string_view arn) {
  const auto name = arn.substr(arn.rfind('/') + 1);
  const auto account = arn.substr(std::string_view("arn:aws:iam::").size(), 12);
  std::optional<std::string> found;
  TRY(transaction.query(
      "SELECT id, kind, account, path, name FROM entities WHERE account = ? AND kind IN (0, 2) AND "
      "name = ?",
      {account, name}, [&](const meta::Row& row) -> Result<> {
        Entity entity{.id = row.text(0),
                      .kind = static_cast<EntityKind>(row.integer(1)),
                      .account_id = row.text(2),
                      .name = row.text(4),
                      .path = row.text(3)};
        if (entity.arn() == arn) found = entity.id;
        return {};
      }));
  return found;
}

Result<std::optional<std::string>> arn_of(meta::Transaction& transaction, std::string_view id) {
  std::optional<std::string> found;
  TRY(transaction.query("SELECT kind, account, path, name FROM entities WHERE id = ?", {id},
                        [&](const meta::Row& row) -> Result<> {
                          const Entity entity{.kind = static_cast<EntityKind>(row.integer(0)),
                                              .account_id = row.text(1),
                                              .name = row.text(3),
                                              .path = row.text(2)};
                          found = entity.arn();
                          return {};
                        }));
  return found;
}

Name bind(meta::Transaction& transaction, std::string_view entry) {
  const auto pattern = PrincipalPattern::parse("AWS", entry);
  if (!pattern) return no_principal(entry);
  switch (pattern->kind()) {
    case PrincipalPattern::Kind::Account: {
      TRY_ASSIGN(const bool there,
                 has_rows(transaction, "SELECT 1 FROM accounts WHERE id = ?", {pattern->value()}));
      if (!there) return no_principal(entry);
      return std::nullopt;
    }
    case PrincipalPattern::Kind::Arn: {
      // Sessions and federated users have no id of their own that outlives them.
      if (!entry.starts_with("arn:aws:iam::")) return std::nullopt;
      TRY_ASSIGN(auto id, id_of(transaction, entry));
      if (!id) return no_principal(entry);
      return id;
    }
    case PrincipalPattern::Kind::UniqueId: {
      TRY_ASSIGN(const auto arn, arn_of(transaction, entry));
      if (!arn) return no_principal(entry);
      return std::nullopt;
    }
    case PrincipalPattern::Kind::Everyone:
    case PrincipalPattern::Kind::Service:
    case PrincipalPattern::Kind::Federated:
    case PrincipalPattern::Kind::CanonicalUser:
      break;
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> bind_principals(meta::Transaction& transaction, std::string_view document) {
  return policy::rename_principals(
      document, [&](std::string_view entry) { return bind(transaction, entry); });
}

Result<std::string> bind_principal(meta::Transaction& transaction, std::string_view entry) {
  TRY_ASSIGN(auto id, bind(transaction, entry));
  return id ? std::move(*id) : std::string(entry);
}

Result<std::string> show_principals(meta::Transaction& transaction, std::string_view stored) {
  const bool has_ids = stored.contains("\"AIDA") || stored.contains("\"AROA");
  if (!has_ids) return std::string(stored);
  return policy::rename_principals(stored, [&](std::string_view entry) -> Name {
    const auto pattern = PrincipalPattern::parse("AWS", entry);
    if (!pattern || pattern->kind() != PrincipalPattern::Kind::UniqueId) return std::nullopt;
    return arn_of(transaction, entry);
  });
}

}  // namespace traccia::identity
