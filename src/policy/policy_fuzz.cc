// Any bytes as a policy of each kind, or as policies and a request: no text brings the parser down,
// what it accepts can be evaluated, and the answers are those of a naive reading.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/assert.h"
#include "policy/compiled_case.h"
#include "policy/naive.h"

namespace traccia::policy {
namespace {

constexpr DocumentType kTypes[] = {
    {.kind = Kind::Identity},        {.kind = Kind::Resource, .service = "s3"},
    {.kind = Kind::Resource},        {.kind = Kind::Resource, .service = "kms"},
    {.kind = Kind::Trust},           {.kind = Kind::ServiceControl},
    {.kind = Kind::ResourceControl},
};

// A decision's statement is among those that apply, and has the effect that the decision says.
void check(const Request& request, const PoliciesView& policies) {
  const auto explanation = explain(request, policies);
  const auto& decision = explanation.decision;
  if (decision.statement == nullptr) return;
  const bool denied = decision.outcome == Outcome::ExplicitDeny;
  TRACCIA_ASSERT((decision.statement->effect == Effect::Deny) == denied);
  TRACCIA_ASSERT(std::ranges::any_of(explanation.matched, [&](const MatchedStatement& one) {
    return one.statement == decision.statement && one.type == decision.type;
  }));
  TRACCIA_ASSERT(!summarize(decision).empty());
}

void as_text(std::string_view text, const Request& request) {
  for (const auto& type : kTypes) {
    auto document = parse(text, type, {.characters_max = 1 << 20, .bytes_max = 1 << 20});
    if (!document) {
      TRACCIA_ASSERT(document.error().message().contains("(line "));
      continue;
    }
    const std::vector<AttachedPolicy> policies = {
        {"p", std::make_shared<const Document>(std::move(*document))}};
    check(request, {.identity = policies});
    check(request, {.resource = &policies.front()});
  }
}

}  // namespace
}  // namespace traccia::policy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia::policy;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // A policy begins with a brace; what does not makes policies.
  const auto c = CaseFromBytes(bytes.starts_with('{') ? "seven by nine" : bytes).make();
  if (bytes.starts_with('{')) {
    as_text(bytes, c.request);
    return 0;
  }
  const CompiledCase compiled(c);
  TRACCIA_ASSERT(compiled.answer() == Naive(c).answer());
  check(c.request, compiled.view());
  return 0;
}
