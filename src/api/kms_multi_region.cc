// KMS ReplicateKey and UpdatePrimaryRegion.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/kms_metadata.h"
#include "api/kms_policy.h"
#include "api/kms_upkeep.h"
#include "kms/key_policy.h"
#include "kms/multi_region.h"

namespace traccia::api::kms_service {
namespace {

// "([a-z]+-){2,3}\d+": words of letters, then a number.
bool is_region(std::string_view text) {
  int words = 0;
  for (auto dash = text.find('-'); dash != text.npos; dash = text.find('-')) {
    if (dash == 0 || !aws::only_characters(text.substr(0, dash), "a-z")) return false;
    text.remove_prefix(dash + 1);
    ++words;
  }
  return (words == 2 || words == 3) && !text.empty() && aws::only_characters(text, "0-9");
}
constexpr aws::Pattern kRegionPattern{"^([a-z]+-){2,3}\\d+$", is_region};
constexpr Shape kRegion = aws::string_shape(1, 32, kRegionPattern);

constexpr Member kReplicateInput[] = {kKeyIdMember,
                                      {"ReplicaRegion", &kRegion, Presence::Required},
                                      {"Policy", &kPolicy},
                                      {"BypassPolicyLockoutSafetyCheck", &kBoolean},
                                      {"Description", &kDescription},
                                      {"Tags", &kTags}};
constexpr Shape kReplicateRequest = aws::structure_shape(kReplicateInput);
constexpr Member kReplicateOutput[] = {
    {"ReplicaKeyMetadata", &kMetadata}, {"ReplicaPolicy", &kPolicy}, {"ReplicaTags", &kTags}};
constexpr Shape kReplicateAnswer = aws::structure_shape(kReplicateOutput);
constexpr std::string_view kReplicateErrors[] = {
    "AlreadyExistsException", kDisabled, kInvalidArn, kInvalidState, kLimitExceeded,
    kMalformedPolicy,         kNotFound, kTagError,   kUnsupported};
constexpr std::string_view kReplicateKeys[] = {"kms:ReplicaRegion", kBypassKey, "aws:TagKeys",
                                               "aws:RequestTag"};
constexpr auto kReplicate = [] {
  auto access = on_key(kReplicateKeys);
  access.tag_action = "kms:TagResource";
  return change("kms:ReplicateKey", kReplicateRequest, kReplicateAnswer, kReplicateErrors, access);
}();

constexpr Member kPrimaryInput[] = {kKeyIdMember, {"PrimaryRegion", &kRegion, Presence::Required}};
constexpr Shape kPrimaryRequest = aws::structure_shape(kPrimaryInput);
constexpr std::string_view kPrimaryErrors[] = {kDisabled, kInvalidArn, kInvalidState, kNotFound,
                                               kUnsupported};
constexpr std::string_view kPrimaryKeys[] = {"kms:PrimaryRegion"};
constexpr auto kUpdatePrimary = change("kms:UpdatePrimaryRegion", kPrimaryRequest,
                                       aws::kEmptyStructure, kPrimaryErrors, on_key(kPrimaryKeys));

Result<kms::Key> find_primary(Call& call) {
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  TRY(check_primary(key));
  TRY(kms::check_state(key, kms::Needs::Enabled));
  return key;
}

json::Array render_tags(const std::vector<identity::Tag>& tags) {
  json::Array out;
  for (const auto& tag : tags) {
    out.push_back(json::Object{{"TagKey", tag.key}, {"TagValue", tag.value}});
  }
  return out;
}

Result<json::Object> replicate(Call& call) {
  TRY_ASSIGN(const auto primary, find_primary(call));
  kms::NewReplica wanted{.region = get_string(call.input, "ReplicaRegion"),
                         .description = get_string(call.input, "Description")};
  if (!call.services.serves_region(wanted.region)) {
    return invalid(fmt::format("The Region {} is not one of this server.", wanted.region));
  }
  const kms::Place place{primary.place.account, wanted.region};
  const kms::KeyName name{.arn = kms::key_arn(place, primary.id), .account = place.account};
  TRY_ASSIGN(const auto there, call.services.keys.find(call.transaction, name));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "AlreadyExists",
                fmt::format("Key '{}' already exists", name.arn));
  }
  const auto policy = optional_string(call.input, "Policy");
  wanted.policy = policy.value_or(kms::default_policy(place.account));
  TRY_ASSIGN(wanted.policy, kms::bind_policy(call.transaction, wanted.policy));
  TRY_ASSIGN(const auto replica,
             call.services.keys.replicate(call.transaction, primary, std::move(wanted)));
  if (policy) TRY(check_lockout(call, replica));
  const auto tags = read_tags(call.input);
  TRY(kms::set_tags(call.transaction, replica, tags));
  TRY_ASSIGN(auto draft, creation_event(call.services, call.now, replica));
  call.after_event.push_back(std::move(draft));
  TRY_ASSIGN(auto metadata, render_metadata(call.services, call.transaction, replica));
  TRY_ASSIGN(const auto shown, kms::show_policy(call.transaction, replica.policy));
  return json::Object{{"ReplicaKeyMetadata", std::move(metadata)},
                      {"ReplicaPolicy", shown},
                      {"ReplicaTags", render_tags(tags)}};
}

Result<json::Object> update_primary(Call& call) {
  TRY_ASSIGN(const auto primary, find_primary(call));
  const kms::Place place{primary.place.account, get_string(call.input, "PrimaryRegion")};
  if (place.region == primary.place.region) {
    return unsupported(fmt::format("{} is the multi-region primary key already.", primary.arn));
  }
  const kms::KeyName name{.arn = kms::key_arn(place, primary.id), .account = place.account};
  TRY_ASSIGN(const auto replica, call.services.keys.get(call.transaction, name));
  TRY(kms::check_state(replica, kms::Needs::Enabled));
  note_resource(call, place.account, replica.arn);
  TRY(kms::set_primary(call.transaction, primary, replica));
  return json::Object{};
}

}  // namespace

std::span<const Binding> multi_region_bindings() {
  static const std::array bindings{Binding{&kReplicate, replicate},
                                   Binding{&kUpdatePrimary, update_primary}};
  return bindings;
}

}  // namespace traccia::api::kms_service
