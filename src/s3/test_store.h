// For tests: an S3 with its stores on a simulated machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "os/fake_os.h"
#include "s3/s3.h"

namespace traccia::s3 {

inline constexpr std::string_view kAccount = "111122223333";

// What needs a file of its own.
inline const std::string kManyBytes(kInIndexMax + 1, 'm');

// Files and rows that hold bytes.
inline size_t stored_count(meta::Database& database, blob::BlobStore& blobs) {
  auto count = blobs.list().value().size();
  EXPECT_TRUE(database.read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT count(*) FROM s3_small", {},
                             [&](const meta::Row& row) -> Result<> {
                               count += static_cast<size_t>(row.integer(0));
                               return {};
                             });
  }));
  return count;
}

struct Store {
  static Result<std::unique_ptr<Store>> open(os::FakeOs& fake) {
    auto store = std::make_unique<Store>();
    TRY_ASSIGN(store->database, meta::Database::open(fake.os(), "/d/meta.db",
                                                     {kSchema, kVersionsSchema, kLocksSchema,
                                                      kSmallSchema, kChecksumsSchema, kAclSchema}));
    TRY_ASSIGN(store->blobs, blob::BlobStore::open(fake.os(), "/d/blobs"));
    store->s3.emplace(fake.os(), *store->database, *store->blobs, std::string(32, 's'));
    return store;
  }

  template <typename T>
  Result<T> write(const std::function<Result<T>(meta::Transaction&)>& body) {
    std::optional<T> out;
    TRY(database->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(out, body(transaction));
      return {};
    }));
    return std::move(*out);
  }
  Result<> create(const std::string& bucket) {
    return database->write([&](meta::Transaction& transaction) {
      return s3->create_bucket(transaction, {bucket, std::string(kAccount), "us-east-1", Time()});
    });
  }
  Result<ObjectInfo> put(const std::string& key, const std::string& bytes,
                         PutOptions options = {}) {
    TRY_ASSIGN(const auto blob, s3->store_bytes(bytes));
    return write<ObjectInfo>([&](meta::Transaction& transaction) {
      return s3->put_object(transaction, "bucket", key, hex_encode(crypto::md5(bytes)),
                            bytes.size(), blob, options);
    });
  }
  Result<ObjectInfo> get(const std::string& key) {
    return write<ObjectInfo>(
        [&](meta::Transaction& transaction) { return s3->get_object(transaction, "bucket", key); });
  }
  Result<std::string> read(const std::string& key) {
    TRY_ASSIGN(const auto object, get(key));
    return s3->read_object(object, 0, object.size);
  }
  size_t stored() { return stored_count(*database, *blobs); }
  Result<ListResult> list(const ListOptions& options) {
    return write<ListResult>([&](meta::Transaction& transaction) {
      return s3->list_objects(transaction, "bucket", options);
    });
  }

  Result<Deleted> remove(const std::string& key,
                         std::optional<std::string_view> version = std::nullopt) {
    return write<Deleted>([&](meta::Transaction& transaction) {
      return s3->delete_object(transaction, "bucket", key, version);
    });
  }
  Result<ObjectInfo> get_version(const std::string& key, std::optional<std::string_view> version) {
    return write<ObjectInfo>([&](meta::Transaction& transaction) {
      return s3->get_version(transaction, "bucket", key, version);
    });
  }
  Result<ListResult> list_versions(const ListOptions& options) {
    return write<ListResult>([&](meta::Transaction& transaction) {
      return s3->list_versions(transaction, "bucket", options);
    });
  }
  Result<> set_versioning(Versioning versioning) {
    return database->write([&](meta::Transaction& transaction) {
      return s3->set_versioning(transaction, "bucket", versioning, MfaDelete::Never);
    });
  }

  std::unique_ptr<meta::Database> database;
  std::unique_ptr<blob::BlobStore> blobs;
  std::optional<S3> s3;
};

class S3Test : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d"));
    store_ = Store::open(fake_).value();
    ASSERT_TRUE(store_->create("bucket"));
  }
  os::FakeOs fake_;
  std::unique_ptr<Store> store_;
};

}  // namespace traccia::s3
