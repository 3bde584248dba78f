// A thread with connections of its own. Included by server.cc only: it brings Asio.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "http/latency.h"
#include "http/message.h"

namespace traccia::http {

namespace asio = boost::asio;

// What an event loop knows of a session.
class Connection {
 public:
  virtual ~Connection() = default;
  // Ends the connection now, or only if no request is under way. Called from any thread.
  enum class When { Idle, Now };
  virtual void close_from_outside(When when) = 0;
  // On the loop's thread: ends the operation that is past its deadline.
  virtual void end_when_late(std::chrono::steady_clock::time_point now) = 0;
  // On the loop's thread.
  virtual void answer(Response response) = 0;
};

// add(), deliver() and close_all() are thread-safe; everything else happens on the loop's thread.
class EventLoop {
 public:
  explicit EventLoop(unsigned number) : name_("net-" + std::to_string(number)) {}
  ~EventLoop() { stop(); }

  asio::io_context& context() { return io_; }

  LatencyRecorder& latencies() { return latencies_; }

  // As responses tell it. On the loop's thread; good until the next call.
  std::string_view date() {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (now != date_second_) {
      date_second_ = now;
      date_ = format_http_date(now);
    }
    return date_;
  }

  void start() {
    sweep();
    thread_ = std::jthread([this] {
      pthread_setname_np(pthread_self(), name_.c_str());
      io_.run();
    });
  }
  // Ends the thread; what is under way is dropped.
  void stop() {
    work_.reset();
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void add(const std::shared_ptr<Connection>& connection) {
    const MutexLock lock(mutex_);
    connections_.push_back(connection);
  }
  void close_all(Connection::When when) {
    for (const auto& connection : alive()) connection->close_from_outside(when);
  }

  // Gives an answer to a connection of this loop. Answers that come while the loop is busy wake it
  // once.
  void deliver(std::shared_ptr<Connection> connection, Response response) {
    {
      const MutexLock lock(mutex_);
      answers_.emplace_back(std::move(connection), std::move(response));
      if (answers_.size() > 1) return;
    }
    asio::post(io_, [this] { hand_out(); });
  }

 private:
  static constexpr std::chrono::milliseconds kSweep{200};  // how late a deadline may be seen

  void hand_out() {
    std::vector<std::pair<std::shared_ptr<Connection>, Response>> answers;
    {
      const MutexLock lock(mutex_);
      answers.swap(answers_);
    }
    for (auto& [connection, response] : answers) connection->answer(std::move(response));
  }

  std::vector<std::shared_ptr<Connection>> alive() {
    std::vector<std::shared_ptr<Connection>> out;
    const MutexLock lock(mutex_);
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : connections_) {
      if (auto connection = weak.lock()) out.push_back(std::move(connection));
    }
    return out;
  }

  void sweep() {
    timer_.expires_after(kSweep);
    timer_.async_wait([this](boost::system::error_code code) {
      if (code) return;
      const auto now = std::chrono::steady_clock::now();
      for (const auto& connection : alive()) connection->end_when_late(now);
      sweep();
    });
  }

  std::string name_;
  std::chrono::sys_seconds date_second_;
  std::string date_;
  LatencyRecorder latencies_;  // of the loop's thread
  asio::io_context io_{1};     // one thread runs it
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{
      io_.get_executor()};
  asio::steady_timer timer_{io_};
  Mutex mutex_;
  std::vector<std::weak_ptr<Connection>> connections_ GUARDED_BY(mutex_);
  std::vector<std::pair<std::shared_ptr<Connection>, Response>> answers_ GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace traccia::http
