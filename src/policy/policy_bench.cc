// What a decision and a document cost.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "policy/evaluate.h"
#include "policy/messages.h"

namespace traccia::policy {
namespace {

// Ten statements as people write them; only the last but one allows the request.
std::string identity_text() {
  std::string out = R"({"Version":"2012-10-17","Statement":[)";
  constexpr std::string_view kServices[] = {"ec2", "iam", "sns", "sqs", "logs", "kms", "sts"};
  for (const auto service : kServices) {
    out += fmt::format(
        R"({{"Sid":"Read{0}","Effect":"Allow","Action":["{0}:Describe*","{0}:List*","{0}:Get*"],)"
        R"("Resource":"*","Condition":{{"StringEquals":{{"aws:RequestedRegion":["eu-south-1",)"
        R"("us-east-1"]}}}}}},)",
        service);
  }
  out += R"({"Effect":"Deny","Action":["s3:DeleteBucket*","s3:PutBucketPolicy"],"Resource":"*"},)"
         R"({"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":)"
         R"(["arn:aws:s3:::data","arn:aws:s3:::data/home/${aws:username}/*"],"Condition":)"
         R"({"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":["10.0.0.0/8",)"
         R"("203.0.113.0/24"]}}},)"
         R"({"Effect":"Deny","NotAction":["iam:*","s3:*","sts:*"],"Resource":"*","Condition":)"
         R"({"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]})";
  return out;
}

std::string bucket_text() {
  return R"({"Version":"2012-10-17","Statement":[
    {"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*",
     "Resource":["arn:aws:s3:::data","arn:aws:s3:::data/*"],
     "Condition":{"Bool":{"aws:SecureTransport":"false"}}},
    {"Sid":"Sse","Effect":"Deny","Principal":"*","Action":"s3:PutObject",
     "Resource":"arn:aws:s3:::data/*",
     "Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":["aws:kms","AES256"]}}},
    {"Sid":"Trail","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},
     "Action":"s3:PutObject","Resource":"arn:aws:s3:::data/AWSLogs/111122223333/*",
     "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control",
      "aws:SourceArn":"arn:aws:cloudtrail:us-east-1:111122223333:trail/t"}}}]})";
}

AttachedPolicy attach(const std::string& text, const DocumentType& type) {
  return {"arn:aws:iam::111122223333:policy/p",
          std::make_shared<const Document>(parse(text, type).value())};
}

Request put_object() {
  Request out{.principal = {.kind = PrincipalKind::User,
                            .arn = "arn:aws:iam::111122223333:user/alice",
                            .account = "111122223333",
                            .unique_id = "AIDAALICEALICEALICE1",
                            .name = "alice"},
              .action = "s3:PutObject",
              .resource = "arn:aws:s3:::data/home/alice/2026/report.json",
              .resource_account = "111122223333"};
  set_principal_keys(out.context, out.principal);
  for (const std::string_view key :
       {"aws:CurrentTime", "aws:EpochTime", "aws:UserAgent", "aws:RequestedRegion",
        "aws:ResourceAccount", "s3:authType", "s3:signatureversion", "s3:TlsVersion"}) {
    out.context.set(key, std::string_view("eu-south-1"));
  }
  out.context.set("aws:SourceIp", std::string_view("203.0.113.7"));
  out.context.set("s3:x-amz-server-side-encryption", std::string_view("AES256"));
  out.context.set_flag("aws:SecureTransport", true);
  return out;
}

struct Policies {
  std::vector<AttachedPolicy> identity = {attach(identity_text(), {.kind = Kind::Identity})};
  AttachedPolicy bucket = attach(bucket_text(), {.kind = Kind::Resource, .service = "s3"});
  std::vector<ControlLevel> levels;
};

void decide(benchmark::State& state) {
  const Policies policies;
  const auto request = put_object();
  const PoliciesView view{.identity = policies.identity, .resource = &policies.bucket};
  if (!evaluate(request, view).allowed()) state.SkipWithError("not allowed");
  for (auto _ : state) benchmark::DoNotOptimize(evaluate(request, view));
}

// Three levels of SCPs, each with full access and a guard.
void decide_in_organization(benchmark::State& state) {
  Policies policies;
  const auto full = attach(
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})",
      {.kind = Kind::ServiceControl});
  const auto guard = attach(
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["cloudtrail:StopLogging",
        "cloudtrail:DeleteTrail"],"Resource":"*"},{"Effect":"Deny","NotAction":["iam:*","sts:*"],
        "Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-south-1"]}}}]})",
      {.kind = Kind::ServiceControl});
  for (const auto node : {"r-1", "ou-1", "111122223333"}) {
    policies.levels.push_back({node, {full, guard}});
  }
  const auto request = put_object();
  const PoliciesView view{.identity = policies.identity,
                          .service_control = policies.levels,
                          .resource = &policies.bucket};
  if (!evaluate(request, view).allowed()) state.SkipWithError("not allowed");
  for (auto _ : state) benchmark::DoNotOptimize(evaluate(request, view));
}

void deny_and_say_why(benchmark::State& state) {
  const Policies policies;
  auto request = put_object();
  request.action = "s3:PutObjectAcl";
  const PoliciesView view{.identity = policies.identity, .resource = &policies.bucket};
  for (auto _ : state) {
    const auto decision = evaluate(request, view);
    benchmark::DoNotOptimize(access_denied_message(request, decision));
  }
}

void make_request(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(put_object());
}

void parse_identity(benchmark::State& state) {
  const auto text = identity_text();
  for (auto _ : state) benchmark::DoNotOptimize(parse(text, {.kind = Kind::Identity}));
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
}

BENCHMARK(decide);
BENCHMARK(decide_in_organization);
BENCHMARK(deny_and_say_why);
BENCHMARK(make_request);
BENCHMARK(parse_identity);

}  // namespace
}  // namespace traccia::policy
