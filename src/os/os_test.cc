// The two file systems behave alike, and the fake one loses what was not synced.
// SPDX-License-Identifier: Apache-2.0
#include "os/os.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "os/fake_os.h"
#include "os/real_os.h"

namespace traccia::os {
namespace {

// What both implementations must do alike.
void check_files(FileSystem& files, const std::string& root) {
  ASSERT_TRUE(files.make_directories(root + "/a/b"));
  ASSERT_TRUE(files.make_directories(root + "/a/b")) << "again";
  const auto path = root + "/a/b/file";
  EXPECT_EQ(files.open(path, OpenMode::ReadOnly).error().code(), ErrorCode::NotFound);
  {
    const auto file = files.open(path, OpenMode::CreateNew).value();
    ASSERT_TRUE(file->write_at(3, "xyz"));
    ASSERT_TRUE(file->sync_data());
    EXPECT_EQ(file->size().value(), 6U);
    std::string out(10, '-');
    file->read_ahead(0, 100);
    EXPECT_EQ(file->read_at(0, out).value(), 6U);
    EXPECT_EQ(out, std::string("\0\0\0xyz----", 10));
    EXPECT_EQ(file->read_at(100, out).value(), 0U);
    ASSERT_TRUE(file->truncate(4));
    ASSERT_TRUE(file->allocate(8));
    EXPECT_EQ(file->size().value(), 8U);
  }
  EXPECT_EQ(files.open(path, OpenMode::CreateNew).error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(files.open(root + "/none/file", OpenMode::CreateNew).error().code(),
            ErrorCode::NotFound);
  ASSERT_TRUE(files.rename(path, root + "/a/moved"));
  EXPECT_FALSE(files.exists(path).value());
  const auto entries = files.list(root + "/a").value();
  std::set<std::string> names;
  for (const auto& entry : entries) names.insert(entry.name + (entry.is_directory ? "/" : ""));
  EXPECT_EQ(names, (std::set<std::string>{"b/", "moved"}));
  ASSERT_TRUE(files.sync_directory(root + "/a"));
  ASSERT_TRUE(write_file_atomically(files, root + "/a/moved", "new"));
  EXPECT_EQ(read_file(files, root + "/a/moved", 3).value(), "new");
  EXPECT_EQ(read_file(files, root + "/a/moved", 2).error().code(), ErrorCode::ResourceExhausted);
  EXPECT_FALSE(files.readable_by_others(root + "/a/moved").value());
  {
    const auto lock = files.lock(root + "/lock");
    ASSERT_TRUE(lock);
    EXPECT_EQ(files.lock(root + "/lock").error().code(), ErrorCode::FailedPrecondition);
  }
  EXPECT_TRUE(files.lock(root + "/lock"));
  ASSERT_TRUE(files.remove(root + "/a/moved"));
  EXPECT_EQ(files.remove(root + "/a/moved").error().code(), ErrorCode::NotFound);
}

// Whole, in whatever pieces it comes and wherever it ends.
void check_paged_writes(FileSystem& files, const std::string& root) {
  ASSERT_TRUE(files.make_directories(root));
  std::string bytes(3 * PagedWriter::kPieceBytes, '\0');
  FakeRandom(1).fill(bytes);
  for (const size_t size :
       {size_t{0}, size_t{1}, kPageBytes - 1, kPageBytes, kPageBytes + 1, PagedWriter::kPieceBytes,
        PagedWriter::kPieceBytes + 1, 2 * PagedWriter::kPieceBytes + kPageBytes + 7}) {
    for (const size_t piece : {size_t{1000}, size_t{65'556}, bytes.size()}) {
      for (const auto mode : {OpenMode::CreateNew, OpenMode::CreateNewUncached}) {
        SCOPED_TRACE(testing::Message() << size << " bytes, by " << piece);
        const auto path = root + "/file";
        {
          const auto file = files.open(path, mode).value();
          PagedWriter writer(*file, size);
          for (size_t at = 0; at < size; at += piece) {
            ASSERT_TRUE(
                writer.append(std::string_view(bytes).substr(at, std::min(piece, size - at))));
          }
          ASSERT_TRUE(writer.finish());
        }
        EXPECT_TRUE(read_file(files, path, size).value() ==
                    std::string_view(bytes).substr(0, size));
        ASSERT_TRUE(files.remove(path));
      }
    }
  }
  // Not as it likes it, and right all the same.
  const auto file = files.open(root + "/file", OpenMode::CreateNewUncached).value();
  ASSERT_TRUE(file->write_at(5, "abc"));
  ASSERT_TRUE(file->write_at(kPageBytes, std::string_view(bytes).substr(1, kPageBytes)));
  EXPECT_EQ(file->size().value(), 2 * kPageBytes);
}

TEST(FileSystems, TheFakeBehavesAsFiles) {
  FakeOs fake;
  check_files(fake.files, "/root");
  check_paged_writes(fake.files, "/root");
}

TEST(FileSystems, TheRealBehavesAsFiles) {
  RealOs real;
  const auto root = testing::TempDir() + "traccia-os-test-" + real.os().random.uuid();
  check_files(real.os().files, root);
  check_paged_writes(real.os().files, root);
}

TEST(FakeFiles, LoseWhatWasNotSynced) {
  bool lost_name = false, lost_bytes = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FakeFileSystem files;
    ASSERT_TRUE(files.make_directories("/d"));
    {
      const auto kept = files.open("/d/kept", OpenMode::CreateNew).value();
      ASSERT_TRUE(kept->write_at(0, "synced"));
      ASSERT_TRUE(kept->sync_data());
      ASSERT_TRUE(files.sync_directory("/d"));
      ASSERT_TRUE(kept->write_at(6, "+more"));
      ASSERT_TRUE(files.open("/d/unsynced", OpenMode::CreateNew));
    }
    files.restart(seed);
    const auto bytes = read_file(files, "/d/kept", 100).value();
    EXPECT_EQ(bytes.substr(0, 6), "synced");
    lost_bytes = lost_bytes || bytes.size() == 6;
    lost_name = lost_name || !files.exists("/d/unsynced").value();
  }
  EXPECT_TRUE(lost_bytes);
  EXPECT_TRUE(lost_name);
}

TEST(FakeFiles, StopWorkingWhenThePowerFails) {
  FakeFileSystem files;
  ASSERT_TRUE(files.make_directories("/d"));
  files.lose_power_after(1);
  const auto file = files.open("/d/x", OpenMode::CreateNew).value();
  EXPECT_EQ(file->write_at(0, "x").error().code(), ErrorCode::Unavailable);
  EXPECT_TRUE(files.power_lost());
  files.restart(1);
  EXPECT_FALSE(file->size()) << "files of before are dead";
}

TEST(FakeFiles, FillTheDisk) {
  FakeFileSystem files;
  ASSERT_TRUE(files.make_directories("/d"));
  files.set_capacity(10);
  const auto a = files.open("/d/a", OpenMode::CreateNew).value();
  const auto b = files.open("/d/b", OpenMode::CreateNew).value();
  ASSERT_TRUE(a->write_at(0, "1234567"));
  EXPECT_EQ(files.free_bytes("/d").value(), 3U);
  EXPECT_EQ(b->write_at(0, "12345").error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(b->size().value(), 3U) << "what fitted";
  EXPECT_EQ(files.free_bytes("/d").value(), 0U);
  ASSERT_TRUE(a->write_at(2, "xx")) << "over bytes that are there";
  EXPECT_EQ(a->allocate(8).error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(a->size().value(), 7U);
  ASSERT_TRUE(b->truncate(1));
  ASSERT_TRUE(a->write_at(7, "89"));
  ASSERT_TRUE(files.remove("/d/b"));
  EXPECT_EQ(files.used_bytes(), 9U);
  files.set_capacity(4);
  EXPECT_EQ(files.free_bytes("/d").value(), 0U);
}

TEST(FakeFiles, AFailedSyncIsNotMadeUpForByALaterOne) {
  FakeFileSystem files;
  ASSERT_TRUE(files.make_directories("/d"));
  const auto file = files.open("/d/x", OpenMode::CreateNew).value();
  ASSERT_TRUE(files.sync_directory("/d"));
  ASSERT_TRUE(file->write_at(0, "lost"));
  files.set_fault([](Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != Operation::Sync) return std::nullopt;
    return Error(ErrorCode::Unavailable, "input/output error");
  });
  EXPECT_FALSE(file->sync_data());
  files.set_fault(nullptr);
  ASSERT_TRUE(file->write_at(4, "kept"));
  ASSERT_TRUE(file->sync_data());
  EXPECT_EQ(read_file(files, "/d/x", 100).value(), "lostkept");
  files.restart(1);
  EXPECT_EQ(read_file(files, "/d/x", 100).value(), std::string("\0\0\0\0kept", 8));
}

TEST(Random, GivesUuidsAndCharacters) {
  FakeRandom random(1);
  const auto uuid = random.uuid();
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  EXPECT_NE(random.uuid(), uuid);
  const auto text = random.characters(1000, "abc");
  EXPECT_EQ(text.size(), 1000U);
  EXPECT_EQ(text.find_first_not_of("abc"), std::string::npos);
}

}  // namespace
}  // namespace traccia::os
