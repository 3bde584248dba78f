// Renders docs/operations.md.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "api/describe.h"
#include "api/s3_call.h"
#include "api/s3_headers.h"
#include "api/service_table.h"
#include "api/traccia_operations.h"

namespace traccia::api {
namespace {

std::string_view protocol_text(const ServiceEntry& service) {
  if (service.query_too) return "JSON 1.0 and Query";
  switch (service.protocol) {
    case aws::Protocol::Json11:
      return "JSON 1.1";
    case aws::Protocol::Query:
      return "Query";
    case aws::Protocol::RestXml:
      return "REST-XML";
    case aws::Protocol::RestJson:
      return "REST-JSON";
  }
  return "";
}

std::string event_text(bool data, bool read_only) {
  return fmt::format("{}, {}", data ? "data" : "management", read_only ? "read" : "write");
}

// Required members in bold.
std::string members_text(const aws::Shape& input) {
  std::string out;
  for (const auto& member : input.members) {
    const auto* const mark = member.presence == aws::Presence::Required ? "**" : "";
    out += fmt::format("{}{}{}{}", out.empty() ? "" : ", ", mark, member.name, mark);
  }
  return out;
}

void add_operation(std::string& out, const aws::Operation& operation) {
  const auto& resource = operation.access.resource;
  out +=
      fmt::format("| {} | `{}` | {} | {} | {} |\n", operation.name, operation.iam_action,
                  resource.empty() ? "*" : resource,
                  event_text(operation.category == aws::EventCategory::Data, operation.read_only),
                  members_text(*operation.input));
}

void add_service(std::string& out, const ServiceEntry& service) {
  std::vector<const aws::Operation*> operations;
  for (const auto& binding : service.bindings()) operations.push_back(binding.operation);
  if (service.name == "traccia") operations.push_back(&traccia_service::kPutEvents);
  if (operations.empty()) return;
  std::ranges::sort(operations, {}, &aws::Operation::name);
  out += fmt::format(
      "\n## {}\n\n{}, version {}, {} operations.\n\n"
      "| operation | action | resource | event | request |\n|---|---|---|---|---|\n",
      service.name, protocol_text(service), operations.front()->api_version, operations.size());
  for (const auto* operation : operations) add_operation(out, *operation);
}

std::string_view level_text(S3Level level) {
  switch (level) {
    case S3Level::Service:
      return "/";
    case S3Level::Bucket:
      return "/BUCKET";
    case S3Level::Object:
      return "/BUCKET/KEY";
  }
  return "";
}

void add_s3(std::string& out) {
  std::vector<const S3Operation*> operations;
  for (const auto group : s3_operation_groups()) {
    for (const auto& operation : group) operations.push_back(&operation);
  }
  std::ranges::sort(operations, {}, [](const S3Operation* operation) {
    return std::tuple(operation->name, operation->method, operation->query_mark,
                      operation->header_mark);
  });
  out += fmt::format(
      "\n## s3\n\nREST-XML, path-style and virtual-hosted, {} requests.\n\n"
      "| operation | request | action | with versionId | event |\n|---|---|---|---|---|\n",
      operations.size());
  for (const auto* operation : operations) {
    out += fmt::format(
        "| {} | {} {}{}{}{} | `{}` | {}{}{} | {} |\n", operation->name, operation->method,
        level_text(operation->level), operation->query_mark.empty() ? "" : "?",
        operation->query_mark,
        operation->header_mark.empty() ? "" : fmt::format(" with {}", operation->header_mark),
        operation->iam_action, operation->version_action.empty() ? "" : "`",
        operation->version_action, operation->version_action.empty() ? "" : "`",
        event_text(operation->category == event::Category::Data, operation->read_only));
  }
}

void add_headers(std::string& out, std::string_view title, std::span<const S3Header> headers) {
  out += fmt::format("\n### {}\n\n| header | operations |\n|---|---|\n", title);
  for (const auto& header : headers) {
    out += fmt::format("| `{}` | {} |\n", header.name, header.operations);
  }
}

}  // namespace

std::string operations_page() {
  std::string out =
      "# Operations\n\n"
      "Every operation and header that the server knows, rendered from the descriptions by\n"
      "`traccia operations --output markdown`; `--output json` has the shapes, too. Not edited by\n"
      "hand: a test compares. Required members are bold.\n";
  for (const auto& service : service_table()) add_service(out, service);
  add_s3(out);
  add_headers(out, "Request headers", s3_request_headers());
  out += "\n### Refused headers\n\n| header | error |\n|---|---|\n";
  for (const auto& header : s3_refused_headers()) {
    const bool in_url = header.prefix == kMfaHeader;
    out += fmt::format("| `{}{}`{} | {} |\n", header.prefix, in_url ? "" : "*",
                       in_url ? " in a URL" : "", header.reason);
  }
  add_headers(out, "Answer headers", s3_answer_headers());
  return out;
}

}  // namespace traccia::api
