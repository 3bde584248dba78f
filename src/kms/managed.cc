// The services, and what AWS lets them do.
// SPDX-License-Identifier: Apache-2.0
#include "kms/managed.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "kms/aliases.h"
#include "kms/key_policy.h"

namespace traccia::kms {
namespace {

constexpr std::string_view kPrefix = "alias/aws/";
constexpr int64_t kRotationDays = 365;  // "AWS managed keys": about one year

constexpr std::string_view kS3[] = {"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*",
                                    "kms:GenerateDataKey*", "kms:DescribeKey"};
constexpr std::string_view kSqs[] = {"kms:Encrypt",          "kms:Decrypt",     "kms:ReEncrypt*",
                                     "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"};
constexpr std::string_view kSns[] = {"kms:Decrypt", "kms:GenerateDataKey*", "kms:CreateGrant",
                                     "kms:ListGrants", "kms:DescribeKey"};
constexpr std::string_view kLook[] = {"kms:Describe*", "kms:Get*", "kms:List*"};
constexpr std::string_view kLookAndRevoke[] = {"kms:Describe*", "kms:Get*", "kms:List*",
                                               "kms:RevokeGrant"};
constexpr ManagedService kServices[] = {
    {"s3", "S3", "S3 objects", "auto-s3-2", kS3, kLook},
    {"sqs", "Simple Queue Service (SQS)", "SQS messages", "auto-sqs-1", kSqs, kLookAndRevoke},
    {"sns", "SNS", "SNS data", "auto-sns-1", kSns, kLookAndRevoke}};

std::string quoted(std::span<const std::string_view> actions) {
  return fmt::format("\"{}\"", fmt::join(actions, "\", \""));
}

// How sentences call the service a second time: "Simple Queue Service (SQS)" is SQS.
std::string_view short_words(const ManagedService& service) {
  const auto open = service.words.find('(');
  if (open == service.words.npos) return service.words;
  return service.words.substr(open + 1, service.words.size() - open - 2);
}

}  // namespace

std::string ManagedService::alias() const {
  return std::string(kPrefix).append(name);
}

const ManagedService* find_managed_service(std::string_view alias) {
  if (!alias.starts_with(kPrefix)) return nullptr;
  const auto* at =
      std::ranges::find(kServices, alias.substr(kPrefix.size()), &ManagedService::name);
  return at == std::end(kServices) ? nullptr : at;
}

// As GetKeyPolicy shows those of AWS.
std::string managed_policy(const ManagedService& service, const Place& place) {
  return fmt::format(
      R"({{
  "Version" : "2012-10-17",
  "Id" : "{}",
  "Statement" : [ {{
    "Sid" : "Allow access through {} for all principals in the account )"
      R"(that are authorized to use {}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ {} ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:ViaService" : "{}.{}.amazonaws.com",
        "kms:CallerAccount" : "{}"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{}:root"
    }},
    "Action" : [ {} ],
    "Resource" : "*"
  }} ]
}})",
      service.policy_id, service.words, short_words(service), quoted(service.through_service),
      service.name, place.region, place.account, place.account, quoted(service.by_account));
}

Result<ManagedKey> managed_key(meta::Transaction& transaction, Keys& keys,
                               const ManagedService& service, const Place& place, Time now) {
  const KeyName name{NameKind::Alias, alias_arn(place, service.alias()), place.account};
  TRY_ASSIGN(auto found, keys.find(transaction, name));
  if (found) return ManagedKey{.key = std::move(*found)};
  NewKey wanted{.place = place, .manager = KeyManager::Aws};
  wanted.description =
      fmt::format("Default key that protects my {} when no other key is defined", service.protects);
  TRY_ASSIGN(wanted.policy, bind_policy(transaction, managed_policy(service, place)));
  TRY_ASSIGN(auto key, keys.create(transaction, std::move(wanted)));
  TRY(create_alias(transaction, service.alias(), key, now));
  TRY(set_rotation(transaction, key, {kRotationDays, now + std::chrono::days(kRotationDays)}));
  return ManagedKey{std::move(key), true};
}

}  // namespace traccia::kms
