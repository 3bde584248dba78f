// The wire's own operations, called without a wire.
// SPDX-License-Identifier: Apache-2.0
#include "api/service_keys.h"

#include "api/access.h"
#include "api/service_table.h"
#include "aws/arn.h"
#include "base/assert.h"
#include "base/bytes.h"

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

json::Object render(const kms::EncryptionContext& context) {
  json::Object out;
  for (const auto& [name, value] : context) out[name] = value;
  return out;
}

json::Object data_key_request(std::string_view key, const kms::EncryptionContext& context) {
  return {{"KeyId", key}, {"KeySpec", "AES_256"}, {"EncryptionContext", render(context)}};
}

std::string bytes_of(const json::Object& output, std::string_view member) {
  return base64_decode(get_string(output, member)).value();
}

}  // namespace

Result<DataKey> generate_data_key(Services& services, const Caller& caller, std::string_view key,
                                  const kms::EncryptionContext& context) {
  TRY_ASSIGN(const auto output, execute(services, told(caller, key), binding_of("GenerateDataKey"),
                                        data_key_request(key, context)));
  const auto& document = output.document;
  return DataKey{.key_arn = get_string(document, "KeyId"),
                 .plaintext = bytes_of(document, "Plaintext"),
                 .sealed = bytes_of(document, "CiphertextBlob")};
}

Result<std::string> decrypt_data_key(Services& services, const Caller& caller, std::string_view key,
                                     std::string_view sealed,
                                     const kms::EncryptionContext& context) {
  TRY_ASSIGN(const auto output, execute(services, told(caller, key), binding_of("Decrypt"),
                                        {{"KeyId", key},
                                         {"CiphertextBlob", base64_encode(sealed)},
                                         {"EncryptionContext", render(context)}}));
  return bytes_of(output.document, "Plaintext");
}

Result<std::string> describe_key(Services& services, const Caller& caller, std::string_view key) {
  TRY_ASSIGN(const auto output,
             execute(services, told(caller, key), binding_of("DescribeKey"), {{"KeyId", key}}));
  return get_string(output.document.at("KeyMetadata").as_object(), "Arn");
}

Result<> check_data_key(Services& services, meta::Transaction& transaction, const Caller& caller,
                        std::string_view key, const kms::EncryptionContext& context) {
  const auto asking = told(caller, key);
  const kms::Place place{asking.principal.account_id, asking.region};
  TRY_ASSIGN(const auto name, kms::parse_key_name(key, place, kms::AliasesAre::Allowed));
  TRY(services.keys.get(transaction, name));
  const auto& binding = binding_of("GenerateDataKey");
  auto input = data_key_request(key, context);
  input["DryRun"] = true;
  TRY(aws::validate(*binding.operation->input, input));
  Call call{.services = services,
            .caller = asking,
            .input = input,
            .transaction = transaction,
            .now = services.os.clock.now()};
  TRY(authorise(call, *binding.operation));
  const auto done = binding.run(call);
  TRACCIA_ASSERT(!done);
  if (done.error().reason() == "DryRunOperation") return {};
  return std::unexpected(done.error());
}

}  // namespace traccia::api
