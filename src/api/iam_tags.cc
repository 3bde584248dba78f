// IAM Tag, Untag and List…Tags of users, roles, policies, MFA devices and OpenID Connect
// providers.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

enum class Tagged : uint8_t { User, Role, Policy, MfaDevice, OidcProvider };

// By Tagged.
struct Words {
  std::string_view member, tag, untag, list;
};
constexpr Words kWords[] = {
    {"UserName", "iam:TagUser", "iam:UntagUser", "iam:ListUserTags"},
    {"RoleName", "iam:TagRole", "iam:UntagRole", "iam:ListRoleTags"},
    {"PolicyArn", "iam:TagPolicy", "iam:UntagPolicy", "iam:ListPolicyTags"},
    {"SerialNumber", "iam:TagMFADevice", "iam:UntagMFADevice", "iam:ListMFADeviceTags"},
    {"OpenIDConnectProviderArn", "iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider",
     "iam:ListOpenIDConnectProviderTags"}};
constexpr const Words& words_of(Tagged tagged) {
  return kWords[static_cast<size_t>(tagged)];
}

template <Tagged tagged>
constexpr Member kOwner{words_of(tagged).member,
                        tagged == Tagged::User        ? &kName128
                        : tagged == Tagged::Role      ? &kName64
                        : tagged == Tagged::MfaDevice ? &kSerialNumber
                                                      : &kArn,
                        Presence::Required};

template <Tagged tagged>
constexpr aws::Access on_tagged(std::span<const std::string_view> keys) {
  if (tagged == Tagged::Policy) return on_policy(keys);
  if (tagged == Tagged::MfaDevice) return on_mfa_device(keys);
  if (tagged == Tagged::OidcProvider) {
    return {.resource = "oidc-provider", .named_by = words_of(tagged).member, .keys = keys};
  }
  return on(tagged == Tagged::User ? EntityKind::User : EntityKind::Role, keys);
}

constexpr std::string_view kTagErrors[] = {kNoSuchEntity, kLimitExceeded, kInvalidInput};

template <Tagged tagged>
constexpr Member kTagInput[] = {kOwner<tagged>, {"Tags", &kTags, Presence::Required}};
template <Tagged tagged>
constexpr Shape kTagRequest = aws::structure_shape(kTagInput<tagged>);
template <Tagged tagged>
constexpr auto kTagOperation = change(words_of(tagged).tag, on_tagged<tagged>(kTagsInRequest),
                                      kTagRequest<tagged>, aws::kEmptyStructure, kTagErrors);

template <Tagged tagged>
constexpr Member kUntagInput[] = {kOwner<tagged>, {"TagKeys", &kTagKeys, Presence::Required}};
template <Tagged tagged>
constexpr Shape kUntagRequest = aws::structure_shape(kUntagInput<tagged>);
template <Tagged tagged>
constexpr auto kUntagOperation =
    change(words_of(tagged).untag, on_tagged<tagged>(kTagKeysInRequest), kUntagRequest<tagged>,
           aws::kEmptyStructure, kReadErrors);

template <Tagged tagged>
constexpr Member kListInput[] = {kOwner<tagged>, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
template <Tagged tagged>
constexpr Shape kListRequest = aws::structure_shape(kListInput<tagged>);
constexpr Member kListOutput[] = {
    {"Tags", &kTags, Presence::Required}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
template <Tagged tagged>
constexpr auto kListOperation = query(words_of(tagged).list, on_tagged<tagged>({}),
                                      kListRequest<tagged>, kListAnswer, kReadErrors);

enum class Intent : uint8_t { Read, Change };

// The id under which the tags lie.
template <Tagged tagged>
Result<std::string> find_owner(Call& call, Intent intent) {
  if (tagged == Tagged::MfaDevice) {
    TRY_ASSIGN(const auto device,
               call.services.identity.mfa().get(call.transaction, call.caller.principal.account_id,
                                                get_string(call.input, "SerialNumber")));
    return device.serial;
  }
  if (tagged == Tagged::OidcProvider) {
    TRY_ASSIGN(const auto provider,
               call.services.identity.oidc().get(call.transaction, call.caller.principal.account_id,
                                                 get_string(call.input, kOwner<tagged>.name)));
    return provider.arn;
  }
  if (tagged != Tagged::Policy) {
    const auto kind = tagged == Tagged::User ? EntityKind::User : EntityKind::Role;
    TRY_ASSIGN(const auto entity, named_entity(call, kind));
    return entity.id;
  }
  const auto arn = get_string(call.input, "PolicyArn");
  auto& policies = call.services.identity.policies();
  const identity::PolicyName name{call.caller.principal.account_id, arn};
  TRY_ASSIGN(const auto policy, intent == Intent::Read ? policies.get(call.transaction, name)
                                                       : policies.get_own(call.transaction, name));
  return policy.id;
}

template <Tagged tagged>
Result<json::Object> tag(Call& call) {
  TRY_ASSIGN(const auto owner, find_owner<tagged>(call, Intent::Change));
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY(identity::set_tags(call.transaction, owner, tags));
  call.services.identity.forget_policies(call.caller.principal.account_id);
  return json::Object{};
}

template <Tagged tagged>
Result<json::Object> untag(Call& call) {
  TRY_ASSIGN(const auto owner, find_owner<tagged>(call, Intent::Change));
  std::vector<std::string> keys;
  for (const auto& key : call.input.at("TagKeys").as_array()) keys.emplace_back(key.as_string());
  TRY(identity::remove_tags(call.transaction, owner, keys));
  call.services.identity.forget_policies(call.caller.principal.account_id);
  return json::Object{};
}

template <Tagged tagged>
Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto owner, find_owner<tagged>(call, Intent::Read));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page, identity::list_tags(call.transaction, owner, cursor));
  json::Object out{{"Tags", render(page.items)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().key);
  return out;
}

template <Tagged tagged>
constexpr std::array kBindings{Binding{&kTagOperation<tagged>, tag<tagged>},
                               Binding{&kUntagOperation<tagged>, untag<tagged>},
                               Binding{&kListOperation<tagged>, list<tagged>}};

}  // namespace

std::span<const Binding> tag_bindings() {
  static const auto bindings = [] {
    std::vector<Binding> out;
    for (const auto& some :
         {kBindings<Tagged::User>, kBindings<Tagged::Role>, kBindings<Tagged::Policy>,
          kBindings<Tagged::MfaDevice>, kBindings<Tagged::OidcProvider>}) {
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }();
  return bindings;
}

}  // namespace traccia::api::iam
