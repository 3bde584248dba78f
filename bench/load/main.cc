// Closed-loop load on POST /v1/events: each connection sends its next request when the answer is
// there. Usage: traccia_load PORT TOKEN CONNECTIONS EVENTS_PER_REQUEST SECONDS. Prints one JSON
// object. SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPadBytes = 900;  // events of about 1.3 KB

struct Load {
  uint16_t port = 0;
  std::string token;
  int events_per_request = 1;
  Clock::time_point end;
};

struct Counts {
  uint64_t events = 0, requests = 0, failures = 0;
  std::vector<double> microseconds;
};

int connect_to(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fmt::print(stderr, "traccia_load: cannot connect to port {}\n", port);
    std::exit(3);
  }
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return socket;
}

// Words instead of one repeated letter, so that compression has realistic work.
std::string make_pad(std::mt19937_64& random) {
  std::string pad;
  while (pad.size() < kPadBytes) pad += fmt::format("{:x}-item ", random() % 100'000);
  return pad;
}

void append_event(std::string& out, std::mt19937_64& random, const std::string& pad,
                  const std::string& time) {
  fmt::format_to(
      std::back_inserter(out),
      R"({{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE",)"
      R"("arn":"arn:aws:iam::111122223333:user/u{}","accountId":"111122223333","userName":"u{}"}},)"
      R"("eventTime":"{}","eventSource":"load.example.com","eventName":"Do{}","awsRegion":)"
      R"("us-east-1","sourceIPAddress":"10.0.{}.{}","userAgent":"load","requestParameters":)"
      R"({{"pad":"{}"}},"responseElements":null,"eventID":"{:016x}-{:016x}","readOnly":false,)"
      R"("eventType":"AwsApiCall","managementEvent":true,"eventCategory":"Management"}})"
      "\n",
      random() % 50, random() % 50, time, random() % 20, random() % 256, random() % 256, pad,
      random(), random());
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

// Reads one answer with Content-Length; true for 200.
bool read_answer(int socket, std::string& buffer) {
  char piece[16384];
  while (true) {
    const auto head = buffer.find("\r\n\r\n");
    if (head != std::string::npos) {
      const auto at = buffer.find("Content-Length: ");
      const auto length = std::strtoul(buffer.c_str() + at + 16, nullptr, 10);
      if (buffer.size() >= head + 4 + length) {
        const bool good = buffer.starts_with("HTTP/1.1 200");
        buffer.erase(0, head + 4 + length);
        return good;
      }
    }
    const auto count = ::recv(socket, piece, sizeof piece, 0);
    if (count <= 0) return false;
    buffer.append(piece, static_cast<size_t>(count));
  }
}

Counts run(const Load& load, uint64_t seed) {
  std::mt19937_64 random(seed);
  Counts counts;
  const int socket = connect_to(load.port);
  const auto pad = make_pad(random);
  char time[32];
  const auto now = std::time(nullptr);
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  std::string body, request, buffer;
  while (Clock::now() < load.end) {
    body.clear();
    for (int i = 0; i < load.events_per_request; ++i) append_event(body, random, pad, time);
    request = fmt::format(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n"
        "Content-Length: {}\r\n\r\n",
        load.token, body.size());
    const auto start = Clock::now();
    if (!send_all(socket, request) || !send_all(socket, body) || !read_answer(socket, buffer)) {
      ++counts.failures;
      break;
    }
    counts.microseconds.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    ++counts.requests;
    counts.events += static_cast<uint64_t>(load.events_per_request);
  }
  ::close(socket);
  return counts;
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "usage: traccia_load PORT TOKEN CONNECTIONS EVENTS_PER_REQUEST SECONDS\n");
    return 2;
  }
  Load load;
  load.port = static_cast<uint16_t>(std::atoi(argv[1]));
  load.token = argv[2];
  const int connections = std::atoi(argv[3]);
  load.events_per_request = std::atoi(argv[4]);
  const double seconds = std::atof(argv[5]);
  const auto start = Clock::now();
  load.end = start + std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  std::vector<Counts> counts(static_cast<size_t>(connections));
  {
    std::vector<std::jthread> threads;
    const uint64_t seed = std::random_device()();
    for (size_t i = 0; i < counts.size(); ++i) {
      threads.emplace_back([&, i] { counts[i] = run(load, seed * 1000 + i); });
    }
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  Counts all;
  for (auto& one : counts) {
    all.events += one.events;
    all.requests += one.requests;
    all.failures += one.failures;
    all.microseconds.insert(all.microseconds.end(), one.microseconds.begin(),
                            one.microseconds.end());
  }
  std::ranges::sort(all.microseconds);
  fmt::print(R"({{"seconds":{:.3f},"events":{},"requests":{},"failures":{},"p50_us":{:.0f},)"
             R"("p99_us":{:.0f}}})"
             "\n",
             elapsed, all.events, all.requests, all.failures, percentile(all.microseconds, 0.5),
             percentile(all.microseconds, 0.99));
  return all.failures == 0 ? 0 : 1;
}
