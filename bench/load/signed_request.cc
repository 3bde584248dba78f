// SigV4 on the side of the client.
// SPDX-License-Identifier: Apache-2.0
#include "signed_request.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "event_shapes.h"
#include "events.h"

namespace traccia::load {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value == nullptr ? "" : value;
}

}  // namespace

aws::Credentials credentials_of_environment() {
  return {environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
          environment("AWS_SESSION_TOKEN")};
}

http::Request post_request(uint16_t port, std::string_view content_type) {
  http::Request request;
  request.method = "POST";
  request.path = "/";
  request.headers.add("Host", fmt::format("127.0.0.1:{}", port));
  request.headers.add("Content-Type", content_type);
  return request;
}

std::string signed_head(http::Request& request, const aws::Credentials& credentials,
                        std::string_view service) {
  aws::sign(request, credentials, kRegion, service,
            std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now()),
            aws::Payload::Signed);
  auto out =
      fmt::format("{} {}{}{} HTTP/1.1\r\nContent-Length: {}\r\n", request.method, request.path,
                  request.query.empty() ? "" : "?", request.query, request.body.size());
  for (const auto& [name, text] : request.headers) out += fmt::format("{}: {}\r\n", name, text);
  return out + "\r\n";
}

}  // namespace traccia::load
