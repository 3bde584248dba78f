// Versions of keys, against a model that is a list for each key; directories made before them.
// SPDX-License-Identifier: Apache-2.0
#include "s3/versions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "s3/test_store.h"

namespace traccia::s3 {
namespace {

using testing::ElementsAre;

std::vector<std::string> listed(const ListResult& result) {
  std::vector<std::string> out;
  for (const auto& one : result.objects) {
    out.push_back(
        fmt::format("{}{}{}", one.key, one.delete_marker ? "-" : "+", one.latest ? "!" : ""));
  }
  return out;
}

TEST(VersionIds, OrderAsTheirVersionsDoAndNameNothingElse) {
  os::FakeOs fake(1);
  std::string before;
  for (const int64_t place :
       {std::numeric_limits<int64_t>::min(), int64_t{-5}, int64_t{0}, int64_t{7}}) {
    const auto id = make_version_id(place, fake.random);
    EXPECT_EQ(id.size(), 32U);
    EXPECT_EQ(place_of(id), place);
    EXPECT_LT(before, id);
    before = id;
  }
  EXPECT_NE(make_version_id(7, fake.random), make_version_id(7, fake.random));
  for (const std::string& wrong : {std::string("null"), std::string(), std::string(32, 'g'),
                                   std::string(31, 'a'), std::string(32, 'A')}) {
    EXPECT_FALSE(place_of(wrong)) << wrong;
  }
}

TEST_F(S3Test, ADeleteMarkerHidesAKeyUntilItIsRemoved) {
  ASSERT_TRUE(store_->put("k", "before"));
  ASSERT_TRUE(store_->set_versioning(Versioning::Enabled));
  const auto first = store_->put("k", "one").value();
  const auto marker = store_->remove("k").value();
  EXPECT_TRUE(marker.delete_marker);
  EXPECT_EQ(store_->get("k").error().reason(), "NoSuchKey");
  EXPECT_TRUE(store_->list({})->objects.empty());
  EXPECT_TRUE(store_->get_version("k", std::nullopt)->delete_marker);
  EXPECT_THAT(listed(store_->list_versions({}).value()), ElementsAre("k-!", "k+", "k+"));
  EXPECT_EQ(store_->get_version("k", kNullVersion)->size, 6U);
  const auto again = store_->remove("k", marker.version_id).value();
  EXPECT_TRUE(again.delete_marker);
  EXPECT_EQ(again.version_id, marker.version_id);
  EXPECT_EQ(store_->get("k")->version_id, first.version_id);
  EXPECT_EQ(store_->remove("k", marker.version_id)->version_id, "") << "nothing is there";
  EXPECT_EQ(store_->get_version("k", marker.version_id).error().reason(), "NoSuchVersion");
  EXPECT_EQ(store_->get_version("k", "nonsense").error().reason(), "InvalidArgument");
  const auto remove_bucket = [&] {
    return store_->database->write([&](meta::Transaction& transaction) {
      return store_->s3->delete_bucket(transaction, "bucket");
    });
  };
  ASSERT_TRUE(store_->remove("k", first.version_id));
  ASSERT_TRUE(store_->remove("k"));
  ASSERT_TRUE(store_->remove("k", kNullVersion));
  EXPECT_EQ(remove_bucket().error().reason(), "BucketNotEmpty") << "a marker is left";
  ASSERT_TRUE(store_->remove("k", store_->list_versions({})->objects.front().version_id));
  EXPECT_TRUE(remove_bucket());
}

TEST_F(S3Test, SuspendedVersioningReplacesTheNullVersionOnly) {
  ASSERT_TRUE(store_->put("k", "before"));
  ASSERT_TRUE(store_->set_versioning(Versioning::Enabled));
  const auto kept = store_->put("k", "kept").value();
  ASSERT_TRUE(store_->set_versioning(Versioning::Suspended));
  EXPECT_EQ(store_->put("k", "null one")->version_id, "null");
  EXPECT_EQ(store_->put("k", "null two")->version_id, "null");
  EXPECT_EQ(store_->read("k").value(), "null two");
  EXPECT_THAT(listed(store_->list_versions({}).value()), ElementsAre("k+!", "k+"));
  const auto marker = store_->remove("k").value();
  EXPECT_EQ(marker.version_id, "null");
  EXPECT_THAT(listed(store_->list_versions({}).value()), ElementsAre("k-!", "k+"));
  ASSERT_TRUE(store_->s3->collect_garbage());
  EXPECT_EQ(store_->stored(), 1U);
  ASSERT_TRUE(store_->remove("k", kNullVersion));
  EXPECT_EQ(store_->get("k")->version_id, kept.version_id);
}

TEST_F(S3Test, NewVersionsAreNewerThoughTheClockGoesBack) {
  ASSERT_TRUE(store_->set_versioning(Versioning::Enabled));
  fake_.clock.advance(std::chrono::hours(2));
  const auto first = store_->put("k", "one").value();
  fake_.clock.advance(-std::chrono::hours(1));
  const auto second = store_->put("k", "two").value();
  EXPECT_LT(second.place, first.place);
  EXPECT_EQ(store_->read("k").value(), "two");
}

TEST_F(S3Test, ACompletedUploadIsAVersion) {
  ASSERT_TRUE(store_->set_versioning(Versioning::Enabled));
  ASSERT_TRUE(store_->put("k", "one"));
  const auto blob = store_->s3->store_bytes("two").value();
  const auto object =
      store_
          ->write<ObjectInfo>([&](meta::Transaction& transaction) -> Result<ObjectInfo> {
            auto& s3 = *store_->s3;
            TRY_ASSIGN(const auto upload, s3.create_upload(transaction, "bucket", "k", {}));
            TRY_ASSIGN(const auto part, s3.put_part(transaction, "bucket", "k", upload.id, 1,
                                                    hex_encode(crypto::md5("two")), 3, blob));
            return s3.complete_upload(transaction, "bucket", "k", upload.id, {{{1, part.etag}}},
                                      {});
          })
          .value();
  EXPECT_NE(object.version_id, "null");
  EXPECT_EQ(store_->get("k")->version_id, object.version_id);
  EXPECT_THAT(listed(store_->list_versions({}).value()), ElementsAre("k+!", "k+"));
}

// A bucket as a list of versions for each key, newest first.
struct Model {
  struct Version {
    std::string id, bytes;
    bool marker = false;
  };
  Versioning versioning = Versioning::Never;
  std::map<std::string, std::vector<Version>> keys;

  void add(const std::string& key, Version version) {
    auto& versions = keys[key];
    if (version.id == kNullVersion) {
      std::erase_if(versions, [](const Version& one) { return one.id == kNullVersion; });
    }
    versions.insert(versions.begin(), std::move(version));
  }
  void remove(const std::string& key, std::string_view id) {
    auto& versions = keys[key];
    std::erase_if(versions, [&](const Version& one) { return one.id == id; });
    if (versions.empty()) keys.erase(key);
  }
};

class Players {
 public:
  explicit Players(uint64_t seed) : random_(seed), fake_(seed) {
    RC_ASSERT(fake_.files.make_directories("/d"));
    store_ = Store::open(fake_).value();
    RC_ASSERT(store_->create("bucket"));
  }

  void step() {
    fake_.clock.advance(std::chrono::seconds(static_cast<int64_t>(random_() % 5) - 1));
    const auto key = any_key();
    switch (random_() % 10) {
      case 0:
        model_.versioning = random_() % 2 == 0 ? Versioning::Enabled : Versioning::Suspended;
        RC_ASSERT(store_->set_versioning(model_.versioning));
        break;
      case 1:
      case 2:
        remove_key(key);
        break;
      case 3:
      case 4:
        remove_some_version(key);
        break;
      default:
        put(key);
    }
  }

  void check() {
    check_current();
    check_versions();
  }
  void check_bytes() {
    RC_ASSERT(store_->s3->collect_garbage());
    size_t count = 0;
    for (const auto& [key, versions] : model_.keys) {
      for (const auto& version : versions) {
        if (version.marker) continue;
        ++count;
        const auto object = store_->get_version(key, version.id).value();
        RC_ASSERT(store_->s3->read_object(object, 0, object.size).value() == version.bytes);
      }
    }
    RC_ASSERT(store_->stored() == count);
    RC_ASSERT(store_->s3->remove_orphans());
    RC_ASSERT(store_->stored() == count);
  }

 private:
  std::string any_key() {
    constexpr std::string_view kKeys[] = {"a", "a/", "a/b", "a/c", "b", "b/a/c"};
    return std::string(kKeys[random_() % std::size(kKeys)]);
  }
  void put(const std::string& key) {
    const auto bytes = fmt::format("bytes {}{}", ++written_, random_() % 4 == 0 ? kManyBytes : "");
    const auto made = store_->put(key, bytes).value();
    RC_ASSERT((made.version_id == kNullVersion) == (model_.versioning != Versioning::Enabled));
    model_.add(key, {made.version_id, bytes, false});
  }
  void remove_key(const std::string& key) {
    const auto done = store_->remove(key).value();
    if (model_.versioning == Versioning::Never) {
      model_.remove(key, kNullVersion);
      RC_ASSERT(done.version_id.empty() && !done.delete_marker);
      return;
    }
    RC_ASSERT(done.delete_marker);
    model_.add(key, {done.version_id, "", true});
  }
  void remove_some_version(const std::string& key) {
    const auto at = model_.keys.find(key);
    if (at == model_.keys.end()) return;
    const auto version = at->second[random_() % at->second.size()];
    const auto done = store_->remove(key, version.id).value();
    RC_ASSERT(done.delete_marker == version.marker);
    if (model_.versioning != Versioning::Never) RC_ASSERT(done.version_id == version.id);
    model_.remove(key, version.id);
  }

  void check_current() {
    std::vector<std::string> expected, found;
    for (const auto& [key, versions] : model_.keys) {
      if (versions.front().marker) {
        RC_ASSERT(store_->get(key).error().reason() == "NoSuchKey");
        continue;
      }
      expected.push_back(key + versions.front().id);
      RC_ASSERT(store_->read(key).value() == versions.front().bytes);
    }
    const auto current = store_->list({}).value();
    for (const auto& object : current.objects) found.push_back(object.key + object.version_id);
    RC_ASSERT(found == expected);
  }

  // Every version once, whatever prefix, delimiter and size of pages.
  void check_versions() {
    ListOptions options;
    constexpr std::string_view kPrefixes[] = {"", "", "a", "a/", "b"};
    options.prefix = kPrefixes[random_() % std::size(kPrefixes)];
    options.delimiter = random_() % 2 == 0 ? "" : "/";
    options.keys_max = random_() % 4 + 1;
    std::vector<std::string> expected;
    for (const auto& [key, versions] : model_.keys) {
      if (!key.starts_with(options.prefix)) continue;
      const auto slash =
          options.delimiter.empty() ? key.npos : key.find('/', options.prefix.size());
      if (slash != key.npos) {
        const auto common = key.substr(0, slash + 1);
        if (expected.empty() || expected.back() != common) expected.push_back(common);
        continue;
      }
      for (size_t i = 0; i < versions.size(); ++i) {
        expected.push_back(
            fmt::format("{} {} {} {}", key, versions[i].id, versions[i].marker, i == 0));
      }
    }
    std::vector<std::string> found;
    for (bool more = true; more;) {
      const auto page = store_->list_versions(options).value();
      RC_ASSERT(page.objects.size() + page.common_prefixes.size() <= options.keys_max);
      std::multimap<std::string, std::string> merged;
      for (const auto& one : page.objects) {
        merged.emplace(one.key, fmt::format("{} {} {} {}", one.key, one.version_id,
                                            one.delete_marker, one.latest));
      }
      for (const auto& prefix : page.common_prefixes) merged.emplace(prefix, prefix);
      for (const auto& [key, text] : merged) found.push_back(text);
      more = page.truncated;
      options.after = page.next;
      options.after_version = page.next_version;
    }
    RC_ASSERT(found == expected);
  }

  std::mt19937_64 random_;
  os::FakeOs fake_;
  std::unique_ptr<Store> store_;
  Model model_;
  int written_ = 0;
};

RC_GTEST_PROP(VersionsModel, BucketsDoAsListsOfVersionsDo, (uint64_t seed)) {
  Players players(seed);
  for (int i = 0; i < 40; ++i) {
    players.step();
    players.check();
  }
  players.check_bytes();
}

TEST(VersionsSchema, DirectoriesMadeBeforeKeepTheirObjectsAndVersioning) {
  os::FakeOs fake(1);
  ASSERT_TRUE(fake.files.make_directories("/d"));
  {
    const auto old = meta::Database::open(fake.os(), "/d/meta.db", {kSchema}).value();
    ASSERT_TRUE(old->write([](meta::Transaction& transaction) -> Result<> {
      for (const auto* sql : {"INSERT INTO s3_buckets VALUES ('bucket', '111122223333', 'r', 1)",
                              "INSERT INTO s3_buckets VALUES ('second', '111122223333', 'r', 1)",
                              "INSERT INTO s3_documents VALUES ('bucket', 1, "
                              "'<V><Status>Enabled</Status></V>'), ('bucket', 3, '<Tagging/>')",
                              "INSERT INTO s3_objects VALUES ('bucket', CAST('k' AS BLOB), 0, 'e', "
                              "5, '111122223333', '{}', '')"}) {
        TRY(transaction.execute(sql));
      }
      return {};
    }));
  }
  const auto store = Store::open(fake).value();
  EXPECT_EQ(store->get("k")->version_id, "null");
  EXPECT_NE(store->put("k", "new")->version_id, "null");
  EXPECT_THAT(listed(store->list_versions({}).value()), ElementsAre("k+!", "k+"));
  ASSERT_TRUE(store->database->read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto bucket, store->s3->get_bucket(transaction, "bucket"));
    TRY_ASSIGN(const auto second, store->s3->get_bucket(transaction, "second"));
    EXPECT_EQ(bucket.versioning, Versioning::Enabled);
    EXPECT_EQ(second.versioning, Versioning::Never);
    TRY_ASSIGN(const auto tags, store->s3->get_document(transaction, "bucket", Document::Tagging));
    EXPECT_EQ(tags, "<Tagging/>");
    return {};
  }));
}

}  // namespace
}  // namespace traccia::s3
