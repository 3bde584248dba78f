// The steps of a trail's set-up.
// SPDX-License-Identifier: Apache-2.0
#include "cli/setup_trail.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/operation.h"
#include "aws/xml.h"
#include "base/bytes.h"
#include "sns/topics.h"

namespace traccia::cli {
namespace {

struct Target {
  std::string_view service, prefix;
};
constexpr Target kTargets[] = {
    {"cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"},
    {"kms", "TrentService"}};

bool flag(const json::Object& object, std::string_view name) {
  const auto* value = json::find(object, name);
  return value != nullptr && value->is_bool() && value->as_bool();
}

const json::Object& member(const json::Object& object, std::string_view name) {
  static const json::Object kNone;
  const auto* value = json::find(object, name);
  return value != nullptr && value->is_object() ? value->as_object() : kNone;
}

// Text anywhere below the element.
std::string_view text_below(const aws::XmlElement& element, std::string_view name) {
  if (const auto* child = element.child(name)) return child->text;
  for (const auto& child : element.children) {
    if (const auto text = text_below(child, name); !text.empty()) return text;
  }
  return "";
}

}  // namespace

std::unexpected<Error> refused(std::string_view what, const http::Response& response) {
  return fail(ErrorCode::FailedPrecondition,
              fmt::format("{}: {}", what, describe_failure(response)));
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

namespace {

std::string shell_word(const std::string& text) {
  return aws::only_characters(text, "a-zA-Z0-9._/-") ? text : shell_quoted(text);
}

}  // namespace

void TrailSetup::there(std::string what) {
  steps_.push_back({std::move(what), SetupStep::State::There, ""});
}

Result<> TrailSetup::step(std::string what, std::string command, const Act& act) {
  if (options_.dry_run) {
    steps_.push_back({std::move(what), SetupStep::State::Planned, std::move(command)});
    return {};
  }
  if (auto done = act(); !done) {
    return std::unexpected(std::move(done).error().with_context(what));
  }
  steps_.push_back({std::move(what), SetupStep::State::Done, std::move(command)});
  return {};
}

Announced TrailSetup::announced() const {
  return options_.sns ? Announced::Yes : Announced::No;
}

std::string TrailSetup::aws(std::string_view words) const {
  return fmt::format("aws --region {} {}", client_.settings().region, words);
}

Result<std::optional<json::Object>> TrailSetup::ask_json(std::string_view service,
                                                         std::string_view operation,
                                                         const json::Object& input,
                                                         std::string_view absent) {
  http::Request request;
  request.method = "POST";
  request.path = "/";
  const auto* target = std::ranges::find(kTargets, service, &Target::service);
  request.headers.add("Content-Type", "application/x-amz-json-1.1");
  request.headers.add("X-Amz-Target", fmt::format("{}.{}", target->prefix, operation));
  request.body = json::serialize(input);
  TRY_ASSIGN(const auto response, client_.send(service, std::move(request)));
  if (response.status != 200) {
    if (!absent.empty() && failure_of(response).code.ends_with(absent)) return std::nullopt;
    return refused(fmt::format("{} {}", service, operation), response);
  }
  if (response.body.empty()) return json::Object();
  TRY_ASSIGN(auto answer, json::parse(response.body));
  if (!answer.is_object()) return fail(ErrorCode::DataLoss, "the answer is not a JSON object");
  return std::move(answer.as_object());
}

Result<> TrailSetup::tell_json(std::string_view service, std::string_view operation,
                               const json::Object& input) {
  TRY(ask_json(service, operation, input));
  return {};
}

Result<http::Response> TrailSetup::send_query(
    std::string_view service, std::string_view version,
    const std::vector<std::pair<std::string, std::string>>& form) {
  http::Request request;
  request.method = "POST";
  request.path = "/";
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = fmt::format("Version={}", version);
  for (const auto& [name, value] : form) {
    request.body += fmt::format("&{}={}", name, percent_encode(value, KeepSlash::No));
  }
  return client_.send(service, std::move(request));
}

Result<> TrailSetup::find_account() {
  TRY_ASSIGN(const auto response,
             send_query("sts", "2011-06-15", {{"Action", "GetCallerIdentity"}}));
  if (response.status != 200) return refused("sts GetCallerIdentity", response);
  TRY_ASSIGN(const auto root, aws::parse_xml(response.body));
  place_.account = text_below(root, "Account");
  if (place_.account.empty()) {
    return fail(ErrorCode::DataLoss, "the answer of GetCallerIdentity names no account");
  }
  place_.bucket = options_.bucket;
  place_.prefix = options_.prefix;
  place_.arn = fmt::format("arn:aws:cloudtrail:{}:{}:trail/{}", client_.settings().region,
                           place_.account, options_.name);
  alias_ = fmt::format("alias/cloudtrail-{}", options_.name);
  topic_ = fmt::format("cloudtrail-{}", options_.name);
  topic_arn_ =
      fmt::format("arn:aws:sns:{}:{}:{}", client_.settings().region, place_.account, topic_);
  return {};
}

Result<> TrailSetup::set_up_key() {
  TRY_ASSIGN(const auto found,
             ask_json("kms", "DescribeKey", {{"KeyId", alias_}}, "NotFoundException"));
  if (!found) return make_key();
  const auto& metadata = member(*found, "KeyMetadata");
  key_arn_ = json::find_string(metadata, "Arn");
  if (!flag(metadata, "Enabled")) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("key {} is not enabled: enable it, or give {} to another one", key_arn_,
                            alias_));
  }
  there(fmt::format("key {}", alias_));
  const json::Object named{{"KeyId", key_arn_}, {"PolicyName", "default"}};
  TRY_ASSIGN(const auto answer, ask_json("kms", "GetKeyPolicy", named));
  const std::string existing(json::find_string(*answer, "Policy"));
  auto policy = extend_policy(existing, key_statements(place_, announced()), options_.name);
  if (!policy) return std::unexpected(std::move(policy).error().with_context("key policy"));
  if (!policy->changed) {
    there("key policy");
    return {};
  }
  auto input = named;
  input["Policy"] = policy->text;
  return step("key policy, extended",
              aws(fmt::format("kms put-key-policy --key-id {} --policy-name default --policy {}",
                              key_arn_, shell_quoted(policy->text))),
              [&] { return tell_json("kms", "PutKeyPolicy", input); });
}

Result<> TrailSetup::make_key() {
  const auto description = fmt::format("Files of the trail {}", options_.name);
  TRY_ASSIGN(const auto policy,
             extend_policy("", key_statements(place_, announced()), options_.name));
  TRY(step("key with its policy",
           fmt::format("KEY_ARN=$({})",
                       aws(fmt::format("kms create-key --description {} --policy {} "
                                       "--query KeyMetadata.Arn --output text",
                                       shell_quoted(description), shell_quoted(policy.text)))),
           [&]() -> Result<> {
             TRY_ASSIGN(const auto made,
                        ask_json("kms", "CreateKey",
                                 {{"Description", description}, {"Policy", policy.text}}));
             key_arn_ = json::find_string(member(*made, "KeyMetadata"), "Arn");
             return {};
           }));
  TRY(step(
      fmt::format("name {} of the key", alias_),
      aws(fmt::format("kms create-alias --alias-name {} --target-key-id \"$KEY_ARN\"", alias_)),
      [&] {
        return tell_json("kms", "CreateAlias", {{"AliasName", alias_}, {"TargetKeyId", key_arn_}});
      }));
  return step("rotation of the key", aws("kms enable-key-rotation --key-id \"$KEY_ARN\""),
              [&] { return tell_json("kms", "EnableKeyRotation", {{"KeyId", key_arn_}}); });
}

// A default of KMS with another key is not weaker: it stays.
Result<> TrailSetup::set_up_encryption() {
  TRY_ASSIGN(const auto existing, ask_s3(options_.bucket, "encryption"));
  if (existing) {
    TRY_ASSIGN(const auto root, aws::parse_xml(*existing));
    if (text_below(root, "SSEAlgorithm").starts_with("aws:kms")) {
      there("default encryption under KMS");
      return {};
    }
  }
  // A key that was there has no variable.
  const auto shown = key_arn_.empty() || steps_.back().what == "rotation of the key"
                         ? std::string("$KEY_ARN")
                         : key_arn_;
  return step("default encryption under the key",
              aws(fmt::format("s3api put-bucket-encryption --bucket {} "
                              "--server-side-encryption-configuration \"Rules="
                              "[{{ApplyServerSideEncryptionByDefault={{SSEAlgorithm=aws:kms,"
                              "KMSMasterKeyID={}}}}}]\"",
                              options_.bucket, shown)),
              [&] {
                aws::XmlWriter body;
                body.begin("ServerSideEncryptionConfiguration", kNamespace)
                    .begin("Rule")
                    .begin("ApplyServerSideEncryptionByDefault")
                    .element("SSEAlgorithm", "aws:kms")
                    .element("KMSMasterKeyID", key_arn_)
                    .end()
                    .end()
                    .end();
                return tell_s3(options_.bucket, "encryption", std::move(body).take(), kXml);
              });
}

Result<> TrailSetup::set_up_topic() {
  TRY_ASSIGN(const auto found,
             send_query("sns", "2010-03-31",
                        {{"Action", "GetTopicAttributes"}, {"TopicArn", topic_arn_}}));
  const auto tell = [&](std::vector<std::pair<std::string, std::string>> form) -> Result<> {
    TRY_ASSIGN(const auto response, send_query("sns", "2010-03-31", form));
    return response.status == 200 ? Result<>() : refused("sns " + form[0].second, response);
  };
  std::string existing, key;
  if (found.status == 200) {
    there(fmt::format("topic {}", topic_));
    TRY_ASSIGN(const auto root, aws::parse_xml(found.body));
    const auto* result = root.child("GetTopicAttributesResult");
    const auto* attributes = result == nullptr ? nullptr : result->child("Attributes");
    if (attributes != nullptr) {
      for (const auto* entry : attributes->children_named("entry")) {
        if (entry->child_text("key") == "Policy") existing = entry->child_text("value");
        if (entry->child_text("key") == "KmsMasterKeyId") key = entry->child_text("value");
      }
    }
  } else if (failure_of(found).code.starts_with("NotFound")) {
    TRY(step(fmt::format("topic {}", topic_),
             aws(fmt::format("sns create-topic --name {}", topic_)),
             [&] { return tell({{"Action", "CreateTopic"}, {"Name", topic_}}); }));
    sns::Topic made;
    made.account = place_.account;
    made.region = client_.settings().region;
    made.name = topic_;
    existing = sns::default_policy(made);
  } else {
    return refused("sns GetTopicAttributes", found);
  }
  // A key that is there is not weaker: it stays.
  if (options_.kms && !key.empty()) there("encryption of the topic");
  if (options_.kms && key.empty()) {
    TRY(step("encryption of the topic",
             aws(fmt::format("sns set-topic-attributes --topic-arn {} --attribute-name "
                             "KmsMasterKeyId --attribute-value {}",
                             topic_arn_, alias_)),
             [&] {
               return tell({{"Action", "SetTopicAttributes"},
                            {"TopicArn", topic_arn_},
                            {"AttributeName", "KmsMasterKeyId"},
                            {"AttributeValue", alias_}});
             }));
  }
  auto policy = extend_policy(existing, topic_statements(place_, topic_arn_), options_.name);
  if (!policy) return std::unexpected(std::move(policy).error().with_context("topic policy"));
  if (!policy->changed) {
    there("topic policy");
    return {};
  }
  return step("topic policy",
              aws(fmt::format("sns set-topic-attributes --topic-arn {} --attribute-name Policy "
                              "--attribute-value {}",
                              topic_arn_, shell_quoted(policy->text))),
              [&] {
                return tell({{"Action", "SetTopicAttributes"},
                             {"TopicArn", topic_arn_},
                             {"AttributeName", "Policy"},
                             {"AttributeValue", policy->text}});
              });
}

// Before anything is made: a bad name and another destination are known then. Where its files go is
// the trail's owner's decision.
Result<> TrailSetup::find_trail() {
  TRY_ASSIGN(auto found, ask_json("cloudtrail", "GetTrail", {{"Name", options_.name}},
                                  "TrailNotFoundException"));
  if (!found) return {};
  trail_ = member(*found, "Trail");
  const auto bucket = json::find_string(*trail_, "S3BucketName");
  const auto prefix = json::find_string(*trail_, "S3KeyPrefix");
  if (bucket == options_.bucket && prefix == options_.prefix) return {};
  return fail(ErrorCode::FailedPrecondition,
              fmt::format("trail {} delivers to s3://{}/{}: give its bucket and prefix, choose "
                          "another name with --name, or move it with aws cloudtrail update-trail",
                          options_.name, bucket, prefix));
}

Result<> TrailSetup::set_up_trail() {
  if (trail_) return update_trail(*trail_);
  json::Object input{{"Name", options_.name},
                     {"S3BucketName", options_.bucket},
                     {"IsMultiRegionTrail", true},
                     {"IncludeGlobalServiceEvents", true},
                     {"EnableLogFileValidation", true}};
  auto words = fmt::format(
      "cloudtrail create-trail --name {} --s3-bucket-name {} --is-multi-region-trail "
      "--include-global-service-events --enable-log-file-validation",
      options_.name, options_.bucket);
  const auto add = [&](std::string_view name, std::string_view option, const std::string& value) {
    input[name] = value;
    words += fmt::format(" {} {}", option, shell_word(value));
  };
  if (!options_.prefix.empty()) add("S3KeyPrefix", "--s3-key-prefix", options_.prefix);
  if (options_.sns) add("SnsTopicName", "--sns-topic-name", topic_);
  if (options_.kms) add("KmsKeyId", "--kms-key-id", alias_);
  return step(fmt::format("trail {}", options_.name), aws(words),
              [&] { return tell_json("cloudtrail", "CreateTrail", input); });
}

// Adds what is missing.
Result<> TrailSetup::update_trail(const json::Object& trail) {
  json::Object input{{"Name", options_.name}};
  auto words = fmt::format("cloudtrail update-trail --name {}", options_.name);
  const auto add = [&](std::string_view name, json::Value value, std::string_view option) {
    input[name] = std::move(value);
    words += fmt::format(" {}", option);
  };
  if (!flag(trail, "IsMultiRegionTrail")) {
    add("IsMultiRegionTrail", true, "--is-multi-region-trail");
  }
  if (!flag(trail, "IncludeGlobalServiceEvents")) {
    add("IncludeGlobalServiceEvents", true, "--include-global-service-events");
  }
  if (!flag(trail, "LogFileValidationEnabled")) {
    add("EnableLogFileValidation", true, "--enable-log-file-validation");
  }
  if (options_.sns && json::find_string(trail, "SnsTopicARN").empty()) {
    add("SnsTopicName", json::Value(topic_), "--sns-topic-name " + topic_);
  }
  if (options_.kms && json::find_string(trail, "KmsKeyId").empty()) {
    add("KmsKeyId", json::Value(alias_), "--kms-key-id " + alias_);
  }
  if (input.size() == 1) {
    there(fmt::format("trail {}", options_.name));
    return {};
  }
  return step(fmt::format("trail {}, extended", options_.name), aws(words),
              [&] { return tell_json("cloudtrail", "UpdateTrail", input); });
}

Result<> TrailSetup::start_logging() {
  const json::Object named{{"Name", options_.name}};
  TRY_ASSIGN(const auto status,
             ask_json("cloudtrail", "GetTrailStatus", named, "TrailNotFoundException"));
  if (status && flag(*status, "IsLogging")) {
    there("logging");
    return {};
  }
  return step("logging", aws(fmt::format("cloudtrail start-logging --name {}", options_.name)),
              [&] { return tell_json("cloudtrail", "StartLogging", named); });
}

Result<> TrailSetup::run() {
  if (options_.access_logs == options_.bucket) {
    return fail(ErrorCode::InvalidArgument,
                "--access-logs: name another bucket: a log that lies in its own bucket never ends");
  }
  TRY(find_account());
  TRY(find_trail());
  TRY(set_up_bucket());
  if (!options_.access_logs.empty()) TRY(set_up_access_logs());
  if (options_.kms) {
    TRY(set_up_key());
    TRY(set_up_encryption());
  }
  if (options_.sns) TRY(set_up_topic());
  TRY(set_up_trail());
  return start_logging();
}

}  // namespace traccia::cli
