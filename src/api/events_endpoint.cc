// Decompresses, splits, admits, submits, answers.
// SPDX-License-Identifier: Apache-2.0
#include "api/events_endpoint.h"

#include <fmt/format.h>

#include <utility>

#include "compress/compress.h"
#include "json/json.h"

namespace traccia::api {
namespace {

struct Rejected {
  size_t line;
  std::string code;
  std::string message;
};

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.request_class = http::RequestClass::Ingest;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

http::Response refusal(const Error& error) {
  int status = 500;
  switch (error.code()) {
    case ErrorCode::InvalidArgument:
    case ErrorCode::NotFound:
    case ErrorCode::AlreadyExists:
    case ErrorCode::FailedPrecondition:
    case ErrorCode::DataLoss:
      status = 400;
      break;
    case ErrorCode::PermissionDenied:
      status = 403;
      break;
    case ErrorCode::ResourceExhausted:
      status = 503;
      break;
    case ErrorCode::Unavailable:
    case ErrorCode::Aborted:
      status = 503;
      break;
    case ErrorCode::Internal:
      status = 500;
      break;
  }
  if (error.reason() == "TooLarge" || error.reason() == "TooManyRecords") status = 413;
  const std::string code(error.reason().empty() ? to_string(error.code()) : error.reason());
  auto response = json_response(
      status, json::serialize(json::Object{{"code", code}, {"message", error.message()}}));
  if (status == 503) response.headers.add("Retry-After", "1");
  return response;
}

Result<std::string> decompressed(http::Request& request) {
  compress::DecompressLimits limits;
  limits.bytes_max = kEventsBytesMax;
  limits.ratio_max = kEventsRatioMax;
  const auto encoding = request.headers.get("Content-Encoding");
  if (encoding == "gzip") return compress::gunzip_members(request.body, limits);
  if (encoding == "zstd") return compress::unzstd(request.body, limits);
  if (!encoding.empty() && encoding != "identity") {
    return fail(
        ErrorCode::InvalidArgument, "UnsupportedEncoding",
        fmt::format("content encoding '{}' is not known; use gzip, zstd or none", encoding));
  }
  if (request.body.size() > kEventsBytesMax) {
    return fail(ErrorCode::ResourceExhausted, "TooLarge",
                fmt::format("the body has more than {} bytes", kEventsBytesMax));
  }
  return std::move(request.body);
}

// Written by hand: this is the answer of every event that is sent alone. Regions are this server's.
http::Response accepted(const ingest::Outcome& outcome, const std::vector<Rejected>& rejected) {
  json::Array rejections;
  for (const auto& one : rejected) {
    rejections.push_back(
        json::Object{{"line", one.line}, {"code", one.code}, {"message", one.message}});
  }
  std::string body =
      fmt::format(R"({{"accepted":{},"duplicates":{},"rejected":{},"receipts":[)", outcome.accepted,
                  outcome.duplicates, rejected.empty() ? "[]" : json::serialize(rejections));
  std::string_view before;
  for (const auto& receipt : outcome.receipts) {
    fmt::format_to(std::back_inserter(body), R"({}{{"region":"{}","firstIndex":{},"count":{}}})",
                   std::exchange(before, ","), receipt.region, receipt.first_index, receipt.count);
  }
  body += "]}";
  return json_response(200, std::move(body));
}

}  // namespace

void handle_events(Services& services, const EventSender& sender, http::Request request,
                   http::Responder respond) {
  auto body = decompressed(request);
  if (!body) return respond(refusal(body.error()));
  auto raw = event::split_body(*body, kEventsRecordsMax);
  if (!raw) return respond(refusal(raw.error()));

  event::AdmitOptions options;
  options.account = sender.account;
  options.default_region = sender.region;
  options.now = services.os.clock.now();
  options.may_import = sender.scope == EventSender::Scope::MayImport;
  options.region_known = [&](std::string_view region) { return services.serves_region(region); };
  options.new_event_id = [&] { return services.os.random.uuid(); };

  std::vector<ingest::Draft> drafts;
  std::vector<size_t> lines;
  std::vector<Rejected> rejected;
  drafts.reserve(raw->size());
  lines.reserve(raw->size());
  const auto memory = std::make_shared<event::RecordMemory>(body->size());
  const auto name = memory->values().copy(sender.name);
  for (const auto& one : *raw) {
    auto record = event::admit(one.json, options, *memory);
    if (!record) {
      rejected.push_back(
          {one.line, std::string(record.error().reason()), record.error().message()});
      continue;
    }
    ingest::Draft draft;
    draft.record = *record;
    draft.sender = name;
    draft.memory = memory;
    drafts.push_back(std::move(draft));
    lines.push_back(one.line);
  }
  if (drafts.empty()) return respond(accepted({}, rejected));
  auto* const pacer = body->size() > kPacedAboveBytes ? &services.pacer : nullptr;
  services.ingest.submit(
      std::move(drafts),
      [respond = std::move(respond), rejected = std::move(rejected), lines = std::move(lines),
       pacer](Result<ingest::Outcome> outcome) mutable {
        if (!outcome) return respond(refusal(outcome.error()));
        for (const auto& one : outcome->rejected) {
          rejected.push_back({lines[one.draft], std::string(one.code), one.message});
        }
        std::ranges::sort(rejected, {}, &Rejected::line);
        auto answer = accepted(*outcome, rejected);
        if (pacer == nullptr) return respond(std::move(answer));
        pacer->answer([respond = std::move(respond), answer = std::move(answer)]() mutable {
          respond(std::move(answer));
        });
      });
}

}  // namespace traccia::api
