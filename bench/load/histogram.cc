// Percentiles of a histogram.
// SPDX-License-Identifier: Apache-2.0
#include "histogram.h"

#include <fmt/format.h>

namespace traccia::load {

uint64_t Histogram::upper_edge(size_t index) {
  const auto block = index >> kStepBits;
  const auto step = index & (kSteps - 1);
  if (block == 0) return step;
  return ((kSteps + step + 1) << (block - 1)) - 1;
}

double Histogram::percentile_us(double share) const {
  if (total_ == 0) return 0;
  const auto wanted =
      std::min(total_, static_cast<uint64_t>(share * static_cast<double>(total_)) + 1);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return static_cast<double>(std::min(upper_edge(i), max_)) / 1000;
  }
  return max_us();
}

std::string Histogram::json() const {
  return fmt::format(
      R"({{"count":{},"mean":{:.1f},"p50":{:.1f},"p90":{:.1f},"p99":{:.1f},"p999":{:.1f},)"
      R"("max":{:.1f}}})",
      total_, mean_us(), percentile_us(0.5), percentile_us(0.9), percentile_us(0.99),
      percentile_us(0.999), max_us());
}

}  // namespace traccia::load
