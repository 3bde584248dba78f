// Mail as it is rendered.
// SPDX-License-Identifier: Apache-2.0
#include "http/mail.h"

#include <gtest/gtest.h>

namespace traccia::http {
namespace {

TEST(Mail, IsRenderedAsMime) {
  const MailRelay relay{.url = "smtp://localhost", .from = "audit@example.com"};
  const Mail mail{.to = "a@example.org",
                  .from_name = "Trails",
                  .subject = "A subject",
                  .text = "h\u00e9llo\n.\n",
                  .id = "id",
                  .date = from_unix_seconds(1'800'000'000)};
  EXPECT_EQ(render_mail(relay, mail),
            "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n"
            "From: =?UTF-8?B?VHJhaWxz?= <audit@example.com>\r\nTo: <a@example.org>\r\n"
            "Message-ID: <id@example.com>\r\nSubject: A subject\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n"
            "Auto-Submitted: auto-generated\r\n\r\naMOpbGxvCi4K\r\n");
}

TEST(Mail, HeadersCannotBeBrokenInto) {
  const MailRelay relay{.from = "audit@example.com"};
  Mail mail{.to = "a@example.org",
            .from_name = "x\r\nBcc: b@example.org",
            .subject = "s\r\nX: y",
            .text = "t",
            .date = {}};
  const auto text = render_mail(relay, mail);
  EXPECT_EQ(text.find("Bcc"), std::string::npos);
  EXPECT_EQ(text.find("\r\nX:"), std::string::npos);
  mail.subject.clear();
  for (int i = 0; i < 60; ++i) mail.subject += "\u00e4";
  const auto folded = render_mail(relay, mail);
  for (size_t at = 0; at < folded.size();) {
    const auto end = folded.find("\r\n", at);
    EXPECT_LE(end - at, 76U + 9U) << folded.substr(at, end - at);
    at = end + 2;
  }
  for (const auto* bad : {"", "a", "@b", "a@", "a@b@c", "a b@c", "a@b>", "a@b\r\nRCPT TO:<c@d>",
                          "\"a\"@b", "\u00e4@b"}) {
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  }
  EXPECT_TRUE(is_mail_address("first.last+tag@example.org"));
}

}  // namespace
}  // namespace traccia::http
