// Decides, uses the key, records.
// SPDX-License-Identifier: Apache-2.0
#include "api/service_keys.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "api/key_uses.h"
#include "api/kms_call.h"
#include "api/kms_upkeep.h"
#include "api/kms_use.h"
#include "api/service_table.h"
#include "api/session_rules.h"
#include "aws/arn.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "kms/key_name.h"

namespace traccia::api {
namespace {

using kms_service::OpenUse;

constexpr size_t kDataKeyBytes = 32;

const Binding& binding_of(std::string_view operation) {
  const auto* binding = find_service("kms")->find(operation);
  TRACCIA_ASSERT(binding != nullptr);
  return *binding;
}

// A service has no account: the one of the key is told.
Caller told(Caller caller, std::string_view key) {
  if (caller.principal.type != identity::PrincipalType::AwsService) return caller;
  if (const auto arn = aws::parse_arn(key)) caller.principal.account_id = arn->account;
  return caller;
}

// GenerateDataKey, or Decrypt of `sealed`. Views what the caller keeps.
struct Use {
  const aws::Operation& operation;
  const Caller& caller;
  kms_service::KeyUse key;
  std::optional<std::string_view> sealed = {};
};

Use make_use(const Caller& caller, const KeyRequest::Of& of) {
  static const auto& generates = *binding_of("GenerateDataKey").operation;
  static const auto& decrypts = *binding_of("Decrypt").operation;
  const auto& operation = of.sealed ? decrypts : generates;
  return {operation,
          caller,
          {.key = of.key, .action = operation.iam_action, .context = of.context},
          of.sealed};
}

bool is_decrypt(const Use& use) {
  return use.sealed.has_value();
}

// The request, as its event tells it.
json::Object document_of(const Use& use) {
  json::Object out{{"KeyId", use.key.key}, {"EncryptionContext", render_context(use.key.context)}};
  if (is_decrypt(use)) {
    out["CiphertextBlob"] = base64_encode(*use.sealed);
  } else {
    out["KeySpec"] = "AES_256";
  }
  return out;
}

// What the operation on the wire checks before all else.
Result<> check_request(const Use& use) {
  TRY(check_session_rules(use.caller.principal, use.operation));
  const auto& name = use.key.key;
  const bool sound =
      !name.empty() && std::cmp_less_equal(name.size(), *kms_service::kKeyId.max) &&
      (!use.sealed || std::cmp_less_equal(use.sealed->size(), *kms_service::kCiphertext.max));
  if (sound) return {};
  return aws::validate(*use.operation.input, document_of(use));
}

Call make_call(Services& services, meta::Transaction& transaction, const Caller& caller) {
  static const json::Object kNoDocument;
  return {.services = services,
          .caller = caller,
          .input = kNoDocument,
          .transaction = transaction,
          .now = services.os.clock.now(),
          .standing = Standing::Within};
}

// Decides, and opens the key.
Result<OpenUse> begin(Call& call, const Use& use) {
  TRY(check_request(use));
  TRY_ASSIGN(auto known, kms_service::authorise_use(call, use.operation, use.key));
  // Who may use what there is not learns what is wrong with its name.
  if (!known) {
    TRY_ASSIGN(known, kms_service::know_key(call, use.key.key));
  }
  if (is_decrypt(use)) {
    TRY(kms_service::check_decrypts(known->key));
    return kms_service::open_to_read(call, std::move(known), *use.sealed, use.key);
  }
  TRY(kms_service::check_usable(known->key, kms::kEncryptDecrypt, use.operation.name));
  return kms_service::open_to_seal(call, std::move(known), use.key);
}

Result<DataKey> generate(Services& services, const OpenUse& open, Recording recording) {
  auto& kept = services.key_uses.data_keys;
  const auto now = services.os.clock.monotonic();
  std::optional<DataKeys::Pair> pair;
  if (recording == Recording::Seldom) pair = kept.find_made(open.key(), open.context, now);
  if (!pair) {
    TRY_ASSIGN(pair, kms_service::make_data_key(services.os.random, open, kDataKeyBytes));
    if (recording == Recording::Seldom) kept.keep_made(open.key(), open.context, *pair, now);
  }
  return DataKey{open.key().arn, std::move(pair->plaintext), std::move(pair->sealed)};
}

Result<DataKey> decrypt(Services& services, const OpenUse& open, std::string_view sealed,
                        Recording recording) {
  auto& kept = services.key_uses.data_keys;
  const auto now = services.os.clock.monotonic();
  DataKey out{.key_arn = open.key().arn};
  if (recording == Recording::Seldom) {
    if (auto found = kept.find_opened(open.key(), open.context, sealed, now)) {
      out.plaintext = std::move(*found);
      return out;
    }
  }
  TRY_ASSIGN(out.plaintext, open.decrypt(sealed));
  if (recording == Recording::Seldom) {
    kept.keep_opened(open.key(), open.context, sealed, out.plaintext, now);
  }
  return out;
}

Result<DataKey> use_key(Services& services, const Use& use, const OpenUse& open,
                        Recording recording) {
  return use.sealed ? decrypt(services, open, *use.sealed, recording)
                    : generate(services, open, recording);
}

ReadCall read_call(const Use& use, const json::Object& document, const kms::Key& key) {
  const auto& account = key.place.account;
  return {.caller = use.caller,
          .operation = use.operation,
          .input = document,
          .resources = json::Array{kms_service::resource_of(account, key.arn)},
          .resource_account = account};
}

// Who, what, which key, for what: texts that contain no line break, but for the context.
std::string name_of(const Use& use) {
  return fmt::format("{}\n{}\n{}\n{}", use.operation.name, use.caller.principal.arn, use.key.key,
                     kms::canonical(use.key.context));
}

// As carry_out() does it.
Result<CarriedKey> use_within(Services& services, meta::Transaction& transaction, const Use& use,
                              std::string event_id) {
  auto call = make_call(services, transaction, use.caller);
  TRY_ASSIGN(const auto open, begin(call, use));
  CarriedKey out;
  TRY_ASSIGN(out.key, use_key(services, use, open, Recording::Always));
  const auto document = document_of(use);
  auto told = read_call(use, document, open.key());
  told.event_id = std::move(event_id);
  TRY_ASSIGN(out.records, records_of_read(services, call.now, std::move(told)));
  return out;
}

// The service of the place's alias/aws/SERVICE; nullptr for other names.
const kms::ManagedService* find_managed(const kms::Place& place, const kms::KeyName& name) {
  if (name.kind != kms::NameKind::Alias || name.account != place.account) return nullptr;
  return kms::find_managed_service(std::string_view(name.arn).substr(name.arn.find("alias/")));
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
  const auto* service = name ? find_managed(place, *name) : nullptr;
  if (service == nullptr) return {};
  TRY(find_managed_key(services, *service, place));
  return {};
}

KeyRequest::KeyRequest(Services& services, Caller caller, Of of)
    : services_(services),
      caller_(told(std::move(caller), of.key)),
      of_(std::move(of)),
      name_(of_.recording == Recording::Seldom ? name_of(make_use(caller_, of_)) : std::string()) {}

// What was decided for another object of the bucket in this second need not be decided anew.
Result<KeyRequest::Open> KeyRequest::try_to_decide(meta::Transaction& transaction,
                                                   Writes writes) const {
  if (name_.empty() || !writes) return decide_anew(transaction, writes);
  auto& decisions = services_.key_uses.decisions;
  auto question = fmt::format("{}:{}{}:{}{}", name_.size(), name_, of_.sealed.value_or("").size(),
                              of_.sealed.value_or(""),
                              fingerprint(caller_, services_.identity.sessions().now()));
  const KeyDecisions::Moment now{*writes, to_unix_seconds(services_.os.clock.now())};
  if (auto kept = decisions.find(question, now)) return kept;
  TRY_ASSIGN(auto open, decide_anew(transaction, writes));
  // A key that ends does so at its own moment.
  const bool ends = open && (open->key().deletion || open->key().valid_to);
  if (open && !ends) decisions.keep(std::move(question), now, open);
  return open;
}

Result<KeyRequest::Open> KeyRequest::decide_anew(meta::Transaction& transaction,
                                                 Writes writes) const {
  const kms::Place place{caller_.principal.account_id, caller_.region};
  const auto name = kms::parse_key_name(of_.key, place, kms::AliasesAre::Allowed);
  if (!of_.sealed && name && find_managed(place, *name) != nullptr) {
    TRY_ASSIGN(const auto known, services_.keys.know(transaction, *name, writes));
    if (!known) return nullptr;
  }
  auto call = make_call(services_, transaction, caller_);
  auto use = make_use(caller_, of_);
  use.key.writes = writes;
  TRY_ASSIGN(auto open, begin(call, use));
  return std::make_shared<const OpenUse>(std::move(open));
}

void KeyRequest::decide(meta::Transaction& transaction, Writes writes) {
  decided_.emplace(try_to_decide(transaction, writes));
}

Result<> KeyRequest::decide_alone() {
  const auto writes = services_.database.writes();
  return services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    decided_.emplace(try_to_decide(transaction, writes));
    return {};
  });
}

Result<DataKey> KeyRequest::use() {
  if (!decided_) TRY(decide_alone());
  if (*decided_ && !**decided_) {
    TRY(make_managed_key(services_, caller_, of_.key));
    TRY(decide_alone());
  }
  if (!*decided_) return std::unexpected(decided_->error());
  const auto& open = **decided_;
  const auto use = make_use(caller_, of_);
  const bool seldom = !name_.empty();
  const auto now = services_.os.clock.monotonic();
  TRY_ASSIGN(auto key, use_key(services_, use, *open, of_.recording));
  if (seldom && services_.key_uses.recorded(name_, now)) return key;
  const auto document = document_of(use);
  TRY(record_read(services_, read_call(use, document, open->key())));
  if (seldom) services_.key_uses.record(name_, now);
  return key;
}

// As execute() carries out the operation.
Result<DataKey> KeyRequest::finish() {
  auto done = use();
  if (done) return done;
  const auto use = make_use(caller_, of_);
  return std::unexpected(
      record_error(services_, caller_, use.operation, document_of(use), std::move(done).error()));
}

Result<DataKey> generate_data_key(Services& services, const Caller& caller, std::string_view key,
                                  const kms::EncryptionContext& context, Recording recording) {
  KeyRequest request(services, caller, {std::string(key), context, std::nullopt, recording});
  return request.finish();
}

Result<std::string> decrypt_data_key(Services& services, const Caller& caller, std::string_view key,
                                     std::string_view sealed, const kms::EncryptionContext& context,
                                     Recording recording) {
  KeyRequest request(services, caller, {std::string(key), context, std::string(sealed), recording});
  TRY_ASSIGN(auto opened, request.finish());
  return std::move(opened.plaintext);
}

Result<CarriedKey> generate_data_key_within(Services& services, meta::Transaction& transaction,
                                            const Caller& caller, std::string_view key,
                                            const kms::EncryptionContext& context,
                                            std::string event_id) {
  const auto asking = told(caller, key);
  // Denials hide which keys there are; who set the key up is to learn that it is gone.
  const kms::Place place{asking.principal.account_id, asking.region};
  TRY_ASSIGN(const auto name, kms::parse_key_name(key, place, kms::AliasesAre::Allowed));
  TRY_ASSIGN(const auto known, services.keys.know(transaction, name));
  if (!known) return kms::not_found(name);
  const KeyRequest::Of of{std::string(key), context};
  return use_within(services, transaction, make_use(asking, of), std::move(event_id));
}

Result<CarriedKey> decrypt_data_key_within(Services& services, meta::Transaction& transaction,
                                           const Caller& caller, std::string_view key,
                                           std::string_view sealed,
                                           const kms::EncryptionContext& context) {
  const auto asking = told(caller, key);
  const KeyRequest::Of of{std::string(key), context, std::string(sealed)};
  return use_within(services, transaction, make_use(asking, of), {});
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
