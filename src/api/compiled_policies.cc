// Compiling policies, once for each text.
// SPDX-License-Identifier: Apache-2.0
#include "api/compiled_policies.h"

namespace traccia::api {

Result<CompiledPolicies::Compiled> CompiledPolicies::find(std::string_view resource,
                                                          std::string_view text) {
  {
    const MutexLock lock(mutex_);
    const auto at = entries_.find(resource);
    if (at != entries_.end() && at->second.text == text) return at->second.compiled;
  }
  TRY_ASSIGN(auto document, parse_(resource, text));
  auto compiled = std::make_shared<const policy::AttachedPolicy>(
      std::string(resource), std::make_shared<const policy::Document>(std::move(document)));
  keep(resource, text, compiled);
  return compiled;
}

void CompiledPolicies::keep(std::string_view resource, std::string_view text,
                            const Compiled& compiled) {
  const MutexLock lock(mutex_);
  if (const auto at = entries_.find(resource); at != entries_.end()) {
    text_bytes_ -= at->second.text.size();
    entries_.erase(at);
  }
  if (entries_.size() >= kPoliciesMax || text_bytes_ + text.size() > kTextBytesMax) {
    entries_.clear();
    text_bytes_ = 0;
  }
  entries_.emplace(resource, Entry{std::string(text), compiled});
  text_bytes_ += text.size();
}

}  // namespace traccia::api
