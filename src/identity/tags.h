// Tags of users, roles and policies. Keys are the same whatever their case.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "identity/page.h"
#include "meta/database.h"

namespace traccia::identity {

struct Tag {
  std::string key;
  std::string value;
};

// By key. `owner` is the id of an entity or a policy.
Result<Page<Tag>> list_tags(meta::Transaction& transaction, std::string_view owner,
                            const Cursor& cursor);
// Replaces the values of keys that are there. Reasons: InvalidInput (a key comes twice, or begins
// with "aws:"), LimitExceeded.
Result<> set_tags(meta::Transaction& transaction, std::string_view owner,
                  const std::vector<Tag>& tags);
// Keys that are not there are ignored.
Result<> remove_tags(meta::Transaction& transaction, std::string_view owner,
                     const std::vector<std::string>& keys);

// All of them, when their owner goes.
Result<> forget_tags(meta::Transaction& transaction, std::string_view owner);

}  // namespace traccia::identity
