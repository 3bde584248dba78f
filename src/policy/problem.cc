// The texts. Those of IAM and S3 are the services' own where they are known; the rest say the same
// of what these services answer with a general text only.
// SPDX-License-Identifier: Apache-2.0
#include "policy/problem.h"

#include <fmt/format.h>

namespace traccia::policy {
namespace {

std::string describe_iam(Problem problem, std::string_view detail) {
  const auto say = [&](std::string_view text) { return std::string(text); };
  switch (problem) {
    case Problem::NotJson:
      return fmt::format("Syntax errors in policy: {}", detail);
    case Problem::Syntax:
      return fmt::format("Syntax errors in policy: {}", detail);
    case Problem::DuplicateKey:
      return fmt::format("Syntax errors in policy: '{}' comes twice", detail);
    case Problem::UnknownElement:
      return fmt::format("Syntax errors in policy: unknown element '{}'", detail);
    case Problem::Version:
      return say("Policy document must be version 2012-10-17 or greater.");
    case Problem::MissingElement:
      return fmt::format("Syntax errors in policy: missing element {}", detail);
    case Problem::EffectValue:
      return fmt::format("Syntax errors in policy: Effect is Allow or Deny, not '{}'", detail);
    case Problem::SidForm:
      return say(
          "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
          "regular expression [0-9A-Za-z]*");
    case Problem::SidTwice:
      return say("Statement IDs (SID) in a single policy must be unique.");
    case Problem::PrincipalProhibited:
      return say("Policy document should not specify a principal.");
    case Problem::PrincipalMissing:
      return say("Missing required field Principal");
    case Problem::PrincipalForm:
      return fmt::format("Invalid principal in policy: {}", detail);
    case Problem::ActionMissing:
      return say("Policy statement must contain actions.");
    case Problem::ActionVendorMissing:
      return say("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    case Problem::ActionColons:
      return say("Actions/Condition can contain only one colon.");
    case Problem::ActionVendor:
      return fmt::format("Vendor {} is not valid", detail);
    case Problem::ActionForm:
      return fmt::format("Action {} is not valid", detail);
    case Problem::ActionForeign:
      return fmt::format("Action {} is not applicable to this policy", detail);
    case Problem::ResourceMissing:
      return say("Policy statement must contain resources.");
    case Problem::ResourceProhibited:
      return say("Has prohibited field Resource");
    case Problem::ResourceForm:
      return fmt::format("Resource {} must be in ARN format or \"*\".", detail);
    case Problem::ResourcePartition:
      return fmt::format("Partition is not valid for resource \"{}\".", detail);
    case Problem::ResourceVendor:
      return say("Resource vendor must be fully qualified and cannot contain regexes.");
    case Problem::ResourceParts:
      return say("The policy failed legacy parsing");
    case Problem::ResourceRegion:
      return fmt::format("IAM resource {} cannot contain region information.", detail);
    case Problem::ResourceForeign:
      return fmt::format("Resource {} is not applicable to this policy", detail);
    case Problem::ConditionOperator:
      return fmt::format("Syntax errors in policy: {}", detail);
    case Problem::ConditionKey:
      return fmt::format("Syntax errors in policy: '{}' is not a condition key", detail);
    case Problem::ConditionValue:
      return fmt::format("Syntax errors in policy: {}", detail);
    case Problem::Character:
      return say(
          "Syntax errors in policy: a character is outside of U+0009, U+000A, U+000D and "
          "U+0020 to U+00FF");
    case Problem::Unsupported:
      return fmt::format(
          "The provided policy document does not meet the requirements of the "
          "specified policy type: {}",
          detail);
    case Problem::TooLarge:
      return fmt::format("Cannot exceed quota for PolicySize: {}", detail);
  }
  return {};
}

std::string describe_s3(Problem problem, std::string_view detail) {
  switch (problem) {
    case Problem::NotJson:
      return "Policies must be valid JSON and the first byte must be '{'";
    case Problem::DuplicateKey:
      return fmt::format("Duplicate field {}", detail);
    case Problem::UnknownElement:
      return fmt::format("Unknown field {}", detail);
    case Problem::Version:
      return "The policy must contain a valid version string";
    case Problem::MissingElement:
      return fmt::format("Missing required field {}", detail);
    case Problem::EffectValue:
      return fmt::format("Invalid effect: {}", detail);
    case Problem::PrincipalMissing:
      return "Missing required field Principal";
    case Problem::PrincipalForm:
      return "Invalid principal in policy";
    case Problem::ActionMissing:
      return "Missing required field Action";
    case Problem::ActionVendorMissing:
    case Problem::ActionColons:
    case Problem::ActionVendor:
    case Problem::ActionForm:
    case Problem::ActionForeign:
      return "Policy has invalid action";
    case Problem::ResourceMissing:
      return "Missing required field Resource";
    case Problem::ResourceForm:
    case Problem::ResourcePartition:
    case Problem::ResourceVendor:
    case Problem::ResourceParts:
    case Problem::ResourceRegion:
    case Problem::ResourceForeign:
      return "Policy has invalid resource";
    case Problem::ConditionOperator:
      return fmt::format("Invalid Condition type : {}", detail);
    case Problem::ConditionKey:
      return "Policy has an invalid condition key";
    case Problem::TooLarge:
      return "Policy exceeds the maximum allowed document size.";
    case Problem::Syntax:
    case Problem::ConditionValue:
      return fmt::format("Invalid policy syntax: {}", detail);
    case Problem::SidForm:
    case Problem::SidTwice:
    case Problem::PrincipalProhibited:
    case Problem::ResourceProhibited:
    case Problem::Character:
    case Problem::Unsupported:
      break;
  }
  return describe_iam(problem, detail);
}

}  // namespace

std::string describe(Problem problem, Wording wording, std::string_view detail) {
  return wording == Wording::S3 ? describe_s3(problem, detail) : describe_iam(problem, detail);
}

std::string_view reason_of(Problem problem, Wording wording) {
  if (wording == Wording::S3) return "MalformedPolicy";
  return problem == Problem::TooLarge ? "LimitExceeded" : "MalformedPolicyDocument";
}

}  // namespace traccia::policy
