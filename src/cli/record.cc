// traccia record: sends CloudTrail files and NDJSON to a server.
// SPDX-License-Identifier: Apache-2.0
#include "event/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/aws_client.h"
#include "cli/command.h"
#include "compress/compress.h"
#include "os/real_os.h"

namespace traccia::cli {
namespace {

constexpr uint64_t kFileBytesMax = 1ULL << 30;
constexpr uint64_t kBatchBytesMax = 8ULL << 20;
constexpr size_t kRecordsPerFileMax = 10'000'000;
constexpr size_t kRejectionsShown = 20;
constexpr uint64_t kRatioMax = 100;  // half of what the server allows

struct RecordOptions {
  ClientOptions client;
  std::vector<std::string> files;
};

struct Totals {
  int64_t accepted = 0, duplicates = 0, rejected = 0;
};

Result<std::string> read_events(const std::string& path) {
  os::RealOs real;
  TRY_ASSIGN(auto bytes, os::read_file(real.os().files, path, kFileBytesMax));
  if (!bytes.starts_with("\x1f\x8b")) return bytes;
  compress::DecompressLimits limits;
  limits.bytes_max = kFileBytesMax;
  return compress::gunzip_members(bytes, limits);
}

int64_t number(const json::Object& object, std::string_view name) {
  const auto* value = json::find(object, name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

// Lines are told in the file's own count, not the batch's.
void show_rejections(const std::string& path, const json::Object& answer,
                     const std::vector<size_t>& lines, Totals& totals) {
  const auto* rejected = json::find(answer, "rejected");
  if (rejected == nullptr || !rejected->is_array()) return;
  for (const auto& value : rejected->get_array()) {
    const auto& one = value.as_object();
    const auto line = static_cast<size_t>(number(one, "line"));
    if (static_cast<size_t>(totals.rejected++) >= kRejectionsShown) continue;
    fmt::print(stderr, "{}:{}: {}: {}\n", path,
               line >= 1 && line <= lines.size() ? lines[line - 1] : line,
               json::find_string(one, "code"), json::find_string(one, "message"));
  }
}

Result<> send_batch(AwsClient& client, const std::string& path, const std::string& batch,
                    const std::vector<size_t>& lines, Totals& totals) {
  http::Request request;
  request.method = "POST";
  request.path = "/v1/events";
  request.headers.add("Content-Type", "application/x-ndjson");
  request.body = compress::zstd(batch, 1);
  // The server takes a body for a bomb that grows beyond a ratio: alike records go as they are.
  if (request.body.size() * kRatioMax > batch.size()) {
    request.headers.add("Content-Encoding", "zstd");
  } else {
    request.body = batch;
  }
  TRY_ASSIGN(const auto response, client.send("traccia", std::move(request)));
  if (response.status != 200) {
    return fail(ErrorCode::Unavailable, describe_failure(response));
  }
  TRY_ASSIGN(const auto answer, json::parse(response.body));
  if (!answer.is_object()) return fail(ErrorCode::DataLoss, "the answer is not a JSON object");
  const auto& object = answer.get_object();
  totals.accepted += number(object, "accepted");
  totals.duplicates += number(object, "duplicates");
  show_rejections(path, object, lines, totals);
  return {};
}

std::string one_line(std::string_view json) {
  std::string out(json);
  std::erase_if(out, [](char c) { return c == '\n' || c == '\r'; });  // none may be inside a string
  return out;
}

Result<> send_file(AwsClient& client, const std::string& path, Totals& totals) {
  TRY_ASSIGN(const auto body, read_events(path));
  TRY_ASSIGN(const auto records, event::split_body(body, kRecordsPerFileMax));
  std::string batch;
  std::vector<size_t> lines;
  for (const auto& record : records) {
    if (batch.size() + record.json.size() > kBatchBytesMax && !batch.empty()) {
      TRY(send_batch(client, path, batch, lines, totals));
      batch.clear();
      lines.clear();
    }
    batch += one_line(record.json) + "\n";
    lines.push_back(record.line);
  }
  if (batch.empty()) return {};
  return send_batch(client, path, batch, lines, totals);
}

Exit record(const RecordOptions& options) {
  auto settings = load_settings(options.client);
  if (!settings) return report("record", settings.error());
  AwsClient client(std::move(*settings));
  Totals totals;
  for (const auto& path : options.files) {
    if (auto sent = send_file(client, path, totals); !sent) {
      return report("record", std::move(sent).error().with_context(path));
    }
  }
  if (options.client.output == "json") {
    fmt::print("{}\n", json::serialize(json::Object{{"accepted", totals.accepted},
                                                    {"duplicates", totals.duplicates},
                                                    {"rejected", totals.rejected}}));
  } else {
    fmt::print("{} accepted, {} duplicates, {} rejected\n", totals.accepted, totals.duplicates,
               totals.rejected);
  }
  return totals.rejected == 0 ? Exit::Good : Exit::BadNews;
}

}  // namespace

void add_record(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("record", "Send CloudTrail .json.gz, .json or NDJSON files to a server");
  auto options = std::make_shared<RecordOptions>();
  add_client_options(*command, options->client);
  command->add_option("files", options->files, "files to send")->required();
  command->callback([options, &action] { action = [options] { return record(*options); }; });
}

}  // namespace traccia::cli
