// Options and output of the commands that read event history.
// SPDX-License-Identifier: Apache-2.0
#include "cli/history_view.h"

#include <fmt/format.h>

#include <cstdio>

#include "history/expression.h"

namespace traccia::cli {
namespace {

constexpr std::string_view kEvery = "all";
constexpr size_t kResourcesShown = 3;

std::string_view text_of(const json::Object& object, std::string_view name) {
  const auto found = json::find_string(object, name);
  return found.empty() ? std::string_view("-") : found;
}

// Control characters would let a record draw on the terminal.
std::string printable(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string resources_of(const json::Object& event) {
  std::string out;
  const auto* list = json::find(event, "Resources");
  if (list == nullptr || !list->is_array()) return out;
  size_t shown = 0;
  for (const auto& resource : list->get_array()) {
    if (!resource.is_object()) continue;
    if (shown++ == kResourcesShown) return out + ",…";
    if (!out.empty()) out += ",";
    out += json::find_string(resource.get_object(), "ResourceName");
  }
  return out;
}

// Time, place, name, source, who, what came of it, resources.
std::string line_of(const json::Object& event, const json::Object& record) {
  const auto error = json::find_string(record, "errorCode");
  auto resources = resources_of(event);
  return printable(fmt::format(
      "{}  {} {:<14}  {:<24} {:<26} {:<16} {}{}", text_of(record, "eventTime"),
      text_of(record, "recipientAccountId"), text_of(record, "awsRegion"),
      text_of(event, "EventName"), text_of(event, "EventSource"), text_of(event, "Username"),
      error.empty() ? "" : fmt::format("[{}] ", error), resources.empty() ? "-" : resources));
}

}  // namespace

void add_history_options(CLI::App& command, HistoryOptions& options) {
  add_client_options(command, options.client);
  command.get_option("--region")->description("region, or all (default: AWS_REGION)");
  command.add_option("--account", options.account,
                     "account, or all: the management account's administrator may ask for others "
                     "(default: the caller's)");
  command.add_option("expression", options.expression,
                     "conditions, e.g. EventName=Put* Username!=ada (default: every event)");
  command.footer(
      "Conditions: ATTRIBUTE=VALUE, ATTRIBUTE!=VALUE; a star at the end makes VALUE a prefix. They "
      "are combined with AND\n(or nothing), OR, NOT and parentheses. VALUE may stand in double "
      "quotes, with \\ before \" and \\.\nAttributes: EventId, EventName, ReadOnly, Username, "
      "ResourceType, ResourceName, EventSource, AccessKeyId.\nExample: 'EventSource=iam.* "
      "(EventName"
      "=Create* OR EventName=Delete*) NOT Username=\"the deployer\"'");
}

Result<HistoryCall> prepare(const HistoryOptions& options) {
  std::string expression;
  for (const auto& word : options.expression) expression += word + " ";
  // Told here, where it is written; the server checks again.
  TRY_ASSIGN(const auto parsed, history::parse_expression(expression));
  auto client = options.client;
  const auto region = client.region;
  if (region == kEvery) client.region.clear();
  HistoryCall call;
  TRY_ASSIGN(call.settings, load_settings(client));
  call.input["Expression"] = history::to_string(parsed);
  if (!options.account.empty()) call.input["AccountId"] = options.account;
  if (!region.empty()) call.input["Region"] = region;
  return call;
}

Result<size_t> print_events(const json::Object& answer, const HistoryOptions& options,
                            size_t count_max) {
  const auto unreadable = [] {
    return fail(ErrorCode::DataLoss, "the answer has no list of events");
  };
  const auto* events = json::find(answer, "Events");
  if (events == nullptr || !events->is_array()) return unreadable();
  size_t count = 0;
  for (const auto& value : events->get_array()) {
    if (count == count_max) break;
    if (!value.is_object()) return unreadable();
    const auto& event = value.get_object();
    auto line = std::string(json::find_string(event, "CloudTrailEvent"));
    if (options.client.output != "json") {
      TRY_ASSIGN(const auto record, json::parse(line));
      if (!record.is_object()) return unreadable();
      line = line_of(event, record.get_object());
    }
    line.push_back('\n');
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) {
      return fail(ErrorCode::Unavailable, "standard output was closed");
    }
    ++count;
  }
  if (std::fflush(stdout) != 0) return fail(ErrorCode::Unavailable, "standard output was closed");
  return count;
}

Result<Time> parse_when(const std::string& text, Time now) {
  if (text.starts_with('-')) {
    TRY_ASSIGN(const auto ago, parse_interval(std::string_view(text).substr(1)));
    return now - ago;
  }
  constexpr size_t kDateLength = 10;
  return parse_iso(text.size() == kDateLength ? text + "T00:00:00Z" : text);
}

}  // namespace traccia::cli
