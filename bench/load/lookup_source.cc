// Draws questions, signs them, checks what comes back.
// SPDX-License-Identifier: Apache-2.0
#include "lookup_source.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

namespace traccia::load {
namespace {

constexpr std::string_view kTarget =
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value == nullptr ? "" : value;
}

}  // namespace

aws::Credentials credentials_of_environment() {
  return {environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
          environment("AWS_SESSION_TOKEN")};
}

std::string signed_lookup(const aws::Credentials& credentials, uint16_t port,
                          std::string_view attribute, std::string_view value) {
  http::Request request;
  request.method = "POST";
  request.path = "/";
  request.headers.add("Host", fmt::format("127.0.0.1:{}", port));
  request.headers.add("Content-Type", "application/x-amz-json-1.1");
  request.headers.add("X-Amz-Target", kTarget);
  request.body =
      attribute.empty()
          ? std::string("{}")
          : fmt::format(R"({{"LookupAttributes":[{{"AttributeKey":"{}","AttributeValue":"{}"}}]}})",
                        attribute, value);
  aws::sign(request, credentials, kRegion, "cloudtrail",
            std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now()),
            aws::Payload::Signed);
  auto out = fmt::format("POST / HTTP/1.1\r\nContent-Length: {}\r\n", request.body.size());
  for (const auto& [name, text] : request.headers) out += fmt::format("{}: {}\r\n", name, text);
  return out + "\r\n" + request.body;
}

uint64_t events_in(std::string_view answer) {
  constexpr std::string_view kMember = R"("CloudTrailEvent":)";
  uint64_t count = 0;
  for (auto at = answer.find(kMember); at != answer.npos; at = answer.find(kMember, at + 1)) {
    ++count;
  }
  return count;
}

LookupSource::LookupSource(const EventPool& pool, const aws::Credentials& credentials,
                           const Options& options) {
  for (const auto& question :
       draw_questions(pool, options.kinds, options.below, options.distinct, options.seed)) {
    requests_.push_back(
        {signed_lookup(credentials, options.port, question.name->attribute, question.value),
         question.name});
  }
}

RequestSource::Ticket LookupSource::next() {
  const auto id = cursor_;
  cursor_ = (cursor_ + 1) % requests_.size();
  return {id, requests_[id].bytes};
}

bool LookupSource::finish(size_t id, const Answer& answer) {
  const auto events = answer.status == 200 ? events_in(answer.body) : 0;
  events_ += events;
  const bool good = is_plausible(*requests_[id].name, events);
  if (!good && first_complaint_.empty()) {
    first_complaint_ = fmt::format("{} events, status {}: {} for {}", events, answer.status,
                                   answer.body.substr(0, 200), requests_[id].bytes);
  }
  return good;
}

}  // namespace traccia::load
