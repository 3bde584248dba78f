// How long requests took, by class: what /metrics tells as histograms.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "http/message.h"

namespace traccia::http {

// Upper bounds of the buckets; a last one takes the rest.
inline constexpr std::array<std::chrono::microseconds, 15> kLatencyBounds{
    std::chrono::microseconds(100),       std::chrono::microseconds(250),
    std::chrono::microseconds(500),       std::chrono::microseconds(1'000),
    std::chrono::microseconds(2'500),     std::chrono::microseconds(5'000),
    std::chrono::microseconds(10'000),    std::chrono::microseconds(25'000),
    std::chrono::microseconds(50'000),    std::chrono::microseconds(100'000),
    std::chrono::microseconds(250'000),   std::chrono::microseconds(500'000),
    std::chrono::microseconds(1'000'000), std::chrono::microseconds(2'500'000),
    std::chrono::microseconds(10'000'000)};

// Counts of one class.
struct LatencyCounts {
  std::array<uint64_t, kLatencyBounds.size() + 1> buckets{};  // not cumulative
  std::chrono::nanoseconds sum{0};
};
using Latencies = std::array<LatencyCounts, kRequestClasses>;

// Owned by one thread, which adds; any thread reads. Nothing is locked, nor shared with another
// writer, so that a request costs a few plain instructions.
class LatencyRecorder {
 public:
  void add(RequestClass kind, std::chrono::nanoseconds time) {
    auto& one = classes_[static_cast<size_t>(kind)];
    const auto at = std::ranges::lower_bound(kLatencyBounds, time) - kLatencyBounds.begin();
    increase(one.buckets[static_cast<size_t>(at)], 1);
    increase(one.sum, static_cast<uint64_t>(time.count()));
  }
  void add_to(Latencies& all) const {
    for (size_t i = 0; i < classes_.size(); ++i) {
      for (size_t j = 0; j < classes_[i].buckets.size(); ++j) {
        all[i].buckets[j] += classes_[i].buckets[j].load(std::memory_order_relaxed);
      }
      all[i].sum += std::chrono::nanoseconds(classes_[i].sum.load(std::memory_order_relaxed));
    }
  }

 private:
  struct Counts {
    std::array<std::atomic<uint64_t>, kLatencyBounds.size() + 1> buckets{};
    std::atomic<uint64_t> sum{0};  // nanoseconds
  };
  static void increase(std::atomic<uint64_t>& counter, uint64_t by) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::array<Counts, kRequestClasses> classes_;
};

}  // namespace traccia::http
