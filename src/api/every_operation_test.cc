// Every operation there is: denied without a policy and recorded, allowed by just its action on
// just its resource. Operations that come later are walked too.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include "api/access.h"
#include "api/s3_call.h"
#include "api/s3_front.h"
#include "api/test_callers.h"

namespace traccia::api {
namespace {

// What needs no permission on AWS either.
constexpr std::string_view kFree[] = {"sts:GetCallerIdentity", "sts:GetSessionToken"};

std::string id_of(const aws::Operation& operation) {
  return fmt::format("{}:{}", operation.service, operation.name);
}

// A request that the description accepts, out of texts that some pattern or other wants.
class Example {
 public:
  explicit Example(std::string key_id) { texts_.insert(texts_.begin(), std::move(key_id)); }

  json::Object request(const aws::Operation& operation) const {
    auto out = structure(*operation.input);
    const auto& access = operation.access;
    const auto* named = aws::find_member(*operation.input, access.named_by);
    if (named != nullptr) out[access.named_by] = value(access.named_by, *named->shape);
    const auto valid = aws::validate(*operation.input, out);
    EXPECT_TRUE(valid) << id_of(operation) << ": " << valid.error().message()
                       << " (give Example a text for it)";
    return out;
  }

 private:
  json::Object structure(const aws::Shape& shape) const {
    json::Object out;
    for (const auto& member : shape.members) {
      if (member.presence != aws::Presence::Required) continue;
      out[member.name] = value(member.name, *member.shape);
    }
    return out;
  }
  json::Value value(std::string_view name, const aws::Shape& shape) const {
    switch (shape.type) {
      case aws::MemberType::String:
        return text(name, shape);
      case aws::MemberType::Integer:
      case aws::MemberType::Long:
        return shape.min.value_or(1);
      case aws::MemberType::Float:
        return 1.0;
      case aws::MemberType::Boolean:
        return true;
      case aws::MemberType::Timestamp:
        return 1'800'000'000;
      case aws::MemberType::Blob:
        return "c3ViamVjdA==";
      case aws::MemberType::List:
        return json::Array{value(name, *shape.element)};
      case aws::MemberType::Map:
        return json::Object{};
      case aws::MemberType::Structure:
        return structure(shape);
    }
    return {};
  }
  // Members called alike want texts of a kind; else the first one that fits.
  json::Value text(std::string_view name, const aws::Shape& shape) const {
    if (!shape.values.empty()) return json::Value(shape.values.front());
    if (name == "PolicyArn") return json::Value(kPolicyArn);
    if (name == "SerialNumber") return json::Value(kSerialNumber);
    if (name == "AssumeRolePolicyDocument") return json::Value(kTrust);
    if (name == "PolicyDocument") return json::Value(kPolicy);
    const aws::Member member{"Text", &shape};
    const auto alone = aws::structure_shape({&member, 1});
    const bool key = name == "AccessKeyId";
    for (const auto& one : texts_) {
      if (&one == &texts_.front() && !key) continue;
      if (aws::validate(alone, {{"Text", one}})) return json::Value(one);
    }
    return json::Value("subject");
  }

  static constexpr std::string_view kPolicyArn = "arn:aws:iam::111122223333:policy/subject";
  static constexpr std::string_view kSerialNumber = "arn:aws:iam::111122223333:mfa/subject";
  static constexpr std::string_view kPolicy =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})";
  static constexpr std::string_view kTrust =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",)"
      R"("Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}})";
  std::vector<std::string> texts_{"subject",
                                  "123456",
                                  "subject-name",
                                  "/",
                                  "v1",
                                  "111122223333",
                                  "subject@example.com",
                                  "arn:aws:iam::111122223333:role/subject",
                                  "AKIAAAAAAAAAAAAAAAAA",
                                  "us-east-1",
                                  "0123456789abcdef0123456789abcdef01234567"};
};

class EveryOperationTest : public CallersTest {
 protected:
  void SetUp() override {
    CallersTest::SetUp();
    for (const auto& service : service_table()) {
      for (const auto& binding : service.bindings()) operations_.push_back(&binding);
    }
    example_.emplace(worker_.principal.access_key_id);
  }

  // What the call asks for, as the product finds it.
  std::vector<Ask> asks(const aws::Operation& operation, const json::Object& input) {
    std::vector<Ask> out;
    EXPECT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
      Call call{.services = *services_,
                .caller = worker_,
                .input = input,
                .transaction = transaction,
                .now = fake_.clock.now()};
      TRY_ASSIGN(out, asks_of(call, operation));
      return {};
    }));
    return out;
  }
  // Whether the call is denied for want of its own action.
  bool denied(const aws::Operation& operation, const json::Object& input) {
    const auto done = call(worker_, id_of(operation), input);
    if (done || done.error().reason() != "AccessDenied") return false;
    return done.error().message().find(fmt::format(" is not authorized to perform: {}",
                                                   operation.iam_action)) != std::string::npos;
  }
  static std::string allowing(const std::vector<Ask>& asks, std::string_view suffix) {
    json::Array statements;
    for (const auto& ask : asks) {
      const bool all = ask.resource == "*" && !suffix.empty();
      const auto resource = all ? "arn:aws:s3:::something" : ask.resource + std::string(suffix);
      statements.push_back(
          json::Object{{"Effect", "Allow"}, {"Action", ask.action}, {"Resource", resource}});
    }
    return json::serialize(
        json::Object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
  }

  std::vector<const Binding*> operations_;
  std::optional<Example> example_;
};

TEST_F(EveryOperationTest, IsDeniedWithoutAPolicyAndRecorded) {
  ASSERT_GT(operations_.size(), 80U);
  for (const auto* binding : operations_) {
    const auto& operation = *binding->operation;
    const auto input = example_->request(operation);
    const auto before = events().size();
    const bool free = std::ranges::find(kFree, id_of(operation)) != std::end(kFree);
    EXPECT_EQ(denied(operation, input), !free) << id_of(operation);
    while (free && events().size() == before)
      std::this_thread::yield();  // reads are recorded later
    // Data events are recorded where a trail takes them; the services' own tests have one.
    if (free || operation.category == aws::EventCategory::Data) continue;
    const auto after = events();
    ASSERT_EQ(after.size(), before + 1) << id_of(operation);
    EXPECT_EQ(after.back().at("eventName"), json::Value(operation.name));
    EXPECT_EQ(after.back().at("errorCode"), "AccessDenied") << id_of(operation);
    EXPECT_EQ(after.back().at("userIdentity").at("userName"), "worker") << id_of(operation);
  }
}

TEST_F(EveryOperationTest, IsAllowedByItsActionOnItsResourceOnly) {
  for (const auto* binding : operations_) {
    const auto& operation = *binding->operation;
    if (std::ranges::find(kFree, id_of(operation)) != std::end(kFree)) continue;
    const auto input = example_->request(operation);
    const auto asked = asks(operation, input);
    ASSERT_FALSE(asked.empty()) << id_of(operation);
    const bool named = !operation.access.resource.empty();
    EXPECT_EQ(asked.front().resource != "*", named) << id_of(operation);
    if (named) {
      set_policy(allowing(asked, "-other"));
    } else {
      allow(operation.iam_action, "arn:aws:s3:::something");
    }
    EXPECT_TRUE(denied(operation, input)) << id_of(operation) << " on another resource";
    set_policy(fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow",)"
                           R"("NotAction":"{}","Resource":"*"}}}})",
                           operation.iam_action));
    EXPECT_TRUE(denied(operation, input)) << id_of(operation) << " by other actions";
    set_policy(allowing(asked, ""));
    // Where the resource has a say too, the tests of the operation show both.
    if (binding->authorised == Authorised::Before) {
      EXPECT_FALSE(denied(operation, input)) << id_of(operation);
    }
    set_policy("");
  }
}

// Objects and buckets: what S3 denies it records, data events where a trail takes them.
class EveryS3OperationTest : public CallersTest {
 protected:
  static constexpr std::string_view kKey = "key";

  void SetUp() override {
    CallersTest::SetUp();
    for (const auto group : s3_operation_groups()) {
      for (const auto& operation : group) operations_.push_back(&operation);
    }
    worker_.region = administrator_.region = "us-east-1";
    worker_.host = administrator_.host = "localhost";
    log_data_events({"arn:aws:s3:::bucket/", "arn:aws:s3:::bucke2/"});
    ASSERT_EQ(send(administrator_, "PUT", "/bucket", {}).status, 200);
    ASSERT_EQ(send(administrator_, "PUT", "/bucket/key", {}).status, 200);
    ASSERT_EQ(send(administrator_, "PUT", "/bucket/source", {}).status, 200);
  }
  // Copies take the right to read their source too.
  void allow_beside_source(std::string_view action, std::string_view resource) {
    set_policy(
        fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",)"
                    R"("Action":"{}","Resource":"{}"}},{{"Effect":"Allow",)"
                    R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/source"}}]}})",
                    action, resource));
  }

  http::Response send(Caller& caller, std::string_view method, std::string target,
                      std::string_view header) {
    http::Request request;
    request.method = method;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != target.npos) request.query = target.substr(mark + 1);
    request.headers.add("Host", caller.host);
    request.headers.add("Authorization", "AWS4-HMAC-SHA256 checked before");
    if (!header.empty()) request.headers.add(header, "/bucket/source");
    if (method == "POST" || method == "PUT") request.body = body_;
    const auto id =
        aws::make_request_id(aws::Protocol::RestXml, fake_.random.bytes(aws::kRequestIdBytes));
    caller.request_id = id.id;
    return handle_s3(*services_, caller, std::move(request), id);
  }
  S3Address address(const S3Operation& operation) const {
    if (operation.level == S3Level::Service) return {};
    // Made by the call itself, so that it is another one's each time.
    if (operation.name == "CreateBucket") return {"bucket2", ""};
    return {"bucket", operation.level == S3Level::Object ? std::string(kKey) : ""};
  }
  // With `version`, what it is for one: authorised by another action.
  http::Response send(const S3Operation& operation, bool version = false) {
    const auto where = address(operation);
    auto target = "/" + where.bucket + (where.key.empty() ? "" : "/" + where.key);
    if (version) {
      target += "?versionId=null";
      if (!operation.query_mark.empty()) target += fmt::format("&{}", operation.query_mark);
    } else if (!operation.query_mark.empty()) {
      target += fmt::format("?{}=x&partNumber=1", operation.query_mark);
      if (operation.query_mark != "uploadId") target.resize(target.find('='));
    }
    body_ = body(operation.query_mark);
    return send(worker_, operation.method, std::move(target), operation.header_mark);
  }
  // Bodies are read before the bucket's policy is asked.
  static std::string body(std::string_view mark) {
    const std::pair<std::string_view, std::string_view> bodies[] = {
        {"delete", "<Delete><Object><Key>key</Key></Object></Delete>"},
        {"uploadId",
         "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"
         "</CompleteMultipartUpload>"},
        {"policy", R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObjectAcl",)"
                   R"("Resource":"arn:aws:s3:::bucket/*"}})"},
        {"versioning",
         "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"},
        {"object-lock",
         "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
         "</ObjectLockConfiguration>"},
        {"retention", "<Retention/>"},
        {"notification", "<NotificationConfiguration/>"},
        {"logging", "<BucketLoggingStatus/>"},
        {"restore", "<RestoreRequest><Days>1</Days></RestoreRequest>"},
        {"encryption",
         "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
         "<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
         "</ServerSideEncryptionConfiguration>"},
        {"lifecycle",
         "<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status><Expiration><Days>1"
         "</Days></Expiration></Rule></LifecycleConfiguration>"},
        {"legal-hold", "<LegalHold><Status>OFF</Status></LegalHold>"},
        {"encryption", "<ServerSideEncryptionConfiguration/>"},
        {"tagging", "<Tagging><TagSet/></Tagging>"},
        {"publicAccessBlock", "<PublicAccessBlockConfiguration/>"},
        {"ownershipControls",
         "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"
         "</OwnershipControls>"}};
    for (const auto& [known, text] : bodies) {
      if (known == mark) return std::string(text);
    }
    return "";
  }
  static bool refused(const http::Response& response) {
    return response.body.find("<Code>AccessDenied</Code>") != std::string::npos;
  }
  // For want of its own action on what the request is about.
  bool denied(const S3Operation& operation, bool version = false) {
    const auto response = send(operation, version);
    if (!refused(response) || operation.authorised == S3Authorised::EachKey) {
      return refused(response);
    }
    const auto words = fmt::format("not authorized to perform: {}",
                                   version ? operation.version_action : operation.iam_action);
    return response.body.find(words) != std::string::npos;
  }
  std::string resource(const S3Operation& operation) const {
    const auto where = address(operation);
    if (operation.authorised == S3Authorised::EachKey) return "arn:aws:s3:::bucket/key";
    return s3_arn(where);
  }

  std::vector<const S3Operation*> operations_;
  std::string body_;
};

TEST_F(EveryS3OperationTest, IsDeniedWithoutAPolicyAndRecorded) {
  ASSERT_GT(operations_.size(), 35U);
  for (const auto* operation : operations_) {
    EXPECT_TRUE(refused(send(*operation))) << operation->name;
    const auto last = events().back();
    EXPECT_EQ(last.at("errorCode"), "AccessDenied") << operation->name;
    EXPECT_EQ(last.at("userIdentity").at("userName"), "worker") << operation->name;
    if (operation->authorised == S3Authorised::EachKey) continue;
    EXPECT_EQ(last.at("eventName"), json::Value(operation->name));
  }
}

TEST_F(EveryS3OperationTest, IsAllowedByItsActionOnItsResourceOnly) {
  for (const auto* operation : operations_) {
    const auto arn = resource(*operation);
    const auto other = arn == "*" ? "arn:aws:s3:::bucket" : arn + "-other";
    allow_beside_source(operation->iam_action, other);
    EXPECT_TRUE(denied(*operation)) << operation->name << " on another resource";
    allow_beside_source(operation->iam_action, arn);
    EXPECT_FALSE(denied(*operation)) << operation->name;
    // What the call removed is there for the next one.
    (void)send(administrator_, "PUT", "/bucket", {});
    (void)send(administrator_, "PUT", "/bucket/key", {});
    (void)send(administrator_, "PUT", "/bucket/source", {});
  }
}

TEST_F(EveryS3OperationTest, IsAllowedOnAVersionByTheActionForVersionsOnly) {
  int seen = 0;
  for (const auto* operation : operations_) {
    if (operation->version_action.empty() || operation->level != S3Level::Object) continue;
    ++seen;
    if (operation->version_action != operation->iam_action) {
      allow_beside_source(operation->iam_action, resource(*operation));
      EXPECT_TRUE(denied(*operation, true)) << operation->name << " by the action for keys";
    }
    allow(operation->version_action, resource(*operation),
          R"({"StringEquals":{"s3:VersionId":"other"}})");
    EXPECT_TRUE(denied(*operation, true)) << operation->name << " for another version";
    allow(operation->version_action, resource(*operation),
          R"({"StringEquals":{"s3:VersionId":"null"}})");
    EXPECT_FALSE(denied(*operation, true)) << operation->name;
    (void)send(administrator_, "PUT", "/bucket/key", {});
  }
  EXPECT_GE(seen, 3);
}

}  // namespace
}  // namespace traccia::api
