// What /healthz and /metrics say.
// SPDX-License-Identifier: Apache-2.0
#include "server/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json/json.h"

namespace traccia::server {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;

ServerState sound() {
  ServerState state;
  state.log_end = 1000;
  state.log_keepers = {{"history", 500}, {"delivery", 200}, {"repeatWindow", 900}};
  state.log_check.bytes = 800;
  state.log_check.bytes_checked = 300;
  return state;
}

TEST(Health, OfASoundLog) {
  const auto told = render_health(sound());
  EXPECT_EQ(told.status, 200);
  EXPECT_NE(told.body.find(R"("status":"ok")"), std::string::npos) << told.body;
  EXPECT_NE(told.body.find(R"("logCheck":{"bytes":800,"checkedBytes":300,"damages":[]})"),
            std::string::npos)
      << told.body;
  const auto metrics = render_metrics(sound()).body;
  EXPECT_NE(metrics.find("\ntraccia_log_check_bytes 800\n"), std::string::npos);
  EXPECT_NE(metrics.find("\ntraccia_log_checked_bytes 300\n"), std::string::npos);
  EXPECT_NE(metrics.find("\ntraccia_log_damaged_segments 0\n"), std::string::npos);
}

TEST(Health, OfADamagedLogSaysWhereAndWhoNeedsIt) {
  auto state = sound();
  state.log_check.damages = {{"/wal/0.wal", 32, "not an entry's header", 0, 150, 1},
                             {"/wal/1.wal", 96, "the entry's checksum does not match", 300, 400, 2},
                             {"/wal/2.wal", 64, "no such file", 400, 600, 1}};
  const auto told = render_health(state);
  EXPECT_EQ(told.status, 503);
  for (const auto* wanted :
       {R"("status":"damaged")", R"("message":"entries of the log are damaged)",
        R"("byte":32,"error":"not an entry's header","places":1,"neededBy":"nobody")",
        R"("file":"/wal/1.wal","byte":96)", R"("places":2,"neededBy":"delivery")",
        R"("neededBy":"history,delivery")"}) {
    EXPECT_NE(told.body.find(wanted), std::string::npos) << wanted << '\n' << told.body;
  }
  state.log_stopped = true;
  EXPECT_NE(render_health(state).body.find(R"("status":"stopped")"), std::string::npos);
}

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
