// The list of SNS's operations.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "api/sns_call.h"

namespace traccia::api {

std::span<const Binding> sns_bindings() {
  static const auto bindings = [] {
    std::vector<Binding> out;
    for (const auto family :
         {sns_service::topic_bindings(), sns_service::attribute_bindings(),
          sns_service::subscription_bindings(), sns_service::publish_bindings()}) {
      out.insert(out.end(), family.begin(), family.end());
    }
    return out;
  }();
  return bindings;
}

}  // namespace traccia::api
