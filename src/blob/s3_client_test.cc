// What the S3 client asks, and what it makes of the answers of good and bad stores.
// SPDX-License-Identifier: Apache-2.0
#include "blob/s3_client.h"

#include <gtest/gtest.h>

#include <thread>

#include "blob/test_endpoint.h"
#include "os/fake_os.h"

namespace traccia::blob {
namespace {

using test::answer;
using test::Endpoint;
using test::error_answer;

class S3ClientTest : public testing::Test {
 protected:
  S3Client client(const std::string& url, http::ClientOptions options = {},
                  Addressing addressing = Addressing::Path) {
    return {
        fake_.clock, {url, "eu-south-1", {"AKID", "secret", ""}, addressing}, std::move(options)};
  }
  // The error of a GET that is answered with these bytes.
  Error get_error(const std::string& bytes) {
    const Endpoint endpoint([&](const http::Request&) { return bytes; });
    const auto got = client(endpoint.url()).get("bucket", "key");
    EXPECT_FALSE(got) << bytes;
    return got ? Error(ErrorCode::Internal, "none") : got.error();
  }

  os::FakeOs fake_;
};

TEST_F(S3ClientTest, APutSaysAllItKnows) {
  http::Request seen;
  const Endpoint endpoint([&](const http::Request& request) {
    seen = request;
    return answer(200, "");
  });
  ASSERT_TRUE(client(endpoint.url())
                  .put({.bucket = "bucket",
                        .key = "AWSLogs/a b+é.gz",
                        .bytes = "bytes",
                        .if_taken = IfTaken::Refuse,
                        .metadata = {{"signature", "abc"}},
                        .content_type = "application/json",
                        .content_encoding = "gzip",
                        .acl = "bucket-owner-full-control",
                        .encryption = "aws:kms",
                        .kms_key_id = "arn:aws:kms:eu-south-1:111122223333:key/1"}));
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.path, "/bucket/AWSLogs/a%20b%2B%C3%A9.gz");
  EXPECT_EQ(seen.body, "bytes");
  const auto& headers = seen.headers;
  EXPECT_EQ(headers.get("host"), endpoint.authority());
  EXPECT_EQ(headers.get("if-none-match"), "*");
  EXPECT_EQ(headers.get("content-type"), "application/json");
  EXPECT_EQ(headers.get("content-encoding"), "gzip");
  EXPECT_EQ(headers.get("x-amz-acl"), "bucket-owner-full-control");
  EXPECT_EQ(headers.get("x-amz-meta-signature"), "abc");
  EXPECT_EQ(headers.get("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(headers.get("x-amz-server-side-encryption-aws-kms-key-id"),
            "arn:aws:kms:eu-south-1:111122223333:key/1");
  // What was signed is what came over the wire.
  auto verified = seen;
  const auto authorization = aws::parse_authorization(seen).value();
  EXPECT_EQ(authorization.scope.region, "eu-south-1");
  EXPECT_TRUE(aws::verify(verified, authorization, "secret", fake_.clock.now(), {}));
}

TEST_F(S3ClientTest, WhatIsNotGivenIsNotSent) {
  http::Request seen;
  const Endpoint endpoint([&](const http::Request& request) {
    seen = request;
    return answer(200, "");
  });
  ASSERT_TRUE(client(endpoint.url()).put({"bucket", "key", ""}));
  for (const auto* name :
       {"if-none-match", "content-type", "content-encoding", "x-amz-acl",
        "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"}) {
    EXPECT_FALSE(seen.headers.find(name)) << name;
  }
  EXPECT_EQ(seen.headers.get("content-length"), "0");
}

TEST_F(S3ClientTest, TheBucketMayStandInTheHost) {
  std::string host, path;
  const Endpoint endpoint([&](const http::Request& request) {
    host = request.headers.get("host");
    path = request.path;
    return answer(200, "x");
  });
  // libcurl takes names below localhost for this machine.
  const auto authority = "localhost" + endpoint.authority().substr(endpoint.authority().find(':'));
  ASSERT_TRUE(
      client("http://" + authority + "/", {}, Addressing::VirtualHosted).get("bucket", "a/key"));
  EXPECT_EQ(host, "bucket." + authority);
  EXPECT_EQ(path, "/a/key");
}

TEST_F(S3ClientTest, ObjectsComeWithTheirMetadata) {
  test::FakeS3 store({"bucket"});
  auto s3 = client(store.url());
  ASSERT_TRUE(s3.put({.bucket = "bucket",
                      .key = "a/key",
                      .bytes = std::string_view("\0bytes", 6),
                      .metadata = {{"signature", "abc"}, {"signature-algorithm", "x"}}}));
  const auto object = s3.get("bucket", "a/key").value();
  EXPECT_EQ(object.bytes, std::string_view("\0bytes", 6));
  const std::map<std::string, std::string> metadata{{"signature", "abc"},
                                                    {"signature-algorithm", "x"}};
  EXPECT_EQ(object.metadata, metadata);
  const auto head = s3.head("bucket", "a/key").value();
  EXPECT_EQ(head.size, 6U);
  EXPECT_EQ(head.metadata, metadata);
  EXPECT_EQ(s3.list("bucket", "a/").value(), std::vector<std::string>{"a/key"});
  EXPECT_TRUE(s3.list("bucket", "b").value().empty());
  EXPECT_EQ(s3.put({.bucket = "bucket", .key = "a/key", .bytes = "", .if_taken = IfTaken::Refuse})
                .error()
                .reason(),
            "PreconditionFailed");
}

struct Told {
  int status;
  std::string_view body_code, reason;
  ErrorCode code;
};

TEST_F(S3ClientTest, ErrorsAreNamedAsTheStoreNamesThem) {
  constexpr Told kTold[] = {
      {404, "NoSuchBucket", "NoSuchBucket", ErrorCode::NotFound},
      {404, "NoSuchKey", "NoSuchKey", ErrorCode::NotFound},
      {403, "AccessDenied", "AccessDenied", ErrorCode::PermissionDenied},
      {403, "InvalidAccessKeyId", "InvalidAccessKeyId", ErrorCode::PermissionDenied},
      {403, "RequestTimeTooSkewed", "RequestTimeTooSkewed", ErrorCode::PermissionDenied},
      {412, "PreconditionFailed", "PreconditionFailed", ErrorCode::FailedPrecondition},
      {409, "ConditionalRequestConflict", "ConditionalRequestConflict", ErrorCode::Aborted},
      {501, "NotImplemented", "NotImplemented", ErrorCode::Unavailable},
      {503, "SlowDown", "SlowDown", ErrorCode::Unavailable},
      {503, "ServiceUnavailable", "ServiceUnavailable", ErrorCode::Unavailable},
      {500, "InternalError", "InternalError", ErrorCode::Unavailable},
      {400, "SomethingNew", "InvalidRequest", ErrorCode::InvalidArgument},
      {403, "SomethingNew", "AccessDenied", ErrorCode::PermissionDenied},
      {301, "PermanentRedirect", "PermanentRedirect", ErrorCode::FailedPrecondition}};
  for (const auto& told : kTold) {
    const auto error = get_error(error_answer(told.status, told.body_code));
    EXPECT_EQ(error.reason(), told.reason) << told.body_code;
    EXPECT_EQ(error.code(), told.code) << told.body_code;
    EXPECT_NE(error.message().find(told.body_code), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("GET s3://bucket/key: HTTP"), std::string::npos);
  }
  EXPECT_NE(get_error(error_answer(403, "RequestTimeTooSkewed")).message().find("clocks"),
            std::string::npos);
}

TEST_F(S3ClientTest, BodiesThatAreNoErrorsLeaveTheStatus) {
  const std::string long_code(100'000, 'x');
  for (const auto& body :
       {std::string(), std::string("<Error><Code>NoSuch"), std::string("gateway timeout"),
        std::string("{\"code\":\"AccessDenied\"}"),
        std::string("<html><Code>NoSuchKey</Code></html>"),
        std::string("<!DOCTYPE x [<!ENTITY a \"b\">]><Error><Code>&a;</Code></Error>"),
        "<Error><Code>" + long_code + "</Code></Error>"}) {
    const auto error = get_error(answer(503, body));
    EXPECT_EQ(error.reason(), "ServiceUnavailable") << body.substr(0, 80);
    EXPECT_LT(error.message().size(), 1000U);
  }
}

TEST_F(S3ClientTest, CutBodiesAreNoObjects) {
  for (const auto* cut : {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n",
                          "HTTP/1.1 200 OK\r\n\r\nbytes to the end",
                          "HTTP/1.1 200 OK\r\nContent-Le", "", "no HTTP at all\r\n\r\n"}) {
    const auto error = get_error(cut);
    EXPECT_EQ(error.code(), ErrorCode::Unavailable) << cut;
    EXPECT_EQ(error.reason(), "EndpointConnectionError") << cut;
  }
  const Endpoint endpoint([](const http::Request&) { return "HTTP/1.1 200 OK\r\nContent-Le"; });
  EXPECT_FALSE(client(endpoint.url()).put({"bucket", "key", "x"}));
}

TEST_F(S3ClientTest, RedirectsAreNotFollowed) {
  std::atomic<int> asked = 0;
  const Endpoint elsewhere([&](const http::Request&) {
    ++asked;
    return answer(200, "bytes");
  });
  const Endpoint endpoint([&](const http::Request&) {
    return answer(307, "", fmt::format("Location: {}/bucket/key\r\n", elsewhere.url()));
  });
  const auto got = client(endpoint.url()).get("bucket", "key");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().reason(), "TemporaryRedirect");
  EXPECT_NE(got.error().message().find("not followed"), std::string::npos);
  EXPECT_EQ(asked, 0);
}

TEST_F(S3ClientTest, AnswersAreBounded) {
  const Endpoint endpoint([&](const http::Request& request) {
    if (request.path.ends_with("headers")) {
      std::string headers;
      for (int i = 0; i < 400; ++i) {
        headers += fmt::format("x-amz-meta-{}: {}\r\n", i, std::string(1000, 'x'));
      }
      return answer(200, "", headers);
    }
    return answer(200, std::string(2000, 'x'));
  });
  auto s3 = client(endpoint.url(), {.response_bytes_max = 1000});
  EXPECT_EQ(s3.get("bucket", "key").error().code(), ErrorCode::ResourceExhausted);
  EXPECT_FALSE(s3.get("bucket", "headers"));
}

TEST_F(S3ClientTest, AHangEndsWithItsTimeOrWhenStopped) {
  std::atomic<bool> over = false;
  const Endpoint endpoint([&](const http::Request&) {
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return std::string();
  });
  auto s3 = client(endpoint.url(), {.total_timeout = std::chrono::milliseconds(200)});
  EXPECT_EQ(s3.put({"bucket", "key", "x"}).error().reason(), "EndpointConnectionError");
  std::atomic<bool> stop = false;
  auto patient = client(endpoint.url(), {.stop = &stop});
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop = true;
  });
  EXPECT_EQ(patient.put({"bucket", "key", "x"}).error().code(), ErrorCode::Unavailable);
  stopper.join();
  over = true;
}

TEST_F(S3ClientTest, ListingsGoOnPageByPage) {
  std::vector<std::string> queries;
  const Endpoint endpoint([&](const http::Request& request) {
    queries.push_back(request.query);
    if (queries.size() == 1) {
      return answer(200,
                    "<ListBucketResult><Contents><Key>a</Key></Contents><IsTruncated>true"
                    "</IsTruncated><NextContinuationToken>t+1</NextContinuationToken>"
                    "</ListBucketResult>");
    }
    return answer(200,
                  "<ListBucketResult><Contents><Key>b&amp;c</Key></Contents><IsTruncated>false"
                  "</IsTruncated></ListBucketResult>");
  });
  auto s3 = client(endpoint.url());
  EXPECT_EQ(s3.list("bucket", "x y").value(), (std::vector<std::string>{"a", "b&c"}));
  EXPECT_EQ(queries,
            (std::vector<std::string>{"list-type=2&prefix=x%20y",
                                      "continuation-token=t%2B1&list-type=2&prefix=x%20y"}));
}

TEST_F(S3ClientTest, BadListingsAreNotShortOnes) {
  for (const auto* bad :
       {"", "<ListBucketResult><Contents>", "<Buckets/>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
        "</NextContinuationToken></ListBucketResult>"}) {
    const Endpoint endpoint([&](const http::Request&) { return answer(200, bad); });
    const auto listed = client(endpoint.url()).list("bucket", "");
    ASSERT_FALSE(listed) << bad;
    EXPECT_EQ(listed.error().reason(), "MalformedXML") << bad;
  }
  test::FakeS3 store({"bucket"});
  for (const auto* key : {"a", "b", "c"}) store.store("bucket", key, "");
  EXPECT_EQ(client(store.url()).list("bucket", "", 2).error().code(), ErrorCode::ResourceExhausted);
}

}  // namespace
}  // namespace traccia::blob
