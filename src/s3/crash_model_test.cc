// Random operations against a plain model in memory, while the power fails now and then: what was
// answered is there, what was under way happened whole or not at all, and nothing else changed.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <random>

#include "s3/test_store.h"

namespace traccia::s3 {
namespace {

constexpr std::string_view kKeys[] = {"a", "a/b", "b", "c/d/e"};
constexpr StorageClass kClasses[] = {StorageClass::Standard, StorageClass::StandardIa,
                                     StorageClass::Glacier};

// What users see of a bucket. Of a key the newest version comes first.
struct State {
  struct Version {
    std::string bytes;
    bool marker = false;
    bool null = true;  // its version id is "null"
    StorageClass storage_class = StorageClass::Standard;
    bool operator==(const Version&) const = default;
  };
  Versioning versioning = Versioning::Never;
  std::map<std::string, std::vector<Version>> keys;
  bool operator==(const State&) const = default;

  void add(const std::string& key, Version version) {
    version.null = versioning != Versioning::Enabled;
    auto& versions = keys[key];
    if (version.null) std::erase_if(versions, [](const Version& one) { return one.null; });
    versions.insert(versions.begin(), std::move(version));
  }
  void remove(const std::string& key) {
    if (versioning != Versioning::Never) return add(key, {"", true});
    keys.erase(key);
  }
  void remove_version(const std::string& key, size_t index) {
    auto& versions = keys[key];
    versions.erase(versions.begin() + static_cast<std::ptrdiff_t>(index));
    if (versions.empty()) keys.erase(key);
  }
};

class Machine {
 public:
  explicit Machine(uint64_t seed) : random_(seed), fake_(seed) {
    EXPECT_TRUE(fake_.files.make_directories("/d"));
    store_ = Store::open(fake_).value();
    EXPECT_TRUE(store_->create("bucket"));
  }

  // Until the power is lost; then the machine comes back, and is looked at.
  void live_and_crash() {
    fake_.files.lose_power_after(random_() % 400);
    auto after = before_;
    while (true) {
      fake_.clock.advance(std::chrono::seconds(1));
      const auto done = step(after);
      if (!done) break;
      before_ = after;
    }
    ASSERT_TRUE(fake_.files.power_lost());
    store_.reset();
    fake_.files.restart(random_());
    store_ = Store::open(fake_).value();
    ASSERT_TRUE(store_->s3->remove_orphans());
    ASSERT_TRUE(store_->s3->collect_garbage());
    const auto found = observe();
    ASSERT_TRUE(found == before_ || found == after) << "neither what was nor what should be";
    before_ = found;
    size_t blobs = parts_;
    for (const auto& [key, versions] : found.keys) {
      for (const auto& one : versions) blobs += one.marker ? 0 : 1;
    }
    ASSERT_LE(store_->stored(), blobs) << "bytes of nobody";
  }

 private:
  // Does something; `state` is what it leads to, also where it fails.
  Result<> step(State& state) {
    const std::string key(kKeys[random_() % std::size(kKeys)]);
    switch (random_() % 12) {
      case 0:
        state.versioning = random_() % 2 == 0 ? Versioning::Enabled : Versioning::Suspended;
        return store_->set_versioning(state.versioning);
      case 1:
      case 2:
        state.remove(key);
        return ignore(store_->remove(key));
      case 3:
        return remove_version(state, key);
      case 4:
        return move(state, key);
      case 5:
        return upload(state, key);
      case 6:
        return store_->s3->collect_garbage();
      default:
        return put(state, key);
    }
  }

  template <typename T>
  static Result<> ignore(Result<T> result) {
    if (!result) return std::unexpected(std::move(result).error());
    return {};
  }

  std::string bytes() {
    auto out = fmt::format("content {} ", ++written_);
    if (random_() % 8 == 0) out.resize(100'000, static_cast<char>('a' + random_() % 26));
    return out;
  }

  Result<> put(State& state, const std::string& key) {
    const auto content = bytes();
    Sealing sealing;
    sealing.storage_class = kClasses[random_() % std::size(kClasses)];
    state.add(key, {.bytes = content, .storage_class = sealing.storage_class});
    TRY_ASSIGN(const auto blob, store_->s3->store_bytes(content, sealing));
    PutOptions options;
    options.storage_class = sealing.storage_class;
    return store_->database->write([&](meta::Transaction& transaction) {
      return ignore(
          store_->s3->put_object(transaction, "bucket", key, "e", content.size(), blob, options));
    });
  }

  Result<> remove_version(State& state, const std::string& key) {
    const auto at = state.keys.find(key);
    if (at == state.keys.end()) return {};
    const auto index = random_() % at->second.size();
    TRY_ASSIGN(const auto id, version_id(key, index));
    state.remove_version(key, index);
    return ignore(store_->remove(key, id));
  }

  Result<> move(State& state, const std::string& key) {
    const auto at = state.keys.find(key);
    if (at == state.keys.end()) return {};
    const auto index = random_() % at->second.size();
    auto& version = at->second[index];
    if (version.marker) return {};
    TRY_ASSIGN(const auto id, version_id(key, index));
    const auto to = kClasses[random_() % std::size(kClasses)];
    version.storage_class = to;
    TRY_ASSIGN(const auto there, store_->get_version(key, id));
    TRY_ASSIGN(const auto parts, store_->s3->repack(there, to));
    return store_->database->write([&](meta::Transaction& transaction) {
      return ignore(store_->s3->move(transaction, there, to, parts));
    });
  }

  Result<> upload(State& state, const std::string& key) {
    std::string id;
    TRY(store_->database->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto made, store_->s3->create_upload(transaction, "bucket", key, {}));
      id = made.id;
      return {};
    }));
    const auto content = bytes();
    const auto etag = hex_encode(crypto::md5(content));
    ++parts_;  // of an upload that is never completed the bytes stay
    TRY_ASSIGN(const auto blob, store_->s3->store_bytes(content));
    TRY(store_->database->write([&](meta::Transaction& transaction) {
      return ignore(
          store_->s3->put_part(transaction, "bucket", key, id, 1, etag, content.size(), blob));
    }));
    state.add(key, {.bytes = content});
    return store_->database->write([&](meta::Transaction& transaction) {
      return ignore(store_->s3->complete_upload(transaction, "bucket", key, id, {{{1, etag}}}, {}));
    });
  }

  Result<std::string> version_id(const std::string& key, size_t index) {
    ListOptions options;
    options.prefix = key;
    TRY_ASSIGN(const auto listed, store_->list_versions(options));
    return listed.objects.at(index).version_id;
  }

  State observe() {
    State out;
    EXPECT_TRUE(store_->database->read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto bucket, store_->s3->get_bucket(transaction, "bucket"));
      out.versioning = bucket.versioning;
      return {};
    }));
    const auto listed = store_->list_versions({}).value();
    for (const auto& one : listed.objects) {
      State::Version version{.bytes = {},
                             .marker = one.delete_marker,
                             .null = one.version_id == kNullVersion,
                             .storage_class = one.storage_class};
      if (!one.delete_marker) {
        const auto object = store_->get_version(one.key, one.version_id).value();
        version.bytes = store_->s3->read_object(object, 0, object.size).value();
        EXPECT_EQ(version.bytes.size(), one.size);
      }
      out.keys[one.key].push_back(std::move(version));
    }
    return out;
  }

  std::mt19937_64 random_;
  os::FakeOs fake_;
  std::unique_ptr<Store> store_;
  State before_;
  size_t parts_ = 0;
  int written_ = 0;
};

TEST(S3CrashModel, WhatWasAnsweredIsThereAfterPowerLoss) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Machine machine(seed);
    for (int crash = 0; crash < 4; ++crash) {
      machine.live_and_crash();
      ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << ", crash " << crash;
    }
  }
}

}  // namespace
}  // namespace traccia::s3
