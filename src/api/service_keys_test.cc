// CloudTrail's use of a key, under the key policies that AWS documents for it.
// SPDX-License-Identifier: Apache-2.0
#include "api/service_keys.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "api/test_kms.h"
#include "kms/key_policy.h"

namespace traccia::api {
namespace {

using testing::Not;
using testing::StartsWith;

constexpr std::string_view kTrail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main";
constexpr std::string_view kService = R"({"Service":"cloudtrail.amazonaws.com"})";

class ServiceKeysTest : public KmsTest {
 protected:
  void SetUp() override {
    KmsTest::SetUp();
    // "Configure AWS KMS key policies for CloudTrail"
    key_ = arn_of(make_key(
        {{"Policy",
          document(
              {for_account(),
               allowing(kService, R"("kms:GenerateDataKey*")",
                        R"({"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:)"
                        R"(111122223333:trail/main"},"StringLike":{"kms:EncryptionContext:)"
                        R"(aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111122223333:trail/*"}})"),
               allowing(kService, R"("kms:DescribeKey")",
                        R"({"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:)"
                        R"(111122223333:trail/main"}})"),
               allowing(R"({"AWS":"*"})", R"(["kms:Decrypt","kms:ReEncryptFrom"])",
                        R"({"StringEquals":{"kms:CallerAccount":"111122223333"},"StringLike":)"
                        R"({"kms:EncryptionContext:aws:cloudtrail:arn":)"
                        R"("arn:aws:cloudtrail:*:111122223333:trail/*"}})")})}}));
  }
  static Caller trail(std::string_view arn = kTrail) {
    return cloudtrail_service(arn, "", "eu-west-1", "request");
  }
  static kms::EncryptionContext file(std::string_view arn = kTrail) {
    return {{"aws:cloudtrail:arn", std::string(arn)}, {"aws:s3:arn", "arn:aws:s3:::b/AWSLogs/x"}};
  }
  static json::Object context_of(const kms::EncryptionContext& context) {
    return render_context(context);
  }
  std::string check(const Caller& caller, const kms::EncryptionContext& context,
                    std::string_view key = {}) {
    const auto done = database_->read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto made, generate_data_key_within(*services_, transaction, caller,
                                                           key.empty() ? key_ : key, context));
      EXPECT_EQ(made.key.plaintext.size(), 32U);
      EXPECT_EQ(made.records.size(), 1U);
      return {};
    });
    return done ? "" : std::string(done.error().reason());
  }

  std::string key_;
};

TEST_F(ServiceKeysTest, CloudTrailSealsForReadersOfTheAccount) {
  const auto made = generate_data_key(*services_, trail(), key_, file());
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->plaintext.size(), 32U);
  EXPECT_EQ(made->key_arn, key_);
  ASSERT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto told, describe_key_within(*services_, transaction, trail(), key_));
    EXPECT_EQ(get_string(told.output, "Arn"), key_);
    return {};
  }));
  // Whoever of the account presents the file's context, without an identity policy.
  const json::Object request{{"CiphertextBlob", base64_encode(made->sealed)},
                             {"EncryptionContext", context_of(file())}};
  const auto opened = call(worker_, "kms:Decrypt", request);
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->at("Plaintext"), json::Value(base64_encode(made->plaintext)));
  EXPECT_NE(refusal("kms:Decrypt", {{"CiphertextBlob", base64_encode(made->sealed)}}), "");
  EXPECT_FALSE(call(stranger(), "kms:Decrypt", request));
  EXPECT_EQ(decrypt_data_key(*services_, trail(), key_, made->sealed, file()).error().reason(),
            "AccessDenied")
      << "the service itself may not read";
}

TEST_F(ServiceKeysTest, EventsTellOfTheService) {
  ASSERT_TRUE(generate_data_key(*services_, trail(), key_, file()));
  const auto event = last_event("GenerateDataKey");
  EXPECT_EQ(event.at("userIdentity").at("type"), "AWSService");
  EXPECT_EQ(event.at("userIdentity").at("invokedBy"), "cloudtrail.amazonaws.com");
  EXPECT_EQ(event.at("requestParameters").at("encryptionContext"), json::Value(context_of(file())));
  EXPECT_EQ(event.at("resources").at(0).at("ARN"), json::Value(key_));
}

TEST_F(ServiceKeysTest, OtherTrailsAndContextsAreRefused) {
  const std::string_view other = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/other";
  EXPECT_EQ(check(trail(), file()), "");
  EXPECT_EQ(check(trail(other), file()), "AccessDenied");
  EXPECT_EQ(check(trail(), file("arn:aws:cloudtrail:eu-west-1:444455556666:trail/main")),
            "AccessDenied");
  EXPECT_EQ(check(trail(), {}), "AccessDenied");
  EXPECT_EQ(generate_data_key(*services_, trail(other), key_, file()).error().reason(),
            "AccessDenied");
  EXPECT_EQ(last_denial("GenerateDataKey").at("userIdentity").at("type"), "AWSService");
}

TEST_F(ServiceKeysTest, KeysThatCannotBeUsed) {
  const auto missing = arn_of("00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(check(trail(), file(), missing), "NotFound");
  as_administrator("kms:DisableKey", {{"KeyId", key_}});
  EXPECT_EQ(check(trail(), file()), "Disabled");
  as_administrator("kms:ScheduleKeyDeletion", {{"KeyId", key_}});
  EXPECT_EQ(check(trail(), file()), "KMSInvalidState");
}

TEST_F(ServiceKeysTest, S3AsksInTheNameOfItsCaller) {
  auto through = administrator_;
  through.via_service = "s3";
  const auto made = generate_data_key(*services_, through, key_, {{"aws:s3:arn", "arn:o"}});
  ASSERT_TRUE(made) << made.error().message();
  const kms::EncryptionContext object{{"aws:s3:arn", "arn:o"}};
  EXPECT_EQ(decrypt_data_key(*services_, through, key_, made->sealed, object).value(),
            made->plaintext);
  auto nobody = worker_;
  nobody.via_service = "s3";
  EXPECT_EQ(generate_data_key(*services_, nobody, key_, {}).error().reason(), "AccessDenied");
}

TEST_F(ServiceKeysTest, SeldomRecordedUsesAreDecidedAllTheSame) {
  auto through = administrator_;
  through.via_service = "s3";
  const kms::EncryptionContext bucket{{"aws:s3:arn", "arn:aws:s3:::b"}};
  const auto use = [&](const kms::EncryptionContext& context) {
    return generate_data_key(*services_, through, key_, context, Recording::Seldom);
  };
  const auto recorded = [&] { return std::ranges::count(event_names(), "GenerateDataKey"); };
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(use(bucket));
  last_event("GenerateDataKey");
  EXPECT_EQ(recorded(), 1);
  ASSERT_TRUE(use({{"aws:s3:arn", "arn:aws:s3:::c"}}));
  fake_.clock.advance(KeyUses::kWhile);
  ASSERT_TRUE(use(bucket));
  as_administrator("kms:DisableKey", {{"KeyId", key_}});
  EXPECT_EQ(recorded(), 3);
  EXPECT_EQ(use(bucket).error().reason(), "Disabled") << "at once, and it is told";
  EXPECT_EQ(recorded(), 4);
}

// The fake clock stands still: all of it happens within one second.
TEST_F(ServiceKeysTest, AQuestionIsDecidedOnceASecondAndAnyOtherAnew) {
  const auto until = fake_.clock.now() + std::chrono::seconds(2);
  put_policy(key_, document({for_account(),
                             allowing(fmt::format(R"({{"AWS":"{}"}})", worker_.principal.arn),
                                      R"(["kms:GenerateDataKey","kms:Decrypt"])",
                                      fmt::format(R"({{"IpAddress":{{"aws:SourceIp":"{}"}},)"
                                                  R"("StringLike":{{"aws:UserAgent":"a*"}},)"
                                                  R"("DateLessThan":{{"aws:CurrentTime":"{}"}}}})",
                                                  worker_.source_ip, format_iso_seconds(until)))}));
  auto through = worker_;
  through.via_service = "s3";
  through.user_agent = "aws-cli";
  const kms::EncryptionContext bucket{{"aws:s3:arn", "arn:aws:s3:::b"}};
  const auto use = [&](const Caller& caller) {
    return generate_data_key(*services_, caller, key_, bucket, Recording::Seldom);
  };
  const auto refused = [&](const Caller& caller) {
    const auto made = use(caller);
    return made ? "" : std::string(made.error().reason());
  };
  const auto& decisions = services_->key_uses.decisions;
  const auto made = use(through);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(use(through)->sealed, made->sealed);
  EXPECT_EQ(decisions.size(), 1U);
  const auto open = [&](const Caller& caller) {
    return decrypt_data_key(*services_, caller, key_, made->sealed, bucket, Recording::Seldom);
  };
  EXPECT_EQ(open(through).value(), made->plaintext);
  EXPECT_EQ(open(through).value(), made->plaintext);
  EXPECT_EQ(decisions.size(), 2U);

  auto elsewhere = through;
  elsewhere.source_ip = "198.51.100.1";
  EXPECT_EQ(refused(elsewhere), "AccessDenied");
  EXPECT_FALSE(open(elsewhere));
  auto other_agent = through;
  other_agent.user_agent = "b";
  EXPECT_EQ(refused(other_agent), "AccessDenied");
  auto somebody = through;
  somebody.principal = stranger().principal;
  EXPECT_EQ(refused(somebody), "AccessDenied");
  EXPECT_EQ(refused(through), "");

  // What is set up counts at the next use.
  as_administrator("kms:DisableKey", {{"KeyId", key_}});
  EXPECT_EQ(refused(through), "Disabled");
  as_administrator("kms:EnableKey", {{"KeyId", key_}});
  EXPECT_EQ(refused(through), "");
  as_administrator("iam:PutUserPolicy",
                   {{"UserName", worker_.principal.user_name},
                    {"PolicyName", "no"},
                    {"PolicyDocument",
                     R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:*",)"
                     R"("Resource":"*"}})"}});
  EXPECT_EQ(refused(through), "AccessDenied");
  EXPECT_FALSE(open(through));
  as_administrator("iam:DeleteUserPolicy",
                   {{"UserName", worker_.principal.user_name}, {"PolicyName", "no"}});
  EXPECT_EQ(refused(through), "");

  // So does the time.
  fake_.clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(refused(through), "AccessDenied");
}

TEST_F(ServiceKeysTest, AServiceHasAKeyOfItsOwn) {
  auto through = worker_;
  through.via_service = "s3";
  const kms::EncryptionContext object{{"aws:s3:arn", "arn:aws:s3:::b/o"}};
  const auto shown = render_context(object);
  const auto made = generate_data_key(*services_, through, "alias/aws/s3", object);
  ASSERT_TRUE(made) << made.error().message();
  const auto created = last_event("CreateKey");
  EXPECT_EQ(created.at("eventType"), "AwsServiceEvent");
  EXPECT_EQ(created.at("resources").at(0).at("ARN"), json::Value(made->key_arn));
  EXPECT_EQ(generate_data_key(*services_, through, "alias/aws/s3", object)->key_arn, made->key_arn);
  const kms::Place place{std::string(kAccount), "eu-west-1"};
  EXPECT_EQ(managed_key_arn(*services_, place, "s3").value(), made->key_arn);
  EXPECT_EQ(managed_key_arn(*services_, place, "ec2").error().reason(), "NotFound");
  EXPECT_EQ(decrypt_data_key(*services_, through, made->key_arn, made->sealed, object).value(),
            made->plaintext);
  // Not directly, nor through another service, whatever identity policies say.
  const json::Object direct{{"CiphertextBlob", base64_encode(made->sealed)},
                            {"EncryptionContext", shown}};
  EXPECT_THAT(error("kms:Decrypt", direct), StartsWith("AccessDeniedException: "));
  through.via_service = "sqs";
  EXPECT_EQ(
      decrypt_data_key(*services_, through, made->key_arn, made->sealed, object).error().reason(),
      "AccessDenied");
}

TEST_F(ServiceKeysTest, NobodyChangesAServicesKey) {
  const auto described = as_administrator("kms:DescribeKey", {{"KeyId", "alias/aws/sqs"}});
  const auto& metadata = described.at("KeyMetadata").as_object();
  EXPECT_EQ(metadata.at("KeyManager"), "AWS");
  EXPECT_EQ(metadata.at("Description"),
            "Default key that protects my SQS messages when no other key is defined");
  EXPECT_EQ(as_administrator("kms:DescribeKey", {{"KeyId", "alias/aws/sqs"}}), described);
  EXPECT_EQ(as_administrator("kms:ListAliases", {}).at("Aliases").at(0).at("AliasName"),
            "alias/aws/sqs");
  const auto& key = metadata.at("KeyId");
  EXPECT_EQ(
      as_administrator("kms:GetKeyRotationStatus", {{"KeyId", key}}).at("RotationPeriodInDays"),
      365);
  const std::pair<std::string_view, json::Object> changes[] = {
      {"kms:DisableKey", {}},
      {"kms:EnableKey", {}},
      {"kms:ScheduleKeyDeletion", {}},
      {"kms:DisableKeyRotation", {}},
      {"kms:RotateKeyOnDemand", {}},
      {"kms:UpdateKeyDescription", {{"Description", "mine"}}},
      {"kms:PutKeyPolicy", {{"Policy", kms::default_policy(kAccount)}}},
      {"kms:TagResource", {{"Tags", json::Array{}}}}};
  for (auto [operation, input] : changes) {
    input["KeyId"] = key;
    EXPECT_THAT(error(operation, input), StartsWith("AccessDeniedException: ")) << operation;
  }
  EXPECT_THAT(error("kms:CreateAlias", {{"AliasName", "alias/mine"}, {"TargetKeyId", key}}),
              StartsWith("AccessDeniedException: "));
  EXPECT_THAT(error("kms:DeleteAlias", {{"AliasName", "alias/aws/sqs"}}), Not(testing::IsEmpty()));
  EXPECT_THAT(refusal("kms:DescribeKey", {{"KeyId", "alias/aws/sns"}}), Not(testing::IsEmpty()));
  EXPECT_EQ(as_administrator("kms:ListKeys", {}).at("Keys").as_array().size(), 2U)
      << "who may not describe a key makes none";
}

}  // namespace
}  // namespace traccia::api
