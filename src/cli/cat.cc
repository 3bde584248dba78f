// traccia cat: prints a stored object.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "blob/s3_client.h"
#include "cli/aws_client.h"
#include "cli/command.h"
#include "os/real_os.h"

namespace traccia::cli {
namespace {

struct CatOptions {
  ClientOptions client;
  std::string url;
};

Result<std::string> fetch(const CatOptions& options) {
  constexpr std::string_view kScheme = "s3://";
  const std::string_view url = options.url;
  const auto slash = url.find('/', kScheme.size());
  if (!url.starts_with(kScheme) || slash == url.npos || slash + 1 == url.size()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("'{}' is not s3://BUCKET/KEY", options.url));
  }
  TRY_ASSIGN(const auto settings, load_settings(options.client));
  os::RealOs real;
  blob::S3Client client(real.os().clock, s3_endpoint(settings), client_options(settings));
  TRY_ASSIGN(auto object,
             client.get(url.substr(kScheme.size(), slash - kScheme.size()), url.substr(slash + 1)));
  return std::move(object.bytes);
}

Exit cat(const CatOptions& options) {
  const auto bytes = fetch(options);
  if (!bytes) return report("cat", bytes.error());
  if (std::fwrite(bytes->data(), 1, bytes->size(), stdout) != bytes->size() ||
      std::fflush(stdout) != 0) {
    return report("cat", Error(ErrorCode::Unavailable, "standard output was closed"));
  }
  return Exit::Good;
}

}  // namespace

void add_cat(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("cat", "Print a stored object, as it is stored");
  auto options = std::make_shared<CatOptions>();
  add_client_options(*command, options->client);
  command->add_option("url", options->url, "s3://BUCKET/KEY")->required();
  command->callback([options, &action] { action = [options] { return cat(*options); }; });
}

}  // namespace traccia::cli
