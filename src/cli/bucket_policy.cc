// traccia bucket-policy: the policy that a bucket needs before a trail can deliver to it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "api/trail_bucket_policy.h"
#include "aws/arn.h"
#include "aws/xml.h"
#include "cli/aws_client.h"
#include "cli/command.h"

namespace traccia::cli {
namespace {

struct PolicyOptions {
  ClientOptions client;
  std::string bucket, prefix, account;
  std::vector<std::string> trails;
};

Result<std::string> ask_for_account(AwsClient& client) {
  http::Request request;
  request.method = "POST";
  request.path = "/";
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = "Action=GetCallerIdentity&Version=2011-06-15";
  TRY_ASSIGN(const auto response, client.send("sts", std::move(request)));
  if (response.status != 200) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("sts GetCallerIdentity: {}", describe_failure(response)));
  }
  TRY_ASSIGN(const auto root, aws::parse_xml(response.body));
  const auto* result = root.child("GetCallerIdentityResult");
  const auto account = result == nullptr ? std::string_view() : result->child_text("Account");
  if (!account.empty()) return std::string(account);
  return fail(ErrorCode::DataLoss, "the answer of GetCallerIdentity names no account");
}

// Names stand for trails of the caller's account and region; ARNs for themselves.
Result<std::vector<aws::Arn>> find_trails(const PolicyOptions& options) {
  std::vector<aws::Arn> arns;
  std::string account = options.account;
  std::string region = options.client.region;
  for (const auto& trail : options.trails) {
    if (trail.starts_with("arn:")) {
      TRY_ASSIGN(auto arn, aws::parse_arn(trail));
      arns.push_back(std::move(arn));
      continue;
    }
    if (account.empty() || region.empty()) {
      TRY_ASSIGN(auto settings, load_settings(options.client));
      region = settings.region;
      if (account.empty()) {
        AwsClient client(std::move(settings));
        TRY_ASSIGN(account, ask_for_account(client));
      }
    }
    arns.push_back({"aws", "cloudtrail", region, account, fmt::format("trail/{}", trail)});
  }
  return arns;
}

Exit print_policy(const PolicyOptions& options) {
  const auto trails = find_trails(options);
  if (!trails) return report("bucket-policy", trails.error());
  fmt::print("{}\n",
             json::serialize(api::trail_bucket_policy(options.bucket, options.prefix, *trails)));
  return Exit::Good;
}

}  // namespace

void add_bucket_policy(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "bucket-policy", "Print the policy that lets trails, and nothing else, write to a bucket");
  command->footer(
      "aws s3api put-bucket-policy --bucket NAME --policy \"$(traccia bucket-policy NAME --trail "
      "TRAIL)\"");
  auto options = std::make_shared<PolicyOptions>();
  add_client_options(*command, options->client);
  command->add_option("bucket", options->bucket, "the bucket's name")->required();
  command
      ->add_option("--trail", options->trails,
                   "name or ARN of a trail that is there or to come; may be given several times")
      ->required()
      ->expected(1)
      ->take_all();
  command->add_option("--prefix", options->prefix, "the trail's S3KeyPrefix");
  command->add_option("--account", options->account,
                      "account of trails given by name (default: the caller's)");
  command->callback([options, &action] { action = [options] { return print_policy(*options); }; });
}

}  // namespace traccia::cli
