// Renders the pages of sign-in.
// SPDX-License-Identifier: Apache-2.0
#include "api/signin_page.h"

#include <fmt/format.h>

#include "aws/xml.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;background:#f3f4f6;color:#111827;margin:0;"
    "display:grid;place-items:center;min-height:100vh}"
    "main{background:#fff;border:1px solid #d1d5db;border-radius:8px;padding:2rem;"
    "margin:1rem;width:min(20rem,80vw)}"
    "h1{font-size:1.25rem;margin:0 0 1rem}"
    "label{display:block;margin:.75rem 0 .25rem}"
    "input:not([type=checkbox]){width:100%;box-sizing:border-box;font:inherit;padding:.4rem;"
    "border:1px solid #6b7280;border-radius:4px}"
    "button{font:inherit;margin-top:1.25rem;width:100%;padding:.5rem;border:0;border-radius:4px;"
    "background:#1d4ed8;color:#fff;cursor:pointer}"
    "[role=alert]{background:#fef2f2;border-left:4px solid #b91c1c;padding:.5rem .75rem;margin:0;"
    "overflow-wrap:anywhere}"
    "code{overflow-wrap:anywhere}";

// xml_escape() is for text between tags; this is for attributes, too.
std::string escape(std::string_view text) {
  auto out = aws::xml_escape(text);
  for (size_t at = 0; (at = out.find('"', at)) != out.npos; at += 6) out.replace(at, 1, "&quot;");
  return out;
}

http::Response page(std::string_view title, std::string_view content, int status) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  add_page_headers(response);
  response.body = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n<meta "
      "name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{0} · Traccia</title>\n<style>{1}</style></head>\n"
      "<body><main>\n<h1>{0}</h1>\n{2}</main></body>\n</html>\n",
      title, kStyle, content);
  return response;
}

std::string field(std::string_view name, std::string_view label, std::string_view value,
                  std::string_view attributes) {
  return fmt::format(
      "<label for=\"{0}\">{1}</label>\n<input id=\"{0}\" name=\"{0}\" value=\"{2}\" {3}>\n", name,
      label, escape(value), attributes);
}

}  // namespace

void add_page_headers(http::Response& response) {
  static const auto policy = fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; frame-ancestors 'none'; "
      "base-uri 'none'",
      base64_encode(crypto::sha256(kStyle)));
  response.headers.add("Content-Security-Policy", policy);
  response.headers.add("X-Content-Type-Options", "nosniff");
  // Not no-referrer: browsers would then say "Origin: null" of the forms of these very pages.
  response.headers.add("Referrer-Policy", "same-origin");
  response.headers.add("Cache-Control", "no-store");
}

http::Response signin_page(const SigninForm& form, int status) {
  std::string content;
  if (!form.message.empty()) {
    content += fmt::format("<p role=\"alert\">{}</p>\n", escape(form.message));
  }
  content += "<form method=\"post\" action=\"/console/signin\">\n";
  content += field("account", "Account ID or alias", form.account,
                   "required maxlength=\"63\" autocomplete=\"organization\"");
  content += field("username", "User name (empty: the root user)", form.user_name,
                   "maxlength=\"64\" autocomplete=\"username\"");
  content += field("password", "Password", "",
                   "type=\"password\" required autocomplete=\"current-password\"");
  if (form.asks_code) {
    content += field("mfa_code", "Code of the MFA device", "",
                     "inputmode=\"numeric\" maxlength=\"6\" autocomplete=\"one-time-code\"");
  }
  if (form.asks_new_password) {
    content += field("new_password", "New password", "",
                     "type=\"password\" autocomplete=\"new-password\"");
  }
  content += "<button>Sign in</button>\n</form>\n";
  return page("Sign in", content, status);
}

http::Response signed_in_page(std::string_view arn, std::string_view until) {
  return page("Signed in",
              fmt::format("<p>You are <code>{}</code> until {}.</p>\n<form method=\"post\" "
                          "action=\"/console/signout\"><button>Sign out</button></form>\n",
                          escape(arn), escape(until)),
              200);
}

http::Response notice_page(std::string_view title, std::string_view text, int status) {
  return page(title,
              fmt::format("<p role=\"alert\">{}</p>\n<p><a href=\"/console/\">Back</a></p>\n",
                          escape(text)),
              status);
}

}  // namespace traccia::api
