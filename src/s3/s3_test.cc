// Buckets, objects, listing against a simple oracle, multipart uploads, garbage, power loss.
// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "s3/test_store.h"

namespace traccia::s3 {
namespace {

TEST(BucketNames, FollowTheRules) {
  for (const auto* name : {"abc", "my.bucket-1", "1bucket", "a-b", "v10"}) {
    EXPECT_TRUE(check_bucket_name(name)) << name;
  }
  for (const std::string& name :
       {std::string("ab"), std::string(64, 'a'), std::string("Abc"), std::string("a_b"),
        std::string("a..b"), std::string("-ab"), std::string("ab."), std::string("192.168.0.1"),
        std::string("xn--a"), std::string("a-s3alias"), std::string("healthz"),
        std::string("../etc"), std::string("a/b")}) {
    EXPECT_EQ(check_bucket_name(name).error().reason(), "InvalidBucketName") << name;
  }
}

TEST_F(S3Test, BucketsBelongToSomebody) {
  EXPECT_EQ(store_->create("bucket").error().reason(), "BucketAlreadyOwnedByYou");
  const auto other = store_->database->write([&](meta::Transaction& transaction) {
    return store_->s3->create_bucket(transaction, {"bucket", "444455556666", "us-east-1", Time()});
  });
  EXPECT_EQ(other.error().reason(), "BucketAlreadyExists");
  ASSERT_TRUE(store_->put("k", "x"));
  const auto remove = [&] {
    return store_->database->write([&](meta::Transaction& transaction) {
      return store_->s3->delete_bucket(transaction, "bucket");
    });
  };
  EXPECT_EQ(remove().error().reason(), "BucketNotEmpty");
  ASSERT_TRUE(store_->remove("k"));
  EXPECT_TRUE(remove());
  EXPECT_EQ(remove().error().reason(), "NoSuchBucket");
  EXPECT_EQ(store_->put("k", "x").error().reason(), "NoSuchBucket");
}

TEST_F(S3Test, ObjectsComeBackWithTheirProperties) {
  PutOptions options;
  options.headers.content_type = "text/plain";
  options.metadata = {{"signature", "ab\"c"}};
  options.checksums = {{"crc32", "AAAAAA=="}};
  ASSERT_TRUE(store_->put("a/\xc3\xa9 \"", "hello", options));
  const auto object = store_->get("a/\xc3\xa9 \"").value();
  EXPECT_EQ(object.etag, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(object.headers.content_type, "text/plain");
  EXPECT_EQ(object.metadata, options.metadata);
  EXPECT_EQ(object.checksums, options.checksums);
  EXPECT_EQ(store_->s3->read_object(object, 1, 3).value(), "ell");
  EXPECT_EQ(store_->get("nothing").error().reason(), "NoSuchKey");
  EXPECT_EQ(store_->put(std::string(1025, 'k'), "").error().reason(), "KeyTooLongError");
  EXPECT_TRUE(store_->put(std::string(1024, 'k'), ""));
  options.metadata["x"] = std::string(2048, 'x');
  EXPECT_EQ(store_->put("k", "", options).error().reason(), "MetadataTooLarge");
}

TEST_F(S3Test, ConditionsGuardWrites) {
  PutOptions absent;
  absent.if_none_match_any = true;
  const auto first = store_->put("k", "1", absent).value();
  EXPECT_EQ(store_->put("k", "2", absent).error().reason(), "PreconditionFailed");
  PutOptions match;
  match.if_match = first.etag;
  EXPECT_TRUE(store_->put("k", "2", match));
  EXPECT_EQ(store_->put("k", "3", match).error().reason(), "PreconditionFailed");
  EXPECT_EQ(store_->put("other", "3", match).error().reason(), "NoSuchKey");
  EXPECT_EQ(store_->read("k").value(), "2");
}

TEST_F(S3Test, OverwrittenAndOrphanedBytesAreRemoved) {
  for (const auto& bytes : {std::string("few"), kManyBytes}) {
    SCOPED_TRACE(bytes.size());
    ASSERT_TRUE(store_->put("k", bytes + "1"));
    const auto old = store_->get("k").value();
    ASSERT_TRUE(store_->put("k", bytes + "2"));
    ASSERT_TRUE(store_->s3->store_bytes(kManyBytes));  // nobody names this
    EXPECT_EQ(store_->stored(), 3U);
    EXPECT_EQ(store_->s3->read_object(old, 0, old.size).value(), bytes + "1");
    ASSERT_TRUE(store_->s3->collect_garbage());
    EXPECT_EQ(store_->stored(), 2U);
    EXPECT_EQ(store_->s3->read_object(old, 0, 1).error().reason(), "NoSuchKey");
    ASSERT_TRUE(store_->s3->remove_orphans());
    EXPECT_EQ(store_->stored(), 1U);
    EXPECT_EQ(store_->read("k").value(), bytes + "2");
    ASSERT_TRUE(store_->remove("k"));
    ASSERT_TRUE(store_->s3->collect_garbage());
    EXPECT_EQ(store_->stored(), 0U);
  }
}

TEST_F(S3Test, FewBytesLieInTheIndexAndManyInAFile) {
  for (const auto& bytes : {std::string(), std::string("x"), std::string(kInIndexMax, 'y')}) {
    ASSERT_TRUE(store_->put("few", bytes));
    EXPECT_EQ(store_->read("few").value(), bytes);
  }
  EXPECT_EQ(store_->blobs->list()->size(), 0U);
  ASSERT_TRUE(store_->put("many", kManyBytes));
  EXPECT_EQ(store_->read("many").value(), kManyBytes);
  EXPECT_EQ(store_->blobs->list()->size(), 1U);
  // What lies in the index is encrypted as files are.
  EXPECT_TRUE(store_->database->read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT blob FROM s3_small", {},
                             [&](const meta::Row& row) -> Result<> {
                               EXPECT_EQ(row.text(0).find("yyyy"), std::string::npos);
                               return {};
                             });
  }));
}

TEST_F(S3Test, NumbersOfSmallBytesAreNotUsedTwice) {
  const auto first = store_->s3->store_bytes("a").value();
  const auto second = store_->s3->store_bytes("b").value();
  EXPECT_GT(second.id, first.id) << "in the same nanosecond";
  const auto put = [&](const StoredBytes& stored) {
    return store_->write<ObjectInfo>([&](meta::Transaction& transaction) {
      return store_->s3->put_object(transaction, "bucket", "k", "e", 1, stored, {});
    });
  };
  ASSERT_TRUE(put(first));
  EXPECT_EQ(put(first).error().code(), ErrorCode::Unavailable) << "a clock that was put back";
  EXPECT_EQ(store_->read("k").value(), "a");
}

// Pages of the listing, put together, against what a plain set says.
TEST_F(S3Test, ListingAgreesWithASimpleModel) {
  std::mt19937_64 random(7);
  const std::string alphabet = "ab/\xff";
  std::set<std::string> keys;
  for (int i = 0; i < 600; ++i) {
    std::string key;
    for (uint64_t n = random() % 7 + 1; n > 0; --n) key += alphabet[random() % alphabet.size()];
    keys.insert(key);
  }
  for (const auto& key : keys) ASSERT_TRUE(store_->put(key, ""));
  for (int round = 0; round < 200; ++round) {
    ListOptions options;
    const auto& sample = *std::next(keys.begin(), static_cast<long>(random() % keys.size()));
    options.prefix = random() % 3 == 0 ? "" : sample.substr(0, random() % 3);
    options.delimiter = random() % 3 == 0 ? "" : random() % 4 == 0 ? "a/" : "/";
    options.keys_max = random() % 9 + 1;
    std::vector<std::string> expected;  // keys and common prefixes in order
    for (const auto& key : keys) {
      if (!key.starts_with(options.prefix)) continue;
      auto name = key;
      if (!options.delimiter.empty()) {
        const auto at = key.find(options.delimiter, options.prefix.size());
        if (at != key.npos) name = "P" + key.substr(0, at + options.delimiter.size());
      }
      if (expected.empty() || expected.back() != name) expected.push_back(name);
    }
    std::vector<std::string> found;
    while (true) {
      const auto page = store_->list(options).value();
      std::vector<std::pair<std::string, std::string>> merged;
      for (const auto& object : page.objects) merged.emplace_back(object.key, object.key);
      for (const auto& prefix : page.common_prefixes) merged.emplace_back(prefix, "P" + prefix);
      std::ranges::sort(merged);
      ASSERT_LE(merged.size(), options.keys_max);
      for (const auto& [order, name] : merged) found.push_back(name);
      if (!page.truncated) break;
      ASSERT_EQ(page.next, merged.back().first);
      options.after = page.next;
    }
    ASSERT_EQ(found, expected) << "prefix '" << options.prefix << "' delimiter '"
                               << options.delimiter << "' page " << options.keys_max;
  }
}

class UploadTest : public S3Test {
 protected:
  std::string begin() {
    return store_
        ->write<Upload>([&](meta::Transaction& transaction) {
          return store_->s3->create_upload(transaction, "bucket", "big", {});
        })
        ->id;
  }
  Result<Part> part(const std::string& upload, int number, const std::string& bytes) {
    TRY_ASSIGN(const auto blob, store_->s3->store_bytes(bytes));
    return store_->write<Part>([&](meta::Transaction& transaction) {
      return store_->s3->put_part(transaction, "bucket", "big", upload, number,
                                  hex_encode(crypto::md5(bytes)), bytes.size(), blob);
    });
  }
  Result<ObjectInfo> complete(const std::string& upload, const std::vector<CompletedPart>& parts) {
    return store_->write<ObjectInfo>([&](meta::Transaction& transaction) {
      return store_->s3->complete_upload(transaction, "bucket", "big", upload, {parts}, {});
    });
  }
};

TEST_F(UploadTest, PartsBecomeOneObject) {
  const auto upload = begin();
  const std::string large(kPartBytesMin, 'a');
  const auto third = part(upload, 3, "tail").value();
  const auto wrong = part(upload, 1, "replaced").value();
  const auto first = part(upload, 1, large).value();
  EXPECT_EQ(complete(upload, {{1, wrong.etag}, {3, third.etag}}).error().reason(), "InvalidPart");
  EXPECT_EQ(complete(upload, {{3, third.etag}, {1, first.etag}}).error().reason(),
            "InvalidPartOrder");
  const auto object = complete(upload, {{1, first.etag}, {3, third.etag}}).value();
  EXPECT_EQ(object.size, kPartBytesMin + 4);
  const auto sums = hex_decode(first.etag).value() + hex_decode(third.etag).value();
  EXPECT_EQ(object.etag, hex_encode(crypto::md5(sums)) + "-2");
  EXPECT_EQ(store_->s3->read_object(object, kPartBytesMin - 2, 4).value(), "aata");
  EXPECT_EQ(complete(upload, {{1, first.etag}}).error().reason(), "NoSuchUpload");
  ASSERT_TRUE(store_->s3->collect_garbage());
  EXPECT_EQ(store_->stored(), 2U) << "the replaced part is gone";
}

TEST_F(UploadTest, RefusesWhatIsTooSmallOrUnknown) {
  const auto upload = begin();
  const auto first = part(upload, 1, "small").value();
  const auto second = part(upload, 2, "x").value();
  EXPECT_EQ(complete(upload, {{1, first.etag}, {2, second.etag}}).error().reason(),
            "EntityTooSmall");
  EXPECT_EQ(part(upload, 0, "x").error().reason(), "InvalidArgument");
  EXPECT_EQ(part(upload, 10001, "x").error().reason(), "InvalidArgument");
  EXPECT_EQ(part("nope", 1, "x").error().reason(), "NoSuchUpload");
  ASSERT_TRUE(store_->database->write([&](meta::Transaction& transaction) {
    return store_->s3->abort_upload(transaction, "bucket", "big", upload);
  }));
  ASSERT_TRUE(store_->s3->collect_garbage());
  ASSERT_TRUE(store_->s3->remove_orphans());
  EXPECT_EQ(store_->stored(), 0U);
}

// A PUT that was answered is there after power loss, whole; no key ever shows half an object.
TEST(S3Crash, AnsweredPutsSurvivePowerLoss) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    os::FakeOs fake(seed);
    ASSERT_TRUE(fake.files.make_directories("/d"));
    std::map<std::string, std::string> answered;
    std::map<std::string, std::set<std::string>> tried;
    fake.files.lose_power_after(random() % 300);
    if (auto store = Store::open(fake)) {
      (void)(*store)->create("bucket");
      for (int i = 0; i < 60 && !fake.files.power_lost(); ++i) {
        const auto key = fmt::format("k{}", random() % 5);
        const std::string bytes(random() % (random() % 2 == 0 ? 2000 : 2 * kInIndexMax),
                                static_cast<char>('a' + i % 26));
        tried[key].insert(bytes);
        if ((*store)->put(key, bytes)) {
          answered[key] = bytes;
        }
        if (i % 10 == 9) (void)(*store)->s3->collect_garbage();
      }
    }
    fake.files.restart(random());
    const auto store = Store::open(fake).value();
    ASSERT_TRUE(store->s3->remove_orphans());
    ASSERT_TRUE(store->s3->collect_garbage());
    for (const auto& [key, bytes] : answered) {
      const auto found = store->read(key);
      ASSERT_TRUE(found) << "seed " << seed << ": " << found.error().message();
      // The last try may have been committed without an answer.
      ASSERT_TRUE(*found == bytes || tried[key].contains(*found)) << "seed " << seed;
    }
  }
}

// What was loaded with the row is whole, though the object is overwritten and its bytes collected.
TEST_F(S3Test, FewBytesAreReadWithTheirRow) {
  ASSERT_TRUE(store_->put("k", "first"));
  const auto object = store_->get("k").value();
  const auto load = [&](const ObjectInfo& one) {
    return store_->write<StoredBytes>(
        [&](meta::Transaction& transaction) { return store_->s3->load_small(transaction, one); });
  };
  const auto small = load(object).value();
  EXPECT_EQ(small.id, object.parts.front().first);
  ASSERT_TRUE(store_->put("k", "second"));
  ASSERT_TRUE(store_->s3->collect_garbage());
  EXPECT_EQ(store_->s3->read_object(object, 0, object.size).error().reason(), "NoSuchKey");
  EXPECT_EQ(store_->s3->read_object(object, 0, object.size, {}, small).value(), "first");
  EXPECT_EQ(store_->s3->read_object(object, 1, 3, {}, small).value(), "irs");
  EXPECT_EQ(load(object).error().code(), ErrorCode::DataLoss) << "not with a row that is there";

  ASSERT_TRUE(store_->put("many", kManyBytes));
  const auto many = store_->get("many").value();
  EXPECT_TRUE(load(many).value().id.empty()) << "a file";
  EXPECT_EQ(store_->s3->read_object(many, 0, 4, {}, {}).value(), "mmmm");
}

}  // namespace
}  // namespace traccia::s3
