// The S3 front end to end below HTTP: requests in, answers and audit events out.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "api/embedded_object_store.h"
#include "aws/xml.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "os/fake_os.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kAccount = "111122223333";

// A whole server but its ports: state in memory, the log stepped by a thread of its own.
class S3FrontTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d/wal"));
    wal_ = wal::Wal::open(fake_.files, "/d/wal", {}).value();
    ingest_ = ingest::Ingest::open(fake_.os(), "/window", *wal_, {}).value();
    database_ = meta::Database::open(
                    fake_.os(), "/d/meta.db", meta::Durability::Full,
                    {identity::kSchema, s3::kSchema, trail::kSchema, kOutboxSchema,
                     delivery::kSchema, digest::kKeySchema, digest::kChainSchema,
                     digest::kPendingSchema, delivery::kLanesSchema, delivery::kChangesSchema})
                    .value();
    blobs_ = blob::BlobStore::open(fake_.os(), "/d/blobs").value();
    s3_.emplace(fake_.os(), *blobs_);
    outbox_.emplace(*database_, *ingest_);
    authoriser_.emplace(*s3_);
    store_.emplace(fake_.os(), *database_, *outbox_, *authoriser_, *s3_, trails_);
    history_ = history::History::open(fake_.os(), "/d/history", *wal_).value();
    delivery_ = delivery::Delivery::open(fake_.os(), *database_, *wal_, *store_, {}).value();
    const auto same = [](std::string_view text, std::string_view) { return std::string(text); };
    digest_ = digest::Digest::open(fake_.os(), *database_, *store_, delivery_->slots(),
                                   {same, same}, regions_, {})
                  .value();
    tail_.emplace(*history_, master_key_);
    pacer_.emplace(fake_.clock, wal_->recent());
    services_.emplace(Services{fake_.os(), *database_, *outbox_, *authoriser_, identity_, *ingest_,
                               *s3_, *history_, trails_, *delivery_, *digest_, *tail_, *pacer_,
                               regions_});
    ASSERT_TRUE(trails_.refresh(*database_));
    caller_.principal = {identity::PrincipalType::IamUser,
                         std::string(kAccount),
                         "arn:aws:iam::111122223333:user/administrator",
                         "AIDAEXAMPLE",
                         "administrator",
                         "AKIAEXAMPLE",
                         "",
                         true};
    caller_.region = "us-east-1";
    caller_.source_ip = "192.0.2.1";
    caller_.user_agent = "test";
    caller_.host = "localhost:4780";
    log_thread_ = std::thread([this] {
      while (!stop_) wal_->step(std::chrono::milliseconds(100));
    });
  }

  void TearDown() override {
    stop_ = true;
    wal_->wake();
    log_thread_.join();
  }

  // `target` is a path with its query, percent-encoded.
  http::Response send(std::string_view method, std::string_view target, std::string body = {},
                      const Fields& headers = {}) {
    http::Request request;
    request.method = method;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    request.headers.add("Host", caller_.host);
    request.headers.add("Authorization", "AWS4-HMAC-SHA256 checked before");
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    request.body = std::move(body);
    const auto random = fake_.random.bytes(aws::kRequestIdBytes);
    const auto id = aws::make_request_id(aws::Protocol::RestXml, random);
    caller_.request_id = id.id;
    return handle_s3(*services_, caller_, std::move(request), id);
  }

  void make_bucket(std::string_view name = "bucket") {
    ASSERT_EQ(send("PUT", "/" + std::string(name)).status, 200);
  }
  void put(const std::string& encoded_key, std::string body = "x", const Fields& headers = {}) {
    ASSERT_EQ(send("PUT", "/bucket/" + encoded_key, std::move(body), headers).status, 200);
  }

  static aws::XmlElement xml(const http::Response& response) {
    auto parsed = aws::parse_xml(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? std::move(*parsed) : aws::XmlElement{};
  }
  static std::string error_code(const http::Response& response) {
    return std::string(xml(response).child_text("Code"));
  }
  static std::vector<std::string> texts(const aws::XmlElement& list, std::string_view element,
                                        std::string_view member) {
    std::vector<std::string> out;
    for (const auto* child : list.children_named(element)) {
      out.emplace_back(child->child_text(member));
    }
    return out;
  }

  std::string body_of(http::Response response) {
    if (!response.stream) return response.body;
    std::string out;
    std::array<char, 70'001> piece{};
    while (true) {
      const auto count = response.stream->read(piece).value();
      if (count == 0) return out;
      out.append(piece.data(), count);
    }
  }

  // Events in the log, oldest first.
  std::vector<json::Object> events() {
    std::vector<json::Object> out;
    for (auto at = wal_->begin();;) {
      const auto entry = wal_->read(at).value();
      if (!entry) return out;
      const auto decoded = ingest::decode_entry(entry->payload).value();
      for (const auto& record : decoded->records) {
        if (record.kind != ingest::Kind::Event) continue;
        out.push_back(json::parse(record.json).value().as_object());
      }
      at = entry->next;
    }
  }
  std::vector<std::string> event_names() {
    std::vector<std::string> out;
    for (const auto& event : events()) out.emplace_back(json::find_string(event, "eventName"));
    return out;
  }

  // A logging trail that takes data events of the objects named by ARN prefixes.
  void log_data_events(std::vector<std::string> prefixes) {
    trail::Trail stored;
    auto& config = stored.config;
    config.arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/data";
    config.name = "data";
    config.home_region = "us-east-1";
    config.account = kAccount;
    config.bucket = "elsewhere";
    config.multi_region = true;
    config.logging = true;
    config.created = fake_.clock.now();
    config.logging_since = fake_.clock.now();
    config.selectors = {
        {trail::ReadWriteType::All, true, {{"AWS::S3::Object", std::move(prefixes)}}, {}}};
    ASSERT_TRUE(database_->write(
        [&](meta::Transaction& transaction) { return trails_.store(transaction, stored); }));
    ASSERT_TRUE(trails_.refresh(*database_));
  }

  os::FakeOs fake_;
  std::vector<std::string> regions_{"us-east-1", "eu-west-1"};
  identity::MasterKey master_key_{std::string(32, 'k')};
  identity::Identity identity_{fake_.os(), master_key_};
  trail::Trails trails_{regions_};
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<meta::Database> database_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::optional<s3::S3> s3_;
  std::optional<Outbox> outbox_;
  std::optional<Authoriser> authoriser_;
  std::optional<EmbeddedObjectStore> store_;
  std::unique_ptr<history::History> history_;
  std::unique_ptr<delivery::Delivery> delivery_;
  std::unique_ptr<digest::Digest> digest_;
  std::optional<Tail> tail_;
  std::optional<Pacer> pacer_;
  std::optional<Services> services_;
  Caller caller_;
  std::atomic<bool> stop_{false};
  std::thread log_thread_;
};

TEST_F(S3FrontTest, AddressesArePathStyleOrVirtualHosted) {
  struct Case {
    std::string_view host, path, bucket, key;
  };
  constexpr Case kCases[] = {
      {"localhost:4780", "/", "", ""},
      {"localhost:4780", "/b", "b", ""},
      {"localhost:4780", "/b/", "b", ""},
      {"localhost:4780", "/b/a%20b/%C3%A9+c", "b", "a b/\xC3\xA9+c"},
      {"localhost:4780", "/b//k", "b", "/k"},
      {"127.0.0.1:4780", "/b/k", "b", "k"},
      {"bucket.localhost:4780", "/", "bucket", ""},
      {"bucket.localhost:4780", "/a/k", "bucket", "a/k"},
      {"bucket.s3.eu-west-1.amazonaws.com", "/k", "bucket", "k"},
      {"my.bucket.s3.us-east-1.amazonaws.com", "/k", "my.bucket", "k"},
      {"s3.us-east-1.amazonaws.com", "/b/k", "b", "k"},
  };
  for (const auto& [host, path, bucket, key] : kCases) {
    http::Request request;
    request.path = path;
    request.headers.add("Host", host);
    const auto address = parse_s3_address(request).value();
    EXPECT_EQ(address.bucket, bucket) << host << path;
    EXPECT_EQ(address.key, key) << host << path;
  }
  http::Request broken;
  broken.path = "/b/%zz";
  EXPECT_FALSE(parse_s3_address(broken));
}

TEST_F(S3FrontTest, EveryAnswerIsSandboxedAndNamesTheRequest) {
  make_bucket();
  for (const auto& [method, target, status] :
       std::vector<std::tuple<std::string, std::string, int>>{{"GET", "/", 200},
                                                              {"GET", "/bucket", 200},
                                                              {"GET", "/missing", 404},
                                                              {"HEAD", "/bucket/none", 404},
                                                              {"GET", "/bucket?torrent", 501}}) {
    const auto response = send(method, target);
    EXPECT_EQ(response.status, status) << target;
    EXPECT_EQ(response.headers.get("content-security-policy"), "sandbox") << target;
    EXPECT_EQ(response.headers.get("x-content-type-options"), "nosniff") << target;
    EXPECT_EQ(response.headers.get("x-amz-request-id"), caller_.request_id) << target;
    EXPECT_FALSE(response.headers.get("x-amz-id-2").empty()) << target;
  }
}

TEST_F(S3FrontTest, BucketsAreMadeFoundAndDeleted) {
  make_bucket();
  const auto listed = xml(send("GET", "/"));
  ASSERT_NE(listed.child("Buckets"), nullptr);
  EXPECT_THAT(texts(*listed.child("Buckets"), "Bucket", "Name"), ElementsAre("bucket"));
  EXPECT_EQ(send("HEAD", "/bucket").headers.get("x-amz-bucket-region"), "us-east-1");
  put("k");
  EXPECT_EQ(error_code(send("DELETE", "/bucket")), "BucketNotEmpty");
  EXPECT_EQ(send("DELETE", "/bucket/k").status, 204);
  EXPECT_EQ(send("DELETE", "/bucket").status, 204);
  EXPECT_EQ(send("HEAD", "/bucket").status, 404);
  EXPECT_EQ(error_code(send("PUT", "/No_Such_Name")), "InvalidBucketName");
}

TEST_F(S3FrontTest, BucketsAreMadeInServedRegionsOnly) {
  const auto create = [&](std::string_view region) {
    return send("PUT", "/bucket",
                "<CreateBucketConfiguration><LocationConstraint>" + std::string(region) +
                    "</LocationConstraint></CreateBucketConfiguration>");
  };
  EXPECT_EQ(error_code(create("mars-east-1")), "InvalidLocationConstraint");
  EXPECT_EQ(create("eu-west-1").status, 200);
  EXPECT_EQ(xml(send("GET", "/bucket?location")).text, "eu-west-1");
  make_bucket("first");
  EXPECT_EQ(xml(send("GET", "/first?location")).text, "");
  caller_.region = "eu-west-1";
  const auto wrong = send("PUT", "/other",
                          "<CreateBucketConfiguration><LocationConstraint>us-east-1"
                          "</LocationConstraint></CreateBucketConfiguration>");
  EXPECT_EQ(error_code(wrong), "IllegalLocationConstraintException");
}

TEST_F(S3FrontTest, DocumentsComeBackAndTheirAbsenceHasItsOwnError) {
  make_bucket();
  for (const auto& [subresource, error] : std::vector<std::pair<std::string, std::string>>{
           {"policy", "NoSuchBucketPolicy"}, {"tagging", "NoSuchTagSet"}}) {
    const auto response = send("GET", "/bucket?" + subresource);
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(error_code(response), error);
  }
  EXPECT_THAT(send("GET", "/bucket?encryption").body, HasSubstr("AES256"));
  EXPECT_EQ(xml(send("GET", "/bucket?versioning")).name, "VersioningConfiguration");

  constexpr std::string_view kPolicy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",)"
      R"("Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::bucket"}]})";
  EXPECT_EQ(send("PUT", "/bucket?policy", std::string(kPolicy)).status, 204);
  EXPECT_EQ(send("GET", "/bucket?policy").body, kPolicy);
  EXPECT_EQ(error_code(send("PUT", "/bucket?policy", "{")), "MalformedPolicy");
  EXPECT_EQ(send("GET", "/bucket?policy").body, kPolicy);
  EXPECT_EQ(send("DELETE", "/bucket?policy").status, 204);
  EXPECT_EQ(send("GET", "/bucket?policy").status, 404);
  EXPECT_EQ(send("HEAD", "/bucket").status, 200) << "the bucket outlives its policy";
  EXPECT_EQ(error_code(send("PUT", "/bucket?tagging", "<Wrong/>")), "MalformedXML");
}

TEST_F(S3FrontTest, ObjectsKeepBytesHeadersAndMetadata) {
  make_bucket();
  const auto stored = send("PUT", "/bucket/a%20b", "hello",
                           {{"Content-Type", "text/plain"},
                            {"Cache-Control", "no-store"},
                            {"X-Amz-Meta-Owner", "someone"}});
  const auto etag = '"' + hex_encode(crypto::md5("hello")) + '"';
  EXPECT_EQ(stored.headers.get("etag"), etag);
  EXPECT_EQ(stored.headers.get("x-amz-server-side-encryption"), "AES256");
  const auto read = send("GET", "/bucket/a%20b");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, "hello");
  EXPECT_EQ(read.headers.get("etag"), etag);
  EXPECT_EQ(read.headers.get("content-type"), "text/plain");
  EXPECT_EQ(read.headers.get("cache-control"), "no-store");
  EXPECT_EQ(read.headers.get("x-amz-meta-owner"), "someone");
  EXPECT_EQ(read.headers.get("accept-ranges"), "bytes");
  EXPECT_TRUE(parse_http_date(read.headers.get("last-modified")));
  put("plain");
  EXPECT_EQ(send("GET", "/bucket/plain").headers.get("content-type"), "binary/octet-stream");
  EXPECT_EQ(error_code(send("GET", "/bucket/none")), "NoSuchKey");
  EXPECT_EQ(error_code(send("GET", "/nobucket/none")), "NoSuchBucket");
}

TEST_F(S3FrontTest, HeadTellsTheLengthWithoutReading) {
  make_bucket();
  put("k", "hello");
  const auto head = send("HEAD", "/bucket/k");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
  ASSERT_TRUE(head.stream);
  EXPECT_EQ(head.stream->size(), 5U);
}

TEST_F(S3FrontTest, LargeObjectsAreStreamedRangesToo) {
  make_bucket();
  std::string bytes(3'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  put("big", bytes);
  auto whole = send("GET", "/bucket/big");
  EXPECT_TRUE(whole.stream);
  EXPECT_EQ(body_of(std::move(whole)), bytes);
  auto part = send("GET", "/bucket/big", "", {{"Range", "bytes=1000-2500000"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(body_of(std::move(part)), bytes.substr(1000, 2'499'001));
}

TEST_F(S3FrontTest, Ranges) {
  make_bucket();
  put("k", "0123456789");
  struct Case {
    std::string_view range;
    int status;
    std::string_view body, content_range;
  };
  constexpr Case kCases[] = {
      {"bytes=0-3", 206, "0123", "bytes 0-3/10"}, {"bytes=7-", 206, "789", "bytes 7-9/10"},
      {"bytes=-3", 206, "789", "bytes 7-9/10"},   {"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
      {"bytes=8-800", 206, "89", "bytes 8-9/10"}, {"bytes=5-3", 200, "0123456789", ""},
      {"bytes=0-1,3-4", 200, "0123456789", ""},   {"lines=0-1", 200, "0123456789", ""},
      {"bytes=x-", 200, "0123456789", ""},
  };
  for (const auto& [range, status, body, content_range] : kCases) {
    const auto response = send("GET", "/bucket/k", "", {{"Range", std::string(range)}});
    EXPECT_EQ(response.status, status) << range;
    EXPECT_EQ(response.body, body) << range;
    EXPECT_EQ(response.headers.get("content-range"), content_range) << range;
  }
  for (const auto* range : {"bytes=10-", "bytes=-0", "bytes=99-100"}) {
    const auto response = send("GET", "/bucket/k", "", {{"Range", range}});
    EXPECT_EQ(response.status, 416) << range;
    EXPECT_EQ(error_code(response), "InvalidRange") << range;
  }
  put("empty", "");
  EXPECT_EQ(send("GET", "/bucket/empty", "", {{"Range", "bytes=0-"}}).status, 416);
}

TEST_F(S3FrontTest, ConditionsOfReads) {
  make_bucket();
  put("k", "hello");
  const auto read = send("GET", "/bucket/k");
  const std::string etag(read.headers.get("etag"));
  const std::string date(read.headers.get("last-modified"));
  const std::string before = "Tue, 01 Sep 2020 00:00:00 GMT";
  struct Case {
    Fields headers;
    int status;
  };
  const Case cases[] = {
      {{{"If-Match", etag}}, 200},
      {{{"If-Match", "\"other\""}}, 412},
      {{{"If-Match", "\"other\", " + etag}}, 200},
      {{{"If-Match", "*"}}, 200},
      {{{"If-None-Match", etag}}, 304},
      {{{"If-None-Match", "\"other\""}}, 200},
      {{{"If-Modified-Since", date}}, 304},
      {{{"If-Modified-Since", before}}, 200},
      {{{"If-Modified-Since", "no date"}}, 200},
      {{{"If-Unmodified-Since", date}}, 200},
      {{{"If-Unmodified-Since", before}}, 412},
      // Entity tags decide before dates.
      {{{"If-Match", etag}, {"If-Unmodified-Since", before}}, 200},
      {{{"If-None-Match", "\"other\""}, {"If-Modified-Since", date}}, 200},
  };
  for (const auto& [headers, status] : cases) {
    for (const auto* method : {"GET", "HEAD"}) {
      const auto response = send(method, "/bucket/k", "", headers);
      EXPECT_EQ(response.status, status) << headers.front().first << ": " << headers.front().second;
      if (status == 304) {
        EXPECT_EQ(response.headers.get("etag"), etag);
      }
    }
  }
}

TEST_F(S3FrontTest, ConditionsOfWrites) {
  make_bucket();
  put("k", "one", {{"If-None-Match", "*"}});
  const auto again = send("PUT", "/bucket/k", "two", {{"If-None-Match", "*"}});
  EXPECT_EQ(again.status, 412);
  EXPECT_EQ(error_code(again), "PreconditionFailed");
  EXPECT_EQ(send("GET", "/bucket/k").body, "one");
  EXPECT_EQ(send("PUT", "/bucket/k", "two", {{"If-Match", "\"other\""}}).status, 412);
  const std::string etag(send("GET", "/bucket/k").headers.get("etag"));
  EXPECT_EQ(send("PUT", "/bucket/k", "two", {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(send("GET", "/bucket/k").body, "two");
  EXPECT_EQ(send("PUT", "/bucket/k", "three", {{"If-None-Match", etag}}).status, 501);
}

TEST_F(S3FrontTest, RefusedWritesLeaveNoBytesBehind) {
  make_bucket();
  put("k", "one");
  const auto blobs = blobs_->list().value().size();
  EXPECT_EQ(send("PUT", "/bucket/k", "two", {{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(send("PUT", "/none/k", "two").status, 404);
  EXPECT_EQ(blobs_->list().value().size(), blobs);
}

TEST_F(S3FrontTest, QueryReplacesTheAnswersHeadersButCannotAddAny) {
  make_bucket();
  put("k", "hello", {{"Content-Type", "text/html"}});
  const auto response = send("GET",
                             "/bucket/k?response-content-type=text%2Fplain"
                             "&response-content-disposition=attachment%3B%20filename%3Da.txt");
  EXPECT_EQ(response.headers.get("content-type"), "text/plain");
  EXPECT_EQ(response.headers.get("content-disposition"), "attachment; filename=a.txt");
  const auto split = send("GET", "/bucket/k?response-cache-control=a%0D%0ASet-Cookie%3A%20b");
  for (const auto& [name, value] : split.headers) {
    EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos) << name;
  }
}

TEST_F(S3FrontTest, ChecksumsAreVerifiedAndComeBackWhenAskedFor) {
  make_bucket();
  // Of "123456789": the check values of the catalogue of CRC algorithms.
  const Fields good[] = {
      {{"x-amz-checksum-crc32", base64_encode("\xCB\xF4\x39\x26")}},
      {{"x-amz-checksum-crc32c", base64_encode("\xE3\x06\x92\x83")}},
      {{"x-amz-checksum-crc64nvme", base64_encode("\xAE\x8B\x14\x86\x0A\x79\x98\x88")}},
      {{"x-amz-checksum-sha1", base64_encode(crypto::sha1("123456789"))}},
      {{"x-amz-checksum-sha256", base64_encode(crypto::sha256("123456789"))}},
      {{"Content-MD5", base64_encode(crypto::md5("123456789"))}},
  };
  for (const auto& headers : good) {
    const auto& [name, value] = headers.front();
    EXPECT_EQ(send("PUT", "/bucket/k", "123456789", headers).status, 200) << name;
    EXPECT_EQ(error_code(send("PUT", "/bucket/k", "12345678X", headers)), "BadDigest") << name;
    EXPECT_EQ(send("GET", "/bucket/k").body, "123456789") << name;
    if (name == "Content-MD5") continue;
    EXPECT_FALSE(send("GET", "/bucket/k").headers.find(name));
    const Fields mode{{"x-amz-checksum-mode", "ENABLED"}};
    EXPECT_EQ(send("GET", "/bucket/k", "", mode).headers.get(name), value);
    EXPECT_EQ(send("HEAD", "/bucket/k", "", mode).headers.get(name), value);
    const Fields partial{{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-1"}};
    EXPECT_FALSE(send("GET", "/bucket/k", "", partial).headers.find(name));
  }
  const Fields malformed{{"Content-MD5", "not base64"}};
  EXPECT_EQ(error_code(send("PUT", "/bucket/k", "x", malformed)), "InvalidDigest");
}

TEST_F(S3FrontTest, ListingV1PagesWithMarkers) {
  make_bucket();
  for (const auto* key : {"a", "b/1", "b/2", "c", "d/1"}) put(key);
  auto page = xml(send("GET", "/bucket?delimiter=%2F&max-keys=2"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("a"));
  EXPECT_THAT(texts(page, "CommonPrefixes", "Prefix"), ElementsAre("b/"));
  EXPECT_EQ(page.child_text("IsTruncated"), "true");
  EXPECT_EQ(page.child_text("NextMarker"), "b/");
  page = xml(send("GET", "/bucket?delimiter=%2F&max-keys=2&marker=b%2F"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("c"));
  EXPECT_THAT(texts(page, "CommonPrefixes", "Prefix"), ElementsAre("d/"));
  EXPECT_EQ(page.child_text("IsTruncated"), "false");
  page = xml(send("GET", "/bucket?prefix=b%2F&marker=b%2F1"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("b/2"));
}

TEST_F(S3FrontTest, ListingV2PagesGiveEveryKeyOnceWhateverThePageSize) {
  make_bucket();
  std::vector<std::string> keys;
  for (char c = 'a'; c < 'k'; ++c) {
    keys.push_back(std::string("p/") + c);
    put("p%2F" + std::string(1, c));
  }
  for (int size = 1; size <= 11; ++size) {
    std::vector<std::string> seen;
    std::string token;
    for (int pages = 0; pages <= 11; ++pages) {
      const auto page = xml(
          send("GET", "/bucket?list-type=2&prefix=p%2F&max-keys=" + std::to_string(size) + token));
      for (auto& key : texts(page, "Contents", "Key")) seen.push_back(std::move(key));
      EXPECT_EQ(page.child_text("KeyCount"),
                std::to_string(page.children_named("Contents").size()));
      if (page.child_text("IsTruncated") == "false") break;
      token = "&continuation-token=" +
              percent_encode(page.child_text("NextContinuationToken"), KeepSlash::No);
    }
    EXPECT_EQ(seen, keys) << "page size " << size;
  }
  const auto after = xml(send("GET", "/bucket?list-type=2&start-after=p%2Fh"));
  EXPECT_THAT(texts(after, "Contents", "Key"), ElementsAre("p/i", "p/j"));
}

TEST_F(S3FrontTest, ListingsEncodeKeysWhenAskedAndCheckTheirParameters) {
  make_bucket();
  put("a%20b%2B%C3%A9%2Fc%01");
  const auto page = xml(send("GET", "/bucket?list-type=2&encoding-type=url&prefix=a%20"));
  EXPECT_THAT(texts(page, "Contents", "Key"), ElementsAre("a%20b%2B%C3%A9/c%01"));
  EXPECT_EQ(page.child_text("Prefix"), "a%20");
  EXPECT_EQ(page.child_text("EncodingType"), "url");
  const auto none = xml(send("GET", "/bucket?list-type=2&max-keys=0"));
  EXPECT_EQ(none.child_text("IsTruncated"), "false");
  EXPECT_TRUE(none.children_named("Contents").empty());
  for (const auto* query : {"max-keys=x", "max-keys=-1", "max-keys=99999999999",
                            "encoding-type=utf", "continuation-token=%21"}) {
    const auto response = send("GET", "/bucket?list-type=2&" + std::string(query));
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(error_code(response), "InvalidArgument") << query;
  }
  EXPECT_EQ(xml(send("GET", "/bucket?max-keys=5000")).child_text("MaxKeys"), "1000");
}

TEST_F(S3FrontTest, DeleteObjectsAnswersForEachKeyUnlessQuiet) {
  make_bucket();
  put("a");
  put("b");
  const auto told = xml(send("POST", "/bucket?delete",
                             "<Delete><Object><Key>a</Key></Object>"
                             "<Object><Key>never-was</Key></Object></Delete>"));
  EXPECT_EQ(told.name, "DeleteResult");
  EXPECT_THAT(texts(told, "Deleted", "Key"), ElementsAre("a", "never-was"));
  EXPECT_EQ(send("GET", "/bucket/a").status, 404);
  const auto quiet = xml(send("POST", "/bucket?delete",
                              "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>"));
  EXPECT_TRUE(quiet.children.empty());
  EXPECT_EQ(send("GET", "/bucket/b").status, 404);
}

TEST_F(S3FrontTest, DeleteObjectsTakesOneToAThousandKeys) {
  make_bucket();
  put("k0");
  const auto document = [](int count) {
    std::string out = "<Delete>";
    for (int i = 0; i < count; ++i) out += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
    return out + "</Delete>";
  };
  for (const auto& body : {document(0), document(1001), std::string("<Delete>"), std::string()}) {
    EXPECT_EQ(error_code(send("POST", "/bucket?delete", body)), "MalformedXML");
  }
  EXPECT_EQ(send("GET", "/bucket/k0").status, 200);
  EXPECT_EQ(send("POST", "/bucket?delete", document(1000)).status, 200);
  EXPECT_EQ(send("GET", "/bucket/k0").status, 404);
}

TEST_F(S3FrontTest, CopiesTakeMetadataAlongOrReplaceIt) {
  make_bucket();
  put("from%20here", "hello", {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}});
  const auto copied = send("PUT", "/bucket/to", "", {{"x-amz-copy-source", "/bucket/from%20here"}});
  EXPECT_EQ(copied.status, 200);
  EXPECT_EQ(xml(copied).child_text("ETag"), '"' + hex_encode(crypto::md5("hello")) + '"');
  const auto to = send("GET", "/bucket/to");
  EXPECT_EQ(to.body, "hello");
  EXPECT_EQ(to.headers.get("content-type"), "text/plain");
  EXPECT_EQ(to.headers.get("x-amz-meta-a"), "1");

  const Fields replace{{"x-amz-copy-source", "bucket/to"},
                       {"x-amz-metadata-directive", "REPLACE"},
                       {"x-amz-meta-b", "2"}};
  EXPECT_EQ(send("PUT", "/bucket/to", "", replace).status, 200) << "onto itself, changing it";
  const auto replaced = send("GET", "/bucket/to");
  EXPECT_EQ(replaced.body, "hello");
  EXPECT_FALSE(replaced.headers.find("x-amz-meta-a"));
  EXPECT_EQ(replaced.headers.get("x-amz-meta-b"), "2");
  EXPECT_EQ(send("DELETE", "/bucket/from%20here").status, 204);
  EXPECT_EQ(send("GET", "/bucket/to").body, "hello") << "a copy shares nothing with its source";
}

TEST_F(S3FrontTest, CopiesThatCannotBeMadeAreRefused) {
  make_bucket();
  put("k", "hello");
  const auto copy = [&](const Fields& headers) { return send("PUT", "/bucket/to", "", headers); };
  EXPECT_EQ(error_code(copy({{"x-amz-copy-source", "bucket/none"}})), "NoSuchKey");
  EXPECT_EQ(error_code(copy({{"x-amz-copy-source", "none/k"}})), "NoSuchBucket");
  EXPECT_EQ(error_code(copy({{"x-amz-copy-source", "bucket"}})), "InvalidArgument");
  const auto itself = send("PUT", "/bucket/k", "", {{"x-amz-copy-source", "bucket/k"}});
  EXPECT_EQ(error_code(itself), "InvalidRequest");
  const auto condition =
      copy({{"x-amz-copy-source", "bucket/k"}, {"x-amz-copy-source-if-match", "\"other\""}});
  EXPECT_EQ(error_code(condition), "PreconditionFailed");
  EXPECT_EQ(send("GET", "/bucket/to").status, 404);
}

TEST_F(S3FrontTest, MultipartUploadsBecomeOneObject) {
  make_bucket();
  const auto created = xml(send("POST", "/bucket/big?uploads", "", {{"x-amz-meta-a", "1"}}));
  const std::string id(created.child_text("UploadId"));
  ASSERT_FALSE(id.empty());
  const std::string first(s3::kPartBytesMin, 'a');
  const std::string second = "tail";
  std::string document = "<CompleteMultipartUpload>";
  std::string sums;
  for (const auto& [number, bytes] :
       std::vector<std::pair<std::string, std::string>>{{"1", first}, {"2", second}}) {
    const auto part = send("PUT", "/bucket/big?partNumber=" + number + "&uploadId=" + id, bytes);
    ASSERT_EQ(part.status, 200);
    sums += crypto::md5(bytes);
    document += "<Part><PartNumber>" + number + "</PartNumber><ETag>" +
                aws::xml_escape(part.headers.get("etag")) + "</ETag></Part>";
  }
  document += "</CompleteMultipartUpload>";
  const auto listed = xml(send("GET", "/bucket/big?uploadId=" + id));
  EXPECT_THAT(texts(listed, "Part", "PartNumber"), ElementsAre("1", "2"));
  const auto pending = xml(send("GET", "/bucket?uploads"));
  EXPECT_THAT(texts(pending, "Upload", "UploadId"), ElementsAre(id));
  EXPECT_EQ(send("GET", "/bucket/big").status, 404) << "not there before it is complete";

  const auto done = send("POST", "/bucket/big?uploadId=" + id, document);
  EXPECT_EQ(done.status, 200);
  const auto etag = '"' + hex_encode(crypto::md5(sums)) + "-2\"";
  EXPECT_EQ(xml(done).child_text("ETag"), etag);
  auto read = send("GET", "/bucket/big");
  EXPECT_EQ(read.headers.get("etag"), etag);
  EXPECT_EQ(read.headers.get("x-amz-meta-a"), "1");
  EXPECT_EQ(body_of(std::move(read)), first + second);
  const auto across = send("GET", "/bucket/big", "",
                           {{"Range", "bytes=" + std::to_string(first.size() - 2) + "-"}});
  EXPECT_EQ(across.body, "aatail");
  EXPECT_EQ(error_code(send("POST", "/bucket/big?uploadId=" + id, document)), "NoSuchUpload");
}

TEST_F(S3FrontTest, MultipartUploadsRefuseWhatDoesNotFit) {
  make_bucket();
  const std::string id(xml(send("POST", "/bucket/k?uploads")).child_text("UploadId"));
  const std::string at = "&uploadId=" + id;
  const auto complete = [&](std::string_view parts) {
    return error_code(
        send("POST", "/bucket/k?uploadId=" + id,
             "<CompleteMultipartUpload>" + std::string(parts) + "</CompleteMultipartUpload>"));
  };
  const auto part = [](std::string_view number, std::string_view bytes) {
    return "<Part><PartNumber>" + std::string(number) + "</PartNumber><ETag>" +
           hex_encode(crypto::md5(bytes)) + "</ETag></Part>";
  };
  EXPECT_EQ(error_code(send("PUT", "/bucket/k?partNumber=0" + at, "x")), "InvalidArgument");
  EXPECT_EQ(error_code(send("PUT", "/bucket/k?partNumber=10001" + at, "x")), "InvalidArgument");
  EXPECT_EQ(error_code(send("PUT", "/bucket/k?partNumber=1&uploadId=none", "x")), "NoSuchUpload");
  ASSERT_EQ(send("PUT", "/bucket/k?partNumber=1" + at, "one").status, 200);
  const std::string big(s3::kPartBytesMin, 'b');
  ASSERT_EQ(send("PUT", "/bucket/k?partNumber=2" + at, big).status, 200);
  EXPECT_EQ(complete(""), "MalformedXML");
  EXPECT_EQ(complete(part("1", "other")), "InvalidPart");
  EXPECT_EQ(complete(part("3", "one")), "InvalidPart");
  EXPECT_EQ(complete(part("2", big) + part("1", "one")), "InvalidPartOrder");
  EXPECT_EQ(complete(part("1", "one") + part("2", big)), "EntityTooSmall");
  EXPECT_EQ(send("DELETE", "/bucket/k?uploadId=" + id).status, 204);
  EXPECT_EQ(complete(part("1", "one")), "NoSuchUpload");
}

TEST_F(S3FrontTest, SubresourcesThatAreNotServedNeverPassForThePlainCall) {
  make_bucket();
  put("k");
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"DELETE", "/bucket?lifecycle"},
                                                        {"DELETE", "/bucket?cors"},
                                                        {"DELETE", "/bucket?website"},
                                                        {"PUT", "/bucket?acl"},
                                                        {"PUT", "/bucket?object-lock"},
                                                        {"GET", "/bucket?replication"},
                                                        {"DELETE", "/bucket/k?tagging"},
                                                        {"PUT", "/bucket/k?acl"},
                                                        {"PUT", "/bucket/k?retention"},
                                                        {"GET", "/bucket/k?partNumber=1"},
                                                        {"DELETE", "/bucket/k?versionId=abc"}}) {
    const auto response = send(method, target);
    EXPECT_EQ(response.status, 501) << method << ' ' << target;
    EXPECT_EQ(error_code(response), "NotImplemented") << method << ' ' << target;
  }
  EXPECT_EQ(send("GET", "/bucket/k").body, "x");
  EXPECT_EQ(error_code(send("POST", "/bucket/k")), "MethodNotAllowed");
}

TEST_F(S3FrontTest, KeysOfAKeyServiceAreRefusedAndNothingIsStored) {
  make_bucket();
  EXPECT_EQ(send("PUT", "/bucket/k", "x", {{"x-amz-server-side-encryption", "aws:kms"}}).status,
            501);
  EXPECT_EQ(send("GET", "/bucket/k").status, 404);
  put("k", "x", {{"x-amz-server-side-encryption", "AES256"}});
}

TEST_F(S3FrontTest, OthersBucketsAndUnexpectedOwnersAreDenied) {
  make_bucket();
  put("k");
  const Fields expected{{"x-amz-expected-bucket-owner", "999999999999"}};
  EXPECT_EQ(error_code(send("GET", "/bucket/k", "", expected)), "AccessDenied");
  EXPECT_EQ(send("DELETE", "/bucket/k", "", expected).status, 403);
  caller_.principal.account_id = "999999999999";
  caller_.principal.arn = "arn:aws:iam::999999999999:user/other";
  const auto denied = send("GET", "/bucket/k");
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(error_code(denied), "AccessDenied");
  EXPECT_EQ(send("PUT", "/bucket/k", "y").status, 403);
  EXPECT_EQ(error_code(send("PUT", "/bucket")), "BucketAlreadyExists");
  caller_.principal.account_id = kAccount;
  EXPECT_EQ(send("GET", "/bucket/k").body, "x");
}

TEST_F(S3FrontTest, ManagementCallsAreRecordedAllowedOrNot) {
  make_bucket();
  EXPECT_EQ(send("GET", "/bucket?policy").status, 404);
  EXPECT_EQ(send("HEAD", "/bucket").status, 200);
  EXPECT_EQ(send("DELETE", "/missing").status, 404);
  const auto recorded = events();
  EXPECT_THAT(event_names(),
              ElementsAre("CreateBucket", "GetBucketPolicy", "HeadBucket", "DeleteBucket"));
  const auto& created = recorded[0];
  EXPECT_EQ(json::find_string(created, "eventSource"), "s3.amazonaws.com");
  EXPECT_EQ(json::find_string(created, "eventCategory"), "Management");
  EXPECT_EQ(created.at("readOnly"), json::Value(false));
  EXPECT_EQ(json::find_string(created.at("requestParameters").as_object(), "bucketName"), "bucket");
  EXPECT_FALSE(created.contains("errorCode"));
  EXPECT_EQ(json::find_string(recorded[1], "errorCode"), "NoSuchBucketPolicy");
  EXPECT_EQ(recorded[1].at("readOnly"), json::Value(true));
  EXPECT_EQ(json::find_string(recorded[3], "errorCode"), "NoSuchBucket");
}

TEST_F(S3FrontTest, DataEventsAreRecordedWhenASelectorTakesThem) {
  make_bucket();
  put("in/k");
  EXPECT_EQ(send("GET", "/bucket/in/k").status, 200);
  EXPECT_THAT(event_names(), ElementsAre("CreateBucket")) << "no selector, no data events";
  log_data_events({"arn:aws:s3:::bucket/in/"});
  put("in/k", "hello");
  put("out/k");
  EXPECT_EQ(send("GET", "/bucket/in/k").status, 200);
  EXPECT_EQ(send("GET", "/bucket/in/none").status, 404);
  EXPECT_EQ(send("GET", "/bucket/out/none").status, 404);
  EXPECT_EQ(send("DELETE", "/bucket/in/k").status, 204);
  EXPECT_THAT(event_names(),
              ElementsAre("CreateBucket", "PutObject", "GetObject", "GetObject", "DeleteObject"));
  const auto recorded = events();
  const auto& stored = recorded[1];
  EXPECT_EQ(json::find_string(stored, "eventCategory"), "Data");
  EXPECT_EQ(stored.at("managementEvent"), json::Value(false));
  const auto& object = stored.at("resources").as_array().at(0).as_object();
  EXPECT_EQ(json::find_string(object, "type"), "AWS::S3::Object");
  EXPECT_EQ(json::find_string(object, "ARN"), "arn:aws:s3:::bucket/in/k");
  EXPECT_EQ(recorded[2].at("additionalEventData").as_object().at("bytesTransferredOut"),
            json::Value(5));
  EXPECT_EQ(json::find_string(recorded[3], "errorCode"), "NoSuchKey");
}

TEST_F(S3FrontTest, EventsShowNoSignatures) {
  log_data_events({"arn:aws:s3"});
  make_bucket();
  put("k");
  EXPECT_EQ(send("GET", "/bucket/k?X-Amz-Signature=5eC2e7&X-Amz-Credential=AKIA%2Fscope").status,
            200);
  const auto text = json::serialize(events().back());
  EXPECT_THAT(text, HasSubstr("GetObject"));
  EXPECT_EQ(text.find("5eC2e7"), std::string::npos);
}

TEST_F(S3FrontTest, EventsBelongToTheBucketsRegion) {
  ASSERT_EQ(send("PUT", "/bucket",
                 "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
                 "</CreateBucketConfiguration>")
                .status,
            200);
  caller_.region = "aws-global";
  EXPECT_EQ(send("GET", "/bucket?location").status, 200);
  EXPECT_EQ(json::find_string(events().back(), "awsRegion"), "eu-west-1");
  EXPECT_EQ(send("GET", "/").status, 200);
  EXPECT_EQ(json::find_string(events().back(), "awsRegion"), "us-east-1");
}

}  // namespace
}  // namespace traccia::api
