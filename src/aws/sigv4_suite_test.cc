// Published signatures: the cases of AWS's Signature Version 4 test suite and the worked examples
// of the S3 documentation, each signed by us and verified by us.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "aws/sigv4.h"

namespace traccia::aws {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Vector {
  const char* name;
  const char* method;
  const char* path;
  const char* query;
  Fields headers;  // besides Host and X-Amz-Date
  const char* body;
  const char* signature;
};

std::ostream& operator<<(std::ostream& out, const Vector& vector) {
  return out << vector.name;
}

constexpr const char* kUnreserved =
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr const char* kUnreservedPath =
    "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const std::string kUnreservedQuery = std::string(kUnreserved) + "=" + kUnreserved;
constexpr const char* kForm = "application/x-www-form-urlencoded";
constexpr const char* kToken =
    "AQoDYXdzEPT//////////"
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeo"
    "IYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"
    "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5V"
    "SXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
    "scqKmlzm8FDrypNC9Yj"
    "c8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
constexpr const char* kVanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
constexpr const char* kVanillaPost =
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
constexpr const char* kPostQuery =
    "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11";

const std::vector<Vector> kSuite = {
    {"get-vanilla", "GET", "/", "", {}, "", kVanilla},
    {"get-vanilla-query", "GET", "/", "", {}, "", kVanilla},
    {"get-vanilla-empty-query-key",
     "GET",
     "/",
     "Param1=value1",
     {},
     "",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-encoded",
     "GET",
     "/",
     "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
     {},
     "",
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     "Param2=value2&Param1=value1",
     {},
     "",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-key",
     "GET",
     "/",
     "Param1=value2&Param1=Value1",
     {},
     "",
     "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
    {"get-vanilla-query-order-value",
     "GET",
     "/",
     "Param1=value2&Param1=value1",
     {},
     "",
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/",
     kUnreservedQuery.c_str(),
     {},
     "",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     "\xE1\x88\xB4=bar",
     {},
     "",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved",
     "GET",
     kUnreservedPath,
     "",
     {},
     "",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/\xE1\x88\xB4",
     "",
     {},
     "",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     "",
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-multiline",
     "GET",
     "/",
     "",
     {{"My-Header1", "value1\n  value2\n     value3"}},
     "",
     "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
    {"get-header-value-order",
     "GET",
     "/",
     "",
     {{"My-Header1", "value4"},
      {"My-Header1", "value1"},
      {"My-Header1", "value3"},
      {"My-Header1", "value2"}},
     "",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     "",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-vanilla-with-session-token",
     "GET",
     "/",
     "",
     {{"X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}},
     "",
     "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {"get-relative", "GET", "/example/..", "", {}, "", kVanilla},
    {"get-relative-relative", "GET", "/example1/example2/../..", "", {}, "", kVanilla},
    {"get-slash", "GET", "//", "", {}, "", kVanilla},
    {"get-slash-dot-slash", "GET", "/./", "", {}, "", kVanilla},
    {"get-slash-pointless-dot",
     "GET",
     "/./example",
     "",
     {},
     "",
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-slashes",
     "GET",
     "//example//",
     "",
     {},
     "",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-space",
     "GET",
     "/example space/",
     "",
     {},
     "",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-special-character",
     "GET",
     "/example/$delete",
     "",
     {},
     "",
     "a853c9b21b528b19643d00910d35b83a10c366a10833ceefb45edd6c80e40f27"},
    {"post-vanilla", "POST", "/", "", {}, "", kVanillaPost},
    {"post-header-key-case", "POST", "/", "", {}, "", kVanillaPost},
    {"post-header-key-sort",
     "POST",
     "/",
     "",
     {{"My-Header1", "value1"}},
     "",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     "",
     {{"My-Header1", "VALUE1"}},
     "",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-sts-header-before",
     "POST",
     "/",
     "",
     {{"X-Amz-Security-Token", kToken}},
     "",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-vanilla-empty-query-value", "POST", "/", "Param1=value1", {}, "", kPostQuery},
    {"post-vanilla-query", "POST", "/", "Param1=value1", {}, "", kPostQuery},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     "",
     {{"Content-Type", kForm}},
     "Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     "",
     {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}},
     "Param1=value1",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
};

http::Request request_of(const Vector& vector, const char* host) {
  http::Request request;
  request.method = vector.method;
  request.path = vector.path;
  request.query = vector.query;
  request.headers.add("Host", host);
  for (const auto& [name, value] : vector.headers) request.headers.add(name, value);
  request.body = vector.body;
  return request;
}

std::string signature_in(const http::Request& request) {
  const auto header = std::string(request.headers.get("authorization"));
  return header.substr(header.rfind('=') + 1);
}

std::string reason_of(const Result<>& result) {
  return result ? "accepted" : std::string(result.error().reason());
}

Result<> verify_claim(http::Request& request, std::string_view secret, Time now) {
  TRY_ASSIGN(const auto claim, parse_authorization(request));
  return verify(request, claim, secret, now, {});
}

const Credentials kSuiteKey{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const Time kSuiteTime = parse_iso("2015-08-30T12:36:00Z").value();

class Suite : public testing::TestWithParam<Vector> {};

TEST_P(Suite, SignsAsPublishedAndVerifies) {
  auto request = request_of(GetParam(), "example.amazonaws.com");
  sign(request, kSuiteKey, "us-east-1", "service", kSuiteTime, Payload::Signed);
  EXPECT_EQ(signature_in(request), GetParam().signature);
  EXPECT_EQ(reason_of(verify_claim(request, kSuiteKey.secret_access_key, kSuiteTime)), "accepted");
}

std::string name_of(const testing::TestParamInfo<Vector>& info) {
  std::string name = info.param.name;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Aws4, Suite, testing::ValuesIn(kSuite), name_of);

// The suite's post-sts-header-after: the token joins a request that is signed already.
TEST(SuiteTest, TokenAddedAfterSigningIsAccepted) {
  auto request = request_of({"", "POST", "/", "", {}, "", ""}, "example.amazonaws.com");
  sign(request, kSuiteKey, "us-east-1", "service", kSuiteTime, Payload::Signed);
  EXPECT_EQ(signature_in(request), kVanillaPost);
  request.headers.add("X-Amz-Security-Token", kToken);
  EXPECT_EQ(parse_authorization(request)->session_token, kToken);
  EXPECT_EQ(reason_of(verify_claim(request, kSuiteKey.secret_access_key, kSuiteTime)), "accepted");
}

const Credentials kS3Key{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
const Time kS3Time = parse_iso("2013-05-24T00:00:00Z").value();
constexpr const char* kS3Host = "examplebucket.s3.amazonaws.com";

class S3Example : public testing::TestWithParam<Vector> {};

TEST_P(S3Example, SignsAsPublishedAndVerifies) {
  auto request = request_of(GetParam(), kS3Host);
  sign(request, kS3Key, "us-east-1", "s3", kS3Time, Payload::Signed);
  EXPECT_EQ(signature_in(request), GetParam().signature);
  EXPECT_EQ(reason_of(verify_claim(request, kS3Key.secret_access_key, kS3Time)), "accepted");
}

INSTANTIATE_TEST_SUITE_P(
    Documentation, S3Example,
    testing::Values(Vector{"get-object-range",
                           "GET",
                           "/test.txt",
                           "",
                           {{"Range", "bytes=0-9"}},
                           "",
                           "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
                    Vector{"put-object",
                           "PUT",
                           "/test$file.text",
                           "",
                           {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                            {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                           "Welcome to Amazon S3.",
                           "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
                    Vector{"get-lifecycle",
                           "GET",
                           "/",
                           "lifecycle",
                           {},
                           "",
                           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
                    Vector{"list-objects",
                           "GET",
                           "/",
                           "max-keys=2&prefix=J",
                           {},
                           "",
                           "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}),
    name_of);

TEST(S3ExampleTest, PresignedUrl) {
  auto request = request_of({"", "GET", "/test.txt", "", {}, "", ""}, kS3Host);
  request.query =
      presign_query(request, kS3Key, "us-east-1", "s3", kS3Time, std::chrono::seconds(86400));
  EXPECT_THAT(
      request.query,
      testing::EndsWith("&X-Amz-Signature="
                        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
  const Time later = kS3Time + std::chrono::hours(23);
  EXPECT_EQ(reason_of(verify_claim(request, kS3Key.secret_access_key, later)), "accepted");
}

struct Streaming {
  const char* mode;
  const char* seed;
  const char* chunks[3];
  const char* trailers;
};

// The documentation's 66 560 bytes of 'a' in chunks of 65 536, 1 024 and 0 bytes.
http::Request streaming_request(const Streaming& example, Fields headers) {
  http::Request request;
  request.method = "PUT";
  request.path = "/examplebucket/chunkObject.txt";
  headers.emplace_back("Host", "s3.amazonaws.com");
  headers.emplace_back("Content-Encoding", "aws-chunked");
  headers.emplace_back("x-amz-content-sha256", example.mode);
  headers.emplace_back("x-amz-date", "20130524T000000Z");
  headers.emplace_back("x-amz-decoded-content-length", "66560");
  headers.emplace_back("x-amz-storage-class", "REDUCED_REDUNDANCY");
  std::vector<std::string> names;
  for (const auto& [name, value] : headers) {
    request.headers.add(name, value);
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    names.push_back(lower);
  }
  std::sort(names.begin(), names.end());
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ";") + name;
  request.headers.add("Authorization",
                      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                      "aws4_request,SignedHeaders=" +
                          list + ",Signature=" + example.seed);
  const size_t sizes[] = {65536, 1024, 0};
  const char* hex[] = {"10000", "400", "0"};
  for (size_t i = 0; i < 3; ++i) {
    request.body += std::string(hex[i]) + ";chunk-signature=" + example.chunks[i] + "\r\n";
    if (sizes[i] > 0) request.body += std::string(sizes[i], 'a') + "\r\n";
  }
  request.body += std::string(example.trailers) + "\r\n";
  return request;
}

const Streaming kStreaming{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                           "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
                           {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
                           ""};
const Streaming kStreamingTrailer{
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    {"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
     "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
     "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
    "x-amz-checksum-crc32c:sOO8/Q==\r\n"
    "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"};

TEST(S3ExampleTest, StreamingUpload) {
  auto request = streaming_request(kStreaming, {{"Content-Length", "66824"}});
  ASSERT_EQ(request.body.size(), 66824U);
  ASSERT_EQ(reason_of(verify_claim(request, kS3Key.secret_access_key, kS3Time)), "accepted");
  EXPECT_EQ(request.body, std::string(66560, 'a'));
  EXPECT_FALSE(request.headers.find("content-encoding"));
}

TEST(S3ExampleTest, StreamingUploadWithTrailer) {
  auto request = streaming_request(kStreamingTrailer, {{"x-amz-trailer", "x-amz-checksum-crc32c"}});
  ASSERT_EQ(reason_of(verify_claim(request, kS3Key.secret_access_key, kS3Time)), "accepted");
  EXPECT_EQ(request.body, std::string(66560, 'a'));
  EXPECT_EQ(request.headers.get("x-amz-checksum-crc32c"), "sOO8/Q==");
}

TEST(S3ExampleTest, EveryTamperedByteOfAStreamIsFound) {
  const auto original =
      streaming_request(kStreamingTrailer, {{"x-amz-trailer", "x-amz-checksum-crc32c"}});
  std::vector<size_t> places = {0, 3, 5, 30, 85, 87, 100, 65000, 65710};
  for (size_t i = original.body.size() - 400; i < original.body.size() - 4; i += 7) {
    places.push_back(i);
  }
  for (const size_t at : places) {
    auto request = original;
    request.body[at] = static_cast<char>(request.body[at] ^ 1);
    EXPECT_EQ(reason_of(verify_claim(request, kS3Key.secret_access_key, kS3Time)), "InvalidChunk")
        << "byte " << at;
    EXPECT_EQ(request.headers.get("content-encoding"), "aws-chunked");
  }
}

}  // namespace
}  // namespace traccia::aws
