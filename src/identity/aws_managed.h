// The AWS managed policies that come with the server.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "policy/document.h"

namespace traccia::identity {

inline constexpr std::string_view kAdministratorAccess =
    "arn:aws:iam::aws:policy/AdministratorAccess";
// What an account's password policy can allow to all of its users.
inline constexpr std::string_view kUserChangePassword =
    "arn:aws:iam::aws:policy/IAMUserChangePassword";

// Immutable. Only the default version exists here.
struct AwsManagedPolicy {
  std::string arn;
  std::string id;  // ANPA…; derived from the ARN, so not AWS's own
  std::string name;
  std::string path = "/";
  std::string description;
  Time created, updated;  // AWS's
  int64_t version = 1;    // AWS's number, "v3" is 3
  std::string document;
  std::shared_ptr<const policy::Document> compiled;
};

// Ordered by ARN; made once.
std::span<const AwsManagedPolicy> aws_managed_policies();
// nullptr when there is none.
const AwsManagedPolicy* find_aws_managed_policy(std::string_view arn);

}  // namespace traccia::identity
