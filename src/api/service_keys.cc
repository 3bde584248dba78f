// The wire's own operations, called without a wire.
// SPDX-License-Identifier: Apache-2.0
#include "api/service_keys.h"

#include <fmt/format.h>

#include "api/key_uses.h"
#include "api/kms_upkeep.h"
#include "api/service_table.h"
#include "aws/arn.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "kms/key_name.h"

namespace traccia::api {
namespace {

const Binding& binding_of(std::string_view operation) {
  const auto* binding = find_service("kms")->find(operation);
  TRACCIA_ASSERT(binding != nullptr);
  return *binding;
}

// A service has no account: the one of the key is told.
Caller told(const Caller& caller, std::string_view key) {
  auto out = caller;
  const auto arn = aws::parse_arn(key);
  if (caller.principal.type == identity::PrincipalType::AwsService && arn) {
    out.principal.account_id = arn->account;
  }
  return out;
}

json::Object data_key_request(std::string_view key, const kms::EncryptionContext& context) {
  return {{"KeyId", key}, {"KeySpec", "AES_256"}, {"EncryptionContext", render_context(context)}};
}

std::string bytes_of(const json::Object& output, std::string_view member) {
  return base64_decode(get_string(output, member)).value();
}

DataKey data_key_of(const json::Object& output) {
  return {.key_arn = get_string(output, "KeyId"),
          .plaintext = bytes_of(output, "Plaintext"),
          .sealed = bytes_of(output, "CiphertextBlob")};
}

// Who, what, which key, for what: texts that contain no line break, but for the context's values.
std::string use_of(const Caller& caller, std::string_view operation, const json::Object& request) {
  return fmt::format("{}\n{}\n{}\n{}", operation, caller.principal.arn,
                     get_string(request, "KeyId"),
                     json::serialize(json::Value(request.at("EncryptionContext"))));
}

Result<json::Object> use_key(Services& services, const Caller& caller, std::string_view operation,
                             const json::Object& request, Recording recording) {
  const auto& binding = binding_of(operation);
  const bool seldom = recording == Recording::Seldom;
  const auto use = seldom ? use_of(caller, operation, request) : std::string();
  const auto now = services.os.clock.monotonic();
  if (seldom && services.key_uses.recorded(use, now)) {
    Carried carried;
    const auto done = services.database.read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(carried, carry_out(services, transaction, caller, binding, request));
      return {};
    });
    if (done) return std::move(carried.output);
    // Its failure is recorded, which takes the call itself.
  }
  TRY_ASSIGN(auto output, execute(services, caller, binding, request));
  if (seldom) services.key_uses.record(use, now);
  return std::move(output.document);
}

}  // namespace

Result<std::string> managed_key_arn(Services& services, const kms::Place& place,
                                    std::string_view service) {
  const auto alias = std::string("alias/aws/").append(service);
  const auto* managed = kms::find_managed_service(alias);
  if (managed == nullptr) {
    return kms::not_found({kms::NameKind::Alias, kms::alias_arn(place, alias), place.account});
  }
  TRY_ASSIGN(const auto key, find_managed_key(services, *managed, place));
  return key.arn;
}

json::Object render_context(const kms::EncryptionContext& context) {
  json::Object out;
  for (const auto& [name, value] : context) out[name] = value;
  return out;
}

Result<> make_managed_key(Services& services, const Caller& caller, std::string_view key) {
  const kms::Place place{caller.principal.account_id, caller.region};
  const auto name = kms::parse_key_name(key, place, kms::AliasesAre::Allowed);
  if (!name || name->kind != kms::NameKind::Alias || name->account != place.account) return {};
  const auto* service =
      kms::find_managed_service(std::string_view(name->arn).substr(name->arn.find("alias/")));
  if (service == nullptr) return {};
  TRY(find_managed_key(services, *service, place));
  return {};
}

Result<DataKey> generate_data_key(Services& services, const Caller& caller, std::string_view key,
                                  const kms::EncryptionContext& context, Recording recording) {
  TRY(make_managed_key(services, caller, key));
  TRY_ASSIGN(const auto output, use_key(services, told(caller, key), "GenerateDataKey",
                                        data_key_request(key, context), recording));
  return data_key_of(output);
}

Result<std::string> decrypt_data_key(Services& services, const Caller& caller, std::string_view key,
                                     std::string_view sealed, const json::Object& context,
                                     Recording recording) {
  TRY_ASSIGN(const auto output, use_key(services, told(caller, key), "Decrypt",
                                        {{"KeyId", key},
                                         {"CiphertextBlob", base64_encode(sealed)},
                                         {"EncryptionContext", context}},
                                        recording));
  return bytes_of(output, "Plaintext");
}

Result<CarriedKey> generate_data_key_within(Services& services, meta::Transaction& transaction,
                                            const Caller& caller, std::string_view key,
                                            const kms::EncryptionContext& context,
                                            std::string event_id) {
  const auto asking = told(caller, key);
  // Denials hide which keys there are; who set the key up is to learn that it is gone.
  const kms::Place place{asking.principal.account_id, asking.region};
  TRY_ASSIGN(const auto name, kms::parse_key_name(key, place, kms::AliasesAre::Allowed));
  TRY(services.keys.get(transaction, name));
  TRY_ASSIGN(auto carried, carry_out(services, transaction, asking, binding_of("GenerateDataKey"),
                                     data_key_request(key, context), std::move(event_id)));
  return CarriedKey{data_key_of(carried.output), std::move(carried.records)};
}

Result<CarriedKey> decrypt_data_key_within(Services& services, meta::Transaction& transaction,
                                           const Caller& caller, std::string_view key,
                                           std::string_view sealed,
                                           const kms::EncryptionContext& context) {
  TRY_ASSIGN(auto carried,
             carry_out(services, transaction, told(caller, key), binding_of("Decrypt"),
                       {{"KeyId", key},
                        {"CiphertextBlob", base64_encode(sealed)},
                        {"EncryptionContext", render_context(context)}}));
  CarriedKey out;
  out.key.key_arn = get_string(carried.output, "KeyId");
  out.key.plaintext = bytes_of(carried.output, "Plaintext");
  out.records = std::move(carried.records);
  return out;
}

Result<Carried> describe_key_within(Services& services, meta::Transaction& transaction,
                                    const Caller& caller, std::string_view key) {
  TRY_ASSIGN(auto carried, carry_out(services, transaction, told(caller, key),
                                     binding_of("DescribeKey"), {{"KeyId", key}}));
  auto metadata = carried.output.at("KeyMetadata").as_object();
  carried.output = std::move(metadata);
  return carried;
}

}  // namespace traccia::api
