// What the AWS managed policies of this field allow. Written from what AWS documents of them, for
// the services that there are here; the numbers of versions and the dates are AWS's.
// SPDX-License-Identifier: Apache-2.0
#include "identity/aws_managed.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "crypto/crypto.h"
#include "identity/entities.h"
#include "identity/ids.h"

namespace traccia::identity {
namespace {

struct Source {
  std::string_view name, description;
  std::string_view created, updated;
  int64_t version;
  std::string_view document;
  std::string_view path = "/";
};

// Ordered by path and name.
constexpr Source kSources[] = {
    {"AWSCloudTrail_FullAccess", "Provides full access to AWS CloudTrail.", "2021-02-19T21:33:48Z",
     "2021-02-22T18:41:24Z", 3, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "TopicsForDelivery",
      "Effect": "Allow",
      "Action": [
        "sns:AddPermission",
        "sns:CreateTopic",
        "sns:GetTopicAttributes",
        "sns:SetTopicAttributes"
      ],
      "Resource": "arn:aws:sns:*:*:aws-cloudtrail-logs*"
    },
    {
      "Sid": "BucketsForDelivery",
      "Effect": "Allow",
      "Action": ["s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock"],
      "Resource": "arn:aws:s3:::aws-cloudtrail-logs*"
    },
    {
      "Sid": "Trails",
      "Effect": "Allow",
      "Action": "cloudtrail:*",
      "Resource": "*"
    },
    {
      "Sid": "LogGroups",
      "Effect": "Allow",
      "Action": "logs:CreateLogGroup",
      "Resource": "arn:aws:logs:*:*:log-group:aws-cloudtrail-logs*"
    },
    {
      "Sid": "WhatTrailsMayUse",
      "Effect": "Allow",
      "Action": [
        "dynamodb:ListGlobalTables",
        "dynamodb:ListTables",
        "iam:GetRolePolicy",
        "iam:GetUser",
        "iam:ListRoles",
        "kms:CreateAlias",
        "kms:CreateKey",
        "kms:ListAliases",
        "kms:ListKeys",
        "lambda:ListFunctions",
        "s3:GetBucketLocation",
        "s3:GetBucketPolicy",
        "s3:ListAllMyBuckets",
        "sns:ListTopics"
      ],
      "Resource": "*"
    },
    {
      "Sid": "RoleForLogGroups",
      "Effect": "Allow",
      "Action": "iam:PassRole",
      "Resource": "*",
      "Condition": {"StringEquals": {"iam:PassedToService": "cloudtrail.amazonaws.com"}}
    }
  ]
})json"},
    {"AWSCloudTrail_ReadOnlyAccess", "Provides read only access to AWS CloudTrail.",
     "2022-06-14T17:19:16Z", "2022-06-14T17:19:16Z", 1, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadTrails",
      "Effect": "Allow",
      "Action": [
        "cloudtrail:Describe*",
        "cloudtrail:Get*",
        "cloudtrail:List*",
        "cloudtrail:LookupEvents"
      ],
      "Resource": "*"
    }
  ]
})json"},
    {"AdministratorAccess", "Provides full access to AWS services and resources.",
     "2015-02-06T18:39:46Z", "2015-02-06T18:39:46Z", 1, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
})json"},
    {"IAMUserChangePassword", "Provides the ability for an IAM user to change their own password.",
     "2016-11-15T00:25:16Z", "2016-11-15T23:18:55Z", 2, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "iam:ChangePassword",
      "Resource": "arn:aws:iam::*:user/${aws:username}"
    },
    {
      "Effect": "Allow",
      "Action": "iam:GetAccountPasswordPolicy",
      "Resource": "*"
    }
  ]
})json"},
    {"ReadOnlyAccess", "Provides read-only access to AWS services and resources.",
     "2015-02-06T18:39:48Z", "2015-02-06T18:39:48Z", 1, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadEverything",
      "Effect": "Allow",
      "Action": [
        "cloudtrail:Describe*",
        "cloudtrail:Get*",
        "cloudtrail:List*",
        "cloudtrail:LookupEvents",
        "cloudwatch:Describe*",
        "cloudwatch:Get*",
        "cloudwatch:List*",
        "iam:Generate*",
        "iam:Get*",
        "iam:List*",
        "iam:Simulate*",
        "kms:Describe*",
        "kms:Get*",
        "kms:List*",
        "logs:Describe*",
        "logs:FilterLogEvents",
        "logs:Get*",
        "logs:List*",
        "organizations:Describe*",
        "organizations:List*",
        "s3:Describe*",
        "s3:Get*",
        "s3:List*",
        "sns:Get*",
        "sns:List*",
        "sqs:Get*",
        "sqs:List*",
        "sts:GetAccessKeyInfo",
        "sts:GetCallerIdentity",
        "traccia:List*",
        "traccia:SearchEvents",
        "traccia:TailEvents"
      ],
      "Resource": "*"
    }
  ]
})json"},
    {"SecurityAudit",
     "Reads the configuration that matters to security, without the content of data.",
     "2015-02-06T18:41:01Z", "2015-02-06T18:41:01Z", 1, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadConfiguration",
      "Effect": "Allow",
      "Action": [
        "cloudtrail:Describe*",
        "cloudtrail:GetChannel",
        "cloudtrail:GetEventDataStore",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetInsightSelectors",
        "cloudtrail:GetResourcePolicy",
        "cloudtrail:GetTrail",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:List*",
        "cloudtrail:LookupEvents",
        "cloudwatch:Describe*",
        "iam:GenerateCredentialReport",
        "iam:GenerateServiceLastAccessedDetails",
        "iam:Get*",
        "iam:List*",
        "iam:Simulate*",
        "kms:Describe*",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:List*",
        "logs:Describe*",
        "organizations:Describe*",
        "organizations:List*",
        "s3:GetAccountPublicAccessBlock",
        "s3:GetBucket*",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:ListAllMyBuckets",
        "sns:GetTopicAttributes",
        "sns:List*",
        "sqs:GetQueueAttributes",
        "sqs:ListQueues",
        "traccia:ListIngestTokens"
      ],
      "Resource": "*"
    }
  ]
})json"},
    {"AWSOrganizationsServiceTrustPolicy",
     "A policy to allow AWS Organizations to share trust with other approved AWS services for the "
     "purpose of simplifying customer configuration.",
     "2017-10-10T23:04:07Z", "2017-11-01T06:01:18Z", 2, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AllowDeletionOfServiceLinkedRoleForOrganizations",
      "Effect": "Allow",
      "Action": "iam:DeleteRole",
      "Resource": "arn:aws:iam::*:role/aws-service-role/organizations.amazonaws.com/*"
    },
    {
      "Sid": "AllowCreationOfServiceLinkedRoles",
      "Effect": "Allow",
      "Action": "iam:CreateServiceLinkedRole",
      "Resource": "*"
    }
  ]
})json",
     kServiceRolePath},
    {"CloudTrailEventContext",
     "Allows CloudTrail to add tags of resources and keys of requests to events.",
     "2025-05-15T13:52:06Z", "2025-05-15T13:52:06Z", 1, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "CloudTrailEventContextPermissionForTag",
      "Effect": "Allow",
      "Action": "tag:GetResources",
      "Resource": "*",
      "Condition": {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
    }
  ]
})json",
     kServiceRolePath},
    {"CloudTrailServiceRolePolicy", "Permission policy for CloudTrail ServiceLinkedRole",
     "2018-10-24T21:21:44Z", "2023-11-27T01:18:00Z", 3, R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "CloudTrailFullAccess",
      "Effect": "Allow",
      "Action": "cloudtrail:*",
      "Resource": "*"
    },
    {
      "Sid": "AwsOrgsAccess",
      "Effect": "Allow",
      "Action": [
        "organizations:DescribeAccount",
        "organizations:DescribeOrganization",
        "organizations:ListAccounts",
        "organizations:ListAWSServiceAccessForOrganization"
      ],
      "Resource": "*"
    },
    {
      "Sid": "AwsOrgsDelegatedAdminAccess",
      "Effect": "Allow",
      "Action": "organizations:ListDelegatedAdministrators",
      "Resource": "*",
      "Condition": {
        "StringEquals": {"organizations:ServicePrincipal": "cloudtrail.amazonaws.com"}
      }
    }
  ]
})json",
     kServiceRolePath}};

// 17 of IAM's characters, the same for a name at every start.
std::string derived_id(std::string_view arn) {
  const auto hash = crypto::sha256(arn);
  std::string id = "ANPA";
  for (size_t i = 0; i < 17; ++i) id += kIdLetters[static_cast<unsigned char>(hash[i]) % 32];
  return id;
}

AwsManagedPolicy make(const Source& source) {
  AwsManagedPolicy policy;
  policy.name = source.name;
  policy.path = source.path;
  policy.arn = fmt::format("arn:aws:iam::aws:policy{}{}", source.path, source.name);
  policy.id = derived_id(policy.arn);
  policy.description = source.description;
  policy.version = source.version;
  policy.document = source.document;
  const auto created = parse_iso(source.created);
  const auto updated = parse_iso(source.updated);
  auto compiled = policy::parse(source.document, {.kind = policy::Kind::Identity});
  TRACCIA_ASSERT(created && updated && compiled);
  policy.created = *created;
  policy.updated = *updated;
  policy.compiled = std::make_shared<const policy::Document>(std::move(*compiled));
  return policy;
}

}  // namespace

std::span<const AwsManagedPolicy> aws_managed_policies() {
  static const auto policies = [] {
    std::vector<AwsManagedPolicy> out;
    for (const auto& source : kSources) out.push_back(make(source));
    return out;
  }();
  return policies;
}

const AwsManagedPolicy* find_aws_managed_policy(std::string_view arn) {
  const auto policies = aws_managed_policies();
  const auto at = std::ranges::find(policies, arn, &AwsManagedPolicy::arn);
  return at == policies.end() ? nullptr : &*at;
}

}  // namespace traccia::identity
