// What verification refuses and why: every tampering, every malformed claim, every wrong time.
// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "aws/sigv4_canonical.h"
#include "aws/sigv4_key.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::aws {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Credentials kKey{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
const Time kNow = parse_iso("2026-11-24T05:06:07Z").value();

http::Request plain_request() {
  http::Request request;
  request.method = "POST";
  request.path = "/bucket/key";
  request.query = "b=2&a=1";
  request.headers.add("Host", "localhost:4780");
  request.headers.add("Content-Type", "application/x-amz-json-1.1");
  request.headers.add("X-Amz-Target", "CloudTrail_20131101.CreateTrail");
  request.body = "{\"Name\":\"t\"}";
  return request;
}

http::Request signed_request(std::string_view service, Payload payload = Payload::Signed) {
  auto request = plain_request();
  sign(request, kKey, "us-east-1", service, kNow, payload);
  return request;
}

http::Request presigned_request(std::string_view service = "s3") {
  auto request = plain_request();
  request.method = "GET";
  request.headers.remove("X-Amz-Target");
  request.body.clear();
  request.query = presign_query(request, kKey, "us-east-1", service, kNow, hours(1));
  return request;
}

Result<> verify_at(http::Request& request, Time now) {
  TRY_ASSIGN(const auto claim, parse_authorization(request));
  return verify(request, claim, kKey.secret_access_key, now, {});
}

std::string verdict(http::Request request, Time now = kNow) {
  const auto result = verify_at(request, now);
  return result ? "accepted" : std::string(result.error().reason());
}

void replace_in(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

void edit_header(http::Request& request, std::string_view name, std::string_view from,
                 std::string_view to) {
  std::string value(request.headers.get(name));
  replace_in(value, from, to);
  request.headers.set(name, value);
}

struct Tampering {
  const char* name;
  std::function<void(http::Request&)> change;
  const char* service_verdict;  // of a request to cloudtrail
  const char* s3_verdict;
};

std::vector<Tampering> tamperings() {
  constexpr auto kMismatch = "SignatureDoesNotMatch";
  const auto header = [](std::string name, std::string from, std::string to) {
    return [=](http::Request& request) { edit_header(request, name, from, to); };
  };
  return {
      {"nothing", [](auto&) {}, "accepted", "accepted"},
      {"method", [](auto& r) { r.method = "PUT"; }, kMismatch, kMismatch},
      {"path", [](auto& r) { r.path += "x"; }, kMismatch, kMismatch},
      {"path_dots", [](auto& r) { r.path = "/bucket/./key"; }, "accepted", kMismatch},
      {"path_slashes", [](auto& r) { r.path = "/bucket//key"; }, "accepted", kMismatch},
      {"path_escape", [](auto& r) { r.path = "/bucket/ke%79"; }, kMismatch, "accepted"},
      {"query_value", [](auto& r) { r.query = "b=2&a=3"; }, kMismatch, kMismatch},
      {"query_more", [](auto& r) { r.query += "&c=3"; }, kMismatch, kMismatch},
      {"query_less", [](auto& r) { r.query = "b=2"; }, kMismatch, kMismatch},
      {"query_order", [](auto& r) { r.query = "a=1&b=2"; }, "accepted", "accepted"},
      {"body", [](auto& r) { r.body += " "; }, kMismatch, "XAmzContentSHA256Mismatch"},
      {"host", [](auto& r) { r.headers.set("Host", "evil"); }, kMismatch, kMismatch},
      {"signed_header", header("x-amz-target", "Create", "Delete"), kMismatch, kMismatch},
      {"signed_header_repeated", [](auto& r) { r.headers.add("Content-Type", "text/plain"); },
       kMismatch, kMismatch},
      {"signed_header_gone", [](auto& r) { r.headers.remove("Content-Type"); }, kMismatch,
       kMismatch},
      {"unsigned_header", [](auto& r) { r.headers.add("User-Agent", "x"); }, "accepted",
       "accepted"},
      {"unsigned_x_amz", [](auto& r) { r.headers.add("X-Amz-Acl", "public-read"); },
       "HeadersNotSigned", "HeadersNotSigned"},
      {"session_token", [](auto& r) { r.headers.add("X-Amz-Security-Token", "t"); }, "accepted",
       "HeadersNotSigned"},
      {"date", header("x-amz-date", "050607", "050608"), kMismatch, kMismatch},
      {"date_day", header("x-amz-date", "20261124", "20261123"), kMismatch, kMismatch},
      {"scope_day", header("authorization", "/20261124/", "/20261123/"), kMismatch, kMismatch},
      {"region", header("authorization", "us-east-1", "us-east-2"), kMismatch, kMismatch},
      {"host_unsigned", header("authorization", "host;", ""), kMismatch, kMismatch},
      {"signed_headers", header("authorization", "content-type;", ""), kMismatch, kMismatch},
      {"signature",
       [](auto& r) {
         std::string value(r.headers.get("authorization"));
         value.back() = value.back() == '0' ? '1' : '0';
         r.headers.set("authorization", value);
       },
       kMismatch, kMismatch},
      {"key_id_is_the_callers_to_look_up",
       header("authorization", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLF"), "accepted",
       "accepted"},
  };
}

class Tampered : public testing::TestWithParam<Tampering> {};

TEST_P(Tampered, HasItsVerdict) {
  auto request = signed_request("cloudtrail");
  GetParam().change(request);
  EXPECT_EQ(verdict(request), GetParam().service_verdict);
  request = signed_request("s3");
  GetParam().change(request);
  EXPECT_EQ(verdict(request), GetParam().s3_verdict);
}

INSTANTIATE_TEST_SUITE_P(Requests, Tampered, testing::ValuesIn(tamperings()),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(SigV4Test, WrongSecretOrServiceDoesNotMatch) {
  auto request = signed_request("cloudtrail");
  auto claim = parse_authorization(request).value();
  EXPECT_EQ(verify(request, claim, "other", kNow, {}).error().reason(), "SignatureDoesNotMatch");
  claim.scope.service = "sts";
  EXPECT_EQ(verify(request, claim, kKey.secret_access_key, kNow, {}).error().reason(),
            "SignatureDoesNotMatch");
}

TEST(SigV4Test, HeaderAuthorizationIsGoodForFifteenMinutesEitherWay) {
  const auto request = signed_request("cloudtrail");
  EXPECT_EQ(verdict(request, kNow + seconds(900)), "accepted");
  EXPECT_EQ(verdict(request, kNow - seconds(900)), "accepted");
  EXPECT_EQ(verdict(request, kNow + seconds(901)), "RequestTimeTooSkewed");
  EXPECT_EQ(verdict(request, kNow - seconds(901)), "RequestTimeTooSkewed");
}

TEST(SigV4Test, PresignedIsGoodUntilItExpires) {
  const auto request = presigned_request();
  EXPECT_EQ(verdict(request, kNow + hours(1)), "accepted");
  EXPECT_EQ(verdict(request, kNow + hours(1) + seconds(1)), "RequestExpired");
  EXPECT_EQ(verdict(request, kNow - minutes(15)), "accepted");
  EXPECT_EQ(verdict(request, kNow - minutes(16)), "RequestTimeTooSkewed");
}

TEST(SigV4Test, PresignedTamperings) {
  auto request = presigned_request();
  EXPECT_EQ(verdict(request), "accepted");
  auto changed = request;
  replace_in(changed.query, "X-Amz-Expires=3600", "X-Amz-Expires=36000");
  EXPECT_EQ(verdict(changed), "SignatureDoesNotMatch");
  changed = request;
  changed.query += "&versionId=1";
  EXPECT_EQ(verdict(changed), "SignatureDoesNotMatch");
  changed = request;
  changed.headers.add("x-amz-acl", "public-read");
  EXPECT_EQ(verdict(changed), "HeadersNotSigned");
  changed = request;
  changed.body = "anything: the payload is unsigned";
  EXPECT_EQ(verdict(changed), "accepted");
  changed.headers.add("x-amz-content-sha256", crypto::sha256_hex("something else"));
  EXPECT_EQ(verdict(changed), "XAmzContentSHA256Mismatch");
}

TEST(SigV4Test, PresignedPayloadOutsideS3IsSigned) {
  auto request = presigned_request("sts");
  EXPECT_EQ(verdict(request), "accepted");
  request.body = "x";
  EXPECT_EQ(verdict(request), "SignatureDoesNotMatch");
}

TEST(SigV4Test, PresignedMayNameItsPayloadHashInTheQuery) {
  auto request = plain_request();
  request.headers.remove("X-Amz-Target");
  const auto hash = crypto::sha256_hex(request.body);
  request.query = presign_query(request, kKey, "us-east-1", "s3", kNow, hours(1));
  replace_in(request.query, "&X-Amz-Signature",
             "&X-Amz-Content-Sha256=" + hash + "&X-Amz-Signature");
  auto claim = parse_authorization(request).value();
  EXPECT_EQ(claim.payload_hash, hash);
  const auto text = string_to_sign(request, claim.signed_headers, hash, kNow, claim.scope);
  const auto signature = hex_encode(
      crypto::hmac_sha256(derive_signing_key(kKey.secret_access_key, claim.scope), text));
  replace_in(request.query, claim.signature, signature);
  EXPECT_EQ(verdict(request), "accepted");
  request.body += " ";
  EXPECT_EQ(verdict(request), "XAmzContentSHA256Mismatch");
}

TEST(SigV4Test, PresignedSessionTokenIsReadFromTheQuery) {
  auto request = plain_request();
  request.headers.remove("X-Amz-Target");
  Credentials temporary = kKey;
  temporary.session_token = "a+b/c==";
  request.query = presign_query(request, temporary, "us-east-1", "s3", kNow, seconds(1));
  const auto claim = parse_authorization(request);
  ASSERT_TRUE(claim) << claim.error().message();
  EXPECT_TRUE(claim->presigned);
  EXPECT_EQ(claim->session_token, "a+b/c==");
  EXPECT_EQ(claim->expires, seconds(1));
  EXPECT_EQ(verdict(request), "accepted");
}

TEST(SigV4Test, SignedSessionTokenIsReadFromTheHeader) {
  auto request = plain_request();
  Credentials temporary = kKey;
  temporary.session_token = "token";
  sign(request, temporary, "eu-south-1", "s3", kNow, Payload::Signed);
  const auto claim = parse_authorization(request);
  ASSERT_TRUE(claim) << claim.error().message();
  EXPECT_EQ(claim->session_token, "token");
  EXPECT_EQ(claim->access_key_id, kKey.access_key_id);
  EXPECT_EQ(claim->scope.date, "20261124");
  EXPECT_EQ(claim->scope.region, "eu-south-1");
  EXPECT_EQ(claim->scope.service, "s3");
  EXPECT_EQ(claim->time, kNow);
  EXPECT_FALSE(claim->presigned);
  EXPECT_EQ(claim->payload_hash, crypto::sha256_hex(request.body));
  request.headers.set("x-amz-security-token", "tokem");
  EXPECT_EQ(verdict(request), "SignatureDoesNotMatch");
}

// Signs by hand what sign() would not produce.
void sign_as(http::Request& request, std::vector<std::string> names, std::string_view service,
             std::string_view payload_hash) {
  const Scope scope{format_date_basic(kNow), "us-east-1", std::string(service)};
  const auto text = string_to_sign(request, names, payload_hash, kNow, scope);
  std::string list;
  for (const auto& name : names) list.append(list.empty() ? "" : ";").append(name);
  const auto key = derive_signing_key(kKey.secret_access_key, scope);
  request.headers.set("authorization",
                      "AWS4-HMAC-SHA256 Credential=" + kKey.access_key_id + "/" +
                          scope_text(scope) + ",SignedHeaders=" + list +
                          ",Signature=" + hex_encode(crypto::hmac_sha256(key, text)));
}

TEST(SigV4Test, DateHeaderStandsInForXAmzDate) {
  for (const char* date : {"Tue, 24 Nov 2026 05:06:07 GMT", "20261124T050607Z"}) {
    auto request = plain_request();
    request.headers.add("Date", date);
    sign_as(request, {"content-type", "date", "host", "x-amz-target"}, "sts",
            crypto::sha256_hex(request.body));
    EXPECT_EQ(verdict(request), "accepted") << date;
    request.headers.set("Date", "Tue, 24 Nov 2026 05:06:08 GMT");
    EXPECT_EQ(verdict(request), "SignatureDoesNotMatch");
  }
}

TEST(SigV4Test, S3RequiresAPayloadHashItKnows) {
  auto request = plain_request();
  request.headers.add("x-amz-date", "20261124T050607Z");
  const std::vector<std::string> names = {"host", "x-amz-date", "x-amz-target"};
  sign_as(request, names, "s3", crypto::sha256_hex(request.body));
  EXPECT_EQ(verdict(request), "InvalidRequest");
  for (const char* value : {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "UNSIGNED", "abc",
                            "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"}) {
    request.headers.set("x-amz-content-sha256", value);
    sign_as(request, {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-target"}, "s3", value);
    EXPECT_EQ(verdict(request), "InvalidArgument") << value;
  }
}

TEST(SigV4Test, UnsignedPayloadIsForS3Only) {
  auto request = signed_request("s3", Payload::Unsigned);
  request.body = "changed";
  EXPECT_EQ(verdict(request), "accepted");
  request.headers.set("x-amz-date", "20261124T050607Z");
  sign_as(request, {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-target"}, "cloudtrail",
          "UNSIGNED-PAYLOAD");
  EXPECT_EQ(verdict(request), "SignatureDoesNotMatch");
}

TEST(SigV4Test, HostMustBeSigned) {
  auto request = plain_request();
  request.headers.add("x-amz-date", "20261124T050607Z");
  sign_as(request, {"x-amz-date", "x-amz-target"}, "sts", crypto::sha256_hex(request.body));
  EXPECT_EQ(verdict(request), "SignatureDoesNotMatch");
  EXPECT_THAT(verify_at(request, kNow).error().message(), testing::HasSubstr("'host'"));
}

TEST(SigV4Test, MalformedAuthorizationHeaders) {
  const std::string signature(64, 'a');
  const std::string good =
      "Credential=AKID/20261124/us-east-1/s3/aws4_request, SignedHeaders=host, ";
  const std::pair<std::string, const char*> cases[] = {
      {"AWS4-HMAC-SHA256 " + good + "Signature=" + signature, ""},
      {"AWS4-HMAC-SHA256 \t" + good + ",Signature=" + signature, "IncompleteSignature"},
      {"Bearer abc", "InvalidAlgorithm"},
      {"AWS AKID:abc", "InvalidAlgorithm"},
      {"AWS4-ECDSA-P256-SHA256 " + good + "Signature=" + signature, "InvalidAlgorithm"},
      {"", "InvalidAlgorithm"},
      {"AWS4-HMAC-SHA256", "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 " + good, "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 " + good + "Signature=", "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 " + good + "Signature=" + signature.substr(1), "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 " + good + "Signature=" + std::string(64, 'G'), "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 " + good + "Signature=" + signature + ", Signature=" + signature,
       "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 SignedHeaders=host, Signature=" + signature, "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/s3/aws4_request, Signature=" +
           signature,
       "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/s3, SignedHeaders=host, Signature=" +
           signature,
       "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 Credential=AKID/2026112/us-east-1/s3/aws4_request, SignedHeaders=host, "
       "Signature=" +
           signature,
       "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 Credential=AKID/20261124//s3/aws4_request, SignedHeaders=host, "
       "Signature=" +
           signature,
       "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/s3/aws4_reques, SignedHeaders=host, "
       "Signature=" +
           signature,
       "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/s3/aws4_request, SignedHeaders=Host, "
       "Signature=" +
           signature,
       "IncompleteSignature"},
      {"AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/s3/aws4_request, "
       "SignedHeaders=host;;x-amz-date, Signature=" +
           signature,
       "IncompleteSignature"},
  };
  for (const auto& [header, reason] : cases) {
    http::Request request = plain_request();
    request.headers.add("X-Amz-Date", "20261124T050607Z");
    request.headers.add("Authorization", header);
    const auto claim = parse_authorization(request);
    EXPECT_EQ(claim ? "" : claim.error().reason(), reason) << header;
  }
}

TEST(SigV4Test, MalformedClaimsElsewhere) {
  auto request = plain_request();
  EXPECT_EQ(verdict(request), "MissingAuthenticationToken");
  request = signed_request("s3");
  request.headers.add("Authorization", std::string(request.headers.get("authorization")));
  EXPECT_EQ(verdict(request), "IncompleteSignature");
  request = signed_request("s3");
  request.query = presigned_request().query;
  EXPECT_EQ(verdict(request), "InvalidArgument");
  request = signed_request("s3");
  request.headers.remove("x-amz-date");
  EXPECT_EQ(verdict(request), "IncompleteSignature");
  request.headers.add("date", "yesterday");
  EXPECT_EQ(verdict(request), "IncompleteSignature");
  request = signed_request("s3");
  request.headers.set("x-amz-date", "20261324T050607Z");
  EXPECT_EQ(verdict(request), "IncompleteSignature");
  request = plain_request();
  request.query = "AWSAccessKeyId=AKID&Signature=x&Expires=1";
  EXPECT_EQ(verdict(request), "InvalidAlgorithm");
}

TEST(SigV4Test, MalformedPresignedQueries) {
  const std::pair<const char*, const char*> edits[] = {
      {"X-Amz-Expires=3600", "X-Amz-Expires=0"},
      {"X-Amz-Expires=3600", "X-Amz-Expires=604801"},
      {"X-Amz-Expires=3600", "X-Amz-Expires=-1"},
      {"X-Amz-Expires=3600", "X-Amz-Expires=1h"},
      {"X-Amz-Expires=3600", "X-Amz-Expires="},
      {"X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-Expires=3600"},
      {"X-Amz-Expires=3600&", ""},
      {"X-Amz-Date=20261124T050607Z", "X-Amz-Date=2026-11-24"},
      {"X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="},
      {"X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=%zz"},
      {"X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""},
      {"%2Faws4_request", ""},
  };
  for (const auto& [from, to] : edits) {
    auto request = presigned_request();
    replace_in(request.query, from, to);
    EXPECT_EQ(verdict(request), "IncompleteSignature") << from << " -> " << to;
  }
  auto request = presigned_request();
  replace_in(request.query, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1");
  EXPECT_EQ(verdict(request), "InvalidAlgorithm");
}

TEST(SigV4Test, LongestExpiryIsAccepted) {
  auto request = plain_request();
  request.headers.remove("X-Amz-Target");
  request.query = presign_query(request, kKey, "us-east-1", "s3", kNow, kPresignedExpiryMax);
  EXPECT_EQ(verdict(request, kNow + kPresignedExpiryMax), "accepted");
}

TEST(SigV4Test, SignAddsAHostWhenThereIsNone) {
  http::Request request;
  request.method = "GET";
  request.path = "/";
  sign(request, kKey, "us-east-1", "sts", kNow, Payload::Signed);
  EXPECT_EQ(request.headers.get("host"), "sts.us-east-1.amazonaws.com");
  EXPECT_EQ(verdict(request), "accepted");
}

TEST(SigV4Test, SigningAgainReplacesTheFirstSignature) {
  auto request = signed_request("s3");
  sign(request, kKey, "us-east-1", "s3", kNow + seconds(5), Payload::Signed);
  EXPECT_EQ(request.headers.find_all("authorization").size(), 1U);
  EXPECT_EQ(verdict(request), "accepted");
}

TEST(SigningKeyCacheTest, AnswersAsDerivationDoes) {
  SigningKeyCache cache;
  const Scope scope{"20261124", "us-east-1", "s3"};
  const auto key = derive_signing_key("secret", scope);
  EXPECT_EQ(cache.get("secret", scope), key);
  EXPECT_EQ(cache.get("secret", scope), key);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_NE(cache.get("other", scope), key);
  EXPECT_NE(cache.get("secret", {"20261125", "us-east-1", "s3"}), key);
  EXPECT_EQ(cache.size(), 3U);
}

TEST(SigningKeyCacheTest, IsBounded) {
  SigningKeyCache cache;
  for (size_t i = 0; i < SigningKeyCache::kKeysMax + 10; ++i) {
    cache.get(std::to_string(i), {"20261124", "us-east-1", "s3"});
  }
  EXPECT_LE(cache.size(), SigningKeyCache::kKeysMax);
}

TEST(SigV4Test, VerifiesThroughAKeyCache) {
  SigningKeyCache cache;
  for (int i = 0; i < 2; ++i) {
    auto request = signed_request("s3");
    const auto claim = parse_authorization(request).value();
    EXPECT_TRUE(verify(request, claim, kKey.secret_access_key, kNow, {.keys = &cache}));
    EXPECT_EQ(verify(request, claim, "other", kNow, {.keys = &cache}).error().reason(),
              "SignatureDoesNotMatch");
  }
  EXPECT_EQ(cache.size(), 2U);
}

TEST(CanonicalTest, PathsByService) {
  EXPECT_EQ(canonical_path("", "sts"), "/");
  EXPECT_EQ(canonical_path("/a%20b", "sts"), "/a%2520b");
  EXPECT_EQ(canonical_path("/a%20b", "s3"), "/a%20b");
  EXPECT_EQ(canonical_path("/a//b/../c/.", "sts"), "/a/c");
  EXPECT_EQ(canonical_path("/a//b/../c/.", "s3"), "/a//b/../c/.");
  EXPECT_EQ(canonical_path("/../../a/", "sts"), "/a/");
  EXPECT_EQ(canonical_path("/%zz%4", "s3"), "/%25zz%254");
  EXPECT_EQ(canonical_path("/a+b(c)'*!", "s3"), "/a%2Bb%28c%29%27%2A%21");
}

TEST(CanonicalTest, Queries) {
  EXPECT_EQ(canonical_query(""), "");
  EXPECT_EQ(canonical_query("acl"), "acl=");
  EXPECT_EQ(canonical_query("b&a=&&a=%41"), "a=&a=A&b=");
  EXPECT_EQ(canonical_query("a=1=2"), "a=1%3D2");
  EXPECT_EQ(canonical_query("a=x y&X-Amz-Signature=1"), "a=x%20y");
  EXPECT_EQ(canonical_query("a-b=1&a=2&a.b=3"), "a=2&a-b=1&a.b=3");
}

RC_GTEST_PROP(SigV4Property, WhatWeSignWeVerifyAndOneChangedByteOfBodyIsFound,
              (const std::string& path, const std::string& query, const std::string& body)) {
  const auto service = *rc::gen::element<std::string>("s3", "sts", "cloudtrail");
  http::Request request;
  request.method = *rc::gen::element<std::string>("GET", "PUT", "POST");
  request.path = "/" + percent_encode(path, KeepSlash::Yes);
  request.query = query.empty() ? "" : "q=" + percent_encode(query, KeepSlash::No);
  request.headers.add("Host", "h");
  request.body = body;
  sign(request, kKey, "us-east-1", service, kNow, Payload::Signed);
  RC_ASSERT(verdict(request) == "accepted");
  request.body += 'x';
  RC_ASSERT(verdict(request) ==
            (service == "s3" ? "XAmzContentSHA256Mismatch" : "SignatureDoesNotMatch"));
}

}  // namespace
}  // namespace traccia::aws
