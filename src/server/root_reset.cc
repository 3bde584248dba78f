// Resets a root user's credentials.
// SPDX-License-Identifier: Apache-2.0
#include "server/root_reset.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "api/outbox.h"
#include "server/data_directory.h"

namespace traccia::server {
namespace {

constexpr size_t kPasswordCharacters = 24;
// No two of them look alike.
constexpr std::string_view kPasswordLetters =
    "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

// Letters alone would not do under every password policy.
std::string new_password(os::Random& random) {
  return random.characters(kPasswordCharacters, kPasswordLetters) + "-Aa1";
}

// What the root user had, so that nothing lost is of use to its finder.
Result<> forget_credentials(meta::Transaction& transaction, identity::Identity& identity,
                            const identity::Entity& root) {
  TRY_ASSIGN(const auto keys, identity.keys().list(transaction, root, {}));
  for (const auto& key : keys.items) TRY(identity.keys().remove(transaction, root, key.id));
  TRY_ASSIGN(const auto devices, identity.mfa().list_of(transaction, root, {}));
  for (const auto& device : devices.items) {
    TRY(identity.mfa().deactivate(transaction, root, device.serial));
  }
  TRY_ASSIGN(const auto profile, identity.passwords().find(transaction, root.id));
  if (profile) TRY(identity.passwords().remove(transaction, root));
  return identity.signin().forget_failures(transaction, root.id);
}

Result<ingest::Draft> describe(os::Os os, const RootCredentials& made) {
  api::Caller caller;
  caller.principal.type = identity::PrincipalType::Root;
  caller.principal.account_id = caller.principal.principal_id = made.account_id;
  caller.principal.arn = fmt::format("arn:aws:iam::{}:root", made.account_id);
  caller.source_ip = "127.0.0.1";
  caller.user_agent = "traccia root reset";
  api::AuditEvent event;
  event.source = "traccia.amazonaws.com";
  event.name = "ResetRootUser";
  event.region = "us-east-1";
  event.request_parameters = json::Object{{"accountId", made.account_id}};
  event.response_elements = json::Object{{"accessKeyId", made.access_key_id}};
  return api::audit_draft(os, os.clock.now(), caller, event);
}

}  // namespace

Result<RootCredentials> reset_root(os::Os os, const std::string& directory,
                                   const custody::Settings& master_key,
                                   std::string_view account_id) {
  const DataDirectory paths{directory};
  TRY_ASSIGN(const bool there, os.files.exists(paths.meta()));
  if (!there) {
    return fail(ErrorCode::NotFound, fmt::format("no server was ever started on '{}'", directory));
  }
  TRY_ASSIGN(const bool tests, os.files.exists(paths.test_clock()));
  TRY_ASSIGN(const auto lock, open_directory(os, paths, tests));
  TRY_ASSIGN(const auto sealing_key, open_master_key(os, paths, master_key));
  TRY_ASSIGN(const auto database, open_control_plane(os, paths));
  identity::Identity identity(os, sealing_key);
  RootCredentials made;
  made.password = new_password(os.random);
  TRY_ASSIGN(const auto hashed, identity.passwords().hash(made.password));
  TRY(database->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(made.account_id, identity.management_account(transaction));
    if (!account_id.empty()) {
      TRY_ASSIGN(const auto found, identity.find_account(transaction, account_id));
      if (!found) {
        return fail(ErrorCode::NotFound, fmt::format("there is no open account '{}'", account_id));
      }
      made.account_id = *found;
    }
    TRY_ASSIGN(const auto root, identity.entities().root_user(transaction, made.account_id));
    TRY(forget_credentials(transaction, identity, root));
    TRY(identity.passwords().create(transaction, root, hashed, false));
    TRY_ASSIGN(const auto key, identity.keys().create(transaction, root));
    made.access_key_id = key.metadata.id;
    made.secret_access_key = key.secret;
    std::vector<ingest::Draft> drafts;
    TRY_ASSIGN(auto draft, describe(os, made));
    drafts.push_back(std::move(draft));
    TRY(api::Outbox::put(transaction, drafts));
    return {};
  }));
  return made;
}

}  // namespace traccia::server
