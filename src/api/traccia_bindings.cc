// The list of Traccia's own operations.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/traccia_operations.h"

namespace traccia::api {

std::span<const Binding> traccia_bindings() {
  using namespace traccia_service;
  static const std::array bindings{kCreateAccount,    kListAccounts,      kCreateIngestToken,
                                   kListIngestTokens, kRevokeIngestToken, kSearchEvents,
                                   kTailEvents};
  return bindings;
}

}  // namespace traccia::api
