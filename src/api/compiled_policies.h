// Policies of resources in their compiled form, so that a request does not parse one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "policy/evaluate.h"

namespace traccia::api {

// Thread-safe. A compiled policy belongs to the text it was made of, and is taken only for the text
// that the request's own transaction read: nothing has to be told of changes.
class CompiledPolicies {
 public:
  static constexpr size_t kPoliciesMax = 4096;
  static constexpr size_t kTextBytesMax = 4 << 20;  // of all together

  using Parse = Result<policy::Document> (*)(std::string_view resource, std::string_view text);
  explicit CompiledPolicies(Parse parse) : parse_(parse) {}

  using Compiled = std::shared_ptr<const policy::AttachedPolicy>;
  Result<Compiled> find(std::string_view resource, std::string_view text);

 private:
  struct Entry {
    std::string text;
    Compiled compiled;
  };
  void keep(std::string_view resource, std::string_view text, const Compiled& compiled);

  const Parse parse_;
  Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);  // by resource
  size_t text_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::api
