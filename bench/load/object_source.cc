// Signs each request when it goes out, as clients do.
// SPDX-License-Identifier: Apache-2.0
#include "object_source.h"

#include <fmt/format.h>

#include "random.h"
#include "signed_request.h"

namespace traccia::load {
namespace {

constexpr uint64_t kPage = 1000;

}  // namespace

std::string object_key(uint64_t number) {
  return fmt::format("logs/{:010}.json", number);
}

ObjectSource::ObjectSource(aws::Credentials credentials, Options options)
    : credentials_(std::move(credentials)), options_(std::move(options)) {
  if (options_.work != ObjectWork::Put) return;
  // Bytes that do not pack.
  Random random(17);
  while (body_.size() < options_.bytes) body_ += static_cast<char>(random());
}

std::string ObjectSource::request() {
  const auto number = next_++;
  http::Request request = post_request(options_.port, "application/octet-stream");
  request.path = "/" + options_.bucket;
  if (options_.work == ObjectWork::List) {
    const auto pages = std::max<uint64_t>(1, options_.count / kPage);
    const auto after = options_.first + number % pages * kPage;
    request.method = "GET";
    request.query = fmt::format("list-type=2&max-keys={}&start-after=logs%2F{:010}", kPage, after);
  } else {
    const bool put = options_.work == ObjectWork::Put;
    request.method = put ? "PUT" : "GET";
    const auto key =
        options_.first + (put ? number : number % std::max<uint64_t>(1, options_.count));
    request.path += "/" + object_key(key);
    if (put) request.body = body_;
  }
  return signed_head(request, credentials_, "s3") + request.body;
}

RequestSource::Ticket ObjectSource::next() {
  if (free_.empty()) {
    free_.push_back(requests_.size());
    requests_.emplace_back();
  }
  const auto id = free_.back();
  free_.pop_back();
  requests_[id] = request();
  return {id, requests_[id]};
}

bool ObjectSource::finish(size_t id, const Answer& answer) {
  free_.push_back(id);
  bool good = answer.status == 200;
  if (good && options_.work == ObjectWork::Get) good = answer.body.size() == options_.bytes;
  if (good && options_.work == ObjectWork::List) {
    uint64_t keys = 0;
    constexpr std::string_view kMark = "<Key>";
    for (auto at = answer.body.find(kMark); at != answer.body.npos;
         at = answer.body.find(kMark, at + 1)) {
      ++keys;
    }
    keys_listed_ += keys;
    good = keys > 0;
  }
  if (!good && first_complaint_.empty()) {
    first_complaint_ = fmt::format("status {}: {}", answer.status, answer.body.substr(0, 300));
  }
  return good;
}

}  // namespace traccia::load
