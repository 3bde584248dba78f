// Which addresses are public, and that the client asks before it connects.
// SPDX-License-Identifier: Apache-2.0
#include "http/address_guard.h"

#include <gtest/gtest.h>

#include "http/client.h"

namespace traccia::http {
namespace {

TEST(AddressGuard, PublicAddressesOnly) {
  const AddressGuard guard;
  for (const auto* good :
       {"8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.0.1", "223.255.255.1", "2606:4700::1111",
        "2a00:1450::1", "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    EXPECT_TRUE(guard.admits_text(good)) << good;
  }
  for (const auto* bad : {"127.0.0.1",
                          "127.9.9.9",
                          "0.0.0.0",
                          "10.0.0.1",
                          "172.16.0.1",
                          "172.31.255.255",
                          "192.168.1.1",
                          "169.254.169.254",
                          "100.64.0.1",
                          "198.18.0.1",
                          "224.0.0.1",
                          "255.255.255.255",
                          "::1",
                          "::",
                          "fe80::1",
                          "fc00::1",
                          "fd12::1",
                          "ff02::1",
                          "::ffff:127.0.0.1",
                          "::ffff:10.0.0.1",
                          "64:ff9b::127.0.0.1",
                          "2002:7f00:1::",
                          "2001:db8::1",
                          "::127.0.0.1",
                          "no address"}) {
    EXPECT_FALSE(guard.admits_text(bad)) << bad;
  }
}

TEST(AddressGuard, WhatIsAllowedIsAdmitted) {
  const auto guard = AddressGuard::parse({"10.1.0.0/16", "127.0.0.1", "fd00::/8"}).value();
  EXPECT_TRUE(guard.admits_text("10.1.255.1"));
  EXPECT_FALSE(guard.admits_text("10.2.0.1"));
  EXPECT_TRUE(guard.admits_text("127.0.0.1"));
  EXPECT_FALSE(guard.admits_text("127.0.0.2"));
  EXPECT_TRUE(guard.admits_text("::ffff:10.1.0.1"));
  EXPECT_TRUE(guard.admits_text("fd00::1"));
  EXPECT_FALSE(guard.admits_text("fc00::1"));
  for (const auto* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "example.com", "::/129"}) {
    EXPECT_FALSE(AddressGuard::parse({bad})) << bad;
  }
}

TEST(AddressGuard, TheClientDoesNotConnect) {
  const AddressGuard guard;
  ClientOptions options;
  options.guard = &guard;
  Client client(options);
  Request request;
  request.method = "GET";
  request.path = "/";
  for (const auto* url : {"http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"}) {
    const auto answer = client.send(url, request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), ErrorCode::PermissionDenied) << url;
  }
}

}  // namespace
}  // namespace traccia::http
