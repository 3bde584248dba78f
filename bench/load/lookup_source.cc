// Draws questions, signs them, checks what comes back.
// SPDX-License-Identifier: Apache-2.0
#include "lookup_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>

namespace traccia::load {
namespace {

constexpr std::string_view kTarget =
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

const LookupName& name_of(LookupKind kind) {
  return *std::ranges::find(kLookupNames, kind, &LookupName::kind);
}

// Whether the question makes sense for the event.
bool fits(const BaseEvent& base, LookupKind kind) {
  if (kind == LookupKind::AccessKeyId) return base.temporary_key;
  if (kind == LookupKind::Resource) return base.fresh_resource;
  if (kind == LookupKind::ResourceType) return !base.resource_type.empty();
  if (kind == LookupKind::ResourceName) return base.resource_arn.length > 0 && !base.fresh_resource;
  return true;
}

std::string value_of(const EventPool& pool, LookupKind kind, uint64_t number) {
  const auto& base = pool.base(number);
  switch (kind) {
    case LookupKind::EventId:
      return pool.event_id(number);
    case LookupKind::AccessKeyId:
      return pool.access_key(number);
    case LookupKind::Resource:
    case LookupKind::ResourceName:
      return pool.resource_arn(number);
    case LookupKind::EventName:
      return base.name;
    case LookupKind::EventSource:
      return base.source;
    case LookupKind::Username:
      return base.user;
    case LookupKind::ReadOnly:
      return base.read_only ? "true" : "false";
    case LookupKind::ResourceType:
      return base.resource_type;
    case LookupKind::Any:
      return "";
  }
  std::abort();
}

// Events to ask about, by their numbers: those whose answer fills a page, or any for the few.
std::vector<uint64_t> candidates(const EventPool& pool, LookupKind kind, uint64_t below) {
  const auto rounds = std::max<uint64_t>(below / EventPool::kBases, 1);
  const bool few = name_of(kind).few;
  std::map<std::string, uint64_t> sharing;
  std::vector<uint64_t> bases;
  for (uint64_t i = 0; i < std::min(below, EventPool::kBases); ++i) {
    if (!fits(pool.base(i), kind)) continue;
    bases.push_back(i);
    if (!few) ++sharing[value_of(pool, kind, i)];
  }
  if (!few) {
    std::erase_if(
        bases, [&](uint64_t i) { return sharing[value_of(pool, kind, i)] * rounds < kPageEvents; });
  }
  if (bases.empty()) throw std::runtime_error("too few events for such look-ups");
  return bases;
}

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
  Random random(options.seed);
  std::map<LookupKind, std::vector<uint64_t>> bases;
  for (const auto kind : options.kinds) bases[kind] = candidates(pool, kind, options.below);
  const auto rounds = std::max<uint64_t>(options.below / EventPool::kBases, 1);
  for (size_t i = 0; i < options.distinct; ++i) {
    const auto kind = options.kinds[i % options.kinds.size()];
    const auto& among = bases[kind];
    const auto number =
        among[random.below(among.size())] + random.below(rounds) * EventPool::kBases;
    const auto& name = name_of(kind);
    requests_.push_back(
        {signed_lookup(credentials, options.port, name.attribute, value_of(pool, kind, number)),
         name.few});
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
  const bool good = requests_[id].few ? events >= 1 && events <= kFewMax : events == kPageEvents;
  if (!good && first_complaint_.empty()) {
    first_complaint_ = fmt::format("{} events, status {}: {} for {}", events, answer.status,
                                   answer.body.substr(0, 200), requests_[id].bytes);
  }
  return good;
}

}  // namespace traccia::load
