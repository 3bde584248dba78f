// Blobs come back as they were, damage is named, and a crash leaves no half of one.
// SPDX-License-Identifier: Apache-2.0
#include "blob/blob.h"

#include <gtest/gtest.h>

#include "blob/format.h"
#include "blob/packing.h"
#include "os/fake_os.h"

namespace traccia::blob {
namespace {

std::string pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 31 + i / 251);
  return out;
}

const std::string kDataKey(kDataKeyBytes, 'k');

// With a data key and without.
class BlobStoreKinds : public testing::TestWithParam<std::string> {};
std::string name_of(const testing::TestParamInfo<std::string>& kind) {
  return kind.param.empty() ? "Plain" : "Sealed";
}
INSTANTIATE_TEST_SUITE_P(Blob, BlobStoreKinds, testing::Values("", kDataKey), name_of);

TEST_P(BlobStoreKinds, ReadsBackAnySizeAndRange) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  for (const size_t size : {0UL, 1UL, kBlockBytes - 1, kBlockBytes, kBlockBytes + 1, 200'000UL}) {
    const auto id = store->put(pattern(size), GetParam()).value();
    EXPECT_EQ(store->read_all(id, GetParam()).value(), pattern(size));
    EXPECT_TRUE(store->scrub(id));
    const auto reader = store->open_blob(id, GetParam()).value();
    EXPECT_EQ(reader->size(), size);
    std::string piece(1000, '\0');
    for (size_t at = 0; at <= size; at += 997) {
      const auto count = reader->read_at(at, piece).value();
      EXPECT_EQ(piece.substr(0, count), pattern(size).substr(at, 1000));
    }
  }
  EXPECT_EQ(store->list()->size(), 6U);
}

TEST_P(BlobStoreKinds, EveryDamagedByteIsNoticed) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  const auto id = store->put("content", GetParam()).value();
  const auto path = fake.files.paths().front();
  const auto bytes = fake.files.open(path, os::OpenMode::ReadOnly).value()->size().value();
  for (uint64_t i = 0; i < bytes; ++i) {
    fake.files.corrupt(path, i, 0x10);
    const auto read = store->read_all(id, GetParam());
    ASSERT_FALSE(read) << i;
    EXPECT_EQ(read.error().code(), ErrorCode::DataLoss);
    EXPECT_NE(read.error().message().find(path), std::string::npos);
    EXPECT_EQ(store->scrub(id).error().message(), read.error().message());
    fake.files.corrupt(path, i, 0x10);
  }
  EXPECT_EQ(store->read_all(id, GetParam()).value(), "content");
}

TEST(BlobStore, EncryptedContentNeedsItsKeyAndIsOnNoDisk) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  const auto content = pattern(100'000);
  const auto id = store->put(content, kDataKey).value();
  EXPECT_EQ(store->read_all(id).error().code(), ErrorCode::FailedPrecondition);
  EXPECT_EQ(store->read_all(id, std::string(kDataKeyBytes, 'l')).error().code(),
            ErrorCode::DataLoss);
  const auto file = fake.files.open(fake.files.paths().front(), os::OpenMode::ReadOnly).value();
  std::string bytes(file->size().value(), '\0');
  ASSERT_TRUE(file->read_at(0, bytes));
  EXPECT_EQ(bytes.find(content.substr(1000, 16)), bytes.npos);
  // The same content under the same data key gives other bytes: the salt is the blob's own.
  const auto again = store->put(content, kDataKey).value();
  EXPECT_EQ(store->read_all(again, kDataKey).value(), content);
  std::string other(bytes.size(), '\0');
  const auto path = "/blobs/" + again.substr(0, 2) + "/" + again;
  ASSERT_TRUE(fake.files.open(path, os::OpenMode::ReadOnly).value()->read_at(0, other));
  EXPECT_NE(bytes.substr(kHeaderBytes), other.substr(kHeaderBytes));
}

TEST_P(BlobStoreKinds, PackedContentIsTheSameAndSmaller) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  std::string text;
  while (text.size() < 2 * kFrameBytes + 100) text += "an event like the one before, and ";
  const auto id = store->put(text, GetParam(), Packing::Small).value();
  const auto path = fake.files.paths().front();
  const auto bytes = fake.files.open(path, os::OpenMode::ReadOnly).value()->size().value();
  EXPECT_LT(bytes, text.size() / 10);
  EXPECT_EQ(store->read_all(id, GetParam()).value(), text);
  EXPECT_TRUE(store->scrub(id));
  const auto reader = store->open_blob(id, GetParam()).value();
  std::string piece(300, '\0');
  for (const size_t at : {kFrameBytes - 150, 2 * kFrameBytes - 1, text.size() - 10}) {
    const auto count = reader->read_at(at, piece).value();
    EXPECT_EQ(piece.substr(0, count), text.substr(at, 300)) << at;
  }
  for (uint64_t i = 0; i < bytes; i += 7) {
    fake.files.corrupt(path, i, 0x01);
    ASSERT_EQ(store->read_all(id, GetParam()).error().code(), ErrorCode::DataLoss) << i;
    fake.files.corrupt(path, i, 0x01);
  }
}

TEST_P(BlobStoreKinds, WhatDoesNotPackIsStoredAsItIs) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  for (const auto& bytes : {std::string(), std::string("x"), fake.random.bytes(100'000)}) {
    const auto id = store->put(bytes, GetParam(), Packing::Small).value();
    EXPECT_EQ(store->read_all(id, GetParam()).value(), bytes);
  }
}

TEST(BlobStore, RemoveIsIdempotent) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  const auto id = store->put("x").value();
  EXPECT_TRUE(store->remove(id));
  EXPECT_TRUE(store->remove(id));
  EXPECT_EQ(store->read_all(id).error().code(), ErrorCode::NotFound);
  EXPECT_FALSE(store->open_blob("../../etc/passwd"));
}

TEST(BlobStore, APutThatReturnedSurvivesPowerLoss) {
  int parts = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    os::FakeOs fake(seed);
    const auto bytes = pattern(seed % 2 == 0 ? 3000 : 300'000);
    std::vector<BlobId> returned;
    fake.files.lose_power_after(seed % 23);
    if (const auto store = BlobStore::open(fake.os(), "/blobs")) {
      while (auto id = (*store)->put(bytes)) returned.push_back(*id);
    }
    fake.files.restart(seed);
    const auto store = BlobStore::open(fake.os(), "/blobs").value();
    for (const auto& id : returned) ASSERT_EQ(store->read_all(id).value(), bytes) << seed;
    const auto ids = store->list().value();
    for (const auto& id : ids) {
      const auto read = store->read_all(id);
      ASSERT_TRUE(read ? *read == bytes : read.error().code() == ErrorCode::DataLoss) << seed;
      parts += read ? 0 : 1;
    }
  }
  EXPECT_GT(parts, 0) << "or this test shows little";
}

TEST(BlobStore, AFullDiskIsLeftAsItWas) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  const auto kept = store->put(pattern(3000)).value();
  for (const size_t room : std::initializer_list<size_t>{0, 5000, 1 << 20, 2 << 20}) {
    fake.files.set_capacity(fake.files.used_bytes() + room);
    EXPECT_EQ(store->put(pattern(3 << 20)).error().code(), ErrorCode::ResourceExhausted);
    EXPECT_EQ(store->list().value(), std::vector{kept});
  }
}

}  // namespace
}  // namespace traccia::blob
