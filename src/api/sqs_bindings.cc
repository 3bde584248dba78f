// The list of SQS's operations.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "api/sqs_call.h"

namespace traccia::api {

std::span<const Binding> sqs_bindings() {
  static const auto bindings = [] {
    std::vector<Binding> out;
    for (const auto family : {sqs_service::queue_bindings(), sqs_service::attribute_bindings(),
                              sqs_service::message_bindings(), sqs_service::batch_bindings()}) {
      out.insert(out.end(), family.begin(), family.end());
    }
    return out;
  }();
  return bindings;
}

}  // namespace traccia::api
