// Beast's HTTP/1.1 parser, writing straight into a Request. Included by session.h and the fuzz
// target only: it brings Beast.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <string_view>

#include "http/message.h"

namespace traccia::http {

namespace beast = boost::beast;

struct ParserLimits {
  size_t header_bytes = 0;
  uint64_t body_bytes = 0;
};

// One request; not to be used again. What Beast refuses is refused: lengths that contradict each
// other, a length beside a transfer coding, versions other than 1.0 and 1.1. Trailers are read and
// dropped, because a field that comes after the header must not pass for one of it.
class RequestParser final : public beast::http::basic_parser<true> {
 public:
  explicit RequestParser(const ParserLimits& limits) {
    header_limit(static_cast<uint32_t>(limits.header_bytes));
    body_limit(limits.body_bytes);
  }

  // Once is_header_done().
  unsigned version() const { return version_; }
  // Whether the target was an absolute path or a URL with http or https.
  bool has_path() const { return request_.path.starts_with('/'); }
  Request& request() { return request_; }

 private:
  using Code = beast::error_code;
  static std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, Code&) override {
    version_ = static_cast<unsigned>(version);
    request_.method = view(method);
    take_target(view(target));
  }
  void on_response_impl(int, beast::string_view, int, Code&) override {}
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     Code&) override {
    if (!header_done_) request_.headers.add(view(name), view(value));
  }
  void on_header_impl(Code&) override { header_done_ = true; }
  void on_body_init_impl(const boost::optional<uint64_t>& length, Code&) override {
    if (length) request_.body.reserve(*length);
  }
  size_t on_body_impl(beast::string_view body, Code&) override {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, beast::string_view, Code&) override {}
  size_t on_chunk_body_impl(uint64_t, beast::string_view body, Code&) override {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(Code&) override {}

  void take_target(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!target.starts_with(scheme)) continue;
      target.remove_prefix(scheme.size());
      target.remove_prefix(std::min(target.find('/'), target.size()));
    }
    target = target.substr(0, target.find('#'));
    const auto mark = std::min(target.find('?'), target.size());
    request_.path = target.substr(0, mark);
    request_.query = target.substr(std::min(mark + 1, target.size()));
  }

  Request request_;
  unsigned version_ = 11;
  bool header_done_ = false;
};

}  // namespace traccia::http
