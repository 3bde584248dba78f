// What AssumeRole and AssumeRoleWithWebIdentity do alike with a role.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sts_call.h"

namespace traccia::api::sts {

inline constexpr Shape kRoleDuration = aws::integer_shape(900, 43'200);
inline constexpr Member kAssumedRoleMembers[] = {{"AssumedRoleId", &kString, Presence::Required},
                                                 {"Arn", &kArn, Presence::Required}};
inline constexpr Shape kAssumedRoleUser = aws::structure_shape(kAssumedRoleMembers);

// The condition keys that a decision on a role is made with ("Available keys for AWS STS").
class Keys {
 public:
  // A name that comes again adds a value; those of one name come behind each other.
  void add(std::string name, std::string value) {
    held_.emplace_back(std::move(name), std::move(value));
  }
  std::vector<ContextKey> view() const {
    std::vector<ContextKey> out;
    for (const auto& [name, value] : held_) out.push_back({name, value});
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::string>> held_;
};

// ValidationException for what names no role; AccessDenied, as if it did not trust the caller, when
// there is none.
Result<identity::Entity> find_role(Call& call, const std::string& arn);
// Whether there is a tag of that key, whatever its case.
bool has_key(const std::vector<identity::Tag>& tags, std::string_view key);
// Reads Tags and TransitiveTagKeys. ValidationException.
Result<> read_tags(const json::Object& input, identity::Session& session);
// The session's name, tags and source identity, and the role's tags, as condition keys.
Result<Keys> session_keys(Call& call, const identity::Entity& role,
                          const identity::Session& session);
// `assume`, and what the session carries that needs a permission of its own ("Passing session tags
// in AWS STS", "Monitor and control actions taken with assumed roles").
std::vector<std::string_view> session_actions(std::string_view assume,
                                              const identity::Session& session);
// All of the actions, by the role's trust policy and the caller's own policies. AccessDenied.
Result<> authorise_on_role(Call& call, const identity::Entity& role,
                           std::span<const std::string_view> actions, const Keys& keys,
                           const identity::Session& session);
// Reads the session's policies and its end. ValidationException, MalformedPolicyDocument,
// PackedPolicyTooLarge.
Result<> limit_session(Call& call, const identity::Entity& role, identity::Session& session);
// The answer's members on credentials and role; tells the role's account of the call.
json::Object issue_for_role(Call& call, const identity::Entity& role,
                            const identity::Session& session);

}  // namespace traccia::api::sts
