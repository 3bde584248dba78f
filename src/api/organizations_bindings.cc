// The list of Organizations' operations.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "api/organizations_call.h"

namespace traccia::api {

std::span<const Binding> organizations_bindings() {
  static const auto bindings = [] {
    using namespace organizations;
    std::vector<Binding> all;
    for (const auto family :
         {organization_bindings(), account_bindings(), unit_bindings(), policy_bindings(),
          handshake_bindings(), service_bindings(), tag_bindings()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return all;
  }();
  return bindings;
}

}  // namespace traccia::api
