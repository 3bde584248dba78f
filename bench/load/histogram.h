// Latencies counted in buckets of about 1 % width: any number of samples in fixed memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string>

namespace traccia::load {

// owned by one thread.
class Histogram {
 public:
  using Nanoseconds = std::chrono::nanoseconds;

  void add(Nanoseconds value) {
    const auto count = static_cast<uint64_t>(std::max<int64_t>(value.count(), 0));
    ++buckets_[index_of(count)];
    ++total_;
    sum_ += count;
    max_ = std::max(max_, count);
  }

  uint64_t count() const { return total_; }
  double max_us() const { return static_cast<double>(max_) / 1000; }
  double mean_us() const {
    return total_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(total_) / 1000;
  }
  // The upper edge of the bucket that holds the sample at this share, 0 … 1.
  double percentile_us(double share) const;
  // {"count":…,"mean":…,"p50":…,"p90":…,"p99":…,"p999":…,"max":…} in microseconds.
  std::string json() const;

 private:
  static constexpr unsigned kStepBits = 7;  // 128 steps to each doubling
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
  static constexpr unsigned kDoublings = 36;  // up to 2.4 hours

  static size_t index_of(uint64_t value) {
    if (value < kSteps) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
    const auto index = (uint64_t{shift} + 1) * kSteps + ((value >> shift) - kSteps);
    return std::min<size_t>(index, kSteps * kDoublings - 1);
  }
  static uint64_t upper_edge(size_t index);

  std::array<uint64_t, kSteps * kDoublings> buckets_{};
  uint64_t total_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace traccia::load
