// Requests and answers of KMS.
// SPDX-License-Identifier: Apache-2.0
#include "api/kms_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace traccia::api::kms_service {
namespace {

constexpr std::string_view kMarkerVersion = "k1:";

}  // namespace

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "ValidationException", std::move(message));
}

std::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::FailedPrecondition, "UnsupportedOperation", std::move(message));
}

std::unexpected<Error> unsupported_spec(const kms::Key& key) {
  return unsupported(
      fmt::format("{} key spec is {} which is not valid for this operation.", key.arn, key.spec));
}

std::unexpected<Error> unsupported_origin(const kms::Key& key) {
  return unsupported(
      fmt::format("{} origin is {} which is not valid for this operation.", key.arn, key.origin));
}

kms::Place place_of(const Call& call) {
  return {call.caller.principal.account_id, call.caller.region};
}

json::Object resource_of(std::string_view account, std::string_view arn) {
  return {{"accountId", account}, {"type", "AWS::KMS::Key"}, {"ARN", arn}};
}

void note_resource(Call& call, std::string_view account, std::string_view arn) {
  if (!call.resources.is_array()) call.resources = json::Array{};
  call.resources.get_array().push_back(resource_of(account, arn));
}

Result<kms::Key> find_key(Call& call, std::string_view member, kms::AliasesAre aliases) {
  const auto text = get_string(call.input, member);
  TRY_ASSIGN(const auto name, kms::parse_key_name(text, place_of(call), aliases));
  TRY_ASSIGN(auto key, call.services.keys.get(call.transaction, name));
  note_resource(call, key.place.account, key.arn);
  call.resource_account = key.place.account;
  return key;
}

Result<> check_primary(const kms::Key& key) {
  if (key.is_primary()) return {};
  return unsupported(fmt::format("{} is not a multi-region primary key.", key.arn));
}

Result<> check_pair(const kms::Key& key) {
  if (key.kind().pair) return {};
  return unsupported_spec(key);
}

Result<> check_algorithm(const kms::Key& key, std::string_view algorithm) {
  if (key.kind().has(algorithm)) return {};
  return fail(ErrorCode::FailedPrecondition, "InvalidKeyUsage",
              fmt::format("Algorithm {} is incompatible with key spec {}.", algorithm, key.spec));
}

Result<> check_recipient(const json::Object& input) {
  const auto* recipient = json::find(input, "Recipient");
  if (recipient == nullptr || recipient->is_null()) return {};
  return invalid("Recipient is not supported: this server knows no Nitro enclaves.");
}

Result<> check_dry_run(const Call& call) {
  if (!optional_bool(call.input, "DryRun").value_or(false)) return {};
  return fail(ErrorCode::FailedPrecondition, "DryRunOperation",
              "The request would have succeeded, but the DryRun option is set.");
}

Result<> check_context(const kms::EncryptionContext& context, std::string_view member) {
  size_t bytes = 0;
  for (const auto& [key, value] : context) bytes += key.size() + value.size();
  if (bytes <= kContextBytesMax) return {};
  return invalid(fmt::format("{} is larger than {} bytes.", member, kContextBytesMax));
}

Result<kms::EncryptionContext> read_context(const json::Object& input, std::string_view member) {
  kms::EncryptionContext out;
  const auto* pairs = json::find(input, member);
  if (pairs == nullptr || !pairs->is_object()) return out;
  for (const auto& [key, value] : pairs->get_object()) out.emplace(key, value.as_string());
  TRY(check_context(out, member));
  return out;
}

std::string read_blob(const json::Object& input, std::string_view member) {
  return base64_decode(get_string(input, member)).value();
}

std::vector<identity::Tag> read_tags(const json::Object& input) {
  std::vector<identity::Tag> tags;
  const auto* list = json::find(input, "Tags");
  if (list == nullptr || !list->is_array()) return tags;
  for (const auto& tag : list->get_array()) {
    tags.push_back(
        {get_string(tag.as_object(), "TagKey"), get_string(tag.as_object(), "TagValue")});
  }
  return tags;
}

Result<identity::Cursor> read_cursor(const json::Object& input, size_t items_default,
                                     size_t items_max) {
  identity::Cursor cursor;
  const auto limit = optional_integer(input, "Limit");
  cursor.items_max = limit ? std::min(static_cast<size_t>(*limit), items_max) : items_default;
  const auto marker = optional_string(input, "Marker");
  if (!marker) return cursor;
  const auto decoded = base64_decode(*marker);
  if (!decoded || !decoded->starts_with(kMarkerVersion)) {
    return fail(ErrorCode::InvalidArgument, "InvalidMarker", "Could not deserialize marker");
  }
  cursor.after = decoded->substr(kMarkerVersion.size());
  return cursor;
}

void write_page(json::Object& output, bool more, std::string_view last) {
  output["Truncated"] = more;
  if (more) output["NextMarker"] = base64_encode(std::string(kMarkerVersion).append(last));
}

json::Value render(Time time) {
  return aws::encode_timestamp(std::chrono::floor<std::chrono::milliseconds>(time));
}

void write_algorithms(json::Object& output, const kms::Key& key) {
  constexpr std::pair<std::string_view, std::string_view> kMembers[] = {
      {kms::kEncryptDecrypt, "EncryptionAlgorithms"},
      {kms::kSignVerify, "SigningAlgorithms"},
      {kms::kGenerateVerifyMac, "MacAlgorithms"},
      {kms::kKeyAgreement, "KeyAgreementAlgorithms"}};
  for (const auto& [usage, member] : kMembers) {
    if (usage != key.usage) continue;
    json::Array algorithms;
    for (const auto algorithm : key.kind().algorithms) algorithms.emplace_back(algorithm);
    output[member] = std::move(algorithms);
  }
}

}  // namespace traccia::api::kms_service
