// Blobs come back as they were, damage is named, and a crash leaves no half of one.
// SPDX-License-Identifier: Apache-2.0
#include "blob/blob.h"

#include <gtest/gtest.h>

#include "blob/format.h"
#include "os/fake_os.h"

namespace traccia::blob {
namespace {

std::string pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 31 + i / 251);
  return out;
}

TEST(BlobStore, ReadsBackAnySizeAndRange) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  for (const size_t size : {0UL, 1UL, kBlockBytes - 1, kBlockBytes, kBlockBytes + 1, 200'000UL}) {
    const auto id = store->put(pattern(size)).value();
    EXPECT_EQ(store->read_all(id).value(), pattern(size));
    const auto reader = store->open_blob(id).value();
    EXPECT_EQ(reader->size(), size);
    std::string piece(1000, '\0');
    for (size_t at = 0; at <= size; at += 997) {
      const auto count = reader->read_at(at, piece).value();
      EXPECT_EQ(piece.substr(0, count), pattern(size).substr(at, 1000));
    }
  }
  EXPECT_EQ(store->list()->size(), 6U);
}

TEST(BlobStore, EveryDamagedByteIsNoticed) {
  os::FakeOs fake;
  const auto store = BlobStore::open(fake.os(), "/blobs").value();
  const auto id = store->put("content").value();
  const auto path = fake.files.paths().front();
  for (uint64_t i = 0; i < file_bytes(7); ++i) {
    fake.files.corrupt(path, i, 0x10);
    const auto read = store->read_all(id);
    ASSERT_FALSE(read) << i;
    EXPECT_EQ(read.error().code(), ErrorCode::DataLoss);
    EXPECT_NE(read.error().message().find(path), std::string::npos);
    fake.files.corrupt(path, i, 0x10);
  }
  EXPECT_EQ(store->read_all(id).value(), "content");
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

TEST(BlobStore, APutThatReturnedSurvivesPowerLossAndNoneIsHalf) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    os::FakeOs fake(seed);
    std::vector<BlobId> returned;
    fake.files.lose_power_after(seed % 23);
    if (const auto store = BlobStore::open(fake.os(), "/blobs")) {
      while (auto id = (*store)->put(pattern(3000))) returned.push_back(*id);
    }
    fake.files.restart(seed);
    const auto store = BlobStore::open(fake.os(), "/blobs").value();
    for (const auto& id : returned) ASSERT_EQ(store->read_all(id).value(), pattern(3000)) << seed;
    const auto ids = store->list().value();
    for (const auto& id : ids) ASSERT_TRUE(store->read_all(id)) << seed;
    ASSERT_EQ(ids.size(), fake.files.paths().size()) << "no temporary files stay";
  }
}

}  // namespace
}  // namespace traccia::blob
