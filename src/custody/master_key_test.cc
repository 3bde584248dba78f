// Master keys in files, and wrapped by what a test makes up. Real tokens and a transit service over
// HTTP: tests/e2e/test_master_key.py.
// SPDX-License-Identifier: Apache-2.0
#include "custody/master_key.h"

#include <gmock/gmock.h>

#include "base/bytes.h"
#include "os/fake_os.h"

namespace traccia::custody {
namespace {

using testing::HasSubstr;

class Reversing : public Wrapper {
 public:
  std::string_view kind() const override { return kind_; }
  Result<std::string> wrap(std::string_view key) override {
    if (!reachable_) return fail(ErrorCode::Unavailable, "unplugged");
    return hex_encode(std::string(key.rbegin(), key.rend()));
  }
  Result<std::string> unwrap(std::string_view text) override {
    if (!reachable_) return fail(ErrorCode::Unavailable, "unplugged");
    const auto bytes = hex_decode(text);
    if (!bytes) return fail(ErrorCode::InvalidArgument, "not wrapped here");
    return std::string(bytes->rbegin(), bytes->rend()) + added_;
  }

  std::string kind_ = "pkcs11";
  bool reachable_ = true;
  std::string added_;
};

class MasterKeyTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fake_.files.make_directories("/d")); }
  Result<std::string> open(Making making = Making::Allowed) {
    return open_wrapped(fake_.os(), wrapper_, files_, making);
  }
  static std::string told(const Result<std::string>& result) {
    return result ? "" : result.error().message();
  }
  void write(const std::string& path, std::string_view bytes, uint32_t mode = 0600) {
    ASSERT_TRUE(os::write_file_atomically(fake_.files, path, bytes, mode));
  }

  os::FakeOs fake_;
  Files files_{"/d/master.key", "/d/master.key.wrapped"};
  Reversing wrapper_;
};

TEST_F(MasterKeyTest, APlainKeyIsMadeOnceAndComesBack) {
  const auto made = open_plain(fake_.os(), files_.plain, Making::Allowed).value();
  EXPECT_EQ(made.size(), kMasterKeyBytes);
  EXPECT_EQ(open_plain(fake_.os(), files_.plain, Making::Refused).value(), made);
  EXPECT_EQ(open_master_key(fake_.os(), {}, files_, Making::Refused).value(), made);
  EXPECT_EQ(
      open_master_key(fake_.os(), {.source = "/d/master.key"}, files_, Making::Refused).value(),
      made);
  EXPECT_THAT(told(open_plain(fake_.os(), "/d/other", Making::Refused)),
              HasSubstr("name it with --master-key"));
  write("/d/short", "x");
  EXPECT_THAT(told(open_plain(fake_.os(), "/d/short", Making::Allowed)), HasSubstr("it has 1"));
  write("/d/open", std::string(kMasterKeyBytes, 'k'), 0644);
  EXPECT_THAT(told(open_plain(fake_.os(), "/d/open", Making::Allowed)), HasSubstr("chmod 600"));
}

TEST_F(MasterKeyTest, AWrappedKeyIsMadeOnceAndComesBack) {
  const auto made = open().value();
  EXPECT_EQ(made.size(), kMasterKeyBytes);
  EXPECT_EQ(open(Making::Refused).value(), made);
  const auto stored = os::read_file(fake_.files, files_.wrapped, 4096).value();
  EXPECT_TRUE(stored.starts_with("traccia master key 1\npkcs11\n")) << stored;
  EXPECT_EQ(stored.find(made), stored.npos);
  EXPECT_FALSE(fake_.files.readable_by_others(files_.wrapped).value());
  EXPECT_THAT(told(open_master_key(fake_.os(), {}, files_, Making::Allowed)),
              HasSubstr("is wrapped"))
      << "no second key beside it";
}

TEST_F(MasterKeyTest, APlainKeyIsTakenOver) {
  const auto plain = open_plain(fake_.os(), files_.plain, Making::Allowed).value();
  EXPECT_EQ(open(Making::Refused).value(), plain);
  EXPECT_TRUE(fake_.files.exists(files_.plain).value()) << "the operator removes it";
  EXPECT_EQ(open(Making::Refused).value(), plain);
}

TEST_F(MasterKeyTest, WithoutAKeyDataIsNotTouched) {
  EXPECT_THAT(told(open(Making::Refused)), HasSubstr("there is no master key"));
  EXPECT_FALSE(fake_.files.exists(files_.wrapped).value());
}

TEST_F(MasterKeyTest, WhatCannotBeHadBackIsNotKept) {
  wrapper_.added_ = "x";
  EXPECT_FALSE(open());
  EXPECT_FALSE(fake_.files.exists(files_.wrapped).value());
  wrapper_.added_ = "";
  wrapper_.reachable_ = false;
  EXPECT_EQ(told(open()), "unplugged");
  EXPECT_FALSE(fake_.files.exists(files_.wrapped).value());
}

TEST_F(MasterKeyTest, DamageAndOtherWrappersAreNamed) {
  ASSERT_TRUE(open());
  wrapper_.kind_ = "transit";
  EXPECT_THAT(told(open()), HasSubstr("was wrapped by pkcs11, not by transit"));
  wrapper_.kind_ = "pkcs11";
  wrapper_.added_ = "x";
  EXPECT_THAT(told(open()), HasSubstr("has 33 bytes"));
  for (const auto* damaged :
       {"", "traccia master key 1\n", "traccia master key 2\npkcs11\nff\n",
        "traccia master key 1\npkcs11\n\n", "traccia master key 1\npkcs11\nff\nmore"}) {
    write(files_.wrapped, damaged);
    EXPECT_THAT(told(open()), HasSubstr("is not a wrapped master key")) << damaged;
  }
  write(files_.wrapped, "traccia master key 1\npkcs11\nno hex\n");
  EXPECT_THAT(told(open()), HasSubstr("unwrap the master key"));
}

TEST_F(MasterKeyTest, SecretsComeFromPrivateFiles) {
  Settings settings{.source = "transit+https://127.0.0.1:1/transit/traccia"};
  const auto open_it = [&] {
    return told(open_master_key(fake_.os(), settings, files_, Making::Allowed));
  };
  EXPECT_THAT(open_it(), HasSubstr("--master-key-secret"));
  settings.secret_file = "/d/token";
  write("/d/token", "\n");
  EXPECT_THAT(open_it(), HasSubstr("is empty"));
  write("/d/token", "s.secret\n", 0644);
  EXPECT_THAT(open_it(), HasSubstr("chmod 600"));
  settings.source = "pkcs11:token=t;object=o?pin-value=1234";
  write("/d/token", "1234");
  EXPECT_THAT(open_it(), HasSubstr("must not have the PIN"));
  settings.source = "pkcs11:token=t;object=o";
  EXPECT_THAT(open_it(), HasSubstr("module-path"));
  settings.source = "pkcs11:token=t;object=o?module-path=/nowhere.so";
  EXPECT_THAT(open_it(), HasSubstr("cannot be loaded"));
}

TEST_F(MasterKeyTest, UrlsOfTransitServices) {
  const auto refused = [](const std::string& url) {
    const auto opened = open_transit(url, "token", "");
    return opened ? "" : opened.error().message();
  };
  for (const auto* good : {"transit+https://vault.example:8200/transit/traccia",
                           "transit+https://vault.example/teams/a/transit/traccia?namespace=a/b",
                           "transit+http://127.0.0.1:8200/transit/traccia",
                           "transit+http://[::1]:8200/transit/traccia"}) {
    EXPECT_EQ(refused(good), "") << good;
  }
  const std::pair<const char*, const char*> bad[] = {
      {"transit+http://vault.example/transit/traccia", "in the clear"},
      {"transit+ftp://vault.example/transit/traccia", "transit+https://"},
      {"transit+https://user:word@vault.example/transit/traccia", "credentials"},
      {"transit+https://vault.example/transit", "names no key"},
      {"transit+https://vault.example/transit/", "names no key"},
      {"transit+https://vault.example/transit/a%2e", "names no key"},
      {"transit+https://vault.example", "HOST:PORT/MOUNT/KEY"},
      {"transit+https://vault.example/transit/key?version=1", "namespace"}};
  for (const auto& [url, words] : bad) EXPECT_THAT(refused(url), HasSubstr(words)) << url;
}

}  // namespace
}  // namespace traccia::custody
