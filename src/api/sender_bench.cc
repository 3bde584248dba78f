// What of a request with one signed event is signature and authorisation.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "api/authenticator.h"
#include "api/authoriser.h"
#include "api/schemas.h"
#include "blob/blob.h"
#include "os/fake_os.h"

namespace traccia::api {
namespace {

constexpr std::string_view kAccount = "111122223333";
constexpr size_t kEventBytes = 1393;  // the mean of the load of `make bench`

// Ten statements; the last but one lets events in.
std::string policy_text() {
  std::string out = R"({"Version":"2012-10-17","Statement":[)";
  for (const auto* const service : {"ec2", "iam", "sns", "sqs", "logs", "kms", "sts", "s3"}) {
    out += fmt::format(
        R"({{"Effect":"Allow","Action":["{0}:Describe*","{0}:List*","{0}:Get*"],"Resource":"*",)"
        R"("Condition":{{"StringEquals":{{"aws:RequestedRegion":["eu-south-1","us-east-1"]}}}}}},)",
        service);
  }
  return out + R"({"Effect":"Allow","Action":"traccia:PutEvents","Resource":"*"},)"
               R"({"Effect":"Deny","NotAction":["traccia:*","sts:*"],"Resource":"*","Condition":)"
               R"({"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]})";
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A user with that policy, in an account without an organization.
class Fixture {
 public:
  Fixture() {
    must(fake_.files.make_directories("/d"));
    database_ = must(meta::Database::open(fake_.os(), "/d/meta.db", control_plane_schemas()));
    blobs_ = must(blob::BlobStore::open(fake_.os(), "/d/blobs"));
    s3_ = std::make_unique<s3::S3>(fake_.os(), *database_, *blobs_, std::string(32, 's'));
    authoriser = std::make_unique<Authoriser>(fake_.clock, identity_, organizations_, *s3_);
    authenticator = std::make_unique<Authenticator>(*database_, identity_, fake_.clock, regions_);
    must(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY(identity_.bootstrap(transaction, std::string(kAccount)));
      TRY_ASSIGN(const auto user,
                 identity_.entities().create(
                     transaction, {.account_id = std::string(kAccount), .name = "sender"}));
      TRY(identity_.attachments().put_inline(transaction, user, "p", policy_text()));
      TRY_ASSIGN(const auto key, identity_.keys().create(transaction, user));
      credentials_ = {key.metadata.id, key.secret, ""};
      return {};
    }));
    request.method = "POST";
    request.path = "/v1/events";
    request.headers.add("Host", "127.0.0.1:8080");
    request.headers.add("Content-Type", "application/x-ndjson");
    request.body.assign(kEventBytes, 'x');
    aws::sign(request, credentials_, "us-east-1", "traccia", fake_.clock.now(),
              aws::Payload::Signed);
    caller.principal = must(authenticator->authenticate(request)).principal;
    caller.region = "us-east-1";
    caller.source_ip = "127.0.0.1";
  }

  Result<bool> authorise() {
    bool may_import = false;
    TRY(database_->read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(may_import, authoriser->authorise_sender(transaction, caller));
      return {};
    }));
    return may_import;
  }

  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<Authoriser> authoriser;
  http::Request request;
  Caller caller;

 private:
  os::FakeOs fake_;
  std::vector<std::string> regions_{"us-east-1"};
  identity::MasterKey master_key_{std::string(32, 'k')};
  identity::Identity identity_{fake_.os(), master_key_, {.n = 16, .r = 1, .p = 1}};
  organization::Organizations organizations_{fake_.os()};
  std::unique_ptr<meta::Database> database_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::unique_ptr<s3::S3> s3_;
  aws::Credentials credentials_;
};

void authenticate(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) {
    if (!fixture.authenticator->authenticate(fixture.request)) state.SkipWithError("refused");
  }
}

void authorise_sender(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) {
    if (!fixture.authorise()) state.SkipWithError("denied");
  }
}

BENCHMARK(authenticate);
BENCHMARK(authorise_sender);

}  // namespace
}  // namespace traccia::api
