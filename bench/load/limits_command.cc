// traccia_load limits: what the libraries and the disk can do with the same events, one core.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "commands.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "engine.h"
#include "event/record.h"
#include "events.h"

namespace traccia::load {
namespace {

constexpr uint64_t kEvents = 20'000;
constexpr uint64_t kBatch = 1000;
constexpr int kZstdLevel = 1;

struct LimitsOptions {
  std::string directory;
  double seconds = 1;
};

struct Corpus {
  std::vector<std::string> events;
  std::vector<std::string> batches;  // NDJSON of kBatch events
  std::string whole;
};

Corpus make_corpus() {
  const EventPool pool(7);
  const auto time = event_time_now();
  Corpus corpus;
  for (uint64_t i = 0; i < kEvents; ++i) {
    corpus.events.push_back(pool.event(i, time));
    if (i % kBatch == 0) corpus.batches.emplace_back();
    corpus.batches.back() += corpus.events.back() + "\n";
  }
  for (const auto& batch : corpus.batches) corpus.whole += batch;
  return corpus;
}

// A function that would do nothing to speak of must not be optimised away.
volatile size_t g_sink = 0;

// Runs `work` over the corpus again and again; MB of events and events a second.
template <typename Work>
void measure(const char* name, const Corpus& corpus, double seconds, std::string& out, Work work) {
  g_sink = g_sink + work();
  const auto start = Clock::now();
  const double cpu = cpu_seconds();
  uint64_t runs = 0;
  double elapsed = 0;
  while (elapsed < seconds) {
    g_sink = g_sink + work();
    ++runs;
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  }
  const double spent = cpu_seconds() - cpu;  // of the processor: others may hold it meanwhile
  const auto bytes = static_cast<double>(runs * corpus.whole.size());
  const auto events = static_cast<double>(runs * kEvents);
  out += fmt::format(R"("{}":{{"mb_per_cpu_second":{:.1f},"ns_per_event":{:.1f}}},)", name,
                     bytes / 1e6 / spent, spent * 1e9 / events);
}

template <typename Each>
size_t sum_over(const std::vector<std::string>& pieces, Each each) {
  size_t sum = 0;
  for (const auto& piece : pieces) sum += each(piece);
  return sum;
}

std::string measure_libraries(const Corpus& corpus, double seconds) {
  std::string out;
  std::string copy(corpus.whole.size(), '\0');
  measure("memcpy", corpus, seconds, out, [&] {
    std::memcpy(copy.data(), corpus.whole.data(), copy.size());
    return static_cast<size_t>(copy[copy.size() / 2]);
  });
  measure("crc32c", corpus, seconds, out, [&] {
    return sum_over(corpus.batches, [](const auto& text) { return compress::crc32c(text); });
  });
  measure("sha256", corpus, seconds, out, [&] {
    return sum_over(corpus.batches, [](const auto& text) { return crypto::sha256(text).size(); });
  });
  measure("gzip", corpus, seconds, out, [&] { return compress::gzip(corpus.whole).size(); });
  measure("zstd", corpus, seconds, out, [&] {
    return sum_over(corpus.batches,
                    [](const auto& text) { return compress::zstd(text, kZstdLevel).size(); });
  });
  const auto member = compress::gzip(corpus.whole);
  compress::DecompressLimits limits;
  limits.bytes_max = corpus.whole.size();
  measure("gunzip", corpus, seconds, out,
          [&] { return compress::gunzip(member, limits).value().size(); });
  simdjson::dom::parser parser;
  measure("simdjson_dom", corpus, seconds, out, [&] {
    return sum_over(corpus.events,
                    [&](const auto& text) { return parser.parse(text).get_object().size(); });
  });
  event::AdmitOptions options;
  options.account = kAccount;
  options.default_region = kRegion;
  options.now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  measure("admit", corpus, seconds, out, [&] {
    event::RecordMemory memory(corpus.whole.size());
    return sum_over(corpus.events, [&](const auto& text) {
      const auto record = event::admit(text, options, memory);
      if (!record) {
        fmt::print(stderr, "traccia_load: {}\n", record.error().message());
        std::exit(3);
      }
      return record->event_id.size();
    });
  });
  size_t zstd_bytes = 0;
  for (const auto& batch : corpus.batches) zstd_bytes += compress::zstd(batch, kZstdLevel).size();
  out += fmt::format(R"("gzip_bytes_per_event":{:.1f},"zstd_bytes_per_event":{:.1f},)",
                     static_cast<double>(member.size()) / kEvents,
                     static_cast<double>(zstd_bytes) / kEvents);
  return out;
}

std::string measure_disk(const std::string& directory, size_t bytes, double seconds) {
  const auto path = directory + "/sync.probe";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    fmt::print(stderr, "traccia_load: cannot write {}\n", path);
    std::exit(3);
  }
  const std::string block(bytes, 'x');
  Histogram latency;
  const auto start = Clock::now();
  auto now = start;
  while (std::chrono::duration<double>(now - start).count() < seconds) {
    if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        ::fdatasync(file) != 0) {
      fmt::print(stderr, "traccia_load: writing {} failed\n", path);
      std::exit(3);
    }
    const auto then = Clock::now();
    latency.add(then - now);
    now = then;
  }
  ::close(file);
  ::unlink(path.c_str());
  const double elapsed = std::chrono::duration<double>(now - start).count();
  return fmt::format(R"("fdatasync_{}k":{{"per_second":{:.1f},"latency_us":{}}})", bytes / 1024,
                     static_cast<double>(latency.count()) / elapsed, latency.json());
}

int measure_limits(const LimitsOptions& options) {
  const auto corpus = make_corpus();
  const auto libraries = measure_libraries(corpus, options.seconds);
  fmt::print("{{\"events\":{},\"event_bytes_mean\":{:.1f},{}{},{}}}\n", kEvents,
             static_cast<double>(corpus.whole.size()) / kEvents, libraries,
             measure_disk(options.directory, 4 << 10, options.seconds),
             measure_disk(options.directory, 256 << 10, options.seconds));
  return 0;
}

}  // namespace

void add_limits(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("limits", "What libraries and disk can do with these events");
  auto options = std::make_shared<LimitsOptions>();
  sub->add_option("--directory", options->directory, "on the disk to measure")->required();
  sub->add_option("--seconds", options->seconds, "for each");
  sub->callback([options, &command] { command = [options] { return measure_limits(*options); }; });
}

}  // namespace traccia::load
