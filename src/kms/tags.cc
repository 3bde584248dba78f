// Tags of keys.
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "identity/sql.h"
#include "kms/keys.h"
#include "policy/request.h"

namespace traccia::kms {
namespace {

std::unexpected<Error> bad_tag(std::string message) {
  return fail(ErrorCode::InvalidArgument, "Tag", std::move(message));
}

}  // namespace

Result<std::vector<identity::Tag>> list_tags(meta::Transaction& transaction, const Key& key) {
  std::vector<identity::Tag> tags;
  TRY(transaction.query("SELECT tag, value FROM kms_tags WHERE key = ? ORDER BY tag", {key.arn},
                        [&](const meta::Row& row) -> Result<> {
                          tags.push_back({row.text(0), row.text(1)});
                          return {};
                        }));
  return tags;
}

Result<> set_tags(meta::Transaction& transaction, const Key& key,
                  const std::vector<identity::Tag>& tags) {
  std::set<std::string_view> seen;
  for (const auto& tag : tags) {
    if (policy::to_lower(tag.key).starts_with("aws:")) {
      return bad_tag("Tags beginning with aws: are reserved");
    }
    if (!seen.insert(tag.key).second) return bad_tag("Duplicate tag keys");
    TRY(transaction.execute("INSERT OR REPLACE INTO kms_tags (key, tag, value) VALUES (?, ?, ?)",
                            {key.arn, tag.key, tag.value}));
  }
  TRY_ASSIGN(const auto count,
             identity::select_number(transaction, "SELECT count(*) FROM kms_tags WHERE key = ?",
                                     {key.arn}));
  if (count <= Quotas::kTags) return {};
  return bad_tag("Too many tags");
}

Result<> remove_tags(meta::Transaction& transaction, const Key& key,
                     const std::vector<std::string>& tags) {
  for (const auto& tag : tags) {
    TRY(transaction.execute("DELETE FROM kms_tags WHERE key = ? AND tag = ?", {key.arn, tag}));
  }
  return {};
}

}  // namespace traccia::kms
