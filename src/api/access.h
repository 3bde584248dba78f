// What a call must be allowed, out of its operation's description.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/operation_call.h"
#include "aws/operation.h"
#include "identity/entities.h"

namespace traccia::api {

// One action on one resource.
struct Ask {
  std::string_view action;  // of static storage
  std::string resource = {};
  // How the service's messages call the resource where not by its ARN: "user alice".
  std::string words = {};
  std::vector<std::pair<std::string, std::string>> keys = {};
  // Of what has a policy of its own, which has a say too; of keys, their grants as well.
  struct OnResource {
    std::string account = {};
    std::string policy = {};
    bool granted = false;
  };
  std::optional<OnResource> key = {};    // of KMS
  std::optional<OnResource> queue = {};  // of SQS
  std::optional<OnResource> topic = {};  // of SNS

  void add_key(std::string_view name, std::string_view value) { keys.emplace_back(name, value); }
};

// The most things that one request may name.
inline constexpr size_t kAskedNamesMax = 100;

// One at least. What is not there is asked for under the ARN it would have, so that whoever may not
// know of it is denied alike. Tags of the resource become aws:ResourceTag/KEY. ValidationException
// when the request names more than kAskedNamesMax things; errors of the store.
Result<std::vector<Ask>> asks_of(Call& call, const aws::Operation& operation);
// Asks for all of them. Reason AccessDenied, in the words of the service.
Result<> authorise(Call& call, const aws::Operation& operation);
Result<> authorise(Call& call, const Ask& ask);

// Whether the description lists this condition key.
bool takes_key(const aws::Operation& operation, std::string_view key);

// Finds what the request names: appends the asks for it. `name` is the member's text, empty when it
// is absent.
using Resolve = Result<> (*)(Call& call, const aws::Operation& operation, std::string_view name,
                             std::vector<Ask>& asks);

namespace cloudtrail {
Result<> resolve_trail(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks);
}  // namespace cloudtrail

namespace iam {
Result<> resolve_user(Call& call, const aws::Operation& operation, std::string_view name,
                      std::vector<Ask>& asks);
Result<> resolve_group(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks);
Result<> resolve_role(Call& call, const aws::Operation& operation, std::string_view name,
                      std::vector<Ask>& asks);
// By the service it belongs to, or by the task of its deletion.
Result<> resolve_linked_role(Call& call, const aws::Operation& operation, std::string_view name,
                             std::vector<Ask>& asks);
Result<> resolve_policy(Call& call, const aws::Operation& operation, std::string_view name,
                        std::vector<Ask>& asks);
Result<> resolve_mfa_device(Call& call, const aws::Operation& operation, std::string_view name,
                            std::vector<Ask>& asks);
// The ARN of a user, group or role as it is.
Result<> resolve_principal(Call& call, const aws::Operation& operation, std::string_view name,
                           std::vector<Ask>& asks);
Result<> resolve_oidc_provider(Call& call, const aws::Operation& operation, std::string_view name,
                               std::vector<Ask>& asks);
}  // namespace iam

namespace traccia_service {
Result<> resolve_token(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks);
}  // namespace traccia_service

namespace sqs_service {
Result<> resolve_queue(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks);
}  // namespace sqs_service

namespace sns_service {
Result<> resolve_topic(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks);
}  // namespace sns_service

namespace kms_service {
// Keys, by name or by what they encrypted; and aliases with the keys behind them.
Result<> resolve_key(Call& call, const aws::Operation& operation, std::string_view name,
                     std::vector<Ask>& asks);
Result<> resolve_alias(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks);
}  // namespace kms_service

namespace organizations {
Result<> resolve(Call& call, const aws::Operation& operation, std::string_view name,
                 std::vector<Ask>& asks);
}  // namespace organizations

}  // namespace traccia::api
