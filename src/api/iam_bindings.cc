// The list of IAM's operations.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "api/iam_call.h"

namespace traccia::api {

std::span<const Binding> iam_bindings() {
  static const auto bindings = [] {
    std::vector<Binding> out;
    for (const auto family :
         {iam::user_bindings(), iam::access_key_bindings(), iam::group_bindings(),
          iam::role_bindings(), iam::service_linked_role_bindings(), iam::tag_bindings(),
          iam::inline_policy_bindings(), iam::attached_policy_bindings(), iam::policy_bindings(),
          iam::policy_version_bindings(), iam::boundary_bindings(), iam::account_bindings(),
          iam::mfa_device_bindings(), iam::oidc_provider_bindings(), iam::password_bindings(),
          iam::password_policy_bindings(), iam::credential_report_bindings(),
          iam::simulate_bindings(), iam::account_details_bindings()}) {
      out.insert(out.end(), family.begin(), family.end());
    }
    return out;
  }();
  return bindings;
}

}  // namespace traccia::api
