// traccia verify: checks a CloudTrail bucket, Traccia's or AWS's own.
// SPDX-License-Identifier: Apache-2.0
#include "digest/verify.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <thread>

#include "base/bytes.h"
#include "blob/s3_client.h"
#include "cli/aws_client.h"
#include "cli/command.h"
#include "digest/format.h"
#include "os/real_os.h"

namespace traccia::cli {
namespace {

constexpr uint64_t kKeysFileBytesMax = 16 << 20;

struct VerifyCommand {
  ClientOptions client;
  std::string place, keys_file, account, trail, start, end;
  std::string bucket_endpoint, bucket_profile;
  unsigned workers = 0;
  bool every_file = false;
};

// A bucket over HTTP.
class S3Reader : public digest::BucketReader {
 public:
  S3Reader(const AwsSettings& settings, std::string bucket)
      : client_(real_.os().clock, s3_endpoint(settings), client_options(settings)),
        bucket_(std::move(bucket)) {}

  Result<std::vector<std::string>> list(const std::string& prefix) override {
    return client_.list(bucket_, prefix);
  }
  Result<digest::FetchedObject> get(const std::string& key) override {
    TRY_ASSIGN(auto object, client_.get(bucket_, key));
    return digest::FetchedObject{std::move(object.bytes), std::move(object.metadata)};
  }

 private:
  os::RealOs real_;
  blob::S3Client client_;
  std::string bucket_;
};

Result<std::map<std::string, std::string>> keys_of(const json::Object& answer) {
  std::map<std::string, std::string> keys;
  const auto* list = json::find(answer, "PublicKeyList");
  if (list == nullptr || !list->is_array()) {
    return fail(ErrorCode::InvalidArgument, "there is no PublicKeyList");
  }
  for (const auto& value : list->get_array()) {
    if (!value.is_object()) continue;
    const auto& key = value.get_object();
    TRY_ASSIGN(keys[std::string(json::find_string(key, "Fingerprint"))],
               base64_decode(json::find_string(key, "Value")));
  }
  return keys;
}

Result<std::map<std::string, std::string>> read_keys(const std::string& path) {
  os::RealOs real;
  TRY_ASSIGN(const auto text, os::read_file(real.os().files, path, kKeysFileBytesMax));
  const auto value = json::parse(text);
  if (!value || !value->is_object()) {
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("'{}' is not the JSON that aws cloudtrail list-public-keys prints", path));
  }
  return keys_of(value->get_object());
}

Result<std::map<std::string, std::string>> ask_keys(AwsSettings settings, const std::string& region,
                                                    Time start, Time end) {
  settings.region = region;
  AwsClient client(std::move(settings));
  TRY_ASSIGN(const auto answer,
             client.cloudtrail("ListPublicKeys", {{"StartTime", to_unix_seconds(start)},
                                                  {"EndTime", to_unix_seconds(end)}}));
  return keys_of(answer);
}

// s3://bucket[/prefix], or a directory that holds a copy.
struct Place {
  bool local = false;
  std::string bucket, prefix, directory;
};

Place parse_place(const std::string& text) {
  constexpr std::string_view kScheme = "s3://";
  if (!text.starts_with(kScheme)) return {true, "", "", text};
  auto rest = std::string_view(text).substr(kScheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  auto prefix = rest.substr(std::min(slash + 1, rest.size()));
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return {false, std::string(rest.substr(0, slash)), std::string(prefix), ""};
}

// A copy does not know its bucket's name; its digests do.
Result<std::string> bucket_of_copy(digest::LocalBucket& copy) {
  TRY_ASSIGN(const auto keys, copy.list(""));
  for (const auto& key : keys) {
    if (key.find("/CloudTrail-Digest/") == std::string::npos) continue;
    const auto object = copy.get(key);
    if (!object) continue;
    const auto json = digest::read_digest(object->bytes);
    if (json) return json->bucket;
  }
  return fail(ErrorCode::NotFound, "no digest file is in this directory");
}

// Where the bucket is: it may be on another endpoint than the trail, under another key.
Result<AwsSettings> bucket_settings(const VerifyCommand& command) {
  auto client = command.client;
  if (!command.bucket_endpoint.empty() || !command.bucket_profile.empty()) {
    client.data_directory.clear();
  }
  if (!command.bucket_endpoint.empty()) client.endpoint = command.bucket_endpoint;
  if (!command.bucket_profile.empty()) client.profile = command.bucket_profile;
  return load_settings(client);
}

Result<digest::VerifyReport> run(const VerifyCommand& command) {
  const auto place = parse_place(command.place);
  digest::VerifyOptions options;
  options.bucket = place.bucket;
  options.prefix = place.prefix;
  options.account = command.account;
  options.region = command.client.region;
  options.trail_name = command.trail;
  options.workers =
      command.workers > 0 ? command.workers : std::max(2U, std::thread::hardware_concurrency() * 2);
  if (!command.start.empty()) {
    TRY_ASSIGN(options.start, parse_iso(command.start));
  }
  if (!command.end.empty()) {
    TRY_ASSIGN(options.end, parse_iso(command.end));
  }
  os::RealOs real;
  std::optional<AwsSettings> settings, bucket_at;
  if (command.keys_file.empty()) {
    TRY_ASSIGN(settings, load_settings(command.client));
  }
  digest::OpenBucket open;
  if (place.local) {
    digest::LocalBucket copy(real.os().files, place.directory);
    TRY_ASSIGN(options.bucket, bucket_of_copy(copy));
    options.without_metadata = true;
    open = [&](const std::string&) -> Result<std::unique_ptr<digest::BucketReader>> {
      return std::make_unique<digest::LocalBucket>(real.os().files, place.directory);
    };
  } else {
    TRY_ASSIGN(bucket_at, bucket_settings(command));
    open = [&](const std::string& bucket) -> Result<std::unique_ptr<digest::BucketReader>> {
      return std::make_unique<S3Reader>(*bucket_at, bucket);
    };
  }
  std::map<std::string, std::string> given;
  if (!command.keys_file.empty()) {
    TRY_ASSIGN(given, read_keys(command.keys_file));
  }
  const digest::FindKeys find_keys = [&](const std::string& region, Time start,
                                         Time end) -> Result<std::map<std::string, std::string>> {
    if (!command.keys_file.empty()) return given;
    return ask_keys(*settings, region, start, end);
  };
  return digest::verify(options, open, find_keys);
}

Exit verify(const VerifyCommand& command) {
  const auto report = run(command);
  if (!report) return cli::report("verify", report.error());
  if (command.client.output == "json") {
    fmt::print("{}", digest::render_json(*report));
  } else {
    fmt::print("{}",
               digest::render_text(*report, command.every_file ? digest::Detail::EveryFile
                                                               : digest::Detail::ProblemsOnly));
  }
  return report->all_valid() && !report->chains.empty() ? Exit::Good : Exit::BadNews;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "verify", "Check the digests and log files of a CloudTrail bucket, Traccia's or AWS's own");
  auto options = std::make_shared<VerifyCommand>();
  add_client_options(*command, options->client);
  command->add_option("place", options->place, "s3://BUCKET[/PREFIX] or a directory with a copy")
      ->required();
  command->add_option("--public-keys", options->keys_file,
                      "file with the output of aws cloudtrail list-public-keys; without it the "
                      "keys are asked for");
  command->add_option("--bucket-endpoint", options->bucket_endpoint,
                      "address of the store that has the bucket, when that is not the server that "
                      "has the keys");
  command->add_option("--bucket-profile", options->bucket_profile,
                      "profile with the credentials for it");
  command->add_option("--account", options->account, "only this account");
  command->add_option("--trail", options->trail, "only the trail of this name");
  command->add_option("--start-time", options->start,
                      "only digests since, e.g. 2026-11-24T00:00:00Z");
  command->add_option("--end-time", options->end, "only digests until");
  command->add_option("--workers", options->workers, "files checked at once");
  command->add_flag("--verbose", options->every_file, "show valid files, too");
  command->callback([options, &action] { action = [options] { return verify(*options); }; });
}

}  // namespace traccia::cli
