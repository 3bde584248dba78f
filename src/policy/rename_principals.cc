// Principals are replaced in the text, so that what people wrote around them stays.
// SPDX-License-Identifier: Apache-2.0
#include "policy/rename_principals.h"

#include <vector>

#include "policy/node.h"

namespace traccia::policy {
namespace {

const Node* member(const Node& object, std::string_view name) {
  for (const auto& one : object.members) {
    if (one.name == name) return &one.value;
  }
  return nullptr;
}

void collect(const Node* value, std::vector<const Node*>& out) {
  if (value == nullptr) return;
  if (value->kind == Node::Kind::String) out.push_back(value);
  for (const auto& item : value->items) collect(&item, out);
}

// Behind the closing quote of the string that begins at `at`.
size_t end_of_string(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

}  // namespace

Result<std::string> rename_principals(std::string_view text, const RenamePrincipal& rename) {
  const auto root = parse_node(text);
  if (!root) return fail(ErrorCode::InvalidArgument, root.error().detail);
  std::vector<const Node*> entries;
  const auto of_statement = [&](const Node& statement) {
    for (const auto* element : {"Principal", "NotPrincipal"}) {
      const auto* principal = member(statement, element);
      if (principal != nullptr) collect(member(*principal, "AWS"), entries);
    }
  };
  if (const auto* statements = member(*root, "Statement")) {
    if (statements->kind == Node::Kind::Object) of_statement(*statements);
    for (const auto& statement : statements->items) of_statement(statement);
  }
  std::string out;
  size_t copied = 0;
  for (const auto* entry : entries) {
    TRY_ASSIGN(const auto name, rename(entry->text));
    if (!name) continue;
    out.append(text.substr(copied, entry->offset - copied)).append(1, '"').append(*name) += '"';
    copied = end_of_string(text, entry->offset);
  }
  return out.append(text.substr(copied));
}

}  // namespace traccia::policy
