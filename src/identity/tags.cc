// Tags in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/tags.h"

#include <fmt/format.h>

#include <set>

#include "identity/entities.h"
#include "identity/sql.h"
#include "policy/request.h"

namespace traccia::identity {

Result<Page<Tag>> list_tags(meta::Transaction& transaction, std::string_view owner,
                            const Cursor& cursor) {
  Page<Tag> page;
  TRY(transaction.query(
      "SELECT key, value FROM identity_tags WHERE owner = ? AND key > ? ORDER BY key LIMIT ?",
      {owner, cursor.after, cursor.rows_max()}, [&](const meta::Row& row) -> Result<> {
        page.items.push_back({row.text(0), row.text(1)});
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<> set_tags(meta::Transaction& transaction, std::string_view owner,
                  const std::vector<Tag>& tags) {
  std::set<std::string> keys;
  for (const auto& tag : tags) {
    auto lower = policy::to_lower(tag.key);
    if (lower.starts_with("aws:")) {
      return fail(ErrorCode::InvalidArgument, "InvalidInput",
                  "Invalid tag key. System tag keys cannot be added, modified or removed.");
    }
    if (!keys.insert(std::move(lower)).second) {
      return fail(ErrorCode::InvalidArgument, "InvalidInput",
                  "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    TRY(transaction.execute("DELETE FROM identity_tags WHERE owner = ? AND key = ?",
                            {owner, tag.key}));
    TRY(transaction.execute("INSERT INTO identity_tags (owner, key, value) VALUES (?, ?, ?)",
                            {owner, tag.key, tag.value}));
  }
  TRY_ASSIGN(
      const auto count,
      select_number(transaction, "SELECT count(*) FROM identity_tags WHERE owner = ?", {owner}));
  if (count > Quotas::kTags) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("The number of tags has reached the maximum limit: {}", Quotas::kTags));
  }
  return {};
}

Result<> remove_tags(meta::Transaction& transaction, std::string_view owner,
                     const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    TRY(transaction.execute("DELETE FROM identity_tags WHERE owner = ? AND key = ?", {owner, key}));
  }
  return {};
}

Result<> forget_tags(meta::Transaction& transaction, std::string_view owner) {
  TRY(transaction.execute("DELETE FROM identity_tags WHERE owner = ?", {owner}));
  return {};
}

}  // namespace traccia::identity
