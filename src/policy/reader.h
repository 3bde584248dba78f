// What document.cc and statement.cc share: refusing with a place.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "policy/document.h"
#include "policy/node.h"
#include "policy/problem.h"

namespace traccia::policy {

// Where in a document the parser is. Owned by one thread; views the text while it is parsed.
struct ReaderView {
  std::string_view text;
  DocumentType type;
  Version version = Version::V2008;
  std::string path;  // "Statement[2].Condition", for messages

  Wording wording() const {
    return type.kind == Kind::Resource && type.service == "s3" ? Wording::S3 : Wording::Iam;
  }
  bool variables() const { return version == Version::V2012; }

  // "<AWS's text> (line 3, column 5, Statement[2].Action)"
  std::unexpected<Error> refuse(Problem problem, size_t offset, std::string_view detail = {}) const;
  std::unexpected<Error> refuse(Problem problem, const Node& node,
                                std::string_view detail = {}) const {
    return refuse(problem, node.offset, detail);
  }
};

// One statement; `reader.path` names it.
Result<Statement> parse_statement(ReaderView& reader, const Node& node);

// IAM's character set, and no control characters in other policies.
Result<> check_characters(const ReaderView& reader, const Node& node, std::string_view text);

}  // namespace traccia::policy
