// What the refused are told.
// SPDX-License-Identifier: Apache-2.0
#include "policy/messages.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy/test_policies.h"

namespace traccia::policy {
namespace {

// "Troubleshoot access denied error messages".
TEST(Messages, SayWhatAwsSays) {
  const auto who = request_of(user(), "s3:GetObject", "arn:aws:s3:::b/k");
  const auto no_resource = request_of(user(), "s3:ListAllMyBuckets", "*");
  const auto kStart =
      std::string("User: arn:aws:iam::111122223333:user/alice is not authorized to perform: ");
  EXPECT_EQ(access_denied_message(who, {.type = PolicyType::Identity}),
            kStart +
                "s3:GetObject on resource: arn:aws:s3:::b/k because no identity-based policy "
                "allows the s3:GetObject action");
  EXPECT_EQ(access_denied_message(no_resource, {.type = PolicyType::ServiceControl}),
            kStart +
                "s3:ListAllMyBuckets because no service control policy allows the "
                "s3:ListAllMyBuckets action");
  const std::pair<PolicyType, std::string_view> rows[] = {
      {PolicyType::ServiceControl, "a service control policy"},
      {PolicyType::ResourceControl, "a resource control policy"},
      {PolicyType::Resource, "a resource-based policy"},
      {PolicyType::Trust, "the role trust policy"},
      {PolicyType::Identity, "an identity-based policy"},
      {PolicyType::Boundary, "a permissions boundary"},
      {PolicyType::Session, "a session policy"},
  };
  AttachedPolicy policy{.name = "arn:aws:iam::111122223333:policy/p", .document = nullptr};
  for (const auto& [type, words] : rows) {
    const Decision denied{.outcome = Outcome::ExplicitDeny, .type = type, .policy = &policy};
    const auto expected =
        fmt::format("{}s3:ListAllMyBuckets with an explicit deny in {}", kStart, words);
    EXPECT_EQ(access_denied_message(no_resource, denied), expected);
    EXPECT_EQ(access_denied_message(no_resource, denied, NamePolicy::Yes),
              expected + ": arn:aws:iam::111122223333:policy/p");
  }
  policy.name = "inline";
  const Decision denied{
      .outcome = Outcome::ExplicitDeny, .type = PolicyType::Identity, .policy = &policy};
  EXPECT_EQ(access_denied_message(who, denied, NamePolicy::Yes),
            kStart +
                "s3:GetObject on resource: arn:aws:s3:::b/k with an explicit deny in an "
                "identity-based policy");
  EXPECT_EQ(access_denied_message(request_of({}, "s3:GetObject", "arn:aws:s3:::b/k")),
            "User: anonymous is not authorized to perform: s3:GetObject on resource: "
            "arn:aws:s3:::b/k");
}

// IAM calls its resources by kind and name, and tells "*" too.
TEST(Messages, WordsOfTheResource) {
  auto asked = request_of(user(), "iam:GetUser", "arn:aws:iam::111122223333:user/bob");
  asked.resource_words = "user bob";
  EXPECT_TRUE(access_denied_message(asked).ends_with("iam:GetUser on resource: user bob"));
  asked.resource = "*";
  asked.resource_words = "*";
  EXPECT_TRUE(access_denied_message(asked).ends_with("iam:GetUser on resource: *"));
}

}  // namespace
}  // namespace traccia::policy
