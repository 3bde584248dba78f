// Asks KMS for who sends and receives.
// SPDX-License-Identifier: Apache-2.0
#include "api/sqs_keys.h"

#include <fmt/format.h>

#include <iterator>

#include "api/service_keys.h"

namespace traccia::api::sqs_service {
namespace {

// KMS's reasons as SQS tells them.
std::unexpected<Error> worded(const Error& error) {
  constexpr std::pair<std::string_view, std::string_view> kReasons[] = {
      {"NotFound", "KmsNotFound"},
      {"InvalidArn", "KmsNotFound"},
      {"Disabled", "KmsDisabled"},
      {"KMSInvalidState", "KmsInvalidState"},
      {"InvalidKeyUsage", "KmsInvalidKeyUsage"},
      {"AccessDenied", "KmsAccessDenied"},
      {"InvalidCiphertext", "KmsInvalidState"}};
  for (const auto& [from, to] : kReasons) {
    if (error.reason() == from) return fail(ErrorCode::FailedPrecondition, to, error.message());
  }
  return std::unexpected(error);
}

kms::EncryptionContext context_of(const sqs::Sealing& sealing) {
  return {{"aws:sqs:arn", sealing.context}};
}

Caller through_sqs(const Caller& caller) {
  auto out = caller;
  if (caller.principal.type != identity::PrincipalType::AwsService) out.via_service = "sqs";
  return out;
}

void add(std::vector<ingest::Draft>& drafts, std::vector<ingest::Draft>& records) {
  drafts.insert(drafts.end(), std::make_move_iterator(records.begin()),
                std::make_move_iterator(records.end()));
}

}  // namespace

Result<> seal_message(Services& services, meta::Transaction& transaction, const Caller& sender,
                      const sqs::Queue& queue, sqs::NewMessage& message,
                      std::vector<ingest::Draft>& drafts) {
  const auto key = queue.key();
  if (key.empty()) return {};
  sqs::Sealing sealing{.key_arn = {}, .context = queue.arn(), .sealed_key = {}, .data_key = {}};
  auto made = generate_data_key_within(services, transaction, through_sqs(sender), key,
                                       context_of(sealing));
  if (!made) return worded(made.error());
  sealing.key_arn = std::move(made->key.key_arn);
  sealing.sealed_key = std::move(made->key.sealed);
  sealing.data_key = std::move(made->key.plaintext);
  message.sealing = std::move(sealing);
  add(drafts, made->records);
  return {};
}

Result<> open_message(Services& services, meta::Transaction& transaction, const Caller& receiver,
                      sqs::Received& message, std::vector<ingest::Draft>& drafts) {
  if (!message.sealing) return {};
  auto& sealing = *message.sealing;
  auto opened = decrypt_data_key_within(services, transaction, through_sqs(receiver),
                                        sealing.key_arn, sealing.sealed_key, context_of(sealing));
  if (!opened) return worded(opened.error());
  sealing.data_key = std::move(opened->key.plaintext);
  add(drafts, opened->records);
  return sqs::unseal(message);
}

}  // namespace traccia::api::sqs_service
