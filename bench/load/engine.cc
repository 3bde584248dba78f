// The event loop of the load.
// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <deque>
#include <memory>
#include <vector>

#include "connection.h"

namespace traccia::load {
namespace {

constexpr std::chrono::milliseconds kPauseAfterRefusal{100};
constexpr std::chrono::seconds kDrainMax{30};
constexpr std::chrono::milliseconds kWaitMax{100};
constexpr int kEventsMax = 64;

Clock::duration seconds_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

class Loop {
 public:
  Loop(RequestSource& source, const LoadOptions& options) : source_(source), options_(options) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < options.connections; ++i) {
      lanes_.emplace_back();
      connect(i);
      idle_.push_back(i);
    }
  }
  ~Loop() { ::close(epoll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  LoadReport run();

 private:
  struct Lane {
    std::unique_ptr<Connection> connection;
    RequestSource::Ticket ticket;
    Clock::time_point intended;
    bool busy = false;
    bool waits_for_room = false;
  };

  void connect(size_t lane) {
    if (lanes_[lane].connection) received_ += lanes_[lane].connection->bytes_received();
    lanes_[lane].connection = std::make_unique<Connection>(options_.port);
    watch(lane, EPOLL_CTL_ADD, EPOLLIN);
  }
  void watch(size_t lane, int action, uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = lane;
    ::epoll_ctl(epoll_, action, lanes_[lane].connection->descriptor(), &event);
  }
  Clock::time_point due() const {
    return start_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(double(sent_) / options_.rate));
  }
  bool wants_to_send(Clock::time_point now) const {
    return source_.more() && (options_.rate > 0 ? due() : now) < end_;
  }
  bool counts(Clock::time_point intended) const { return intended >= begin_; }

  void send_all(Clock::time_point now);
  void start(size_t lane, Clock::time_point intended);
  void end(size_t lane, const Answer& answer);
  void progress(size_t lane, Connection::Progress progress);
  void wait(Clock::time_point now);

  RequestSource& source_;
  const LoadOptions& options_;
  int epoll_ = -1;
  std::vector<Lane> lanes_;
  std::deque<size_t> idle_;
  std::deque<std::pair<Clock::time_point, size_t>> paused_;
  size_t busy_ = 0;
  uint64_t sent_ = 0, received_ = 0;
  Clock::time_point start_, begin_, end_;
  LoadReport report_;
};

void Loop::start(size_t lane, Clock::time_point intended) {
  auto& one = lanes_[lane];
  one.ticket = source_.next();
  one.intended = intended;
  one.busy = true;
  ++sent_;
  ++busy_;
  if (options_.rate > 0 && counts(intended)) report_.lateness.add(Clock::now() - intended);
  report_.bytes_sent += one.ticket.bytes.size();
  const auto sent = one.connection->send(one.ticket.bytes);
  one.waits_for_room = sent == Connection::Progress::Blocked;
  if (one.waits_for_room) watch(lane, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  if (sent == Connection::Progress::Broken) progress(lane, sent);
}

void Loop::send_all(Clock::time_point now) {
  while (!paused_.empty() && paused_.front().first <= now) {
    idle_.push_back(paused_.front().second);
    paused_.pop_front();
  }
  while (!idle_.empty() && source_.more()) {
    auto intended = now;
    if (options_.rate > 0) {
      intended = due();
      if (intended > now) return;
    }
    if (intended >= end_) return;
    const auto lane = idle_.front();
    idle_.pop_front();
    start(lane, intended);
  }
}

void Loop::end(size_t lane, const Answer& answer) {
  const auto now = Clock::now();
  auto& one = lanes_[lane];
  one.busy = false;
  --busy_;
  const bool good = source_.finish(one.ticket.id, answer);
  if (counts(one.intended)) {
    if (good) {
      ++report_.requests;
      report_.latency.add(now - one.intended);
    } else if (answer.status == 0) {
      ++report_.broken;
    } else if (answer.status == 200) {
      ++report_.bad;
    } else {
      ++report_.refused;
    }
  }
  if (good || answer.status == 200) {
    idle_.push_back(lane);
  } else {
    paused_.emplace_back(now + kPauseAfterRefusal, lane);
  }
}

void Loop::progress(size_t lane, Connection::Progress progress) {
  auto& one = lanes_[lane];
  if (progress == Connection::Progress::Done) {
    end(lane, one.connection->answer());
  } else if (progress == Connection::Progress::Broken) {
    connect(lane);  // an idle one may be closed by the server
    if (one.busy) end(lane, {});
  }
}

void Loop::wait(Clock::time_point now) {
  Clock::duration longest = kWaitMax;
  if (options_.rate > 0 && !idle_.empty() && due() < end_) {
    longest = std::clamp<Clock::duration>(due() - now, Clock::duration::zero(), longest);
  }
  timespec limit{};
  limit.tv_sec = longest.count() / 1'000'000'000;
  limit.tv_nsec = longest.count() % 1'000'000'000;
  epoll_event events[kEventsMax];
  const int count = ::epoll_pwait2(epoll_, events, kEventsMax, &limit, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto lane = static_cast<size_t>(events[i].data.u64);
    auto& one = lanes_[lane];
    if (one.waits_for_room && (events[i].events & EPOLLOUT) != 0) {
      const auto sent = one.connection->flush();
      one.waits_for_room = sent == Connection::Progress::Blocked;
      if (!one.waits_for_room) watch(lane, EPOLL_CTL_MOD, EPOLLIN);
      if (sent == Connection::Progress::Broken) progress(lane, sent);
    }
    if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      progress(lane, one.connection->receive());
    }
  }
}

LoadReport Loop::run() {
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  start_ = Clock::now();
  begin_ = start_ + seconds_of(options_.warmup);
  end_ = begin_ + seconds_of(options_.seconds);
  double cpu = cpu_seconds();
  bool warm = options_.warmup <= 0;
  auto now = start_;
  while (busy_ > 0 || wants_to_send(now)) {
    if (now > end_ + kDrainMax) break;
    if (!warm && now >= begin_) {
      warm = true;
      cpu = cpu_seconds();
    }
    send_all(now);
    wait(Clock::now());
    now = Clock::now();
  }
  if (options_.rate > 0) {
    const auto wanted = static_cast<uint64_t>((options_.warmup + options_.seconds) * options_.rate);
    report_.unsent = source_.more() && wanted > sent_ ? wanted - sent_ : 0;
  }
  for (const auto& lane : lanes_) received_ += lane.connection->bytes_received();
  report_.bytes_received = received_;
  report_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  report_.cpu_seconds = cpu_seconds() - cpu;
  return report_;
}

}  // namespace

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

LoadReport run_load(RequestSource& source, const LoadOptions& options) {
  return Loop(source, options).run();
}

std::string LoadReport::json_members() const {
  return fmt::format(
      R"("seconds":{:.3f},"requests":{},"requests_per_second":{:.1f},"refused":{},"bad":{},)"
      R"("broken":{},"unsent":{},"bytes_sent":{},"bytes_received":{},)"
      R"("generator_cpu_seconds":{:.2f},"latency_us":{},"lateness_us":{})",
      seconds, requests, static_cast<double>(requests) / std::max(seconds, 1e-9), refused, bad,
      broken, unsent, bytes_sent, bytes_received, cpu_seconds, latency.json(), lateness.json());
}

}  // namespace traccia::load
