// For tests: the S3 front end to end below HTTP: requests in, answers and audit events out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/s3_front.h"
#include "api/test_services.h"
#include "aws/xml.h"

namespace traccia::api {

using Fields = std::vector<std::pair<std::string, std::string>>;

class S3FrontTest : public ServicesTest {
 protected:
  void SetUp() override {
    ServicesTest::SetUp();
    run_log();
    caller_.principal = administrator();
    caller_.region = "us-east-1";
    caller_.source_ip = "192.0.2.1";
    caller_.user_agent = "test";
    caller_.host = "localhost:4780";
  }

  // `target` is a path with its query, percent-encoded.
  http::Response send(std::string_view method, std::string_view target, std::string body = {},
                      const Fields& headers = {}) {
    http::Request request;
    request.method = method;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    request.headers.add("Host", caller_.host);
    request.headers.add("Authorization", "AWS4-HMAC-SHA256 checked before");
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    request.body = std::move(body);
    const auto random = fake_.random.bytes(aws::kRequestIdBytes);
    const auto id = aws::make_request_id(aws::Protocol::RestXml, random);
    caller_.request_id = id.id;
    return handle_s3(*services_, caller_, std::move(request), id);
  }

  void make_bucket(std::string_view name = "bucket") {
    ASSERT_EQ(send("PUT", "/" + std::string(name)).status, 200);
  }
  void put(const std::string& encoded_key, std::string body = "x", const Fields& headers = {}) {
    ASSERT_EQ(send("PUT", "/bucket/" + encoded_key, std::move(body), headers).status, 200);
  }

  static aws::XmlElement xml(const http::Response& response) {
    auto parsed = aws::parse_xml(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? std::move(*parsed) : aws::XmlElement{};
  }
  static std::string error_code(const http::Response& response) {
    return std::string(xml(response).child_text("Code"));
  }
  static std::vector<std::string> texts(const aws::XmlElement& list, std::string_view element,
                                        std::string_view member) {
    std::vector<std::string> out;
    for (const auto* child : list.children_named(element)) {
      out.emplace_back(child->child_text(member));
    }
    return out;
  }

  std::string body_of(http::Response response) {
    if (!response.stream) return response.body;
    std::string out;
    std::array<char, 70'001> piece{};
    while (true) {
      const auto count = response.stream->read(piece).value();
      if (count == 0) return out;
      out.append(piece.data(), count);
    }
  }

  Caller caller_;
};

}  // namespace traccia::api
