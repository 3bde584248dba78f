// Draws questions, signs them, checks what comes back.
// SPDX-License-Identifier: Apache-2.0
#include "lookup_source.h"

#include <fmt/format.h>

#include "signed_request.h"

namespace traccia::load {
namespace {

constexpr std::string_view kTarget =
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

}  // namespace

std::string signed_lookup(const aws::Credentials& credentials, uint16_t port,
                          std::string_view attribute, std::string_view value) {
  auto request = post_request(port, "application/x-amz-json-1.1");
  request.headers.add("X-Amz-Target", kTarget);
  request.body =
      attribute.empty()
          ? std::string("{}")
          : fmt::format(R"({{"LookupAttributes":[{{"AttributeKey":"{}","AttributeValue":"{}"}}]}})",
                        attribute, value);
  return signed_head(request, credentials, "cloudtrail") + request.body;
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
