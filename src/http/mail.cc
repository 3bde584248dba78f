// Renders mail and hands it to the relay.
// SPDX-License-Identifier: Apache-2.0
#include "http/mail.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "base/bytes.h"

namespace traccia::http {
namespace {

constexpr size_t kAddressBytesMax = 254;  // RFC 5321, 4.5.3.1
constexpr size_t kWordBytesMax = 45;      // of text in one encoded word: 60 characters of Base64
constexpr size_t kLineCharacters = 76;

bool is_plain(std::string_view text) {
  return text.find("=?") == text.npos &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// RFC 2047: words of whole characters.
std::string encode_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t size = std::min(text.size(), kWordBytesMax);
    while (size > 0 && size < text.size() && (text[size] & 0xC0) == 0x80) --size;
    if (size == 0) size = std::min(text.size(), kWordBytesMax);  // no UTF-8
    out += fmt::format("{}=?UTF-8?B?{}?=", out.empty() ? "" : "\r\n ",
                       base64_encode(text.substr(0, size)));
    text.remove_prefix(size);
  }
  return out;
}

std::string fold_base64(std::string_view text) {
  const auto encoded = base64_encode(text);
  std::string out;
  for (size_t i = 0; i < encoded.size(); i += kLineCharacters) {
    out += encoded.substr(i, kLineCharacters);
    out += "\r\n";
  }
  return out;
}

struct Outgoing {
  std::string_view rest;
};
size_t on_read(char* buffer, size_t size, size_t count, void* user) {
  auto& outgoing = *static_cast<Outgoing*>(user);
  const auto bytes = std::min(size * count, outgoing.rest.size());
  outgoing.rest.copy(buffer, bytes);
  outgoing.rest.remove_prefix(bytes);
  return bytes;
}

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  return text.size() <= kAddressBytesMax && at != text.npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == text.npos && std::ranges::all_of(text, [](char c) {
           return c > ' ' && c <= '~' &&
                  std::string_view("<>()[]\\,;:\"").find(c) == std::string_view::npos;
         });
}

std::string render_mail(const MailRelay& relay, const Mail& mail) {
  const auto domain = relay.from.substr(relay.from.find('@') + 1);
  // Always encoded: a phrase may not hold everything that is ASCII.
  const auto name = mail.from_name.empty() ? "" : encode_words(mail.from_name) + " ";
  const auto subject = is_plain(mail.subject) ? mail.subject : encode_words(mail.subject);
  // "Thu, 26 Nov 2026 05:06:07 GMT": the zone's old name, which RFC 5322 still reads.
  return fmt::format(
      "Date: {}\r\nFrom: {}<{}>\r\nTo: <{}>\r\nMessage-ID: <{}@{}>\r\nSubject: {}\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
      "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n{}",
      format_http_date(mail.date), name, relay.from, mail.to, mail.id, domain, subject,
      fold_base64(mail.text));
}

Result<> send_mail(const MailRelay& relay, const Mail& mail) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  TRACCIA_ASSERT(initialised == CURLE_OK);
  const std::unique_ptr<CURL, CurlFree> handle(curl_easy_init());
  TRACCIA_ASSERT(handle != nullptr);
  auto* curl = handle.get();
  const std::unique_ptr<curl_slist, CurlFree> to(
      curl_slist_append(nullptr, fmt::format("<{}>", mail.to).c_str()));
  TRACCIA_ASSERT(to != nullptr);
  const auto from = fmt::format("<{}>", relay.from);
  const auto text = render_mail(relay, mail);
  Outgoing outgoing{text};
  curl_easy_setopt(curl, CURLOPT_URL, relay.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(relay.timeout.count()));
  // A password goes out encrypted only.
  curl_easy_setopt(curl, CURLOPT_USE_SSL,
                   static_cast<long>(relay.user.empty() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  if (!relay.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, relay.ca_file.c_str());
  if (!relay.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, relay.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, relay.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(curl, CURLOPT_READDATA, &outgoing);
  const auto code = curl_easy_perform(curl);
  if (code == CURLE_OK) return {};
  long reply = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
  const bool final = reply >= 500 && reply < 600 && code != CURLE_LOGIN_DENIED;
  return fail(final ? ErrorCode::PermissionDenied : ErrorCode::Unavailable,
              fmt::format("mail to {} by {}: {}, last reply {}", mail.to, relay.url,
                          curl_easy_strerror(code), reply));
}

}  // namespace traccia::http
