// Policy documents: the IAM policy language parsed, checked and compiled.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "policy/conditions.h"
#include "policy/node.h"
#include "policy/pattern.h"
#include "policy/principal_pattern.h"

namespace traccia::policy {

// What a policy is attached to; decides which elements it may have.
//
//                    Principal       Resource     beyond that
//   Identity         prohibited      required     also managed policies and groups' policies
//   Boundary         prohibited      required     permissions boundary
//   Session          prohibited      required     AssumeRole's and GetFederationToken's Policy
//   Resource         required        required     NotPrincipal with Deny; actions of its service
//   Trust            required        prohibited   actions of STS
//   ServiceControl   prohibited      required
//   ResourceControl  only "*"        required     Deny only, no NotAction, actions of services that
//                                                 RCPs cover; RCPFullAWSAccess is taken as it is
enum class Kind : uint8_t {
  Identity,
  Resource,
  Trust,
  ServiceControl,
  ResourceControl,
  Boundary,
  Session,
};

struct DocumentType {
  Kind kind = Kind::Identity;
  // Of a Resource policy: the action prefix of its service ("s3", "sns", "sqs", "kms", "logs").
  // Empty: any.
  std::string_view service = {};
  // Of a bucket policy: the bucket's ARN. Resources must lie in it ("Policy has invalid resource").
  std::string_view resource_arn = {};
};

struct Limits {
  enum class WhiteSpace : uint8_t { Counted, Skipped };
  size_t characters_max = 0;
  WhiteSpace white_space = WhiteSpace::Counted;
  size_t statements_max = 1000;
  size_t bytes_max = 128 << 10;  // of the text as it came; IAM's policyDocumentType
};
// The largest a policy of this type may be ("IAM and AWS STS quotas", "Quotas for AWS
// Organizations", "AWS KMS resource quotas"). Quotas over several policies, and the smaller ones of
// inline policies, are the caller's.
Limits limits_of(const DocumentType& type);

// Characters as quotas count them, not bytes: continuation bytes of UTF-8 do not count.
size_t count_characters(std::string_view text, Limits::WhiteSpace white_space);

enum class Effect : uint8_t { Allow, Deny };
enum class Version : uint8_t { V2008, V2012 };  // variables are text in V2008

// Immutable once parsed.
struct Statement {
  std::string sid;  // empty when there is none
  Effect effect = Effect::Allow;
  std::vector<PrincipalPattern> principals;
  bool not_principal = false;  // `principals` are the NotPrincipal element's
  std::vector<Pattern> actions;
  bool not_action = false;
  std::vector<ArnPattern> resources;  // none in a trust policy
  bool not_resource = false;
  std::vector<Condition> conditions;
  size_t index = 0;  // in the document, from 0
  Place place;       // where it begins
  Place end;         // behind its last bracket
};

// A parsed policy: checked, and compiled so that evaluation does not allocate. Immutable; publish
// it as shared_ptr<const Document>.
struct Document {
  Kind kind = Kind::Identity;
  Version version = Version::V2008;
  std::string id;
  std::vector<Statement> statements;
  std::vector<std::string> warnings;  // what AWS's pages disagree about, for people
};

// Reads a policy. Errors, with line and column, and the element's path:
//   MalformedPolicyDocument (of bucket policies MalformedPolicy): bad JSON, members that come
//   twice,
//     unknown elements or operators, values of a wrong form; in AWS's words where these are known
//   LimitExceeded (of bucket policies MalformedPolicy): larger than `limits`
// Takes time linear in the text but for sorting its members.
Result<Document> parse(std::string_view text, const DocumentType& type, const Limits& limits);
Result<Document> parse(std::string_view text, const DocumentType& type);

// Whether RCPs act on this action: of the services they cover, and not kms:RetireGrant ("Resource
// control policies"). CloudTrail's own and SNS's actions are not among them.
bool covered_by_resource_control(std::string_view action);

}  // namespace traccia::policy
