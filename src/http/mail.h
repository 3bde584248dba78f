// Mail to a relay over libcurl's SMTP.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace traccia::http {

// The relay is the operator's choice: its address is not guarded.
struct MailRelay {
  std::string url = {};   // smtp://HOST[:PORT] or smtps://HOST[:PORT]; empty: there is none
  std::string from = {};  // the sender's address
  std::string user = {}, password = {};  // both empty: without authentication
  std::string ca_file = {};              // empty: the system's
  std::chrono::milliseconds timeout{30'000};
};

struct Mail {
  std::string to = {};         // an address of is_mail_address()
  std::string from_name = {};  // beside the relay's address; UTF-8, may be empty
  std::string subject = {};    // UTF-8
  std::string text = {};       // UTF-8
  std::string id = {};         // of Message-ID, before its @
  Time date;
};

// One address of ASCII without spaces, quotes, and what would end a header or a command.
bool is_mail_address(std::string_view text);
// The message as it is sent, RFC 5322 with MIME; its text in Base64.
std::string render_mail(const MailRelay& relay, const Mail& mail);
// Hands the mail to the relay, over TLS where that offers it. Unavailable: it may work later;
// PermissionDenied: the relay refused the mail for good (5yz).
Result<> send_mail(const MailRelay& relay, const Mail& mail);

}  // namespace traccia::http
