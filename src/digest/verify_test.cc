// Every kind of tampering is found and located; sound chains are valid.
// SPDX-License-Identifier: Apache-2.0
#include "digest/verify.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "digest/format.h"
#include "json/json.h"
#include "os/fake_os.h"

namespace traccia::digest {
namespace {

constexpr std::string_view kBucket = "bucket";
constexpr std::string_view kAccount = "111122223333";
constexpr std::string_view kRegion = "us-east-1";
const Time kStart = from_unix_seconds(1'790'000'000);
constexpr std::chrono::hours kHour{1};

using Objects = std::map<std::string, FetchedObject>;

class MapReader : public BucketReader {
 public:
  explicit MapReader(const Objects& objects) : objects_(objects) {}
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    std::vector<std::string> keys;
    for (const auto& [key, object] : objects_) {
      if (key.starts_with(prefix)) keys.push_back(key);
    }
    return keys;
  }
  Result<FetchedObject> get(const std::string& key) override {
    const auto at = objects_.find(key);
    if (at == objects_.end()) return fail(ErrorCode::NotFound, "NoSuchKey", key);
    return at->second;
  }

 private:
  const Objects& objects_;
};

const crypto::RsaPrivateKey& signing_key() {
  static const auto key = crypto::RsaPrivateKey::generate(2048);
  return key;
}

std::string log_key(int hour, int number) {
  const auto minute = kStart + hour * kHour + std::chrono::minutes(10 + number);
  return fmt::format(
      "AWSLogs/{0}/CloudTrail/{1}/{2}/{0}_CloudTrail_{1}_{3}_AAAABBBBCCCC{4:04}"
      ".json.gz",
      kAccount, kRegion, format_date_path(minute), format_basic_minutes(minute), number);
}

// A chain of six digests: a starting one, then each hour one with two log files.
class VerifyTest : public testing::Test {
 protected:
  void SetUp() override {
    std::optional<Previous> previous;
    for (int hour = 0; hour < 6; ++hour) {
      DigestFile digest;
      digest.account = kAccount;
      digest.start_time = format_iso_seconds(kStart + (hour - 1) * kHour);
      digest.end_time = format_iso_seconds(kStart + hour * kHour);
      digest.bucket = kBucket;
      digest.key = key_of(hour);
      digest.fingerprint = fingerprint(signing_key().public_pkcs1_der());
      digest.previous = previous;
      for (int number = 0; hour > 0 && number < 2; ++number) {
        const auto body = fmt::format(R"({{"Records":[{{"n":{}}}]}})", hour * 10 + number);
        const auto key = log_key(hour - 1, number);
        objects_[key].bytes = compress::gzip(body);
        digest.log_files.push_back({std::string(kBucket), key, crypto::sha256_hex(body),
                                    digest.end_time, digest.end_time});
      }
      const auto json = render_digest(digest);
      const auto hash = crypto::sha256_hex(json);
      const auto signature = hex_encode(signing_key().sign_sha256(string_to_sign(digest, hash)));
      objects_[digest.key] = {compress::gzip(json), {{"signature", signature}}};
      previous = Previous{std::string(kBucket), digest.key, hash, signature};
    }
  }

  static std::string key_of(int hour) {
    return digest_key({"", std::string(kAccount), std::string(kRegion), "my_trail",
                       std::string(kRegion), kStart + hour * kHour, false});
  }

  VerifyReport run(VerifyOptions options = {}) {
    options.bucket = kBucket;
    const auto report = verify(
        options,
        [&](const std::string&) -> Result<std::unique_ptr<BucketReader>> {
          return std::make_unique<MapReader>(objects_);
        },
        [&](const std::string&, Time, Time) -> Result<std::map<std::string, std::string>> {
          return keys_;
        });
    EXPECT_TRUE(report) << report.error().message();
    return *report;
  }

  // "KEY: PROBLEM" of everything that is not valid.
  std::vector<std::string> problems(VerifyOptions options = {}) {
    std::vector<std::string> out;
    const auto report = run(options);
    for (const auto& chain : report.chains) {
      for (const auto& file : chain.files) {
        if (!file.problem.empty()) out.push_back(file.key + ": " + file.problem);
      }
    }
    for (const auto& file : report.unlisted) out.push_back(file.key + ": " + file.problem);
    EXPECT_EQ(out.empty(), report.all_valid());
    return out;
  }

  void replace_digest(int hour, const std::function<void(DigestFile&)>& change, bool sign) {
    auto& object = objects_[key_of(hour)];
    auto digest = read_digest(object.bytes).value();
    change(digest);
    const auto json = render_digest(digest);
    object.bytes = compress::gzip(json);
    if (!sign) return;
    object.metadata["signature"] =
        hex_encode(signing_key().sign_sha256(string_to_sign(digest, crypto::sha256_hex(json))));
  }

  using Strings = std::vector<std::string>;
  Objects objects_;
  std::map<std::string, std::string> keys_{
      {fingerprint(signing_key().public_pkcs1_der()), signing_key().public_pkcs1_der()}};
};

TEST_F(VerifyTest, ASoundChainIsValid) {
  const auto report = run();
  EXPECT_TRUE(report.all_valid());
  EXPECT_EQ(report.count(FileKind::Digest, true), 6U);
  EXPECT_EQ(report.count(FileKind::Log, true), 10U);
  ASSERT_EQ(report.chains.size(), 1U);
  EXPECT_EQ(report.chains[0].trail_name, "my_trail");
  EXPECT_NE(render_text(report, Detail::ProblemsOnly)
                .find("6/6 digest files valid\n"
                      "10/10 log files valid\nVALID"),
            std::string::npos);
  EXPECT_TRUE(json::parse(render_json(report))->at("valid").as_bool());
}

TEST_F(VerifyTest, LogFilesEditedDeletedExtendedOrBroken) {
  objects_[log_key(0, 0)].bytes = compress::gzip("{}");
  objects_.erase(log_key(1, 0));
  objects_[log_key(2, 0)].bytes += "x";
  objects_[log_key(3, 0)].bytes = "not gzip at all, but long enough";
  EXPECT_EQ(problems(),
            (Strings{log_key(3, 0) + ": invalid format",
                     log_key(2, 0) + ": unexpected data after end of compressed stream",
                     log_key(1, 0) + ": not found", log_key(0, 0) + ": hash value doesn't match"}));
}

TEST_F(VerifyTest, ADeletedDigestAndItsDeletedNeighbour) {
  objects_.erase(key_of(3));
  EXPECT_EQ(problems().front(), key_of(3) + ": not found");
  objects_.erase(key_of(2));
  const auto found = problems();
  ASSERT_GE(found.size(), 2U);
  EXPECT_EQ(found[0], key_of(3) + ": not found");
  EXPECT_EQ(found[1], key_of(2) + ": not found");
}

TEST_F(VerifyTest, ADigestChangedWithoutTheKeyFailsItsSignature) {
  replace_digest(3, [](DigestFile& digest) { digest.log_files.pop_back(); }, false);
  EXPECT_EQ(problems().front(), key_of(3) + ": signature verification failed");
}

TEST_F(VerifyTest, ADigestSignedAgainIsFoundByItsSuccessor) {
  replace_digest(3, [](DigestFile& digest) { digest.log_files.pop_back(); }, true);
  EXPECT_EQ(problems().front(), key_of(3) + ": hash value doesn't match");
}

TEST_F(VerifyTest, MovedMissingMetadataUnknownKeyAndBrokenDigests) {
  objects_[key_of(5)].metadata.clear();
  EXPECT_EQ(problems(), Strings{key_of(5) + ": signature verification failed"});
  objects_[key_of(5)] = objects_[key_of(4)];
  EXPECT_EQ(problems(), Strings{key_of(5) + ": has been moved from its original location"});
  objects_[key_of(5)].bytes = compress::gzip("[]");
  EXPECT_EQ(problems(), Strings{key_of(5) + ": invalid format"});
  objects_.erase(key_of(5));
  keys_.clear();
  EXPECT_NE(problems()[0].find("public key not found in region us-east-1 for fingerprint"),
            std::string::npos);
}

TEST_F(VerifyTest, AnInsertedLogFileIsNotListed) {
  objects_[log_key(1, 7)].bytes = compress::gzip("{}");
  EXPECT_EQ(problems(), Strings{log_key(1, 7) + ": not listed in any digest"});
}

// Its key says only the minute, and the digest that lists it may be the next one.
TEST_F(VerifyTest, ALogFileOfTheMinuteInWhichTheNewestDigestBeganMayBeListedLater) {
  objects_[log_key(3, 50)].bytes = compress::gzip("{}");
  replace_digest(
      5,
      [](DigestFile& digest) {
        digest.start_time = format_iso_seconds(kStart + 4 * kHour + std::chrono::seconds(30));
      },
      true);
  EXPECT_EQ(problems(), Strings{});
}

TEST_F(VerifyTest, ARestartIsAGapNotAFailure) {
  objects_.erase(key_of(0));
  replace_digest(1, [](DigestFile& digest) { digest.previous.reset(); }, true);
  replace_digest(
      2,
      [&](DigestFile& digest) {
        digest.previous.reset();
        digest.start_time = format_iso_seconds(kStart + std::chrono::minutes(90));
      },
      true);
  for (int hour = 3; hour < 6; ++hour) objects_.erase(key_of(hour));
  for (int hour = 2; hour < 5; ++hour) {
    for (int number = 0; number < 2; ++number) objects_.erase(log_key(hour, number));
  }
  const auto report = run();
  EXPECT_TRUE(report.all_valid()) << render_text(report, Detail::EveryFile);
  ASSERT_EQ(report.chains[0].gaps.size(), 1U);
}

TEST_F(VerifyTest, FiltersByTimeAndTrail) {
  VerifyOptions options;
  options.start = kStart + 3 * kHour;
  EXPECT_EQ(run(options).count(FileKind::Digest, true), 3U);
  options.trail_name = "other";
  EXPECT_TRUE(run(options).chains.empty());
  EXPECT_EQ(render_text(run(options), Detail::EveryFile), "No digests found\n");
}

TEST_F(VerifyTest, ACopyWithoutMetadataUsesTheSuccessorsSignatures) {
  os::FakeOs fake;
  for (const auto& [key, object] : objects_) {
    ASSERT_TRUE(fake.files.make_directories("/copy/" + os::parent_directory(key)));
    ASSERT_TRUE(os::write_file_atomically(fake.files, "/copy/" + key, object.bytes));
  }
  const auto open = [&](const std::string&) -> Result<std::unique_ptr<BucketReader>> {
    return std::make_unique<LocalBucket>(fake.files, "/copy");
  };
  VerifyOptions options;
  options.bucket = kBucket;
  options.without_metadata = true;
  const FindKeys keys = [&](const std::string&, Time,
                            Time) -> Result<std::map<std::string, std::string>> { return keys_; };
  auto report = verify(options, open, keys).value();
  EXPECT_EQ(report.count(FileKind::Digest, true), 5U);
  EXPECT_EQ(report.chains[0].files[0].problem,
            "the copy holds no signature of it (no metadata, no successor)");
  ASSERT_TRUE(os::write_file_atomically(
      fake.files, "/copy/" + key_of(5) + ".metadata.json",
      json::serialize(json::Object{{"signature", objects_[key_of(5)].metadata["signature"]}})));
  report = verify(options, open, keys).value();
  EXPECT_TRUE(report.all_valid()) << render_text(report, Detail::EveryFile);
  LocalBucket copy(fake.files, "/copy");
  EXPECT_EQ(copy.get("../etc/passwd").error().reason(), "NoSuchKey");
}

TEST(DigestFormat, NamesGoBothWays) {
  const DigestKeyParts parts{"a/b",       "111122223333", "eu-south-1", "x_y_z",
                             "us-east-1", kStart,         false};
  const auto back = parse_digest_key(digest_key(parts)).value();
  EXPECT_EQ(back.prefix, parts.prefix);
  EXPECT_EQ(back.trail_name, parts.trail_name);
  EXPECT_EQ(back.home_region, parts.home_region);
  EXPECT_EQ(back.end_time, parts.end_time);
  for (const auto* key :
       {"", "AWSLogs/", "AWSLogs/1/CloudTrail-Digest/r/2026/01/01/x.json.gz", "x/AWSLogs/1/2/3"}) {
    EXPECT_FALSE(parse_digest_key(key)) << key;
    EXPECT_FALSE(parse_log_key(key)) << key;
  }
}

TEST(DigestFormat, RefusesWhatIsNotADigest) {
  for (const auto* text : {"", "[]", "{}", R"({"digestStartTime":1})"}) {
    EXPECT_EQ(parse_digest(text).error().reason(), "InvalidFormat") << text;
  }
}

}  // namespace
}  // namespace traccia::digest
