// What /metrics says about how long requests took.
// SPDX-License-Identifier: Apache-2.0
#include "server/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace traccia::server {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;

TEST(Metrics, LatenciesAreHistogramsByClass) {
  http::LatencyRecorder one, other;
  one.add(http::RequestClass::Ingest, microseconds(100));
  one.add(http::RequestClass::Ingest, microseconds(101));
  other.add(http::RequestClass::Ingest, std::chrono::seconds(20));
  other.add(http::RequestClass::Lookup, microseconds(0));
  ServerState state;
  one.add_to(state.http.latencies);
  other.add_to(state.http.latencies);
  const auto text = render_metrics(state).body;
  const std::string name = "traccia_http_request_seconds";
  EXPECT_THAT(text, HasSubstr("# TYPE " + name + " histogram"));
  for (const std::string line : {
           "_bucket{class=\"ingest\",le=\"0.0001\"} 1\n",
           "_bucket{class=\"ingest\",le=\"0.00025\"} 2\n",
           "_bucket{class=\"ingest\",le=\"10\"} 2\n",
           "_bucket{class=\"ingest\",le=\"+Inf\"} 3\n",
           "_count{class=\"ingest\"} 3\n",
           "_sum{class=\"ingest\"} 20.000201\n",
           "_bucket{class=\"lookup\",le=\"0.0001\"} 1\n",
           "_count{class=\"tail\"} 0\n",
       }) {
    EXPECT_THAT(text, HasSubstr(name + line));
  }
}

}  // namespace
}  // namespace traccia::server
