// The list of KMS's operations.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "api/kms_call.h"

namespace traccia::api {

std::span<const Binding> kms_bindings() {
  static const auto bindings = [] {
    using namespace kms_service;
    std::vector<Binding> all;
    for (const auto family :
         {key_bindings(), alias_bindings(), policy_bindings(), tag_bindings(), crypto_bindings(),
          rotation_bindings(), grant_bindings(), mac_bindings(), data_key_bindings(),
          signature_bindings(), pair_bindings(), multi_region_bindings(), import_bindings()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return all;
  }();
  return bindings;
}

}  // namespace traccia::api
