// traccia_load objects, object-limits, fill-bucket.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>

#include "commands.h"
#include "crypto/crypto.h"
#include "object_source.h"
#include "os/real_os.h"
#include "s3/s3.h"
#include "server/data_directory.h"
#include "signed_request.h"

namespace traccia::load {
namespace {

const std::map<std::string, ObjectWork> kWorks{
    {"put", ObjectWork::Put}, {"get", ObjectWork::Get}, {"list", ObjectWork::List}};

struct ObjectsOptions {
  LoadOptions load;
  ObjectSource::Options source;
};

int work_on_objects(ObjectsOptions options) {
  options.source.port = options.load.port;
  ObjectSource source(credentials_of_environment(), options.source);
  const auto report = run_load(source, options.load);
  if (!source.first_complaint().empty()) {
    fmt::print(stderr, "traccia_load: first complaint: {}\n", source.first_complaint());
  }
  fmt::print("{{\"object_bytes\":{},\"keys_put\":{},\"keys_listed\":{},{}}}\n",
             options.source.bytes, source.put(), source.keys_listed(), report.json_members());
  return report.bad + report.refused + report.broken == 0 ? 0 : 1;
}

struct LimitsOptions {
  std::string directory;
  double seconds = 1;
};

[[noreturn]] void give_up(const std::string& what) {
  fmt::print(stderr, "traccia_load: {}\n", what);
  std::exit(3);
}

// New files of that size, each synced: bytes a second.
double disk_rate(const std::string& directory, size_t bytes, double seconds) {
  const std::string block(bytes, 'x');
  const auto start = Clock::now();
  double elapsed = 0;
  uint64_t files = 0;
  for (; elapsed < seconds; ++files) {
    const auto path = fmt::format("{}/object.probe.{}", directory, files);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 ||
        ::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        ::fsync(file) != 0) {
      give_up("writing " + path + " failed");
    }
    ::close(file);
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  }
  for (uint64_t i = 0; i < files; ++i) {
    ::unlink(fmt::format("{}/object.probe.{}", directory, i).c_str());
  }
  return static_cast<double>(files * bytes) / elapsed;
}

// MD5 and SHA-256 of the same bytes, one core: bytes a second.
double hash_rate(size_t bytes, double seconds) {
  const std::string block(bytes, 'x');
  const auto start = Clock::now();
  double elapsed = 0;
  uint64_t runs = 0;
  size_t sum = 0;
  for (; elapsed < seconds; ++runs) {
    sum += crypto::md5(block).size() + crypto::sha256(block).size();
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return sum == 0 ? 0 : static_cast<double>(runs * bytes) / elapsed;
}

int measure_object_limits(const LimitsOptions& options) {
  std::string out;
  for (const size_t bytes : {size_t{1} << 10, size_t{64} << 10, size_t{1} << 20, size_t{5} << 20}) {
    out += fmt::format(
        R"({}"{}":{{"disk_bytes_per_second":{:.0f},"hash_bytes_per_second":{:.0f}}})",
        out.empty() ? "" : ",", bytes, disk_rate(options.directory, bytes, options.seconds),
        hash_rate(bytes, options.seconds));
  }
  fmt::print("{{{}}}\n", out);
  return 0;
}

struct FillOptions {
  std::string data, bucket;
  uint64_t count = 1'000'000;
};

// Names that many keys of a bucket of a server that does not run; all have the same few bytes.
int fill_bucket(const FillOptions& options) {
  constexpr uint64_t kPerTransaction = 10'000;
  const auto done = [&]() -> Result<> {
    os::RealOs real;
    const auto os = real.os();
    const server::DataDirectory directory{options.data};
    TRY_ASSIGN(const auto lock, server::open_directory(os, directory, false));
    TRY_ASSIGN(const auto database, server::open_control_plane(os, directory));
    TRY_ASSIGN(const auto blobs, blob::BlobStore::open(os, directory.blobs()));
    s3::S3 s3(os, *database, *blobs, std::string(32, 'k'));
    for (uint64_t first = 0; first < options.count; first += kPerTransaction) {
      TRY(database->write([&](meta::Transaction& transaction) -> Result<> {
        const auto end = std::min(options.count, first + kPerTransaction);
        for (auto i = first; i < end; ++i) {
          TRY_ASSIGN(const auto blob, s3.store_bytes("x"));
          TRY(s3.put_object(transaction, options.bucket, object_key(i),
                            "9dd4e461268c8034f5c8564e155c67a6", 1, blob, {}));
        }
        return {};
      }));
    }
    return {};
  }();
  if (!done) give_up(done.error().message());
  fmt::print("{{\"keys\":{}}}\n", options.count);
  return 0;
}

}  // namespace

void add_objects(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand(
      "objects", "PUT, GET or list objects; credentials come from the environment (traccia env)");
  auto options = std::make_shared<ObjectsOptions>();
  options->load.connections = 16;
  sub->add_option("--port", options->load.port, "of the server on 127.0.0.1")->required();
  sub->add_option("--work", options->source.work, "put, get or list")
      ->required()
      ->transform(CLI::CheckedTransformer(kWorks));
  sub->add_option("--bucket", options->source.bucket)->required();
  sub->add_option("--bytes", options->source.bytes, "of an object");
  sub->add_option("--first", options->source.first, "number of the first key");
  sub->add_option("--count", options->source.count, "keys that are there");
  sub->add_option("--connections", options->load.connections);
  sub->add_option("--seconds", options->load.seconds);
  sub->add_option("--warmup", options->load.warmup, "seconds before that, not counted");
  sub->callback([options, &command] { command = [options] { return work_on_objects(*options); }; });

  auto* limits = app.add_subcommand("object-limits", "What disk and hashes can do with objects");
  auto limits_options = std::make_shared<LimitsOptions>();
  limits->add_option("--directory", limits_options->directory, "on the disk to measure")
      ->required();
  limits->add_option("--seconds", limits_options->seconds, "for each");
  limits->callback([limits_options, &command] {
    command = [limits_options] { return measure_object_limits(*limits_options); };
  });

  auto* fill = app.add_subcommand("fill-bucket", "Many keys, for a server that does not run");
  auto fill_options = std::make_shared<FillOptions>();
  fill->add_option("--data", fill_options->data)->required();
  fill->add_option("--bucket", fill_options->bucket)->required();
  fill->add_option("--count", fill_options->count);
  fill->callback([fill_options, &command] {
    command = [fill_options] { return fill_bucket(*fill_options); };
  });
}

}  // namespace traccia::load
